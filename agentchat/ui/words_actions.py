"""What pages say of what can be done with messages."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

ACTIONS: Final = said(
    {
        "label": "Message actions",
        "copy": "Copy message",
        "copied": "Copied",
        "edit": "Edit",
        "editLabel": "Edit the message",
        "send": "Save and send",
        "sending": "Sending",
        "cancel": "Cancel",
        "before": "Version before",
        "after": "Next version",
        "version": "Version",
        "more": "More actions",
        "again": "Ask for another answer",
        "askInstead": "Ask {name} instead",
        "askModel": "Ask the model {name}",
        "askOwnModel": "Ask the agent's own model",
        "joining": "Joins the answer above, at the agent's next step",
        "takeBack": "Take back",
        "sendNow": "Send now",
        "sendNowMore": "It joins the answer that is being written, at the agent's next step",
        "goOn": "Continue this answer",
        "good": "Good answer",
        "bad": "Bad answer",
        "reasonGood": "What was good about it? (optional)",
        "reasonBad": "What was wrong with it? (optional)",
        "saveReason": "Save",
        "noReason": "Close",
        "thanks": "Only you and whoever looks after this app see it.",
        "fork": "Fork to a new thread",
        "copyMarkdown": "Copy as Markdown",
        "copyLink": "Copy a link to this message",
        "linkCopied": "Link copied",
        "forkedFrom": "Forked from another thread",
        "openOrigin": "Open it",
        "wait": "An answer is being written. The other version can be shown once it is over.",
    }
)
GONE: Final = said("This message is not in the thread any more.")
NOT_SHOWN: Final = said(
    "This message is in a version of the thread that is not shown now. The arrows at an edited"
    " message lead to it."
)
