"""What a person can do about a failure, by the kind of its error. Pure."""

from __future__ import annotations

from agentchat.errors import AgentChatError, ModelError


def _family(error: type[AgentChatError]) -> list[type[AgentChatError]]:
    return [error, *(kin for child in error.__subclasses__() for kin in _family(child))]


_NEXT = {one.kind: one.next_step for one in _family(ModelError) if issubclass(one, ModelError)} | {
    "outcome_unknown": (
        "Nobody knows whether this was done. Look at the other side; then fork the run from this"
        " step with its result, or retry to do it again."
    ),
    "code_changed": (
        "The code does not fit what this run has done. Bring back the code that began it, or fork"
        " the run from a step before the change; it goes on by itself once the code fits."
    ),
    "interrupted": "Its worker ended during the step. The run goes on by itself.",
    "crashed": "Its worker ended again and again. Look at the logs of the worker, then retry.",
    "stopped": "It was stopped by somebody. Retry it to let it go on.",
    "StepTimeout": "Give the step more time, or make it quicker; then retry the run.",
    "WaitTimeout": "What it waited for did not come in time. Send the event, then retry the run.",
    "JournalMismatch": (
        "The code asked for other steps than this run has done. Bring back the code that began"
        " it, and retry; or fork it from a step before the change."
    ),
    "InvalidInput": "Look at the input. Fork the run from this step with another one.",
}
_ELSE = (
    "Look at the error and the logs. Mend what is wrong, then retry: steps that are done are not"
    " done again. Or fork from this step with another input or result."
)


def next_step(kind: str) -> str:
    """What to do about an error of this kind."""
    return _NEXT.get(kind, _ELSE)
