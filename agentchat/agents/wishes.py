"""What a model said and wishes for, written down: which calls begin, and which need approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from agentchat.agents import asking
from agentchat.agents.called import Wish
from agentchat.agents.generate import Generated
from agentchat.agents.limits import calls_left
from agentchat.agents.team import Team
from agentchat.agents.tools import UNTRUSTED, Tool
from agentchat.models import AskKind, PartKind, PartStatus
from agentchat.store import messages, parts
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that is to be carried out; ``ask`` is the id of the approval it waits for.

    ``kind`` is that of its tool, which may be gone when the run is resumed.
    """

    position: int
    name: str
    arguments: Any
    ask: str = ""
    kind: Literal["action", "transaction", "durable"] = "action"
    once: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken up of a model's wishes: calls to carry out, and the agent to which the
    answer is handed over, if it is.
    """

    begun: list[Begun]
    handed: str = ""


@dataclass(frozen=True)
class Wishes:
    """What ``agent`` may wish for in one answer to the person ``user_id``.

    ``hand_overs`` are the tools by which the answer is handed over, with the name of the
    agent that each leads to.
    """

    team: Team
    answer: Answer
    agent: str
    user_id: str
    tools: Mapping[str, Tool]
    hand_overs: Mapping[str, str]

    def take_up(self, tx: Tx, generated: Generated, round_: int) -> Taken:
        """Write down what a model said and which tools it wants to be called, and ask for the
        approvals that are needed.
        """
        now = self.team.clock.now()
        text = messages.take_text(tx, self.answer)
        parts.add(tx, self.answer, now, *thoughts(self.agent, generated, round_, now))
        # Of a try that said nothing, what is there is what one before it had said.
        if text and generated.characters:
            about = {"kind": PartKind.TEXT, "text": text, "agent": self.agent}
            done = {"status": PartStatus.DONE, "finished_at": now, "round": round_}
            parts.add(tx, self.answer, now, about | done)
        begun, handed = [], ""
        limits = self.team.find(self.agent).limits
        left = calls_left(tx, self.answer, limits) if generated.wishes else None
        for number, wish in enumerate(generated.wishes):
            problem = wish.problem
            if not problem and left is not None and number >= max(left, 1):
                # One goes on in any case: then the limit is reached, and a person asked.
                problem = "Not called: that would be more calls than this answer may make."
            if not problem and wish.name not in self.tools:
                # Since it was asked: other code.
                problem = f"The tool {wish.name} is not there any more."
            if not problem and wish.name in self.hand_overs:
                problem = "The answer has been handed over already." if handed else ""
                handed = handed or self.hand_overs[wish.name]
            [position] = parts.add(tx, self.answer, now, self._part(wish, problem, round_))
            if problem or wish.name in self.hand_overs:
                continue
            ask = self._ask(tx, wish, position) if wish.approval else ""
            tool = self.tools[wish.name]
            begun.append(Begun(position, wish.name, wish.arguments, ask, tool.kind, tool.once))
        return Taken(begun, handed)

    def _part(self, wish: Wish, problem: str, round_: int) -> dict[str, Any]:
        now = self.team.clock.now()
        part: dict[str, Any] = {
            "kind": PartKind.TOOL,
            "status": PartStatus.RUNNING,
            "agent": self.agent,
            "name": wish.name,
            "call_id": wish.id or "call",
            "input": wish.arguments,
            "round": round_,
        }
        if problem:
            return part | {"status": PartStatus.FAILED, "text": problem, "finished_at": now}
        if (other := self.hand_overs.get(wish.name)) is not None:
            told = f"Handed over to {other}, who answers the person now."
            done = {"kind": PartKind.HAND_OVER, "status": PartStatus.DONE, "finished_at": now}
            return part | done | {"name": other, "text": told, "data": {"tool": wish.name}}
        if self.tools[wish.name].quiet:
            part["data"] = {"quiet": True}
        if wish.approval:
            part["status"] = PartStatus.ASKED
        return part

    def _ask(self, tx: Tx, wish: Wish, position: int) -> str:
        tool = self.tools[wish.name]
        text = tool.description.split("\n", 1)[0]
        if tool.approval == UNTRUSTED:
            text += " You are asked because text from outside was read before."
        return asking.ask(
            tx,
            self.answer,
            position,
            now=self.team.clock.now(),
            deadline=tool.deadline,
            kind=AskKind.APPROVAL,
            agent=self.agent,
            text=text,
            asked_of=self.user_id if tool.personal else "",
            tool=tool.name,
            input=wish.arguments,
            input_hash=asking.hash_of(wish.arguments),
        )


def thoughts(agent: str, generated: Generated, round_: int, now: datetime) -> list[dict[str, Any]]:
    """The parts for what a model thought."""
    return [
        {
            "kind": PartKind.REASONING,
            "status": PartStatus.DONE,
            "agent": agent,
            "text": thought.text,
            "data": {"sealed": thought.sealed} if thought.sealed else {},
            "round": round_,
            "started_at": now - timedelta(seconds=thought.seconds),
            "finished_at": now,
        }
        for thought in generated.thoughts
    ]
