"""Every word of the page about memory."""

from __future__ import annotations

from typing import Final

TITLE: Final = "Memory"
ABOUT: Final = (
    "What is remembered about you from your conversations, so that answers can take it into"
    " account. It is yours: change it or delete it here, and it is used no more."
)
SEARCH: Final = "Search what is remembered"
KINDS: Final = {"fact": "About you", "message": "What you said"}
KINDS_MORE: Final = {
    "fact": "Facts that were taken from your messages, or that you asked to remember.",
    "message": "Messages of yours that may be brought back when they matter again.",
}
EMPTY_TITLE: Final = "Nothing is remembered yet"
EMPTY: Final = "What you tell in your threads will be listed here."
NOTHING_FOUND: Final = "Nothing that is remembered holds these words."
NEWEST: Final = "Only the newest are shown. Search to see others."
FROM: Final = "from"
ONLY_FOR: Final = "only for"
EDIT: Final = "Edit"
EDIT_LABEL: Final = "What is to be remembered"
SAVE: Final = "Save"
CANCEL: Final = "Cancel"
DELETE: Final = "Delete"
DELETED: Final = "Deleted."
UNDO: Final = "Undo"
FORGET_ALL: Final = "Forget everything"
FORGET_ALL_SURE: Final = (
    "Forget everything that is remembered about you, in all threads? This cannot be undone."
)
FORGET_ALL_YES: Final = "Yes, forget everything"
FORGOTTEN: Final = "Everything was forgotten."
