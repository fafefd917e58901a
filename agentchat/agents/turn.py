"""An agent's turn: model call, tool calls, model call, … until there is an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

from sqlmodel import Session

from agentchat.agents import asking, compaction, notes, recalling, told
from agentchat.agents.calls import Calls
from agentchat.agents.generate import Generated
from agentchat.agents.history import Said
from agentchat.agents.router import Routed, newest
from agentchat.agents.router import routed as routed_by
from agentchat.agents.team import hand_over_of
from agentchat.agents.turn_rows import LIMIT_DEADLINE, Noted, TurnRows
from agentchat.durable.retry import RetryPolicy
from agentchat.errors import AgentNotFound, InvalidOutput
from agentchat.store.writer import Tx

RETRY = RetryPolicy(attempts=5, longest_retry_after=timedelta(minutes=2))


class AgentTurn(TurnRows):
    """One answer, from its first step to its last. Everything it decides by is in the journal."""

    async def take(self) -> None:
        """Answer, and end the run."""
        if self.team.guarded:
            self._prepared = await self.ctx.step("prepare", self._admit, retry=RETRY)
        else:
            self._prepared = await self.ctx.transaction("prepare", self._prepare)
        if self._prepared.refused:
            raise AgentNotFound(self._prepared.refused)
        self.agent = self._prepared.agent
        if self._prepared.reached and not await self._go_on(self._prepared.reached):
            return
        if not self.agent:
            await self._route()
        if self._prepared.remembered:
            self._recalled = await recalling.recall(
                *(self.team, self.ctx, self.answer, self._who, self._actor, self._prepared.ids),
                embedded=self._provider(self._who).embedded,
            )
        if self._prepared.long:
            asking_ = self._asking(self._who, self._tools(self._who))
            await compaction.compacted(self.ctx, asking_, self._prepared.ids)
        for round_ in count():
            generated = await self.ctx.step(
                "generate", self._generate, round_, self.agent, retry=RETRY
            )
            if generated.instead_of and not self._fell_back:
                self._fell_back = True
                await self.ctx.transaction("another model", self._other_model, generated, round_)
            if generated.problem and self._repairs < self._who.limits.repairs:
                self._repairs += 1
                await self._note_unfit(generated, round_)
                continue
            if generated.problem:
                count_ = self._asking(self._who, {}).count
                await self.ctx.transaction("unfit", count_, generated, f"generate {round_}")
                raise InvalidOutput(generated.problem)
            if not generated.wishes:
                await self.ctx.finish("finish", self._finish, generated, round_)
                return
            if not await self._act(generated, round_):
                return

    # Who answers

    async def _route(self) -> None:
        routed = await self.ctx.step("route", self._choose, retry=RETRY)
        self.agent = routed.agent
        await self.ctx.transaction("routed", self._routed, routed)

    async def _choose(self) -> Routed:
        assert self.team.router is not None
        said = await self.team.database.read(told.history, self.answer, self._prepared.ids)
        usable = [self.team.find(name) for name in await self.team.may_use(self._actor)]
        if not usable:
            raise AgentNotFound("There is no agent that you may use.")
        routed = await routed_by(self.team.router, self.ctx, usable, said[:-1])
        self.ctx.spend(
            input_tokens=routed.input_tokens,
            output_tokens=routed.output_tokens,
            cost_usd=routed.cost_usd,
            estimated=routed.estimated,
        )
        return routed

    # The model

    async def _generate(self, round_: int, name: str) -> Generated:
        agent = self.team.find(name)
        await self.team.ask_for_tools()
        tools = self._tools(agent, await self.team.may_use(self._actor))

        def read(session: Session) -> tuple[list[Said], str]:
            types = self._provider(agent).media_types
            said = told.history(session, self.answer, self._prepared.ids, types)
            recalled = recalling.told(session, self._recalled, self._actor)
            noted = notes.told(session, self.answer.thread_id, name, tools)
            return said, "\n\n".join(filter(None, (recalled, noted)))

        said, late = await self.team.database.read(read)
        if self.team.gate is not None and self._provider(agent).embedded:
            tools = await self.team.gate.offered(tools, newest(said))
        generated = await self._asking(agent, tools, late).ask(self.ctx, said, round_)
        gone = "" if self.model in self.team.offered else self.model
        return replace(generated, instead_of=gone)

    async def _note_unfit(self, generated: Generated, round_: int) -> None:
        wishes = self._wishes(self._who)

        def repair(tx: Tx, generated: Generated, round_: int) -> None:
            self._repair(tx, wishes, generated, round_)

        await self.ctx.transaction("repair", repair, generated, round_)

    # What it wants to be done

    async def _act(self, generated: Generated, round_: int) -> bool:
        """Carry out what the model asked for; false if the answer ends with that."""
        agent = self._who
        # Whom the person may use was asked when the model was: what it was not offered is refused.
        wishes = self._wishes(agent)

        def note(tx: Tx, generated: Generated, round_: int) -> Noted:
            return self._note(tx, wishes, generated, round_)

        noted = await self.ctx.transaction("calls", note, generated, round_)
        made_by = (self._actor, agent.name, wishes.tools, self.depth)
        await Calls(self.team, self.ctx, self.answer, *made_by).carry_out(noted.begun)
        if noted.agent != self.agent:
            self._hand_overs += 1
            leads = {one.agent: one.filter for one in map(hand_over_of, agent.hand_overs)}
            self._filter = leads.get(noted.agent)
            self.agent = noted.agent
        return not noted.reached or await self._go_on(noted.reached)

    # Limits

    async def _go_on(self, words: str) -> bool:
        """Ask whether to go on beyond a limit; if not, the answer ends with what there is."""
        asked = await self.ctx.transaction("limit", self._ask_on, words)
        await asking.wait(self.ctx, asked, LIMIT_DEADLINE)
        decision = await self.ctx.transaction("limit decided", self._decided_on, asked)
        if not decision.approved:
            await self.ctx.finish("stopped at the limit", self._end, decision.by)
        return decision.approved
