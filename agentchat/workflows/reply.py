"""The answer to a message, as a workflow."""

from __future__ import annotations

from datetime import datetime

from agentchat.agents import pending
from agentchat.agents.team import Team
from agentchat.agents.turn import AgentTurn
from agentchat.durable.context import Context
from agentchat.durable.workflow import Workflow, workflow
from agentchat.inputs import storable
from agentchat.models import MessageStatus, Run
from agentchat.store import answers
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx


def reply_workflow(team: Team) -> Workflow[..., None]:
    """The workflow in which the agents of a team answer."""

    def failed(tx: Tx, run: Run, error: Exception, now: datetime) -> None:
        answer = pending.answer_of(run)
        # One that another run asked for is nobody's, if this one never began.
        answers.claim(tx, answer)
        answers.settle(
            tx,
            answer,
            status=MessageStatus.FAILED,
            now=now,
            error_kind=getattr(error, "kind", "error"),
            error=storable(str(error)),
        )
        pending.queue_late(tx, answer, team.reply, by=run.started_by, now=now)

    @workflow(name="reply", on_failure=failed)
    async def reply(
        ctx: Context,
        thread_id: str,
        message_id: str,
        position: int,
        agent: str = "",
        depth: int = 0,
        model: str = "",
    ) -> None:
        answer = Answer(message_id, thread_id, ctx.run_id, position)
        await AgentTurn(team, ctx, answer, agent, depth, model).take()

    team.replies_with(reply)
    return reply
