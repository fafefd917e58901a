"""What a new answer takes over of another one's journal and parts, when it is to go on from one of
its steps. Pure.

An answer goes on from a call of the model, or from a call of a tool. What came before is as it
was; a call that was not over is begun anew, and asks for its approval anew. Whoever forks an answer
asks for the new one: it has their rights, not those of the person before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from agentchat.agents import edits
from agentchat.agents.asking import ask_id, hash_of
from agentchat.agents.limits import OF_RUN
from agentchat.errors import InvalidInput
from agentchat.models import (
    REMEMBERED,
    Ask,
    AskStatus,
    Message,
    Part,
    PartKind,
    PartStatus,
    Run,
    RunStatus,
    Step,
    StepStatus,
)
from agentchat.store.messages import Answer
from agentchat.store.parts import PROMISED
from agentchat.store.repairs import Fork
from agentchat.views import Actor

BEFORE = -1
_BRANCH = re.compile(r"\[(\d+)\]$")
_OVER = (PartStatus.DONE, PartStatus.FAILED, PartStatus.DENIED)
_PICKS = ("prepare", "route", "calls")
"""The steps whose results tell which agent goes on."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An answer with the run that wrote it, as both were at one moment."""

    run: Run
    message: Message
    steps: Sequence[Step]
    parts: Sequence[Part]
    asks: Sequence[Ask]


@dataclass(slots=True)
class Taken:
    """What an answer begins with: steps, parts and asks, and the words that its model is taken to
    have said; ``agent`` is who goes on, empty if the answer begins at its beginning.
    """

    steps: list[Step] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    text: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where an answer is forked: before the call ``round`` of the model, or while the calls of
    tools of that round are carried out (``calls``), with ``again`` as the one to be made again.
    """

    round: int
    calls: Step | None = None
    again: int | None = None


def anew(parts: Sequence[Part]) -> Taken:
    """What an answer is given that begins at the beginning: what it was for, and what people said
    to steer the one before it.
    """
    kept = [
        part
        for part in parts
        if part.step == PROMISED or (part.kind == PartKind.MESSAGE and part.data.get("message_id"))
    ]
    for position, part in enumerate(kept):
        part.position, part.round = position, BEFORE
    return Taken(parts=kept)


def taken(origin: Origin, fork: Fork, new: Answer, by: Actor, now: datetime) -> Taken:
    """What ``new`` takes over, for the person ``by``; the rows of ``origin`` are changed.

    Raises InvalidInput if it cannot be forked there, or the other input or result does not fit.
    """
    cut = _cut(origin, fork)
    if cut is None:
        return anew(origin.parts)
    return _Taking(origin, fork, cut, new, by, now).take()


def _cut(origin: Origin, fork: Fork) -> Cut | None:
    if fork.step is None:
        return _end(origin)
    keys = [step.key for step in origin.steps]
    if fork.step not in keys:
        names = ", ".join(repr(key) for key in keys[:20]) or "none"
        raise InvalidInput(f"The run has no step {fork.step!r}; it has {names}.")
    target = origin.steps[keys.index(fork.step)]
    if target.name == "generate" and not target.branch:
        return Cut(target.occurrence)
    calls = _last(origin, "calls", before=target)
    found = _BRANCH.search(target.branch.split("/")[0])
    if calls is None or found is None:
        raise InvalidInput(
            f"An answer goes on from a call of the model or of a tool, not from {target.key!r}."
        )
    model = _last(origin, "generate", before=calls)
    assert model is not None, "tools are called by a model"
    return Cut(model.occurrence, calls, int(found[1]))


def _end(origin: Origin) -> Cut | None:
    """Where an answer ended before it was done; None if that was before its beginning."""
    if origin.run.status == RunStatus.DONE:
        raise InvalidInput("This answer is finished. Name the step to go on from, or ask again.")
    model = _last(origin, "generate")
    if model is None:
        return None
    after = {step.name: step for step in origin.steps if step.id > model.id and not step.branch}  # type: ignore[operator]
    calls, repair = after.get("calls"), after.get("repair")
    if calls is not None and calls.status == StepStatus.DONE:
        return Cut(model.occurrence, calls)
    over = repair is not None and repair.status == StepStatus.DONE
    return Cut(model.occurrence + 1 if over else model.occurrence)


def _last(origin: Origin, name: str, before: Step | None = None) -> Step | None:
    found = [step for step in origin.steps if step.name == name and not step.branch]
    if before is not None:
        found = [step for step in found if step.id < before.id]  # type: ignore[operator]
    return found[-1] if found else None


@dataclass
class _Taking:
    origin: Origin
    fork: Fork
    cut: Cut
    new: Answer
    by: Actor
    now: datetime
    _taken: Taken = field(default_factory=Taken)
    _begun: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The calls of the round that is cut, by the number of their branch."""

    def take(self) -> Taken:
        calls = self.cut.calls
        if calls is not None:
            self._begun = dict(enumerate(calls.result["begun"]))
        over = self._over()
        self._taken.steps = self._steps(over)
        self._taken.parts = self._parts()
        self._edit(over)
        self._for_new_person()
        self._taken.asks = self._asks(over)
        return self._taken

    @property
    def _given(self) -> int | None:
        """The call to which a person gives its result."""
        return self.cut.again if self.fork.result else None

    # Which calls of tools are over

    def _over(self) -> set[int]:
        """The calls of the round that are as they were."""
        parts = {part.position: part for part in self.origin.parts}
        over = {
            number
            for number, begun in self._begun.items()
            if parts[begun["position"]].status in _OVER and not self._is_open(number, begun)
        }
        return over - {self.cut.again}

    def _is_open(self, number: int, begun: dict[str, Any]) -> bool:
        return any(
            step.name == f"tool {begun['name']}" and step.status not in REMEMBERED
            for step in self._of_call(number)
        )

    def _of_call(self, number: int) -> list[Step]:
        """The steps of one call of a tool."""
        assert self.cut.calls is not None
        first = self.cut.calls.id
        last = next((s.id for s in self.origin.steps if s.id > first and not s.branch), inf)  # type: ignore[operator]
        return [
            step
            for step in self.origin.steps
            if first < step.id < last  # type: ignore[operator]
            and (found := _BRANCH.search(step.branch.split("/")[0]))
            and int(found[1]) == number
        ]

    # What is taken over

    def _steps(self, over: Collection[int]) -> list[Step]:
        calls, steps = self.cut.calls, self.origin.steps
        if calls is None:
            place = [s.name == "generate" and s.occurrence == self.cut.round for s in steps]
            known = steps[: place.index(True)] if True in place else steps
        else:
            known = [step for step in steps if step.id <= calls.id]  # type: ignore[operator]
            for number in sorted(over):
                known += self._of_call(number)
        return [
            step
            for step in known
            if step.status in REMEMBERED
            and step.key != self.origin.run.failed_step
            and not step.cleanup
        ]

    def _parts(self) -> list[Part]:
        cut = self.cut
        beyond = cut.round if cut.calls is None else cut.round + 1
        called = [one for one in self.origin.parts if one.kind != PartKind.AGENT]
        last = min((one.position for one in called if one.round >= beyond), default=inf)
        first = min((one.position for one in called if one.round >= cut.round), default=inf)
        subs = {
            step.result["part"]
            for step in self._taken.steps
            if step.name.startswith("ask ") and "part" in (step.result or ())
        }
        kept = [
            part
            for part in self.origin.parts
            if part.position < last
            # Written down at the end.
            and part.kind != PartKind.SOURCES
            # A limit that was reached after these calls is reached again.
            and not (part.round == BEFORE and part.position > first)
            and not (part.kind == PartKind.AGENT and part.position not in subs)
        ]
        for part in kept:
            if used := part.data.get("used"):
                left = {name: many for name, many in used.items() if name not in OF_RUN}
                part.data = {**part.data, "used": left}
        return kept

    def _asks(self, over: Collection[int]) -> list[Ask]:
        """What was asked in the parts: as it was decided, or open again where a call is begun
        anew.
        """
        begun = [one for n, one in self._begun.items() if n not in over and n != self._given]
        again = {one["ask"]: one for one in begun if one["ask"]}
        anew_in = {one["position"] for one in begun}
        there = {part.position for part in self._taken.parts}
        found: list[Ask] = []
        ids: dict[str, str] = {}
        for ask in self.origin.asks:
            if ask.part not in there or (ask.part in anew_in and ask.id not in again):
                continue
            if ask.id in again:
                self._ask_again(ask, again[ask.id]["arguments"])
            before = sum(one.part == ask.part for one in found)
            ids[ask.id] = ask_id(self.new, ask.part, before)
            found.append(ask)
        for ask in found:
            ask.id = ids[ask.id]
        edits.rename(self._taken.steps, ids)
        return found

    def _ask_again(self, ask: Ask, arguments: Any) -> None:
        if ask.deadline is not None:
            ask.deadline = self.now + (ask.deadline - ask.created_at)
        ask.status, ask.created_at = AskStatus.OPEN, self.now
        ask.input, ask.input_hash = arguments, hash_of(arguments)
        ask.answer, ask.reason = None, ""
        ask.decided_by = ask.decided_by_id = ask.decided_at = None
        ask.asked_of = self.by.id if ask.asked_of else ""

    # What is to be otherwise

    def _edit(self, over: Collection[int]) -> None:
        fork, cut = self.fork, self.cut
        picks = [step for step in self._taken.steps if step.name in _PICKS and not step.branch]
        agent = next((s.result["agent"] for s in reversed(picks) if s.result["agent"]), "")
        if cut.calls is None:
            if fork.input is not None:
                wanted = edits.asked_of(fork.input, cut.round)
                if wanted.agent != agent:
                    edits.pick(self._taken.steps, picks, agent := wanted.agent)
                if wanted.words:
                    self._say(wanted.words)
            if fork.result:
                self._said(fork.result[0])
        for number, begun in self._begun.items():
            if number not in over:
                self._call_again(number, begun)
        self._taken.agent = agent

    def _say(self, words: str) -> None:
        """Let a person say something before the model is called."""
        position = max((part.position for part in self._taken.parts), default=-1) + 1
        self._taken.parts.append(
            Part(
                position=position,
                message_id=self.new.message_id,
                thread_id=self.new.thread_id,
                run_id=self.new.run_id,
                kind=PartKind.MESSAGE,
                status=PartStatus.DONE,
                name=self.by.name,
                text=words,
                round=self.cut.round - 1,
                started_at=self.now,
                finished_at=self.now,
            )
        )

    def _said(self, result: Any) -> None:
        """Let the model have said something else."""
        [target] = [step for step in self.origin.steps if step.key == self.fork.step]
        texts = [
            part.text
            for part in self.origin.parts
            if part.kind == PartKind.TEXT and part.round == self.cut.round
        ]
        before = edits.Before(target.result, texts[0] if texts else self.origin.message.text)
        self._taken.text, target.result = edits.said(result, before, self.by)
        self._taken.steps.append(_done(target))

    def _call_again(self, number: int, begun: dict[str, Any]) -> None:
        fork, again = self.fork, number == self.cut.again
        changed: dict[str, Any] = {}
        part = next(part for part in self._taken.parts if part.position == begun["position"])
        if number == self._given:
            self._came_to(number, begun, part, fork.result[0])
            return
        if again and fork.input is not None:
            key = edits.closing(begun)
            if begun["kind"] == "durable" or not self._names(number, key):
                raise InvalidInput("Other arguments go to the step of the tool that takes them.")
            changed = {"given": "arguments", "by": self.by.name}
            begun["arguments"] = edits.arguments_of(fork.input, begun["position"])
        part.status = PartStatus.ASKED if begun["ask"] else PartStatus.RUNNING
        part.input, part.text, part.step = begun["arguments"], "", ""
        quiet = {name: part.data[name] for name in ("quiet",) if name in part.data}
        part.data = quiet | changed
        part.started_at, part.finished_at = self.now, None

    def _came_to(self, number: int, begun: dict[str, Any], part: Part, result: Any) -> None:
        """Let a call have come to something else."""
        key = edits.closing(begun)
        if not self._names(number, key):
            raise InvalidInput(f"A call of {begun['name']} gets its result at the step {key!r}.")
        kept = self._of_call(number)
        [target] = [step for step in kept if step.key == self.fork.step]
        before = [step for step in kept[: kept.index(target)] if step.status in REMEMBERED]
        target.result = PartStatus.DONE if begun["kind"] != "durable" else None
        self._taken.steps += [*before, _done(target)]
        part.status, part.text, part.finished_at = PartStatus.DONE, edits.told(result), self.now
        about = {name: part.data[name] for name in part.data if name not in ("sources", "memories")}
        part.data = about | {"given": "result", "by": self.by.name}

    def _names(self, number: int, name: str) -> bool:
        """Whether the fork names this step of a call."""
        return any(s.key == self.fork.step and s.name == name for s in self._of_call(number))

    def _for_new_person(self) -> None:
        for step in self._taken.steps:
            if step.name == "prepare" and not step.branch:
                whose = {"user_id": self.by.id, "user": self.by.name}
                # What it had taken by then is no time of the new one.
                step.result = {**step.result, **whose, "began_at": self.now.isoformat()}


def _done(step: Step) -> Step:
    step.status, step.args_hash = StepStatus.DONE, ""
    step.error = step.error_kind = None
    return step
