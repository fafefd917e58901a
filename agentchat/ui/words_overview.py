"""Every word of the overview."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said
from agentchat.ui.words_workflows import WORKFLOWS

TITLE: Final = said("Overview")
PATH: Final = "/overview"

OVERVIEW: Final[dict[str, Any]] = said(
    {
        "workflows": WORKFLOWS,
        "range": "Time looked at",
        "ranges": {
            "1h": "Last hour",
            "24h": "Last 24 hours",
            "7d": "Last 7 days",
            "30d": "Last 30 days",
        },
        "within": {
            "1h": "the last hour",
            "24h": "the last 24 hours",
            "7d": "the last 7 days",
            "30d": "the last 30 days",
        },
        "short": {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"},
        "loading": "Adding up",
        "cutOff": "More ended than is added up here: these are the newest {most} only.",
        "now": "Now",
        "statuses": {
            "running": "Running",
            "queued": "Queued",
            "waiting": "Waiting",
            "paused": "Paused",
            "stopping": "Stopping",
        },
        "oldest": "Oldest in the queue",
        "oldestMore": "for a worker",
        "noWait": "Nothing waits",
        "past": "Outcome",
        "ended": "Ended",
        "endedMore": "{failed} failed, {stopped} stopped",
        "success": "Success",
        "successMore": "of done and failed",
        "duration": "Duration, median",
        "p95": "95 %: {time}",
        "queueWait": "Wait in the queue, median",
        "tokens": "Tokens",
        "tokensMore": "{input} in, {output} out",
        "cost": "Cost",
        "unknownCost": "Unknown",
        "unknownCalls": {
            "one": "the price of 1 call is not known",
            "many": "the price of {number} calls is not known",
        },
        "atLeast": "at least {cost}",
        "atLeastShort": "{cost}+",
        "charts": {"runs": "Runs that ended", "tokens": "Tokens", "cost": "Cost"},
        "series": {
            "done": "done",
            "failed": "failed",
            "stopped": "stopped",
            "input": "in",
            "output": "out",
            "cost": "US dollars",
            "unknown": "calls without a price",
        },
        "chartRuns": "Over {range}: {done} done, {failed} failed, {stopped} stopped.",
        "chartTokens": "Over {range}: {input} tokens in, {output} out.",
        "chartCost": "Over {range}: {cost}.",
        "asTable": "Show as a table",
        "from": "From",
        "nothingYet": "Nothing ended in this time.",
        "noCalls": "No model was called in this time.",
        "groups": {"workflows": "Workflows", "agents": "Agents", "models": "Models"},
        "columns": {
            "name": "Name",
            "active": "Now",
            "ended": "Ended",
            "calls": "Calls",
            "failed": "Failed",
            "success": "Success",
            "p50": "Median",
            "p95": "95 %",
            "tokens": "Tokens",
            "cost": "Cost",
            "rated": "Good / bad",
        },
        "comments": "What people say of answers",
        "good": "Good",
        "bad": "Not good",
        "actionsColumn": "Actions",
        "noGroups": {
            "workflows": "No workflow has had a run in this time.",
            "agents": "No agent has had a run in this time.",
            "models": "No model was called in this time.",
        },
        "workers": "Workers",
        "noWorkers": "No process carries runs out. Start the app.",
        "states": {
            "alive": "Alive",
            "stuck": "Stuck",
            "silent": "Silent",
            "dead": "Died",
        },
        "beat": "heartbeat {time} ago",
        "workerRuns": {"one": "1 run", "many": "{number} runs"},
        "since": "since {time}",
        "lag": "loop {ms} ms late",
        "pid": "process {pid} on {host}",
        "stuckIn": "Does not move since {time}, in:",
        "deadMore": "Its runs go on in another process, or as soon as one starts.",
        "storage": "Database",
        "size": "{size}",
        "free": "{free} free on its disk",
        "lowDisk": "The disk is nearly full: {free} left.",
        "held": "Held because the code changed",
        "heldMore": (
            "The code at the last start does not do what these runs have done already, so they"
            " stand still. They go on by themselves at the next start with code that fits them; or"
            " open one, to fork it from a step before the change, or to end it."
        ),
        "heldMany": "These are the oldest; there are more.",
        "heldAll": "All paused runs",
        "open": "Open",
        "tryAgain": "Resume",
        "atRest": "Workflows at rest",
        "restedBy": "paused by {who}, {time}",
        "pause": "Pause",
        "pauseNamed": "Pause {name}",
        "resume": "Resume",
        "resumeNamed": "Resume {name}",
        "paused": "Paused",
        "titles": {
            "pause": "Pause {name}?",
            "resume": "Resume {name}?",
            "run": "Resume this run?",
        },
        "effects": {
            "pause": (
                "No run of it begins or goes on until somebody resumes it; new ones queue. Steps at"
                " hand are finished first."
            ),
            "resume": "What has queued since begins at once, as many at a time as usual.",
            "run": (
                "It is looked at once more. If the code still does not fit what the run has done,"
                " it is held again, and nothing of it is done."
            ),
        },
        "already": {
            "pause": "Somebody has paused it meanwhile.",
            "resume": "Somebody has resumed it meanwhile.",
        },
        "keep": "Go back",
        "doing": "Doing it",
        "slow": "The server has not answered yet. It is done as soon as it can be reached.",
        "sortBy": "Sort by {column}",
    }
)
