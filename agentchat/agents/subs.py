"""Agents that other agents ask: each in a run and a thread of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentchat.agents import pending
from agentchat.errors import StepFailed, ToolError
from agentchat.inputs import storable, title_of
from agentchat.models import PartKind, PartStatus
from agentchat.store import messages, parts, threads
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

if TYPE_CHECKING:
    from agentchat.agents.calls import Calls
    from agentchat.agents.tools import ToolContext

_SUBS = uuid.UUID("9a1f7a5e-62b5-4d3b-b8f7-58a0f1b3c4d2")
"""The namespace of the ids of the threads in which agents work for others."""
MOST_TASK = 20_000


@dataclass(frozen=True, slots=True)
class Sub:
    """Where another agent does its part: its thread and answer, and the part that shows it."""

    thread_id: str
    message_id: str
    part: int


def root_of(context: ToolContext) -> str:
    """The thread that a person sees, for which a tool is called: a sub-agent's is within it."""
    return context._run.hold.thread_id or context.thread_id


async def ask(calls: Calls, agent: str, task: str) -> str:
    """Let another agent do something, and return its answer.

    It is a run of its own, which goes on and is stopped with this one. Raises
    :class:`~agentchat.errors.ToolError` if it failed.
    """

    def begin(tx: Tx, task: str) -> Sub:
        return _begin(tx, calls, agent, storable(task)[:MOST_TASK])

    def over(tx: Tx, status: PartStatus) -> str:
        now = calls.team.clock.now()
        parts.change(tx, calls.answer, sub.part, status=status, finished_at=now)
        message = messages.find(tx, sub.message_id)
        return "" if message is None else message.text

    ctx = calls.ctx
    sub = await ctx.transaction(f"ask {agent}", begin, task)
    reply = calls.team.reply.options(key=sub.thread_id)
    try:
        await ctx.run(reply, sub.thread_id, sub.message_id, 1, agent=agent, depth=calls.depth + 1)
    except StepFailed as failed:
        await ctx.transaction("agent failed", over, PartStatus.FAILED)
        raise ToolError(f"{agent} failed: {failed}") from failed
    return await ctx.transaction(f"answer {agent}", over, PartStatus.DONE)


def _begin(tx: Tx, calls: Calls, agent: str, task: str) -> Sub:
    now, answer = calls.team.clock.now(), calls.answer
    [part] = parts.add(
        tx,
        answer,
        now,
        {
            "kind": PartKind.AGENT,
            "status": PartStatus.RUNNING,
            "agent": calls.agent,
            "name": agent,
            "text": task,
        },
    )
    thread_id = uuid.uuid5(_SUBS, f"{answer.run_id}\n{part}").hex
    asked, answered = f"{thread_id[:31]}q", f"{thread_id[:31]}a"
    parts.change(tx, answer, part, child_id=answered, data={"thread_id": thread_id})
    threads.create(
        tx,
        thread_id,
        owner_id=calls.actor.id,
        title=title_of(task),
        now=now,
        parent_id=answer.thread_id,
        parent_message_id=answer.message_id,
        agent=agent,
        length=2,
    )
    user_id, there = calls.actor.id, Answer(answered, thread_id, "", 1)
    messages.add(
        tx,
        pending.said(asked, thread_id, 0, task, author=calls.agent, user_id=user_id, now=now),
        pending.to_come(there, author=agent, user_id=user_id, now=now, run_id=None),
    )
    return Sub(thread_id, answered, part)
