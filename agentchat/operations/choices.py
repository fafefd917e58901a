"""What may be done to a run, and what exactly would happen: the words of a page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentchat.durable.own import Declared
from agentchat.models import ACTIVE_RUN, RunStatus
from agentchat.operations.detail_views import Choice
from agentchat.operations.run_words import can

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a run would be touched: the names of the steps ``under_way``, how many steps are
    ``done``, how many runs it waits for (``awaited``) and how much it ``asks``.
    """

    under_way: Sequence[str] = ()
    done: int = 0
    awaited: int = 0
    asks: int = 0


def choices(run: Any, facts: Facts, declared: Declared) -> tuple[Choice, ...]:
    """The actions that a run is in a state for."""
    able, active = can(run), run.status in ACTIVE_RUN
    found = []
    if "resume" in able:
        found.append(Choice("resume", _resume(run)))
    if "retry" in able:
        found.append(Choice("retry", _retry(run, facts, declared)))
    if "pause" in able:
        found.append(Choice("pause", _pause(run, facts)))
    if "cancel" in able:
        found.append(Choice("cancel", _cancel(run, facts, declared)))
    if active and not (declared.ends and "cancel" in able):
        found.append(Choice("kill", _kill(facts)))
    if active and not declared.own and not declared.beside:
        found.append(Choice("send", _SEND))
    if declared.knows and not unforkable(run, declared):
        again = _ANSWER_AGAIN if declared.beside else _RERUN.format(run.workflow)
        found.append(Choice("rerun", again))
        if not declared.beside:
            found.append(Choice("fork", _FORK.format(_steps(facts.done))))
        elif run.status != RunStatus.DONE:
            # One that is finished goes on from no place but a step.
            found.append(Choice("fork", _ANSWER_ON))
    return tuple(found)


def unforkable(run: Any, declared: Declared) -> str:
    """Why a run can be neither forked nor run again, in words; empty if it can."""
    if not declared.knows:
        return "This app does not know it."
    if declared.beside and run.parent_id:
        return "This run answers another agent; fork the one that asked it."
    return declared.own


_SEND = (
    "The run gets this event as if it had come from outside. If it waits for it, it goes on at"
    " once; else it finds the event when it comes to wait for it."
)
_RERUN = (
    "A new run of {} begins with these arguments. All its steps are done again, with all their"
    " effects. This run stays as it is."
)
_ANSWER_AGAIN = (
    "The answer is given once more from its beginning, with all the effects of its steps. Both are"
    " seen side by side in the thread until somebody keeps one. This one stays as it is."
)
_ANSWER_ON = (
    "Another answer goes on where this one is; what failed or is under way is done again there."
    " Both are seen side by side in the thread until somebody keeps one."
)
_FORK = (
    "A new run goes on where this one is: {} are copied and not done again. What failed or is"
    " under way is done again there. This run stays as it is."
)


def _resume(run: Any) -> str:
    if run.paused_by or run.pausing:
        return "It goes on where it stands, as soon as a worker is free."
    return "The step whose tries were over is tried again. What is done is not done again."


def _retry(run: Any, facts: Facts, declared: Declared) -> str:
    at = f"from {run.failed_step!r}" if run.failed_step else "from where it ended"
    words = f"This run goes on {at}. {_steps(facts.done)} are done, and not done again."
    if declared.ends:
        return f"{words} The answer is written on; what was asked in it is asked again."
    return f"{words} Runs that it waited for and that failed go on likewise."


def _pause(run: Any, facts: Facts) -> str:
    words = "It stands still until somebody resumes it. Times that it waits for go on."
    if run.status != RunStatus.RUNNING:
        return f"{words} Runs that it waits for go on." if facts.awaited else words
    step = f" ({_named(facts.under_way)})" if facts.under_way else ""
    return f"The step at hand{step} is finished first. {words}"


def _cancel(run: Any, facts: Facts, declared: Declared) -> str:
    if declared.ends:
        words = "The answer ends at once, with the text so far; it says who stopped it."
    elif not run.attempt:
        return "It has not begun: it ends at once, and nothing of it is done."
    else:
        words = (
            f"The run is asked to stop. {_cut(facts)}It may clean up for"
            f" {declared.cleanup.total_seconds():g} seconds; then it is over."
        )
    return " ".join(filter(None, (words, _with(facts), "What is done stays done.")))


def _kill(facts: Facts) -> str:
    words = "The run ends at once, without any clean-up."
    if facts.under_way:
        words += (
            f" {_named(facts.under_way)} may still have an effect outside that nobody will know of."
        )
    return " ".join(filter(None, (words, _with(facts), "What is done stays done.")))


def _cut(facts: Facts) -> str:
    return f"{_named(facts.under_way)} is cut off. " if facts.under_way else ""


def _with(facts: Facts) -> str:
    found = []
    if facts.awaited == 1:
        found.append("The run that it waits for is stopped with it.")
    elif facts.awaited:
        found.append(f"The {facts.awaited} runs that it waits for are stopped with it.")
    if facts.asks:
        found.append("What it asks people is withdrawn.")
    return " ".join(found)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number:,} steps"
