"""Every word the pages show, in one catalogue."""

from __future__ import annotations

from typing import Final

APP: Final = "agentchat"
DESCRIPTION: Final = "Async AI agents on a reactive database."

THREADS: Final = "Threads"
NEW_THREAD: Final = "New thread"
NO_THREADS: Final = "Your threads will be listed here."
UNTITLED: Final = "Untitled"
ANSWERING: Final = "An answer is being written"
SHOW_THREADS: Final = "Show threads"
HIDE_THREADS: Final = "Hide threads"
SKIP: Final = "Skip to the message box"
TOGGLE_THEME: Final = "Switch between light and dark"

GREETING: Final = "What would you like to work on?"
GREETING_MORE: Final = (
    "Answers are written to the database sentence by sentence."
    " You can close this tab; the answer goes on."
)
STARTERS: Final = (
    ("Explain an idea", "Explain how database transactions work, with a small example."),
    ("Write some code", "Write a Python function that merges two sorted lists, with tests."),
    ("Compare options", "Compare SQLite and PostgreSQL for a small web app, in a table."),
)

MESSAGES: Final = "Messages"
LATEST: Final = "Jump to latest"
LOAD_EARLIER: Final = "Show earlier messages"
YOU: Final = "You"
ASSISTANT: Final = "Assistant"
STATUS: Final = {
    "pending": "Waiting to start",
    "running": "Writing",
    "stopped": "Stopped",
    "failed": "The answer failed",
}
TRY_AGAIN: Final = "Try again"

MISSING_TITLE: Final = "This thread is not here"
MISSING: Final = (
    "It does not exist, or somebody deleted it. What you send from here starts a new thread."
)
NOT_FOUND_TITLE: Final = "There is no such page"
NOT_FOUND: Final = "The address may be mistyped."
START_OVER: Final = "Start a new thread"

LOST: Final = "Connection lost. The answer goes on; this page catches up when it is back."
NEW_BUILD: Final = "There is a new version of this page. What you typed is kept."
CRASH_TITLE: Final = "This page has a problem"
CRASH: Final = "Nothing is lost: messages and answers are in the database."
RELOAD: Final = "Reload the page"
WENT_WRONG: Final = "Something went wrong on the server."
SOMETHING_WRONG: Final = f"{WENT_WRONG} Your text is kept; try again."

MODEL_PULLING: Final = "Getting the built-in model"
MODEL_LOADING: Final = "Loading the built-in model"
MODEL_WAIT: Final = "You can write already; the answer starts when the model is ready."
MODEL_FAILED: Final = "The model is not available"
MODEL_SMALL: Final = "Small built-in model."
MODEL_SMALL_MORE: Final = (
    "It runs on this machine and is often wrong. For better answers set ANTHROPIC_API_KEY or"
    " OPENAI_API_KEY, or run Ollama."
)
MODEL_SMALL_LINK: Final = "How to"
MODEL_HELP: Final = "/help/models"
MODEL: Final = "Model"
DISMISS: Final = "Dismiss"

COMPOSER: Final = {
    "label": "Message",
    "placeholder": "Write a message",
    "send": "Send",
    "stop": "Stop",
    "hint": "Enter sends, Shift+Enter starts a new line",
    "limit": 100_000,
    "tooLong": (
        "This is too long to send: {count} characters, and {limit} is the most."
        " Shorten it or send it in parts; your text stays here."
    ),
}
OUTBOX: Final = {
    "you": YOU,
    "sending": "Sending",
    "late": "Not sent yet",
    "failed": "Not sent",
    "edit": "Edit",
    "retry": "Retry",
}
MARKDOWN: Final = {
    "copy": "Copy",
    "copied": "Copied",
    "copyCode": "Copy code",
    "copyAnswer": "Copy message",
    "image": "Image not loaded",
    "code": "code",
    "table": "Table",
}
MENU: Final = {
    "menu": "Thread options",
    "rename": "Rename",
    "renameTitle": "Rename this thread",
    "renameLabel": "Title",
    "save": "Save",
    "delete": "Delete",
    "deleteTitle": "Delete this thread?",
    "deleteText": (
        "“{title}” and all its messages will be gone for everyone."
        " An answer being written is stopped."
    ),
    "cancel": "Cancel",
}

BACK: Final = "Back to the threads"
MODELS_HELP: Final = """
# Better answers

agentchat starts without any account: a small model runs on this machine. It shows how
everything works, and it is often wrong. For better answers choose one of these and start the
app again; the lines go into the file `.env` beside `rxconfig.py`.

| you have | what to do |
|---|---|
| an Anthropic key | `ANTHROPIC_API_KEY=…` |
| an OpenAI key | `OPENAI_API_KEY=…` |
| Ollama, LM Studio or llama.cpp on this machine | start it; it is found by itself |
| another server that speaks OpenAI's protocol | `OPENAI_BASE_URL=http://…/v1` |

`AGENTCHAT_MODEL=provider:name` picks one model of several, for example
`AGENTCHAT_MODEL=anthropic:claude-sonnet-4-5`.

The header of every thread shows the model in use. The README has more, under *Models*.
"""
