"""Every word about searching, shortcuts and slash commands."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui import (
    words,
    words_accounts,
    words_runs,
    words_schedules,
    words_threads,
    words_transfer,
)
from agentchat.ui.said import said

PALETTE: Final[dict[str, Any]] = said(
    {
        "search": "Search",
        "title": "Search threads and go to places",
        "placeholder": "Search threads, or pick what to do",
        "results": "Results",
        "recent": "Recent threads",
        "threads": "Threads",
        "actions": "Actions",
        "untitled": "Untitled",
        "you": "You",
        "more": "Show more",
        "archived": words_threads.ARCHIVED,
        "moreIn": "More in this thread",
        "nothing": "Nothing holds these words.",
        "cut": "Only the newest messages were looked through. A rarer word finds older ones.",
        "searching": "Searching",
        "count": "{count} threads found",
        "countOne": "1 thread found",
        "keys": "Arrows choose, Enter opens, Esc closes",
    }
)
PLACES: Final[list[dict[str, str]]] = [
    {"name": "new", "title": words.NEW_THREAD},
    {"name": "inbox", "title": words.INBOX, "to": words.INBOX_PATH},
    {"name": "runs", "title": words_runs.TITLE, "to": words_runs.PATH},
    {"name": "schedules", "title": words_schedules.TITLE, "to": words_schedules.PATH},
    {"name": "memory", "title": words.MEMORY, "to": words.MEMORY_PATH},
    {"name": "archive", "title": words_threads.ARCHIVE, "to": words_threads.ARCHIVE_PATH},
    {"name": "deleted", "title": words_threads.DELETED, "to": words_threads.DELETED_PATH},
    {"name": "import", "title": words_transfer.IMPORT_TITLE, "to": words_transfer.IMPORT_PATH},
    {
        "name": "settings",
        "title": words_accounts.SETTINGS,
        "to": words_accounts.SETTINGS_PATH,
    },
    {"name": "theme", "title": words.TOGGLE_THEME},
    {"name": "shortcuts", "title": said("Keyboard shortcuts")},
]
"""What the palette offers beside threads."""

SHORTCUTS: Final[dict[str, Any]] = said(
    {
        "title": "Keyboard shortcuts",
        "close": "Close",
        "on": "Shortcuts are on",
        "onMore": "Switched off, only the keys of the message box and of menus work.",
        "anywhere": "Anywhere",
        "thread": "In a thread",
        "box": "In the message box",
        "does": {
            "search": "Search, and go to places",
            "new": "New thread",
            "previous": "Thread above",
            "next": "Thread below",
            "sidebar": "Show or hide the list of threads",
            "help": "These shortcuts",
            "compose": "Write a message",
            "stop": "Stop the answer",
            "copy": "Copy the last answer",
            "send": "Send",
            "line": "New line",
            "edit": "Edit your last message, in an empty box",
            "mention": "Name the agent who answers",
            "command": "Commands",
        },
        "copied": "Copied the last answer",
        "stopped": "Stopping the answer",
    }
)

COMMANDS: Final[dict[str, Any]] = said(
    {
        "list": "Commands",
        "unknown": "There is no command {name}. Press Enter again to send it as it is.",
        "notNow": "{name} has nothing to do just now. Press Enter again to send it as it is.",
        "needs": "Write after {name} what it should be.",
        "noAgent": "Nobody here is called {name}.",
        "noModel": "There is no model {name} here. There are: {names}.",
        "noForm": "A thread is exported as markdown or as json.",
        "copyButtons": [words.MARKDOWN["copyAnswer"]],
        "retryButtons": [words.TRY_AGAIN, words.VARIANTS["again"]],
        "does": {
            "new": "Start a new thread",
            "stop": "Stop the answer",
            "retry": "Try the last answer again",
            "agent": "Choose who answers",
            "rename": "Give this thread another title",
            "share": "Share this thread",
            "model": "Choose the model that answers",
            "edit": "Edit your last message",
            "copy": "Copy the last answer",
            "export": "Download this thread, as Markdown or JSON",
            "search": "Search threads",
            "help": "Keyboard shortcuts",
        },
        "agent": "NAME",
        "model": "NAME",
        "export": "FORM",
        "rename": "TITLE",
        "search": "WORDS",
    }
)
