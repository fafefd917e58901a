"""Every word of the page about schedules."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said, told

TITLE: Final = said("Schedules")
PATH: Final = "/schedules"

SCHEDULES: Final[dict[str, Any]] = said(
    {
        "new": "New schedule",
        "list": "Schedules",
        "loading": "Loading schedules",
        "emptyTitle": "No schedules yet",
        "empty": (
            "A schedule starts a workflow again and again: every morning, every ten minutes, on the"
            " first of the month. Each time becomes one run."
        ),
        "noneOfApp": (
            "This app has no workflow that could be scheduled: give it one,"
            " AgentChat(workflows=[…])."
        ),
        "next": "Next",
        "last": "Last",
        "never": "never yet",
        "over": "It is over: there is no next time.",
        "paused": "Paused",
        "pausedBy": "paused by {who}, {time}",
        "notHere": "{time} in {zone}",
        "workflow": "Workflow",
        "code": "By code",
        "codeMore": (
            "Code declares this schedule at each start and would undo what is changed here, so it"
            " is changed there. It may be paused, run and copied here; deleted, it comes back with"
            " the next start."
        ),
        "createdBy": "Made by {who}",
        "outcomes": {
            "started": "started",
            "skipped": "skipped: a run was active",
            "missed": "missed: nobody was there to start it",
            "asked": "started by {who}",
        },
        "history": "History",
        "noHistory": "It has not been due yet.",
        "due": "Due",
        "outcome": "Outcome",
        "run": "Run",
        "runGone": "cleaned away",
        "late": "{time} late",
        "audits": "What people did",
        "noAudits": "Nobody has done anything to it.",
        "did": {
            "add": "declared it in code",
            "create": "made it",
            "change": "changed it",
            "pause": "paused it",
            "resume": "resumed it",
            "run now": "ran it",
            "delete": "deleted it",
        },
        "columnsOf": {
            "name": "name",
            "workflow": "workflow",
            "data": "arguments",
            "trigger": "kind of times",
            "spec": "times",
            "timezone": "time zone",
            "jitter": "jitter",
            "start_at": "start",
            "end_at": "end",
            "missed": "missed times",
            "most_missed": "missed times",
            "overlap": "overlaps",
        },
        "arguments": "Arguments",
        "noArguments": "It takes no arguments.",
        "gone": "This schedule is not there any more",
        "goneMore": "It was deleted. Its runs are still there.",
        "all": "All schedules",
        "runs": "All its runs",
        "statuses": {
            "queued": "Queued",
            "running": "Running",
            "waiting": "Waiting",
            "paused": "Paused",
            "stopping": "Stopping",
            "done": "Done",
            "stopped": "Stopped",
            "failed": "Failed",
        },
        "actions": {
            "edit": "Edit",
            "copy": "Copy",
            "run": "Run now",
            "pause": "Pause",
            "resume": "Resume",
            "delete": "Delete",
        },
        "actionsOf": "What to do with {name}",
        "titles": {
            "run": "Run {name} now?",
            "pause": "Pause {name}?",
            "resume": "Resume {name}?",
            "delete": "Delete {name}?",
        },
        "effects": {
            "run": "A run of it starts at once. When it fires next stays as it is.",
            "pause": "It does not fire until somebody resumes it. Runs under way go on.",
            "resume": "It fires again from now on. What was due meanwhile is not made up for.",
            "delete": "It does not fire any more, and its history goes. Its runs stay.",
            "deleteDeclared": (
                "Its history goes; its runs stay. Code declares it: it comes back with the"
                " next start."
            ),
        },
        "already": told(
            {
                "pause": "It is paused already, by {who}.",
                "resume": "It is not paused any more.",
            }
        ),
        "ran": "A run was started.",
        "seeRun": "See the run",
        "keep": "Go back",
        "doing": "Doing it",
        "slow": "The server has not answered yet. It is done as soon as it can be reached.",
        "stale": (
            "Somebody else has changed it since you opened it, and nothing of yours was saved. What"
            " you filled in is still here."
        ),
        "changedMeanwhile": "Somebody has changed this schedule since you opened it.",
        "deletedMeanwhile": "Somebody has deleted this schedule since you opened it.",
        "takeTheirs": "Show it as it is now",
        "createTitle": "New schedule",
        "editTitle": "Edit {name}",
        "create": "Create",
        "save": "Save",
        "name": "Name",
        "noName": "It needs a name.",
        "noWorkflow": "Choose the workflow that it starts.",
        "chooseWorkflow": "Choose a workflow",
        "when": "When",
        "kinds": {"cron": "At certain times", "interval": "Again and again"},
        "spec": "Cron",
        "specMore": "Minute, hour, day of the month, month, day of the week.",
        "examples": {
            "0 9 * * mon-fri": "Weekdays at 9",
            "0 * * * *": "Every hour",
            "*/15 * * * *": "Every 15 minutes",
            "0 0 1 * *": "First of the month",
        },
        "every": "Every",
        "unit": "Unit",
        "units": {"seconds": "seconds", "minutes": "minutes", "hours": "hours", "days": "days"},
        "timezone": "Time zone",
        "timezoneMore": "Times are those that a clock there shows.",
        "start": "Not before",
        "end": "Not after",
        "startMore": {"cron": "", "interval": "Intervals are counted from here."},
        "more": "Start, end, missed times, overlaps",
        "jitter": "Jitter, seconds",
        "jitterMore": "Each run begins up to so much later.",
        "missed": "When times were missed",
        "missedKinds": {
            "skip": "Skip them",
            "one": "Start one run, for the newest",
            "all": "Start a run for each",
        },
        "mostMissed": "At most",
        "overlap": "When its last run is not finished",
        "overlapKinds": {
            "skip": "Skip the new one",
            "queue": "Start it after that",
            "allow": "Let both run",
        },
        "nextTimes": "Next times",
        "notYet": "The next times are told here as soon as what is above can be read.",
        "noTimes": "There is no such time to come.",
        "yours": "your time",
        "asJson": "Edit as JSON",
        "asFields": "Edit as fields",
        "required": "needed",
        "optional": "may be left empty",
        "nothing": "Nothing",
        "notJson": "This is not JSON.",
        "notNumber": "This is not a number.",
        "missing": "This is needed.",
        "tooLong": "This is too long to be saved.",
        "true": "Yes",
    }
)
