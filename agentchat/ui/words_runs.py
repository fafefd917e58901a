"""Every word of the page with the list of runs."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said
from agentchat.ui.words_workflows import WORKFLOWS

TITLE: Final = said("Runs")
PATH: Final = "/runs"
PLACES: Final = said("Pages about runs")

STATUSES: Final = said(
    {
        "queued": "Queued",
        "running": "Running",
        "waiting": "Waiting",
        "paused": "Paused",
        "stopping": "Stopping",
        "done": "Done",
        "stopped": "Stopped",
        "failed": "Failed",
        # Those that only steps have.
        "retrying": "Retrying",
        "edited": "Edited",
        "dropped": "Dropped",
    }
)

LIST: Final[dict[str, Any]] = said(
    {
        "workflows": WORKFLOWS,
        "title": TITLE,
        "statuses": STATUSES,
        "statusFilter": "Status",
        "all": "All",
        "filters": "Filters",
        "moreFilters": "More filters",
        "search": "Search runs",
        "searchHint": "Id, key, step, error, workflow or thread",
        "time": "Started",
        "times": {
            "": "Any time",
            "1h": "Last hour",
            "24h": "Last 24 hours",
            "7d": "Last 7 days",
            "30d": "Last 30 days",
            "custom": "From … to …",
        },
        "from": "From",
        "to": "To",
        "apply": "Apply",
        "workflow": "Workflow",
        "agent": "Agent",
        "model": "Model",
        "user": "Started by",
        "thread": "Thread",
        "schedule": "Schedule",
        "any": {
            "workflow": "Any workflow",
            "agent": "Any agent",
            "model": "Any model",
            "user": "Anybody",
        },
        "sort": "Order",
        "sorts": {
            "newest": "Newest first",
            "oldest": "Oldest first",
            "longest": "Longest first",
            "tokens": "Most tokens first",
            "cost": "Most costly first",
            "attempts": "Most attempts first",
        },
        "clear": "Clear filters",
        "remove": "Remove the filter {name}",
        "columns": {
            "status": "Status",
            "workflow": "Workflow",
            "agent": "Agent",
            "thread": "Thread",
            "user": "Started by",
            "started": "Started",
            "duration": "Duration",
            "attempts": "Attempts",
            "tokens": "Tokens",
            "cost": "Cost",
        },
        "select": "Select run {id}",
        "selectPage": "Select all runs on this page",
        "untitled": "Untitled",
        "private": "About what another person said",
        "queuedFor": "queued {time}",
        "queuedSoFar": "queued for {time}",
        "unpriced": "The price of these tokens is not known",
        "partlyPriced": "At least: the price of some of these tokens is not known",
        "estimated": "Estimated",
        "earlier": {"newest": "Newer", "oldest": "Older", "other": "Back"},
        "later": {"newest": "Older", "oldest": "Newer", "other": "More"},
        "first": "First page",
        "pages": "Pages",
        "further": "Look further",
        "new": {"one": "1 new run", "many": "{number} new runs", "most": "{number}+ new runs"},
        "emptyTitle": "No runs yet",
        "empty": (
            "Every answer, follow-up and workflow is a run, and will be listed here as soon as it"
            " starts. Send a message to see the first one."
        ),
        "emptyLink": "Start a thread",
        "nothingTitle": "No run fits these filters",
        "nothing": "Look at another time, or take some of them away.",
        "gone": "There are no runs on this page any more.",
        "loading": "Loading runs",
        "shown": {"one": "1 run shown", "many": "{number} runs shown"},
    }
)

BULK: Final[dict[str, Any]] = said(
    {
        "selected": {"one": "1 selected", "many": "{number} selected"},
        "selectedAll": "All that fit these filters, up to 1,000",
        "selectAll": "Select all that fit",
        "bar": "Selected runs",
        "unselect": "Clear selection",
        "actions": {"cancel": "Cancel", "pause": "Pause", "resume": "Resume", "retry": "Retry"},
        "looking": "Looking at the runs",
        "titles": {
            "cancel": {"one": "Cancel 1 run?", "many": "Cancel {number} runs?"},
            "pause": {"one": "Pause 1 run?", "many": "Pause {number} runs?"},
            "resume": {"one": "Resume 1 run?", "many": "Resume {number} runs?"},
            "retry": {"one": "Retry 1 run?", "many": "Retry {number} runs?"},
        },
        "none": {
            "cancel": "None of these runs can be cancelled",
            "pause": "None of these runs can be paused",
            "resume": "None of these runs can be resumed",
            "retry": "None of these runs can be retried",
        },
        "effects": {
            "cancel": (
                "What has not begun ends at once; the others stop, and may clean up for a moment."
                " Runs that they wait for stop as well. Answers keep the text that is there."
            ),
            ("pause"): (
                "They stand still, at the latest after the step at hand, until they are resumed."
            ),
            "resume": "They go on where they stood. A step whose tries were over is tried again.",
            "retry": "They go on from the step that failed. What is finished is not done again.",
        },
        "cannot": {"one": "1 run cannot: {words}", "many": "{number} runs cannot: {words}"},
        "more": (
            "More than 1,000 runs fit. These are the newest 1,000; do it again for the others."
        ),
        "keep": "Go back",
        "doing": {
            "cancel": "Cancelling {total} runs",
            "pause": "Pausing {total} runs",
            "resume": "Resuming {total} runs",
            "retry": "Retrying {total} runs",
        },
        "progress": "{done} done, {failed} refused, {left} to go",
        "queued": "Waiting for a free worker",
        "did": {
            "cancel": "Cancelled {done} of {total} runs",
            "pause": "Paused {done} of {total} runs",
            "resume": "Resumed {done} of {total} runs",
            "retry": "Retried {done} of {total} runs",
        },
        "refused": {"one": "1 was refused", "many": "{number} were refused"},
        "cut": "It did not get to its end ({words}): {left} runs were not touched.",
        "open": "Open its run",
        "dismiss": "Dismiss",
        "missing": "This action is not there any more.",
        "more_refused": "and {number} more",
    }
)

VIEWS: Final[dict[str, str]] = said(
    {
        "button": "Views",
        "title": "Saved views",
        ("about"): (
            "Filters that you kept under a name. Only you see this list; a link works for all."
        ),
        "none": "You have not saved any yet.",
        "name": "Name",
        "save": "Save these filters",
        "rename": "Rename",
        "renameOf": "Rename {name}",
        "deleteOf": "Delete {name}",
        "newName": "New name of {name}",
        "keep": "Save",
        "cancel": "Cancel",
        "copy": "Copy link",
        "copied": "Copied",
        "close": "Close",
    }
)
