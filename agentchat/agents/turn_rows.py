"""What the steps of a turn write: each function is one transaction's work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json

from agentchat.agents import asking, compaction, pending, recalling, titling
from agentchat.agents.agent import Agent, InputFilter
from agentchat.agents.generate import Asking, Generated, spent_on
from agentchat.agents.limits import Place, reached, used_by
from agentchat.agents.recalling import Remembered
from agentchat.agents.router import Routed
from agentchat.agents.team import Team, hand_over_of
from agentchat.agents.toolbox import hand_over_tools, tools_of
from agentchat.agents.tools import Tool
from agentchat.agents.wishes import Begun, Wishes, thoughts
from agentchat.durable.context import Context
from agentchat.errors import AgentNotFound
from agentchat.llm.base import Provider
from agentchat.models import AskKind, MessageStatus, PartKind, PartStatus
from agentchat.store import answers, memories, messages, parts, runs
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.views import Actor

HISTORY = 200
"""How many messages back a model is told of at most; the model's window may hold fewer."""
LIMIT_DEADLINE = timedelta(days=7)
BEFORE = -1
"""The round of what happens before the first call of the model."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an answer begins with: for whom it is, and the messages that came before."""

    ids: list[str]
    user_id: str
    user: str
    began_at: datetime
    reached: str = ""
    agent: str = ""
    """Who answers; empty if the router is to say, or if nobody may: see ``refused``."""
    refused: str = ""
    long: bool = False
    remembered: bool = False
    """Whether anything is remembered for the person."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What becomes of a model's wishes: the calls to carry out, and who goes on."""

    begun: list[Begun]
    agent: str
    reached: str = ""


@dataclass
class TurnRows:
    """One answer of an agent, and what is known of it by now.

    ``depth`` is how many agents stand between it and a person; ``model`` is the one that was
    chosen for it, empty for the agent's own.
    """

    team: Team
    ctx: Context
    answer: Answer
    agent: str
    depth: int = 0
    model: str = ""
    _prepared: Prepared = field(init=False)
    _hand_overs: int = field(default=0, init=False)
    _filter: InputFilter | None = field(default=None, init=False)
    _repairs: int = field(default=0, init=False)
    _fell_back: bool = field(default=False, init=False)
    _recalled: list[Remembered] = field(default_factory=list, init=False)

    @property
    def _who(self) -> Agent:
        return self.team.find(self.agent)

    @property
    def _actor(self) -> Actor:
        return self._as_now(self._prepared.user_id)

    def _as_now(self, user_id: str) -> Actor:
        """The person for whom it is answered, who may be an administrator by now."""
        actor = self.ctx.actor
        return actor if actor.id == user_id else Actor(user_id, self.ctx.started_by)

    @property
    def _root(self) -> str:
        return self.ctx.hold.thread_id or self.answer.thread_id

    def _provider(self, agent: Agent) -> Provider:
        return self.team.provider_of(agent, self.model)

    def _asking(self, agent: Agent, tools: dict[str, Tool], late: str = "") -> Asking:
        return Asking(
            self.team,
            agent,
            self._provider(agent),
            self.answer,
            self._prepared.user_id,
            self._root,
            tools,
            agent.instructions,
            late,
            filter=self._filter,
        )

    def _tools(self, agent: Agent, usable: Collection[str] | None = None) -> dict[str, Tool]:
        """The tools of an agent; of those that lead to others, where these are ``usable`` by the
        person. All, if that is not what matters.
        """
        found = tools_of(self.team, agent, usable, self.depth, self.model)
        if self._hand_overs < agent.limits.hand_overs:
            found |= {tool.name: tool for tool in hand_over_tools(self.team, agent, usable)}
        return found

    def _wishes(self, agent: Agent) -> Wishes:
        tools = self._tools(agent)
        leads = {f"hand_over_to_{name}": name for name in _leads(agent)}
        hand_overs = {tool: name for tool, name in leads.items() if tool in tools}
        user_id = self._prepared.user_id
        return Wishes(self.team, self.answer, agent.name, user_id, tools, hand_overs)

    # The beginning

    async def _admit(self) -> Prepared:
        """As :meth:`_prepare`, where the app's own code says who may use an agent: it is asked
        before, in a step, because nothing else would be written while a transaction waits.
        """
        found = await self.team.database.read(messages.by_ids, [self.answer.message_id])
        user_id = found[0].user_id if found else ""
        usable = await self.team.may_use(self._as_now(user_id))
        return await self.team.database.write(self._prepare_held, usable)

    def _prepare_held(self, tx: Tx, usable: Sequence[str]) -> Prepared:
        runs.check(tx, self.ctx.hold)
        return self._prepare(tx, usable)

    def _prepare(self, tx: Tx, usable: Sequence[str] | None = None) -> Prepared:
        now = self.team.clock.now()
        agent = self.team.agents.get(self.agent, self.team.first)
        messages.begin(tx, self.answer, model=self._provider(agent).label)
        if self.depth:
            # Whoever queued this run did not say whose it is.
            runs.sign(tx, self.ctx.hold, agent=agent.name)
        message = messages.find(tx, self.answer.message_id)
        ids = messages.ids_before(tx, self.answer, limit=HISTORY)
        user_id = message.user_id if message is not None else ""
        hidden = message is not None and message.hidden
        long = compaction.may_be_needed(tx, self.team, self.answer, hidden=hidden)
        remembered = bool(user_id) and memories.any_of(tx, user_id)
        prepared = Prepared(
            ids, user_id, self.ctx.started_by, now, long=long, remembered=remembered
        )
        try:
            name = self._begins(list(self.team.agents) if usable is None else usable)
        except AgentNotFound as error:
            return replace(prepared, refused=str(error))
        return replace(prepared, agent=name, reached=self._reached(tx, agent, prepared))

    def _begins(self, usable: Sequence[str]) -> str:
        """Who answers a person who may use these; empty if the router is to say. Raises
        AgentNotFound.
        """
        if self.agent:
            return self.team.among(self.agent, usable).name
        if not usable:
            raise AgentNotFound("There is no agent that you may use.")
        return usable[0] if self.team.router is None or len(usable) < 2 else ""

    def _routed(self, tx: Tx, routed: Routed) -> None:
        now = self.team.clock.now()
        data: dict[str, Any] = {"by": routed.by, "why": routed.why, "others": routed.others}
        if routed.model:
            data |= {"model": routed.model, "cost_usd": routed.cost_usd}
            asking_ = self._asking(self._who, {})
            asking_.count(tx, spent_on(routed), "route")
        done = {"status": PartStatus.DONE, "finished_at": now, "data": data}
        parts.add(
            tx,
            self.answer,
            now,
            {"kind": PartKind.ROUTE, "name": routed.agent, "round": BEFORE} | done,
        )
        self._sign(tx, self._who)

    def _sign(self, tx: Tx, agent: Agent) -> None:
        label = self._provider(agent).label
        messages.sign(tx, self.answer, author=agent.name, model=label)

    # In the middle

    def _note(self, tx: Tx, wishes: Wishes, generated: Generated, round_: int) -> Noted:
        agent, now = self._who, self.team.clock.now()
        self._asking(agent, {}).count(tx, generated, f"generate {round_}")
        taken = wishes.take_up(tx, generated, round_)
        self._join(tx, round_, now)
        reached_ = self._reached(tx, agent, self._prepared)
        if not taken.handed:
            return Noted(taken.begun, agent.name, reached_)
        other = self.team.find(taken.handed)
        self._sign(tx, other)
        if self._hand_overs + 1 >= other.limits.hand_overs:
            words = f"Handed over {self._hand_overs + 1} times, which is the most:"
            self._remark(tx, f"{words} {other.name} answers.", round_)
        return Noted(taken.begun, other.name, reached_)

    def _join(self, tx: Tx, round_: int, now: datetime) -> None:
        """Take in the messages that steer this answer."""
        steering = messages.joining(tx, self.answer)
        for message_id, author, text in steering:
            done = {"status": PartStatus.DONE, "finished_at": now, "round": round_}
            about = {"kind": PartKind.MESSAGE, "name": author, "text": text}
            data = {"message_id": message_id}
            parts.add(tx, self.answer, now, about | done | {"data": data})
        if steering:
            messages.joined(tx, self.answer, now=now)

    def _remark(self, tx: Tx, words: str, round_: int, **data: Any) -> int:
        """Let people know what happened."""
        now = self.team.clock.now()
        about = {"kind": PartKind.NOTE, "status": PartStatus.DONE, "text": words}
        rest = {"round": round_, "finished_at": now, "data": data}
        return parts.add(tx, self.answer, now, about | rest)[0]

    def _other_model(self, tx: Tx, generated: Generated, round_: int) -> None:
        """Say that it is not the model that was chosen who answers."""
        words = f"{generated.instead_of} is not offered any more: {generated.label} answers."
        self._remark(tx, words, round_)

    def _repair(self, tx: Tx, wishes: Wishes, generated: Generated, round_: int) -> None:
        """Keep output that does not fit beside what is wrong with it, which the model is told."""
        self._asking(self._who, {}).count(tx, generated, f"generate {round_}")
        wishes.take_up(tx, generated, round_)
        told_ = f"{generated.problem}\nAnswer again, with nothing but JSON that fits."
        self._remark(tx, generated.problem, round_, tell=True, told=told_)

    # Limits

    def _reached(self, tx: Tx, agent: Agent, prepared: Prepared) -> str:
        now, place = self.team.clock.now(), self._place(prepared)
        return reached(tx, place, agent.limits, self.team.allowance, now=now)

    def _place(self, prepared: Prepared) -> Place:
        return Place(self.answer, prepared.user_id, self._root, prepared.began_at)

    def _ask_on(self, tx: Tx, words: str) -> str:
        position = self._remark(tx, words, BEFORE)
        parts.change(tx, self.answer, position, status=PartStatus.ASKED, finished_at=None)
        return asking.ask(
            tx,
            self.answer,
            position,
            now=self.team.clock.now(),
            deadline=LIMIT_DEADLINE,
            kind=AskKind.LIMIT,
            agent=self.agent,
            text=words,
        )

    def _decided_on(self, tx: Tx, asked: str) -> asking.Decision:
        decision = asking.decision_of(tx, asked, self.team.clock.now())
        position = asking.position_of(tx, asked)
        status = PartStatus.DONE if decision.approved else PartStatus.DENIED
        now = self.team.clock.now()
        data: dict[str, Any] = {"decided_by": decision.by, "decision": decision.status}
        data["reason"] = decision.reason
        if decision.approved:
            data["used"] = used_by(tx, self._place(self._prepared), now=now)
        parts.change(tx, self.answer, position, status=status, finished_at=now, data=data)
        return decision

    # The end

    def _end(self, tx: Tx, by: str) -> None:
        now = self.team.clock.now()
        answers.settle(
            tx, self.answer, status=MessageStatus.STOPPED, now=now, stopped_by=by or "nobody's word"
        )
        self._leave_none(tx, now)

    def _finish(self, tx: Tx, generated: Generated, round_: int) -> Any:
        now, agent = self.team.clock.now(), self._who
        self._asking(agent, {}).count(tx, generated, f"generate {round_}")
        parts.add(tx, self.answer, now, *thoughts(agent.name, generated, round_, now))
        recalling.show(tx, self.answer, self._recalled, self._actor, now)
        recalling.remember(tx, self.team, self.answer, agent, self._actor, now)
        text = answers.settle(
            tx,
            self.answer,
            status=MessageStatus.DONE,
            text=None if generated.characters else "",
            # Named when it has answered: a model that was waited for may be another.
            model=generated.label,
            author=agent.name,
            error_kind="refused" if generated.refused else "length" if generated.cut else None,
            now=now,
        )
        if not (self.depth or generated.refused):
            titling.entitle(tx, self.team, self.answer, self._actor, now)
        self._leave_none(tx, now)
        return None if agent.output is None or generated.refused else from_json(text)

    def _leave_none(self, tx: Tx, now: datetime) -> None:
        pending.queue_late(tx, self.answer, self.team.reply, by=self._prepared.user, now=now)


def _leads(agent: Agent) -> Sequence[str]:
    return [hand_over_of(one).agent for one in agent.hand_overs]
