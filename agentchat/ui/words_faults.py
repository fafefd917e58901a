"""Every word about faults that are switched on: the page, and the bar on every page."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said, told

TITLE: Final = said("Faults")
PATH: Final = "/faults"
ABOUT: Final = said(
    "Let something go wrong and watch how the app recovers, best with a thread or a run open in"
    " another tab. Each fault is real while it lasts, concerns everybody who uses this process,"
    " and ends by itself after 60 seconds at the latest, also if you close this tab. Who switches"
    " what on is written down."
)
OFF_TITLE: Final = said("Faults cannot be switched on here")
OFF: Final = said(
    "To let them, set AGENTCHAT_FAULT_PANEL=true in the environment or in .env and start again."
    " They are only for an app that listens on this machine alone, and not for one that people"
    " rely on."
)
SWITCH_ON: Final = said("Switch on")
ON: Final = said("On")
SECONDS: Final = said("Seconds")
NOT_A_NUMBER: Final = said("That is not a whole number.")

FAULTS: Final = said(
    {
        "worker": (
            "Kill the worker",
            "What carries runs out in this process dies as by kill -9: nothing is handed back,"
            " nothing more is written of its runs, and they keep its lease. After these seconds"
            " another worker starts, as after a restart on this machine, and takes them over at"
            " once. The pages, which live in the same process, stay: to kill all of it, somebody"
            " must start it again. Python code of your own that cleans up when its coroutine is"
            " cancelled does run.",
        ),
        "refuse": (
            "Refuse connections to models",
            "Every call of a model fails before it is connected. A step is tried 5 times, so that"
            " an answer that meets this for long fails, and says so.",
        ),
        "cut": (
            "Cut the answers of models",
            "The connection breaks in the middle of an answer, also of those that grow now. The"
            " next try begins anew, and what was there is replaced.",
        ),
        "slow": (
            "Slow down the models",
            "Each piece of an answer comes later by this much.",
        ),
        "limit": (
            "Limit the rate of models",
            "Every call of a model is refused as one too many, with a Retry-After. The next try"
            " waits for that long.",
        ),
        "lock": (
            "Lock the database",
            "Another connection holds a write transaction: pages go on reading, and whatever is to"
            " be written waits, in this process and in all others on the same database. A write"
            " that SQLite lets wait for 30 seconds is given up and tried again.",
        ),
    }
)
"""By kind: what it is called and what it does."""

AMOUNTS: Final = said(
    {
        "refuse": ("Calls (0: all in that time)", 0, 100, 0),
        "cut": ("Calls (0: all in that time)", 0, 100, 0),
        "slow": ("Milliseconds for each piece", 10, 5_000, 300),
        "limit": ("Retry-After in seconds", 1, 60, 3),
    }
)
"""By kind: the label of its number, the least, the most and the usual of it."""

USUAL_SECONDS: Final = 15

NOW: Final = told(
    {
        "worker": "The worker is dead: runs wait for the next one",
        "refuse": "Connections to models are refused",
        "cut": "Answers of models are cut",
        "slow": "Models answer {amount} ms later for each piece",
        "limit": "Models limit the rate: Retry-After {amount} s",
        "lock": "The database is locked: writes wait",
    }
)
NEXT_CALLS: Final = told({1: "{fault}, for the next call", 0: "{fault}, for {amount} calls"})

BAR: Final = said(
    {
        "fault": "Fault",
        "by": "switched on by",
        "left": "s left",
        "end": "End it now",
        "ending": "Ending…",
    }
)
