"""What pages say of the files of messages."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

COMPOSER: Final = said(
    {
        "attach": "Attach files",
        "attached": "Files of this message",
        "drop": "Drop files to attach them",
        "remove": "Remove {name}",
        "retry": "Try {name} again",
        "progress": "Upload of {name}",
        "sent": "{percent} %",
        "waiting": "Waiting",
        "looking": "Reading",
        "placeholder": "What should be done with it?",
        "wait": "The message can be sent once its files are there.",
        ("mend"): (
            "Remove the files that could not be attached, or try them again; then it can be sent."
        ),
        "tooLarge": "{size} is too large: {most} is the most",
        "empty": "This file is empty",
        "gone": "Not kept any more. Attach it again",
        "interrupted": "Not uploaded: the page was loaded anew. Attach it again",
        "lost": "The connection was lost. Try again",
        "refused": "The server did not take it",
        "leftOut": "A message takes {most} files; {left} were left out.",
        "leftOutOne": "A message takes {most} files; 1 was left out.",
        "folder": "“{name}” is a folder. Attach the files in it.",
        "isComing": "Attaching {name}",
        "isAttached": "{name} is attached",
        "isRemoved": "Removed",
        "pasted": "Long text was pasted",
        "pastedLong": "{count} characters were pasted.",
        "asFile": "Attach them as a file",
        "asText": "Keep as text",
        "unseen": "The models here cannot see pictures: they are told only that there is one.",
        "unseenBy": "The model of {name} cannot see pictures: it is told only that there is one.",
    }
)
MESSAGE: Final = said(
    {
        "files": "Files",
        "pictures": "Pictures",
        "open": "Open {name}",
        "download": "Download {name}",
        "close": "Close",
        "before": "Picture before",
        "after": "Next picture",
        "broken": "This picture cannot be shown. It can be downloaded.",
        "preview": "Preview",
        "previewOf": "Preview of {name}",
        "reading": "Loading",
        "unreadable": "It cannot be shown just now. It can be downloaded.",
        "nothing": "There is no text in it.",
        "cut": "The rest is in the file.",
    }
)
