"""Keeping a promise: an agent comes back to its thread by itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from agentchat.agents import pending
from agentchat.agents.team import Team
from agentchat.durable.context import Context
from agentchat.durable.workflow import Workflow, workflow
from agentchat.errors import ThreadNotFound
from agentchat.models import PartKind, PartStatus
from agentchat.store import branches, emptying, follow_ups, parts, threads
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.views import Actor

_ANSWERS = uuid.UUID("6d7c1f0b-1b7e-4a5f-8f27-1f6b5e1f8f5c")
"""The namespace of the ids of answers that are follow-ups, and of their runs."""

Outcome = Literal["answered", "gone"]


def follow_up_workflow(
    team_of: Callable[[], Team],
) -> Workflow[[str, str, str, str, datetime], Outcome]:
    """The workflow that waits until a time and then lets an agent answer in its thread, for the
    person it was promised to. If the thread is deleted by then, it waits until that is had back,
    and ends quietly if it is not.
    """

    @workflow(name="follow_up")
    async def follow_up(
        ctx: Context, thread_id: str, user_id: str, agent: str, text: str, at: datetime
    ) -> Outcome:
        def by() -> Actor:
            return ctx.actor if ctx.actor.id == user_id else Actor(user_id, ctx.started_by)

        async def who() -> str:
            """Picked again, which is empty, if it is gone, or not allowed any more."""
            usable = await team_of().may_use(by())
            return agent if agent in usable else ""

        def post(tx: Tx) -> Outcome | Literal["deleted"]:
            team, now = team_of(), team_of().clock.now()
            try:
                thread = threads.lock(tx, thread_id)
            except ThreadNotFound:
                return "deleted" if emptying.lock_deleted(tx, thread_id) else "gone"
            if thread is None:
                return "gone"
            if team.guard is not None:
                team.guard.acting_in(tx, thread_id, user_id, ctx.started_by)
            answer_id, run_id = (
                uuid.uuid5(_ANSWERS, f"{ctx.run_id}\n{what}").hex for what in ("answer", "run")
            )
            answer = Answer(answer_id, thread_id, run_id, thread.length)
            threads.grow(tx, thread, by=1, title="", now=now)
            row = pending.to_come(answer, author=name, user_id=user_id, now=now, run_id=run_id)
            branches.add_at_end(tx, thread, row)
            parts.add(
                tx,
                answer,
                now,
                {
                    "kind": PartKind.NOTE,
                    "status": PartStatus.DONE,
                    "agent": name,
                    "text": f"Follow-up: {text}",
                    "data": {"tell": True, "told": _told(text, at)},
                    "step": parts.PROMISED,
                    # Before the model is first called: it is what the answer is for.
                    "round": -1,
                    "finished_at": now,
                },
            )
            told_by = {"agent": name, "model": thread.model}
            pending.queue(tx, answer, team.reply, by=by(), now=now, **told_by)
            return "answered"

        await ctx.sleep_until("until then", at)
        # Not in the transaction: it is code of the app, and may take its time.
        name = await ctx.step("who", who)
        while (outcome := await ctx.transaction("follow up", post)) == "deleted":
            # Its owner may have it back; a promise that was due meanwhile is kept then.
            await ctx.wait_for(follow_ups.THREAD_BACK, object)
        return outcome

    return follow_up


def _told(text: str, at: datetime) -> str:
    return (
        f"(You promised earlier to come back at this time, {at:%A, %Y-%m-%d %H:%M} UTC, and it has"
        f" come. Nobody has just written. Do now, for the person: {text})"
    )
