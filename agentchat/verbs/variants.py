"""Answers side by side: asked again, forked, and chosen among. Nothing that was there is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agentchat.agents import forking, pending
from agentchat.agents.forking import Origin, Taken
from agentchat.agents.team import Team
from agentchat.durable.start import new_run
from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound
from agentchat.models import Message, MessageStatus, Role, Run
from agentchat.store import audits, branches, messages, runs, threads, variants
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.messages import Answer
from agentchat.store.repairs import Fork
from agentchat.store.runs import NewRun
from agentchat.store.variants import Beginning
from agentchat.store.writer import Tx
from agentchat.views import Actor

MOST = 20
"""How many answers a place may have: a thread shows all of them."""
_ANSWERS = uuid.UUID("c1a5f0b2-8d6e-4a53-9f3d-6f0f4b9f2c61")
"""The namespace of the ids of messages that forks write."""


@dataclass(frozen=True, slots=True)
class _New:
    """An answer to be written beside another, by this run."""

    beside: Message
    run: NewRun
    taken: Taken
    by: Actor

    @property
    def answer(self) -> Answer:
        return Answer(
            self.run.data["message_id"], self.beside.thread_id, self.run.id, self.beside.position
        )

    def add(self, tx: Tx) -> bool:
        """Write the message, its run and what both begin with; false if there is such a run."""
        answer, now = self.answer, self.run.now
        thread = threads.lock(tx, answer.thread_id)
        if thread is None:
            raise ThreadNotFound
        if thread.parent_id:
            raise InvalidInput(_ASKED_BY_AGENT)
        if messages.find(tx, self.beside.id) is None:
            raise MessageNotFound
        branches.check_shown(tx, self.beside)
        known = messages.find(tx, answer.message_id) is not None
        if variants.count(tx, self.beside) >= MOST and not known:
            raise InvalidInput(f"There are {MOST} answers here, which is the most.")
        if not runs.add_once(tx, self.run):
            return False
        number = variants.next_number(tx, answer.thread_id, answer.position)
        messages.add(tx, self._row(number))
        taken = self.taken
        variants.begin(
            tx, answer, Beginning(taken.steps, taken.parts, taken.asks, taken.text), now=now
        )
        threads.grow(tx, thread, by=0, title="", now=now)
        return True

    def _row(self, number: int) -> dict[str, Any]:
        row = pending.to_come(
            self.answer,
            author=self.run.agent,
            user_id=self.by.id,
            now=self.run.now,
            run_id=self.run.id,
        )
        row |= {"variant": number, "branch": self.beside.branch, "hidden": True}
        if self.taken.steps:
            # It has begun already: its run will not say so again.
            row |= {"status": MessageStatus.RUNNING, "model": self.beside.model}
        return row


_ASKED_BY_AGENT = (
    "This answers another agent: fork the answer that asked it, where it calls the agent."
)


async def forked(
    team: Team,
    database: Database,
    run: Run,
    fork: Fork,
    new: NewRun,
    by: Actor,
    *,
    here: bool = True,
) -> Callable[[Tx], bool]:
    """What the fork or the rerun of a run that answers changes: a new answer, beside its own.
    ``here`` says that the team is the one that answers, and not that of another process.

    Raises InvalidInput if it cannot be forked there, MessageNotFound and AgentNotFound.
    """
    data = dict(run.data)
    if run.parent_id is not None:
        raise InvalidInput(_ASKED_BY_AGENT)
    if any(fork.data.get(name) != data[name] for name in ("thread_id", "message_id", "position")):
        raise InvalidInput(
            "Of what an answer is given, only the agent and the model may be another."
        )
    again = fork.step is None and not fork.everything
    if fork.edited and not again:
        raise InvalidInput(
            "Another agent goes into the input of a call of the model, or answers from the start."
        )
    found = await database.read(variants.written, data["message_id"], run.id)
    if found is None:
        raise MessageNotFound
    agent, model = str(fork.data.get("agent") or ""), str(fork.data.get("model") or "")
    if here and model != data.get("model", ""):
        team.check_offered(model)
    made = _of(new, agent)
    if again:
        taken = forking.anew(found.parts)
    else:
        origin = Origin(run, found.message, found.steps, found.parts, found.asks)
        answer = _New(found.message, made, Taken(), by).answer
        taken = forking.taken(origin, fork, answer, by, new.now)
    if here and (taken.agent or agent):
        await team.chosen(taken.agent or agent, by)
    made.agent = taken.agent or agent or found.message.author
    if not taken.steps:
        # Nothing is left that older code has decided.
        made.version, made.code = team.reply.version, team.reply.code
    made.origin_id, made.origin_step = run.id, fork.step
    return _New(found.message, made, taken, by).add


async def asked_again(
    team: Team,
    message_id: str,
    agent: str,
    model: str | None,
    by: Actor,
    run_id: str,
    now: datetime,
) -> Callable[[Tx], str]:
    """What it changes to ask for an answer once more, beside the one that is there: the id of the
    new one. Without a ``model`` that of the thread answers.

    Raises MessageNotFound, AgentNotFound, and InvalidInput for what is no answer.
    """
    team.check_offered(model or "")
    found = await team.database.read(variants.written, message_id, "")
    if found is None or found.message.role != Role.ASSISTANT:
        raise MessageNotFound
    message, held = found.message, None
    if message.run_id:
        # It may have been cleaned away.
        held = await team.database.read(runs.get, message.run_id)
    picked = agent or ("" if held is None else held.data.get("agent", ""))
    if picked:
        await team.chosen(picked, by)
    if model is None:
        model = await team.database.read(threads.model_of, message.thread_id)
    data = {
        "thread_id": message.thread_id,
        "message_id": message.id,
        "position": message.position,
        "agent": picked,
        **pending.chosen(model),
    }
    made = _of(new_run(run_id, team.reply, data, now, by), picked)
    made.agent, made.origin_id = picked or message.author, None if held is None else held.id
    made.thread_id = message.thread_id
    new = _New(message, made, forking.anew(found.parts), by)

    def add(tx: Tx) -> str:
        if new.add(tx):
            entry = Entry("run", message.run_id or made.id, "rerun", by, {"new": made.id})
            audits.add(tx, entry, now=now)
        return new.answer.message_id

    return add


def keep(tx: Tx, message_id: str, by: Actor, now: datetime) -> None:
    """Let an answer be the one of its place; the one before is hidden, not lost. What was said
    after it stays as it is.

    Raises MessageNotFound and ThreadNotFound.
    """
    message = messages.find(tx, message_id)
    if message is None or message.role != Role.ASSISTANT:
        raise MessageNotFound
    if threads.lock(tx, message.thread_id) is None:
        raise ThreadNotFound
    # Again under the lock: somebody else may have chosen at the same moment.
    message = messages.find(tx, message_id)
    if message is None:
        raise MessageNotFound
    branches.check_shown(tx, message)
    place = variants.place_of(tx, message)
    if len(place.all) == 1:
        return
    variants.keep(tx, message, place, by=by.name, now=now)
    detail = {"message": message.id, "instead_of": place.kept.id}
    audits.add(tx, Entry("run", message.run_id or message.id, "keep", by, detail), now=now)


def _of(new: NewRun, agent: str) -> NewRun:
    """The run that writes the new answer. It waits for nobody, and nobody for it."""
    message_id = uuid.uuid5(_ANSWERS, new.id).hex
    data = {**new.data, "message_id": message_id, "agent": agent}
    return replace(new, data=data, key=message_id)
