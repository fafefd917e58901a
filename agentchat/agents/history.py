"""What a model is told of a thread. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from agentchat.llm.base import Turn
from agentchat.llm.tokens import tokens
from agentchat.models import Message, Role


def turns_of(messages: Iterable[Message]) -> tuple[Turn, ...]:
    """The turns of a history that every provider accepts: person and model take turns,
    beginning with the person; what one says twice in a row is joined.
    """
    turns: list[Turn] = []
    for message in messages:
        role: Literal["user", "assistant"] = "user" if message.role == Role.USER else "assistant"
        if turns and turns[-1].role == role:
            turns[-1] = Turn(role, f"{turns[-1].text}\n\n{message.text}")
        elif turns or role == "user":
            turns.append(Turn(role, message.text))
    return tuple(turns)


def fitting(turns: Sequence[Turn], room: int | None) -> tuple[Turn, ...]:
    """The newest turns that fit into ``room`` tokens (estimated), beginning with the
    person; the last turn is always there. No limit when ``room`` is None.
    """
    if room is None:
        return tuple(turns)
    kept: list[Turn] = []
    for turn in reversed(turns):
        room -= tokens(len(turn.text))
        if kept and room < 0:
            break
        kept.append(turn)
    kept.reverse()
    while len(kept) > 1 and kept[0].role != "user":
        del kept[0]
    return tuple(kept)
