"""The answer to a message: prepare, generate, finish."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from agentchat.agents.agent import Agent, Generated, generate
from agentchat.agents.streams import Streams
from agentchat.durable.clock import Clock
from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import Workflow, workflow
from agentchat.inputs import storable
from agentchat.llm.base import Provider
from agentchat.models import MessageStatus, Run
from agentchat.store import messages
from agentchat.store.database import Database
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

RETRY = RetryPolicy(attempts=5, longest_retry_after=timedelta(minutes=2))
HISTORY = 200
"""How many messages back a model is told of at most; the model's window may hold fewer."""


def reply_workflow(
    agent: Agent, provider: Provider, database: Database, streams: Streams, clock: Clock
) -> Workflow[[str, str, int], None]:
    """The workflow that lets ``agent`` answer with ``provider``."""

    @workflow(name="reply", on_failure=_failed)
    async def reply(ctx: Context, thread_id: str, message_id: str, position: int) -> None:
        answer = Answer(message_id, thread_id, ctx.run_id, position)

        def prepare(tx: Tx) -> list[str]:
            messages.begin(tx, answer, model=provider.label)
            return messages.ids_before(tx, answer, limit=HISTORY)

        async def ask(ids: list[str]) -> Generated:
            history = await database.read(messages.by_ids, ids)
            return await generate(agent, provider, streams, ctx, answer, history)

        def finish(tx: Tx, generated: Generated) -> None:
            messages.settle(
                tx,
                answer,
                status=MessageStatus.DONE,
                text=None if generated.characters else "",
                # Named when it has answered: a model that was waited for may be another.
                model=provider.label,
                error_kind="length" if generated.cut else None,
                now=clock.now(),
            )

        history = await ctx.transaction("prepare", prepare)
        generated = await ctx.step("generate", ask, history, retry=RETRY)
        await ctx.finish("finish", finish, generated)

    return reply


def _failed(tx: Tx, run: Run, error: Exception, now: datetime) -> None:
    answer = answer_of(run.id, run.data)
    messages.settle(
        tx,
        answer,
        status=MessageStatus.FAILED,
        now=now,
        error_kind=getattr(error, "kind", "error"),
        error=storable(str(error)),
    )


def answer_of(run_id: str, data: dict[str, Any]) -> Answer:
    """Where a run of this workflow writes, by the arguments it was started with."""
    return Answer(data["message_id"], data["thread_id"], run_id, data["position"])
