"""What a model is told of a thread: turns that every provider accepts. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from agentchat.llm.base import File, Reasoning, ToolCall, ToolResult, Turn
from agentchat.llm.tokens import characters_of, tokens
from agentchat.models import PartKind, PartStatus, Role

INTERRUPTED = "Interrupted: the answer ended before this call came to a result."
LONGEST_OLD_RESULT = 2_000
"""How many characters of a tool's result are told again in later answers."""
CUT = "\n[…]"


@dataclass(frozen=True, slots=True)
class PartSaid:
    """A part of an answer: ``position`` is its place, ``round`` the call of the model that it
    came from or answers.
    """

    kind: str
    position: int
    status: str = PartStatus.DONE
    round: int = 0
    name: str = ""
    call_id: str = ""
    text: str = ""
    arguments: Any = None
    sealed: str = ""
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a thread with what a model may be told of it."""

    role: str
    text: str
    position: int = 0
    author: str = ""
    parts: tuple[PartSaid, ...] = ()
    files: tuple[File, ...] = ()
    current: bool = field(default=False)
    """Whether it is the answer that is being written: nothing of it is shortened."""
    summary: bool = field(default=False)
    """Whether it stands for all that was said up to ``position``."""


def turns_of(messages: Iterable[Said]) -> tuple[Turn, ...]:
    """The turns of a history: person and model take turns, beginning with the person; every
    call has its result; what one says twice in a row is joined.

    Where several people speak, each is named.
    """
    messages = list(messages)
    people = {said.author for said in messages if said.role == Role.USER}
    turns: list[Turn] = []
    for said in messages:
        if said.role == Role.USER:
            named = f"{said.author}: {said.text}" if len(people) > 1 else said.text
            turns.append(Turn("user", named, files=said.files))
        else:
            turns += _answer(said)
    return valid(turns)


def _answer(said: Said) -> Iterable[Turn]:
    for _, group in groupby(said.parts, key=lambda part: part.round):
        parts = list(group)
        calls = [part for part in parts if part.call_id]
        yield Turn(
            "assistant",
            "\n\n".join(part.text for part in parts if part.kind == PartKind.TEXT),
            calls=tuple(_call(said, part) for part in calls),
            reasoning=tuple(
                Reasoning(part.text, part.sealed)
                for part in parts
                if part.kind == PartKind.REASONING and said.current and part.sealed
            ),
        )
        told = "\n\n".join(
            part.text for part in parts if part.kind in (PartKind.NOTE, PartKind.MESSAGE)
        )
        files = tuple(file for part in parts for file in part.files)
        results = tuple(_result(said, part) for part in calls)
        yield Turn("user", told, results=results, files=files)
    yield Turn("assistant", said.text)


def _call(said: Said, part: PartSaid) -> ToolCall:
    arguments = part.arguments if isinstance(part.arguments, dict) else {"value": part.arguments}
    return ToolCall(_id(said, part), part.name, json.dumps(arguments, ensure_ascii=False))


def _result(said: Said, part: PartSaid) -> ToolResult:
    failed = part.status in (PartStatus.FAILED, PartStatus.DENIED)
    if part.status not in (PartStatus.DONE, PartStatus.FAILED, PartStatus.DENIED):
        return ToolResult(_id(said, part), part.name, INTERRUPTED, failed=True)
    text = part.text
    if not said.current and len(text) > LONGEST_OLD_RESULT:
        text = text[:LONGEST_OLD_RESULT] + CUT
    return ToolResult(_id(said, part), part.name, text or "(nothing)", failed=failed)


def _id(said: Said, part: PartSaid) -> str:
    # Our own: those of compatible servers repeat, and no provider knows another's.
    return f"call_{said.position}_{part.position}"


def valid(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns, repaired: the person begins; a call without a result was interrupted; a
    result without a call is dropped; what is empty goes; what one says twice is joined.
    """
    found: list[Turn] = []
    for turn in turns:
        before = found[-1] if found else None
        asked = {call.id: call for call in before.calls} if before is not None else {}
        if turn.role == "user":
            turn = replace(turn, results=_answers(asked, turn.results))
        elif asked:
            found.append(Turn("user", results=_answers(asked, ())))
            before = found[-1]
        if not (turn.text or turn.calls or turn.results or turn.files):
            continue
        if before is not None and before.role == turn.role and not before.calls:
            found[-1] = _joined(before, turn)
        elif found or turn.role == "user":
            found.append(turn)
    if found and found[-1].calls:
        found.append(Turn("user", results=_answers({c.id: c for c in found[-1].calls}, ())))
    return tuple(found)


def _answers(asked: dict[str, ToolCall], results: Sequence[ToolResult]) -> tuple[ToolResult, ...]:
    given = {result.call_id: result for result in results}
    return tuple(
        given.get(call_id) or ToolResult(call_id, call.name, INTERRUPTED, failed=True)
        for call_id, call in asked.items()
    )


def _joined(first: Turn, second: Turn) -> Turn:
    return Turn(
        first.role,
        "\n\n".join(filter(None, (first.text, second.text))),
        calls=second.calls,
        results=first.results + second.results,
        reasoning=first.reasoning + second.reasoning,
        files=first.files + second.files,
    )


def without_tools(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns with calls and results as plain words: for a model that is given no tools, as
    providers refuse calls of tools that they are not told of.
    """
    plain = []
    for turn in turns:
        words = [turn.text] if turn.text else []
        words += [f"(I call {call.name} with {call.arguments})" for call in turn.calls]
        told = [f"({result.name} answers: {result.text})" for result in turn.results]
        plain.append(
            replace(turn, text="\n\n".join([*told, *words]), calls=(), results=(), reasoning=())
        )
    return valid(plain)


def fitting(
    turns: Sequence[Turn], room: int | None, count: Callable[[Turn], int] | None = None
) -> tuple[Turn, ...]:
    """The newest turns that fit into ``room`` tokens, as ``count`` counts them (estimated
    without it), beginning with the person; the last that a person said and all that follows
    it is always there, with results shortened if need be. No limit when ``room`` is None.
    """
    count = count or _tokens
    if room is None:
        return tuple(turns)
    last = max((n for n, turn in enumerate(turns) if _begins(turn)), default=0)
    kept = _shortened(turns[last:], room, count)
    room -= sum(map(count, kept))
    first = last
    for n in range(last - 1, -1, -1):
        room -= count(turns[n])
        if room < 0:
            break
        if _begins(turns[n]):
            first = n
    return (*turns[first:last], *kept)


def _tokens(turn: Turn) -> int:
    return tokens(characters_of(turn))


def _begins(turn: Turn) -> bool:
    return turn.role == "user" and not turn.results


def _shortened(turns: Sequence[Turn], room: int, count: Callable[[Turn], int]) -> list[Turn]:
    """The turns with their oldest results cut until all fit, if that helps."""
    kept = list(turns)
    for n, turn in enumerate(kept[:-1]):
        if sum(map(count, kept)) <= room:
            break
        results = tuple(
            replace(one, text=one.text[:LONGEST_OLD_RESULT] + CUT)
            if len(one.text) > LONGEST_OLD_RESULT
            else one
            for one in turn.results
        )
        kept[n] = replace(turn, results=results)
    return kept
