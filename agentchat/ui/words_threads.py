"""What the list of threads says, and the pages of those that are archived or deleted."""

from __future__ import annotations

from typing import Final

from agentchat.shown.thread_lists import MOST_KEPT
from agentchat.ui.said import said

ARCHIVE: Final = said("Archived threads")
ARCHIVED: Final = said("Archived")
ARCHIVE_PATH: Final = "/archive"
ARCHIVE_EMPTY_TITLE: Final = said("Nothing is archived")
ARCHIVE_EMPTY: Final = said(
    "What you archive leaves your list, and stays as it is. You find it here."
)
DELETED: Final = said("Recently deleted")
DELETED_PATH: Final = "/deleted"
DELETED_EMPTY_TITLE: Final = said("Nothing was deleted of late")
DELETED_EMPTY: Final = said("A thread that you delete can be had back from here for a while.")
NOT_HERE_YET: Final = said("Loading")

LIST: Final = said(
    {
        "threads": "Threads",
        "empty": "Your threads will be listed here.",
        "untitled": "Untitled",
        "pinned": "Pinned",
        "unlisted": (
            f"Of pinned threads and those in folders, the {MOST_KEPT} used last are listed."
            " Search finds the others."
        ),
        "today": "Today",
        "yesterday": "Yesterday",
        "week": "Previous 7 days",
        "month": "Previous 30 days",
        "answering": "An answer is being written",
        "asking": "Waits for somebody to decide",
        "unread": "Something new",
        "more": "Show more",
        "menu": "Thread options",
        "rename": "Rename",
        "renameLabel": "Title",
        "pin": "Pin",
        "unpin": "Unpin",
        "move": "Move to folder",
        "newFolder": "New folder…",
        "noFolder": "Out of its folder",
        "folderTitle": "Move to a new folder",
        "folderLabel": "Name of the folder",
        "save": "Move",
        "cancel": "Cancel",
        "markUnread": "Mark as unread",
        "markRead": "Mark as read",
        "archive": "Archive",
        "share": "Share",
        "delete": "Delete",
        "leave": "Leave",
    }
)
UNDO: Final = said(
    {
        "region": "What was just done",
        "deleted": "“{title}” is deleted.",
        "gone": "“{title}” is deleted for good.",
        "archived": "“{title}” is archived.",
        "left": "You have left “{title}”.",
        "undo": "Undo",
        "dismiss": "Dismiss",
        "untitled": "Untitled",
    }
)
PAGES: Final = said(
    {
        "untitled": "Untitled",
        "unread": "Something new",
        "unarchive": "Back to the list",
        "restore": "Restore",
        "empty": "Delete for good",
        "sure": "Really? It cannot be had back.",
        "keep": "Keep",
        "deletedAt": "Deleted {when}, kept until {until}",
        "usedAt": "Last used {when}",
        "pages": "Pages",
        "newer": "Newer",
        "older": "Older",
    }
)
