"""Every word of the settings that are about the app: models, limits, what is kept."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said, told

LOGINS_PATH: Final = "/settings/logins"
PEOPLE_PATH: Final = "/settings/people"
MODELS_PATH: Final = "/settings/models"
LIMITS_PATH: Final = "/settings/limits"
KEPT_PATH: Final = "/settings/retention"
AUDITS_PATH: Final = "/settings/audits"

SECTIONS: Final = said("Parts of the settings")
PROFILE: Final = said("Profile")
LOGINS: Final = said("Logins")
PEOPLE: Final = said("People")
MODELS: Final = said("Models")
LIMITS: Final = said("Limits")
KEPT: Final = said("Retention")
AUDITS: Final = said("Audits")

APPEARANCE: Final = said("Appearance")
APPEARANCE_MORE: Final = said("Light or dark, kept by this browser.")
APPEARANCES: Final[dict[str, str]] = said(
    {"system": "As the system has it", "light": "Light", "dark": "Dark"}
)
PLACES: Final[list[dict[str, Any]]] = [
    {"to": "/settings", "name": PROFILE},
    {"to": LOGINS_PATH, "name": LOGINS, "accounts": True},
    {"to": PEOPLE_PATH, "name": PEOPLE, "operators": True},
    {"to": MODELS_PATH, "name": MODELS, "operators": True},
    {"to": LIMITS_PATH, "name": LIMITS},
    {"to": KEPT_PATH, "name": KEPT},
    {"to": AUDITS_PATH, "name": AUDITS, "operators": True},
]
"""The parts in their order: those for whom the app has operators, those where people log in."""

MODELS_MORE: Final = said(
    "What answers here, who chose it, and whether it does. Keys stand in the environment of the"
    " server and nowhere else; of a long one the last four characters are shown."
)
LIMITS_MORE: Final = said(
    "What is in force, and which variable changes it: set it in the environment or in .env, and"
    " start the app again."
)
KEPT_MORE: Final = said(
    "What is old and finished is removed every ten minutes, a little at a time. What people said"
    " stays until they delete it."
)
AUDITS_MORE: Final = said(
    "Who did what, the newest first. Nothing changes or removes these rows, not even this page."
)
CHANGED: Final = said(
    "This is how it was when the app was started. On the server, agentchat config shows all"
    " settings with where they came from."
)

SOURCES: Final[dict[str, str]] = said(
    {
        "environment": "from the environment",
        ".env": "from .env",
        "code": "set in code",
        "default": "as it comes",
        "fixed": "the same everywhere",
        "found": "found on this machine",
    }
)
SURE: Final[dict[str, str]] = said(
    {
        "keep": "Cancel",
        "doing": "One moment",
        "slow": "The server has not answered yet. It may still be done.",
    }
)

MODEL_WORDS: Final[dict[str, Any]] = said(
    {
        "list": "Models",
        "sources": SOURCES,
        "states": {
            "ready": "Ready",
            "pulling": "Being fetched",
            "loading": "Loading",
            "failed": "Failed",
        },
        "usedFor": "Used for",
        "uses": {
            "answers": "answers",
            "remember": "what is remembered of a talk",
            "memory": "finding memories",
            "router": "picking the agent",
            "choice": "what people may choose",
        },
        "agents": "the agent {names}",
        "agentsMany": "the agents {names}",
        "nothing": "nothing at the moment",
        "chosenBy": "Chosen by",
        "noModel": "no setting: it is what answers without one",
        "where": "Address",
        "here": "this machine, in a process of the app",
        "key": "Key",
        "keySet": "set",
        "keyEnd": "set, ends in {end}",
        "noKey": "none",
        "price": "Price",
        "prices": "{input} in, {output} out, for a million tokens",
        "free": "nothing: it runs here",
        "noPrice": "nobody knows",
        "reads": "Reads at once",
        "tokens": "{number} tokens",
        "assumed": "nobody knows; {number} tokens are assumed",
        "numbers": "{number} numbers for a text",
        "gives": "Gives",
        "test": "Test",
        "testOne": "Test {name}",
        "testing": "Testing",
        "testMore": "It asks for one short sentence, which may cost a fraction of a cent.",
        "works": "It answers.",
        "fails": "It does not answer as it should.",
        "next": "What to do",
        "took": "Took",
        "first": "First words after",
        "used": "Tokens",
        "usedEach": "{input} in, {output} out",
        "estimated": "(estimated)",
        "cost": "Cost",
        "reply": "It said",
        "silent": "nothing, but it ended as it should",
        "listed": {
            "yes": "Its server has this model in its list.",
            "no": "Its server does not have this model in its list.",
        },
        "others": "Others there: {names}",
        "request": "Request {id}",
        "slow": "The server has not answered yet. It may still be testing.",
        "howTitle": "Use another model",
        "how": "Put these lines into .env beside the app, with your own values, and start it"
        " again.",
        "presets": "Where from",
        "copy": "Copy the lines",
        "copied": "Copied",
    }
)
PRESETS: Final[list[dict[str, str]]] = [
    {
        "name": "Ollama",
        "lines": "OPENAI_BASE_URL=http://127.0.0.1:11434/v1\nAGENTCHAT_MODEL=openai:llama3.2",
    },
    {
        "name": "LM Studio",
        "lines": "OPENAI_BASE_URL=http://127.0.0.1:1234/v1\nAGENTCHAT_MODEL=openai:qwen3-8b",
    },
    {
        "name": "llama.cpp",
        "lines": "OPENAI_BASE_URL=http://127.0.0.1:8080/v1\nAGENTCHAT_MODEL=openai:local",
    },
    {
        "name": "vLLM",
        "lines": (
            "OPENAI_BASE_URL=http://127.0.0.1:8000/v1\n"
            "AGENTCHAT_MODEL=openai:Qwen/Qwen3-8B\n"
            "AGENTCHAT_CONTEXT_TOKENS=32768"
        ),
    },
    {
        "name": "OpenRouter",
        "lines": (
            "OPENAI_BASE_URL=https://openrouter.ai/api/v1\n"
            "OPENAI_API_KEY=sk-or-…\n"
            "AGENTCHAT_MODEL=openai:meta-llama/llama-3.3-70b-instruct"
        ),
    },
    {
        "name": "Anthropic",
        "lines": "ANTHROPIC_API_KEY=sk-ant-…\nAGENTCHAT_MODEL=anthropic:claude-sonnet-5-5",
    },
    {"name": "OpenAI", "lines": "OPENAI_API_KEY=sk-…\nAGENTCHAT_MODEL=openai:gpt-4o-mini"},
    {"name": "Built in", "lines": "AGENTCHAT_MODEL=local:qwen"},
]

LIMIT_WORDS: Final[dict[str, Any]] = said(
    {
        "sources": SOURCES,
        "none": "no limit",
        "used": "{used} of {most} used",
        "usedOnly": "{used} used",
        "agent": "agent {name}",
        "groups": {
            "messages": "Messages and files",
            "spending": "Spending",
            "answers": "One answer",
            "people": "People and logins",
            "work": "Work at once",
        },
        "more": {
            "messages": "",
            "spending": "When one is reached, a person is asked whether to go on.",
            "answers": "Each agent may have others; when one is reached, a person is asked.",
            "people": "Logins are counted for each name and address, in the database.",
            "work": "",
        },
        "units": {
            "": "{number}",
            "characters": "{number} characters",
            "files": "{number} files",
            "bytes": "{number}",
            "tokens": "{number} tokens",
            "usd": "{number}",
            "minutes": "{number} minutes",
            "days": "{number} days",
        },
        "names": {
            "characters": "Length of a message",
            "title": "Length of a thread's name",
            "file_mb": "Size of a file",
            "message_files": "Files of a message",
            "person_files_mb": "Files of a person",
            "second": "A message sent while a thread is being answered",
            "thread_tokens": "Tokens of a thread",
            "thread_usd": "Cost of a thread",
            "user_day_tokens": "Tokens of a person in 24 hours",
            "user_day_usd": "Cost of a person in 24 hours",
            "model_calls": "Calls of the model",
            "tool_calls": "Calls of tools",
            "tokens": "Tokens",
            "cost_usd": "Cost",
            "wall": "Time, without what people take to decide",
            "hand_overs": "Hand-overs to other agents",
            "depth": "Agents that ask agents, how deep",
            "repairs": "Second tries for output that does not fit",
            "address_sockets": "Open pages from an address",
            "minute_most": "Messages, starts, decisions or shares of a person in a minute",
            "login_pair": "Wrong passwords for a name from an address, in {text} minutes",
            "login_place": "Wrong passwords from an address, in {text} minutes",
            "login_name": "Wrong passwords for a name from new addresses, in {text} minutes",
            "sign_ups": "New accounts from an address, in {text} minutes",
            "login_days": "A login lives",
            "runs_at_once": "Runs at work at once in a process",
            "context_tokens": "What of its window the model is given",
        },
        "seconds": {
            "queue": "waits its turn",
            "steer": "joins the answer",
            "interrupt": "ends the answer",
            "replace": "takes the answer's place",
        },
        "eachThread": "each thread may choose otherwise",
        "all": "all of it",
    }
)

KEPT_WORDS: Final[dict[str, Any]] = said(
    {
        "sources": SOURCES,
        "names": {
            "runs": "Finished runs, their steps and logs",
            "messages": "Messages, files and threads",
            "memories": "What is remembered of people",
            "spendings": "What calls of models cost",
            "audits": "Audits",
            "deltas": "Pieces of growing answers",
            "deleted": "Deleted threads, which can be had back",
            "threads": "Threads without a name and without a message",
            "uploads": "Files that were added and never sent",
            "logins": "Logins",
            "tries": "Wrong passwords, as far as they count",
        },
        "rules": {
            "keep_days": "{number, plural, one {# day} other {# days}}",
            "keep_runs": "the newest {number}",
            "always": "until somebody deletes them",
            "answered": "until the answer is written",
            "unused": "{number} hours",
            "days": "{number, plural, one {# day} other {# days}}",
            "hours": "an hour",
        },
        "forever": {"keep_days": "for ever", "keep_runs": "any number of them"},
        "audits": "for ever",
        "now": "What there is now",
        "counts": {
            "threads": "Threads",
            "messages": "Messages",
            "files": "Files",
            "memories": "Memories",
            "runs": "Runs",
            "steps": "Steps",
            "attempts": "Failed tries",
            "logs": "Log lines",
            "deltas": "Pieces",
            "audits": "Audits",
        },
        "bytes": "Database",
        "fileBytes": "In files",
        "oldest": "The oldest finished run ended {time}.",
        "noneOld": "No run has finished yet.",
        "toGo": {
            "none": "Nothing is old enough to go.",
            "one": "One run is old enough to go.",
            "many": "{number} runs are old enough to go.",
        },
        "swept": "This process has last swept {time}: {runs} runs, {deltas} pieces and {threads}"
        " empty threads went, in {took}.",
        "notSwept": "This process has not swept yet; it does so soon after its start.",
        "sweeping": "It is being removed now.",
        "sweep": "Sweep now",
        "sure": {
            "title": "Remove now what need not be kept?",
            "text": "Finished runs beyond the limits above go with their steps and logs, for good."
            " That happens by itself every ten minutes. What people said stays.",
            "yes": "Remove",
        },
        **SURE,
    }
)
SWEPT: Final = told("{number} runs were removed.")
SWEPT_ONE: Final = said("One run was removed.")
SWEPT_NONE: Final = said("There was no run to remove.")
