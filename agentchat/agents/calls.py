"""The calls that a model makes: approved, and carried out as steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from agentchat.agents import asking, rights, subs
from agentchat.agents.asking import Decision
from agentchat.agents.team import Team
from agentchat.agents.toolbox import every_tool
from agentchat.agents.tools import Tool, ToolContext, ToolOutput
from agentchat.agents.wishes import Begun
from agentchat.durable.context import Context
from agentchat.durable.hand import heard
from agentchat.errors import AgentNotFound, NotAllowed, OutcomeUnknown, StepFailed, ToolError
from agentchat.inputs import storable
from agentchat.models import AskKind, AskStatus, PartStatus
from agentchat.store import parts
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.views import Actor

MOST_WORDS = 4_000


@dataclass(frozen=True)
class Calls:
    """The calls of one answer, made by ``agent`` for ``actor``; ``depth`` is how many agents
    stand between it and a person.
    """

    team: Team
    ctx: Context
    answer: Answer
    actor: Actor
    agent: str
    tools: Mapping[str, Tool]
    depth: int = 0

    async def carry_out(self, begun: Sequence[Begun]) -> None:
        """Carry calls out side by side; what each came to is in its part.

        Raises StepFailed for a tool whose errors fail the answer.
        """
        await self.ctx.gather(*(self._one(call) for call in begun))

    async def _one(self, call: Begun) -> None:
        tool, arguments = self._tool(call), call.arguments
        if not call.ask and await self._unapproved(call, tool):
            return
        if call.ask:
            await asking.wait(self.ctx, call.ask, tool.deadline)
            decision = await self.ctx.transaction("decided", self._decided, call)
            if not decision.approved:
                return
            arguments = decision.answer
        context = ToolContext(
            self.actor,
            self.answer.thread_id,
            self.answer.message_id,
            self.agent,
            call.position,
            self.ctx,
            self if tool.kind == "durable" else None,
        )
        name = f"tool {tool.name}"
        try:
            if tool.kind == "transaction":
                step = self.ctx.next_step(name)

                def transact(tx: Tx, _position: int, arguments: Any) -> str:
                    return self._transact(tx, tool, context, arguments, step)

                await self.ctx.transaction(name, transact, call.position, arguments)
            elif tool.kind == "durable":
                if self.team.guard is not None:
                    # Not in its journal, so it refuses by the end of the run: retried when they
                    # may again, it goes on as if nothing had been.
                    actor = await self.team.database.read(self._allowed)
                    context = replace(context, actor=actor)
                output = await self._durable(tool, context, arguments)
                name = f"told {tool.name}"
                step = self.ctx.next_step(name)

                def done(tx: Tx, position: int, output: ToolOutput) -> None:
                    self._done(tx, position, output, step)

                await self.ctx.transaction(name, done, call.position, output)
            else:

                async def act(position: int, arguments: Any) -> str:
                    asked = bool(call.ask)
                    return await self._act(tool, context, position, arguments, asked=asked)

                await self.ctx.step(
                    name, act, call.position, arguments, retry=tool.policy, once=tool.once
                )
        except StepFailed as failed:
            if tool.on_error == "fail":
                raise
            words, cause = _failed(tool, failed), failed.step

            def give_up(tx: Tx, position: int, words: str) -> None:
                self._failed(tx, position, words, cause)

            await self.ctx.transaction("failed", give_up, call.position, words)

    def _tool(self, call: Begun) -> Tool:
        """The tool of a call that is begun, whoever may call it now: a run that is resumed must
        come by the same way.
        """
        found = self.tools.get(call.name)
        if found is None:
            found = every_tool(self.team, self.team.agents.get(self.agent)).get(call.name)
        return found or _gone(self.team, call)

    async def _unapproved(self, call: Begun, tool: Tool) -> bool:
        """Whether a call that nobody was asked about is not to be made any more: the code that
        took it up saw no need to ask, that of today does. The model is told, and when it calls
        again somebody is asked.

        So it is with a transaction and a durable tool, if they have not begun; an action finds
        out in its step, also when it was cut off and is begun again.
        """
        if tool.kind == "action" or not await _needs_approval(tool, call.arguments):
            return False
        if not await self.ctx.patched("approval"):
            return False
        words = _NOT_ASKED.format(tool.name)
        await self.ctx.transaction("not approved", self._failed, call.position, words)
        return True

    def _decided(self, tx: Tx, call: Begun) -> Decision:
        now = self.team.clock.now()
        decision = asking.decision_of(tx, call.ask, now)
        part = parts.get(tx, self.answer.message_id, call.position)
        about = {
            "decision": decision.status,
            "decided_by": decision.by,
            "reason": decision.reason,
            "decided_at": now.isoformat(),
        }
        data = about | ({} if part is None else part.data)
        if decision.approved:
            arguments = call.arguments if decision.answer is None else decision.answer
            if arguments != call.arguments:
                data["asked_for"] = call.arguments
            decision = Decision(decision.status, arguments, decision.reason, decision.by)
            values = {"status": PartStatus.RUNNING, "input": arguments, "started_at": now}
        else:
            values = {"status": PartStatus.DENIED, "text": decision.words, "finished_at": now}
        parts.change(tx, self.answer, call.position, data=data, **values)
        return decision

    async def _act(
        self, tool: Tool, context: ToolContext, position: int, arguments: Any, *, asked: bool
    ) -> str:
        """Carry out a call within its step, and write down what it came to: the journal holds
        only that it was done.
        """
        try:
            if self.team.guard is not None:
                actor = await self.team.database.read(self._acting)
                context = replace(context, actor=actor)
            if not asked and await _needs_approval(tool, arguments):
                raise ToolError(_NOT_ASKED.format(tool.name))
            output: ToolOutput = await tool.call(context, arguments)
        except ToolError as error:
            status, output = PartStatus.FAILED, ToolOutput(storable(str(error))[:MOST_WORDS])
        else:
            status = PartStatus.DONE
        await self.team.database.write(self._write, position, status, output, self.ctx.step_key)
        return status

    def _write(
        self, tx: Tx, position: int, status: PartStatus, output: ToolOutput, step: str
    ) -> None:
        values = self._outcome(tx, position, status, output) | {"step": step}
        parts.change_held(tx, self.ctx.hold, self.answer, position, **values)

    def _allowed(self, source: Session | Tx) -> Actor:
        """For whom the calls are made, with what they may do now; raises NotAllowed if they may
        not write here any more.
        """
        if self.team.guard is None:
            return self.actor
        about = (self.answer.thread_id, self.actor.id, self.actor.name)
        return self.team.guard.acting_in(source, *about)

    def _acting(self, source: Session | Tx) -> Actor:
        """The same where a call is refused, which the model is told."""
        try:
            return self._allowed(source)
        except NotAllowed as error:
            raise ToolError(str(error)) from None

    def _transact(self, tx: Tx, tool: Tool, context: ToolContext, arguments: Any, step: str) -> str:
        try:
            context = replace(context, actor=self._acting(tx))
            with tx.savepoint():
                output, status = tool.call(tx, context, arguments), PartStatus.DONE
        except ToolError as error:
            output, status = ToolOutput(storable(str(error))[:MOST_WORDS]), PartStatus.FAILED
        values = self._outcome(tx, context.part, status, output) | {"step": step}
        parts.change(tx, self.answer, context.part, **values)
        return status

    async def _durable(self, tool: Tool, context: ToolContext, arguments: Any) -> ToolOutput:
        def waits(tx: Tx, step: str) -> None:
            parts.change(tx, self.answer, context.part, step=step)

        heard.set(waits)
        try:
            output: ToolOutput = await tool.call(context, arguments)
        except ToolError as error:
            return ToolOutput(storable(str(error))[:MOST_WORDS], failed=True)
        except StepFailed:
            raise
        except Exception as error:
            if tool.on_error == "fail":
                raise
            self.ctx.log(f"{tool.name} failed: {error!r}", level="error")
            return ToolOutput(f"{tool.name} failed.", failed=True)
        return output

    def _done(self, tx: Tx, position: int, output: ToolOutput, step: str) -> None:
        status = PartStatus.FAILED if output.failed else PartStatus.DONE
        values = self._outcome(tx, position, status, output)
        part = parts.get(tx, self.answer.message_id, position)
        # The other run that did its work tells more than the step that wrote it down.
        values["step"] = step if part is None else part.step or step
        parts.change(tx, self.answer, position, **values)

    def _outcome(
        self, tx: Tx, position: int, status: PartStatus, output: ToolOutput
    ) -> dict[str, Any]:
        values: dict[str, Any] = {
            "status": status,
            "text": output.text,
            "finished_at": self.team.clock.now(),
        }
        told: dict[str, Any] = {}
        if output.sources:
            told["sources"] = [
                {"title": one.title, "url": one.url, "text": one.text[:1_000]}
                for one in output.sources
            ]
        if output.memories:
            told["memories"] = list(output.memories)
        if told:
            part = parts.get(tx, self.answer.message_id, position)
            values["data"] = {**({} if part is None else part.data), **told}
        return values

    def _failed(self, tx: Tx, position: int, words: str, step: str = "") -> None:
        values = {"status": PartStatus.FAILED, "text": words, "step": step}
        now = self.team.clock.now()
        parts.change(tx, self.answer, position, finished_at=now, **values)

    # What durable tools may ask: see ToolContext

    async def ask_person(
        self,
        context: ToolContext,
        question: str,
        choices: Sequence[str],
        deadline: timedelta | None,
    ) -> str | None:
        """See :meth:`agentchat.agents.tools.ToolContext.ask_person`."""
        asked = await self.ctx.transaction(
            "ask", self._ask_person, context.part, question, list(choices), deadline
        )
        await asking.wait(self.ctx, asked, deadline)
        decision = await self.ctx.transaction("answered", self._answered, asked, context.part)
        return str(decision.answer) if decision.status == AskStatus.ANSWERED else None

    def _ask_person(
        self,
        tx: Tx,
        position: int,
        question: str,
        choices: list[str],
        deadline: timedelta | None,
    ) -> str:
        parts.change(tx, self.answer, position, status=PartStatus.ASKED)
        return asking.ask(
            tx,
            self.answer,
            position,
            now=self.team.clock.now(),
            deadline=deadline,
            kind=AskKind.QUESTION,
            agent=self.agent,
            text=storable(question)[:MOST_WORDS],
            choices=[storable(choice)[:200] for choice in choices[:12]],
        )

    def _answered(self, tx: Tx, asked: str, position: int) -> Decision:
        decision = asking.decision_of(tx, asked, self.team.clock.now())
        parts.change(tx, self.answer, position, status=PartStatus.RUNNING)
        return decision

    async def ask_agent(self, context: ToolContext, agent: str, task: str) -> str:
        """See :meth:`agentchat.agents.tools.ToolContext.ask_agent`."""
        refused = await self.ctx.step(f"may ask {agent}", self._may_ask, agent)
        if refused:
            raise ToolError(refused)
        return await subs.ask(self, agent, task)

    async def _may_ask(self, agent: str) -> str:
        """Why not, if not. A step: the same when the run is resumed under other rights."""
        try:
            await self.team.chosen(agent, self.actor)
        except AgentNotFound as error:
            return str(error)
        limit = self.team.find(self.agent).limits.depth
        if self.depth >= limit:
            return f"Agents may not ask agents more than {limit} deep. Do it yourself."
        return ""


def _gone(team: Team, call: Begun) -> Tool:
    """Stands for a tool that was there when it was called, and is not there now. One of an
    MCP server may be there again when its step is done.
    """

    def refuse(*_: Any) -> ToolOutput:
        raise ToolError(f"The tool {call.name} is not there any more.")

    async def look_again(context: ToolContext, arguments: Any) -> ToolOutput:
        await team.ask_for_tools()
        known = () if team.mcp is None else team.mcp.known()
        found = next((one for one in known if one.name == call.name), None)
        if call.kind != "action" or found is None:
            return refuse()
        if not call.ask and await _needs_approval(found, arguments):
            raise ToolError(_NOT_ASKED.format(call.name))
        output: ToolOutput = await found.call(context, arguments)
        return output

    do = refuse if call.kind == "transaction" else look_again
    return Tool(call.name, "", {}, do, dict, timeout=None, once=call.once, kind=call.kind)


async def _needs_approval(tool: Tool, arguments: Any) -> bool:
    # What was read since does not count: it has not led to this call.
    return await rights.needs_approval(tool, arguments, untrusted=False)


_NOT_ASKED = "Not done: {} needs approval now, and nobody was asked. Call it again to ask."
_TOLD = ("McpUnavailable",)
"""The kinds of errors whose words are meant for the model."""


def _failed(tool: Tool, failed: StepFailed) -> str:
    if isinstance(failed, OutcomeUnknown):
        return f"{tool.name} was interrupted: nobody knows whether it was done."
    if failed.kind == "timeout" and not tool.interruptible:
        return f"{tool.name} took too long. It may still go on, and have its effect."
    if failed.kind == "timeout":
        return f"{tool.name} took too long and was cut off."
    return str(failed) if failed.kind in _TOLD else f"{tool.name} failed."
