"""Every word of the page about memory."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

TITLE: Final = said("Memory")
ABOUT: Final = said(
    "What is remembered about you from your conversations, so that answers can take it into"
    " account. It is yours: change it or delete it here, and it is used no more."
)
SEARCH: Final = said("Search what is remembered")
KINDS: Final = said({"fact": "About you", "message": "What you said"})
KINDS_MORE: Final = said(
    {
        "fact": "Facts that were taken from your messages, or that you asked to remember.",
        "message": "Messages of yours that may be brought back when they matter again.",
    }
)
EMPTY_TITLE: Final = said("Nothing is remembered yet")
EMPTY: Final = said("What you tell in your threads will be listed here.")
NOTHING_FOUND: Final = said("Nothing that is remembered holds these words.")
NEWEST: Final = said("Only the newest are shown. Search to see others.")
FROM: Final = said("from")
ONLY_FOR: Final = said("only for")
EDIT: Final = said("Edit")
EDIT_LABEL: Final = said("What is to be remembered")
SAVE: Final = said("Save")
CANCEL: Final = said("Cancel")
DELETE: Final = said("Delete")
DELETED: Final = said("Deleted.")
UNDO: Final = said("Undo")
FORGET_ALL: Final = said("Forget everything")
FORGET_ALL_SURE: Final = said(
    "Forget everything that is remembered about you, in all threads? This cannot be undone."
)
FORGET_ALL_YES: Final = said("Yes, forget everything")
FORGOTTEN: Final = said("Everything was forgotten.")
