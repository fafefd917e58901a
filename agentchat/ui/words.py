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
ASKING: Final = "Waits for somebody to decide"
PART_OF: Final = "Back to the thread that it is part of"
JOINED: Final = "Joined the answer above"
FILES: Final = "Files"
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
    "It does not exist, was deleted, or is not shared with you. What you send from here starts a"
    " new thread."
)
NOT_FOUND_TITLE: Final = "There is no such page"
NOT_FOUND: Final = "The address may be mistyped."
START_OVER: Final = "Start a new thread"

LOST: Final = (
    "Connection lost. The answer goes on as long as the server runs; this page looks for it, and"
    " catches up."
)
LOST_LONG: Final = (
    "Connection lost for a while now. This page goes on looking for the server. If it was stopped,"
    " answers go on once it is started again; what you typed is kept."
)
LOST_LONG_AFTER: Final = 20
"""Seconds."""
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
AGENTS: Final = {
    "pick": "Agent",
    "automatic": "Automatic",
    "automaticMore": "Each message is answered by whoever it is for",
    "mention": "Agents to mention",
    "unknown": "Nobody here is called @{name}; {who} answers.",
    "unknownAutomatic": "Nobody here is called @{name}; whoever fits the message answers.",
    "without": "Without the tools of {names}",
    "second": "What a message does while an answer is being written",
    "queue": "Sends after this answer",
    "queueMore": "It waits until the answer is complete",
    "steer": "Joins this answer",
    "steerMore": "The agent is told at its next step",
    "interrupt": "Stops this answer",
    "interruptMore": "What came so far is kept, then yours is answered",
    "replace": "Takes this answer's place",
    "replaceMore": "What came so far is thrown away",
}
VARIANTS: Final = {
    "label": "{count} answers",
    "answer": "Answer",
    "number": "answer {number}",
    "before": "Answer before",
    "after": "Next answer",
    "choose": "Choose the one that the thread goes on with. The others stay beside it.",
    "keep": "Keep this one",
    "kept": "In the thread",
    "notKept": "Not in the thread",
    "keptBy": "Kept by {name}",
    "stop": "Stop this one",
    "again": "Ask for another answer",
}
PARTS: Final = {
    "thought": "Thought",
    "thoughtFor": "Thought for {time}",
    "arguments": "Arguments",
    "askedFor": "Asked for, before it was edited",
    "givenArguments": "Arguments written by {by}",
    "givenResult": "Result written by {by}; the tool was not called",
    "result": "Result",
    "copy": "Copy",
    "copied": "Copied",
    "pending": "Waiting to start",
    "running": "Running",
    "asked": "Waiting",
    "done": "Done",
    "failed": "Failed",
    "denied": "Denied",
    "interrupted": "Interrupted",
    "stopped": "Stopped",
    "task": "Task",
    "agents": "Agents at work",
    "openThread": "Open its thread",
    "answerOf": "Answer of {name}",
    "routed": "Routed to {name}",
    "others": "Others: {others}",
    "routedBy": "Found by {by}",
    "handedOver": "{from} handed over to {to}",
    "joined": "{name} joined",
    "sources": "Sources",
    "recalled": "From memory",
    "itsThread": "In its thread",
    "inMemory": "In memory",
}
TOOLS_MISSING: Final = "Tools of {name} are not there"
TOOLS_MISSED_BY: Final = "Missed by"
TOOLS_AGAIN: Final = "This is tried again."
SPENT: Final = {
    "title": "Tokens and cost",
    "loading": "Adding up",
    "nothing": "No model was called.",
    "tokens": "{input} tokens in, {output} out",
    "tokensCached": "{input} tokens in ({cached} cached), {output} out",
    "estimated": "tokens estimated",
    "someEstimated": "tokens of {count} of {calls} calls estimated",
    "unknown": "price not known",
    "free": "no charge",
    "atLeast": "at least {cost}; the price of {count} is not known",
    "call": "1 call",
    "calls": "{count} calls",
    "took": "Took {time}",
    "answer": "This answer",
    "thread": "The thread so far",
    "nobody": "Before anybody answered",
}
ASKS: Final = {
    "approval": "Approve {tool}?",
    "wants": "{agent} wants to run this",
    "question": "A question",
    "asks": "{agent} asks",
    "limit": "Go on?",
    "arguments": "Exactly this would run",
    "noArguments": "It takes no arguments.",
    "approve": "Approve",
    "edit": "Edit",
    "deny": "Deny",
    "instead": "Answer instead",
    "editLabel": "Arguments as JSON",
    "approveEdited": "Approve as edited",
    "reason": "Why not? The agent is told (optional)",
    "denyNow": "Deny",
    "insteadLabel": "Say something instead; then it does not run",
    "send": "Send",
    "cancel": "Cancel",
    "answerLabel": "Another answer",
    "answerOnly": "Your answer",
    "goOn": "Go on",
    "stopHere": "Stop here",
    "sending": "Sending",
    "until": "Until {time}; then it is denied",
    "untilQuestion": "Until {time}; then it goes on without an answer",
    "untilLimit": "Until {time}; then it ends here",
    "notJson": "This is not JSON:",
    "notObject": 'The arguments are a JSON object, as in {"name": "value"}.',
    "tooLong": "These arguments are too long.",
    "approved": "Approved by {who}",
    "approvedEdited": "Edited and approved by {who}",
    "denied": "Denied by {who}",
    "answered": "{who} answered",
    "answeredInstead": "{who} answered instead",
    "wentOn": "{who} let it go on",
    "stopped": "{who} stopped it here",
    "expired": "Nobody decided in time",
    "expiredQuestion": "Nobody answered in time",
    "withdrawn": "Not waited for any more",
    "newApproval": "{agent} waits for somebody to approve {tool}",
    "newQuestion": "{agent} asks: {text}",
    "newLimit": "An answer waits to be let go on: {text}",
    "inThread": "In the thread",
    "left": "Decided. {number} left.",
}
NOT_TEXT: Final = "What was sent is not text."
INBOX: Final = "Waiting for you"
INBOX_EMPTY_TITLE: Final = "Nothing waits for you"
INBOX_EMPTY: Final = (
    "When an agent needs an approval or an answer, it is listed here and in its thread."
)
INBOX_PATH: Final = "/inbox"
MEMORY: Final = "Memory"
MEMORY_PATH: Final = "/memory"
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

MODELS_TITLE: Final = "Better answers"
MODELS_HELP: Final = """
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
`AGENTCHAT_MODEL=anthropic:claude-sonnet-5-5`.

The header of every thread shows the model in use. The README has more, under *Models*.
"""
