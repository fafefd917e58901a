"""Every word the pages show, in one catalogue."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

APP: Final = "agentchat"
DESCRIPTION: Final = "Async AI agents on a reactive database."

THREADS: Final = said("Threads")
NEW_THREAD: Final = said("New thread")
UNTITLED: Final = said("Untitled")
PART_OF: Final = said("Back to the thread that it is part of")
JOINED: Final = said("Joined the answer above")
FILES: Final = said("Files")
SHOW_THREADS: Final = said("Show threads")
HIDE_THREADS: Final = said("Hide threads")
SKIP: Final = said("Skip to the message box")
TOGGLE_THEME: Final = said("Switch between light and dark")

GREETING: Final = said("What would you like to work on?")
GREETING_MORE: Final = said(
    "Answers are written to the database sentence by sentence."
    " You can close this tab; the answer goes on."
)
STARTERS: Final = said(
    (
        ("Explain an idea", "Explain how database transactions work, with a small example."),
        ("Write some code", "Write a Python function that merges two sorted lists, with tests."),
        ("Compare options", "Compare SQLite and PostgreSQL for a small web app, in a table."),
    )
)

MESSAGES: Final = said("Messages")
LATEST: Final = said("Jump to latest")
LOAD_EARLIER: Final = said("Show earlier messages")
LOAD_LATER: Final = said("Show later messages")
NOT_SHOWN: Final = said(
    {"one": "One message is not shown here", "many": "{number} messages are not shown here"}
)
YOU: Final = said("You")
ASSISTANT: Final = said("Assistant")
STATUS: Final = said(
    {
        "pending": "Waiting to start",
        "running": "Writing",
        "stopped": "Stopped",
        "failed": "The answer failed",
    }
)
TRY_AGAIN: Final = said("Try again")

MISSING_TITLE: Final = said("This thread is not here")
MISSING: Final = said(
    "It does not exist, was deleted, or is not shared with you. What you send from here starts a"
    " new thread."
)
NOT_FOUND_TITLE: Final = said("There is no such page")
NOT_FOUND: Final = said("The address may be mistyped.")
START_OVER: Final = said("Start a new thread")

LOST: Final = said(
    "Connection lost. The answer goes on as long as the server runs; this page looks for it, and"
    " catches up."
)
LOST_LONG: Final = said(
    "Connection lost for a while now. This page goes on looking for the server. If it was stopped,"
    " answers go on once it is started again; what you typed is kept."
)
LOST_LONG_AFTER: Final = 20
"""Seconds."""
NEW_BUILD: Final = said("There is a new version of this page. What you typed is kept.")
CRASH_TITLE: Final = said("This page has a problem")
CRASH: Final = said("Nothing is lost: messages and answers are in the database.")
RELOAD: Final = said("Reload the page")
WENT_WRONG: Final = said("Something went wrong on the server.")
SOMETHING_WRONG: Final = said("Something went wrong on the server. Your text is kept; try again.")

MODEL_PULLING: Final = said("Getting the built-in model")
MODEL_LOADING: Final = said("Loading the built-in model")
MODEL_WAIT: Final = said("You can write already; the answer starts when the model is ready.")
MODEL_FAILED: Final = said("The model is not available")
MODEL_SMALL: Final = said("Small built-in model.")
MODEL_SMALL_MORE: Final = said(
    "It runs on this machine and is often wrong. For better answers set ANTHROPIC_API_KEY or"
    " OPENAI_API_KEY, or run Ollama."
)
MODEL_SMALL_LINK: Final = said("How to")
MODEL_HELP: Final = "/help/models"
MODEL: Final = said("Model")
DISMISS: Final = said("Dismiss")

COMPOSER: Final = said(
    {
        "label": "Message",
        "placeholder": "Write a message",
        "send": "Send",
        "stop": "Stop",
        "stopAll": "Stop all",
        "stopAllMore": "Ends the answer that is being written, and those that wait for it",
        "hint": "Enter sends, Shift+Enter starts a new line",
        "limit": 100_000,
        "tooLong": (
            "This is too long to send: {count} characters, and {limit} is the most."
            " Shorten it or send it in parts; your text stays here."
        ),
    }
)
AGENTS: Final = said(
    {
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
)
VARIANTS: Final = said(
    {
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
)
PARTS: Final = said(
    {
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
)
TOOLS_MISSING: Final = said("Tools of {name} are not there")
TOOLS_MISSED_BY: Final = said("Missed by {agents}.")
TOOLS_AGAIN: Final = said("This is tried again.")
SPENT: Final = said(
    {
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
)
ASKS: Final = said(
    {
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
)
NOT_TEXT: Final = said("What was sent is not text.")
INBOX: Final = said("Waiting for you")
INBOX_EMPTY_TITLE: Final = said("Nothing waits for you")
INBOX_EMPTY: Final = said(
    "When an agent needs an approval or an answer, it is listed here and in its thread."
)
INBOX_PATH: Final = "/inbox"
MEMORY: Final = said("Memory")
MEMORY_PATH: Final = "/memory"
OUTBOX: Final = said(
    {
        "you": YOU,
        "sending": "Sending",
        "late": "Not sent yet",
        "failed": "Not sent",
        "edit": "Edit",
        "retry": "Retry",
    }
)
MARKDOWN: Final = said(
    {
        "copy": "Copy",
        "copied": "Copied",
        "copyCode": "Copy code",
        "copyAnswer": "Copy message",
        "image": "Image not loaded",
        "code": "code",
        "table": "Table",
        "wrap": "Break long lines",
        "allLines": "Show all {count} lines",
        "fewerLines": "Show less",
        "notes": "Footnotes",
        "backFromNote": "Back to the text",
        "taskDone": "Done",
        "taskOpen": "To do",
    }
)
MODELS_TITLE: Final = said("Better answers")
MODELS_HELP: Final = said("""
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
""")
