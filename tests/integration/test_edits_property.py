"""Random edits, switches and answers side by side, against a plain tree of what was said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from agentchat import Agent, AgentChat, MessageView, ThreadView
from agentchat.errors import WrongState
from agentchat.llm.base import ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Message, Thread
from tests.integration.agents_stage import ANN, AgentStage, until
from tests.integration.live_watching import EXAMPLES

Op = tuple[str, int, int]
OPS = st.lists(
    st.tuples(
        st.sampled_from(("send", "edit", "edit", "switch", "switch", "again", "keep")),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    min_size=4,
    max_size=14,
)


@dataclass(eq=False)
class Said:
    """What somebody said, the answers to it, and what was said next: one thing, or several instead
    of each other. ``order`` counts the edits; what was said first at its place has 0.
    """

    id: str
    text: str
    order: int = 0
    answers: list[str] = field(default_factory=list)
    kept: int = 0
    next: list[Said] = field(default_factory=list)
    shown: int = 0


class Tree:
    """All that was ever said in a thread."""

    def __init__(self) -> None:
        self.root = Said("", "")
        self.edits = 0
        self.texts: dict[str, str] = {}

    def path(self) -> list[Said]:
        """What is shown."""
        found, at = [], self.root
        while at.next:
            at = at.next[at.shown]
            found.append(at)
        return found

    def before(self, number: int) -> Said:
        """What the one of this number on the path follows."""
        return ([self.root, *self.path()])[number]

    def switch(self, number: int, way: int) -> None:
        """Show this of what was said at a place, and of what followed that what is newest."""
        before = self.before(number)
        before.shown = way
        _newest(before.next[way])

    def all(self) -> Iterator[tuple[Said, list[int]]]:
        """Each with the ways that lead to it."""
        look: list[tuple[Said, list[int]]] = [(self.root, [])]
        while look:
            at, ways = look.pop()
            if at is not self.root:
                yield at, ways
            look += [(one, [*ways, way]) for way, one in enumerate(at.next)]


def _newest(at: Said) -> None:
    """Show the edit that was made last of those below, and of those below that one."""
    straight = [at]
    while straight[-1].next:
        straight.append(straight[-1].next[0])
    for one in straight:
        one.shown = 0
    edits = [(way.order, one, n) for one in straight for n, way in enumerate(one.next) if n]
    if edits:
        _, before, way = max(edits, key=lambda edit: edit[0])
        before.shown = way
        _newest(before.next[way])


class Trial:
    """One thread, and the tree that it has to be like."""

    def __init__(self, chat: AgentChat, provider: ScriptedProvider, thread_id: str) -> None:
        self.chat, self.provider, self.thread_id = chat, provider, thread_id
        self.tree = Tree()
        self.count = 0

    async def do(self, op: Op) -> None:
        """One thing, on whatever there is for it."""
        what, first, second = op
        path = self.tree.path()
        number = first % len(path) if path else 0
        if what == "send" or not path:
            await self.send()
        elif what == "edit":
            await self.edit(number)
        elif what == "switch":
            await self.switch(number, second)
        elif what == "again":
            await self.again(path[number])
        else:
            await self.keep(path[number], second)
        await self.is_like_the_tree()

    async def send(self) -> None:
        text = self._text()
        message = await self.chat.send_message(self.thread_id, text, actor=ANN)
        end = (self.tree.path() or [self.tree.root])[-1]
        await self._answered(end, Said(message.id, text))

    async def edit(self, number: int) -> None:
        text, before = self._text(), self.tree.path()[number]
        message = await self.chat.edit_message(before.id, text, actor=ANN)
        self.tree.edits += 1
        new = Said(message.id, text, self.tree.edits)
        await self._answered(self.tree.before(number), new)
        # A page that is behind is refused.
        with pytest.raises(WrongState):
            await self.chat.edit_message(before.id, "late", actor=ANN)

    async def _answered(self, before: Said, new: Said) -> None:
        before.next.append(new)
        before.shown = len(before.next) - 1
        view = await self._over()
        new.answers.append(view.messages[-1].id)
        # The model is told what is shown, and nothing else.
        told = [turn.text for turn in self.provider.requests[-1].turns]
        assert told == [one.text for one in view.messages[:-1]]

    async def switch(self, number: int, way: int) -> None:
        view = await self._over()
        branches = view.messages[2 * number].branches
        if branches:
            way %= len(branches)
            if way != view.messages[2 * number].way:
                await self.chat.show_branch(self.thread_id, branches[way], actor=ANN)
                self.tree.switch(number, way)

    async def again(self, said: Said) -> None:
        if len(said.answers) < 4:
            asked = said.answers[said.kept]
            said.answers.append(await self.chat.regenerate(asked, actor=ANN))
            await self._over()

    async def keep(self, said: Said, number: int) -> None:
        number %= len(said.answers)
        if len(said.answers) > 1:
            await self.chat.keep(said.answers[number], actor=ANN)
            said.kept = number

    async def is_like_the_tree(self) -> None:
        """What is shown, and what there is."""
        view, path = await self._over(), self.tree.path()
        wanted = [one for said in path for one in (said.id, said.answers[said.kept])]
        assert [one.id for one in view.messages] == wanted
        assert [one.position for one in view.messages] == list(range(len(wanted)))
        beside = {one for said in path for one in said.answers} - set(wanted)
        assert {one.id for one in view.others} == beside
        before = self.tree.root
        for number, said in enumerate(path):
            mine, answer = view.messages[2 * number : 2 * number + 2]
            versions = len(before.next)
            assert len(mine.branches) == (versions if versions > 1 else 0)
            assert mine.way == (before.shown if versions > 1 else 0)
            assert (answer.variants, answer.branches) == (len(said.answers), ())
            before = said
        stored, length = await self.chat._database.read(_stored, self.thread_id)
        assert length == len(wanted)
        known = {one for said, _ in self.tree.all() for one in (said.id, *said.answers)}
        assert stored.keys() == known
        # Whatever was once said, or answered, still is.
        for message_id, text in self.tree.texts.items():
            assert stored[message_id] == text
        self.tree.texts = stored

    async def everything_can_be_seen_again(self) -> None:
        """Whatever was said is reached with the arrows."""
        for said, ways in list(self.tree.all()):
            for number, way in enumerate(ways):
                await self.switch(number, way)
            assert self.tree.path()[len(ways) - 1] is said
            await self.is_like_the_tree()

    async def _over(self) -> ThreadView:
        def over(view: ThreadView) -> bool:
            every: list[MessageView] = [*view.messages, *view.others]
            return not {"pending", "running"} & {one.status for one in every}

        return await until(self.chat, self.thread_id, over)

    def _text(self) -> str:
        self.count += 1
        return f"said {self.count}"


def _stored(session: Session, thread_id: str) -> tuple[dict[str, str], int]:
    query = select(Message.id, Message.text).where(Message.thread_id == thread_id)
    length = session.exec(select(Thread.length).where(Thread.id == thread_id)).one()
    return dict(session.exec(query).all()), length


@pytest.mark.timeout(0 if EXAMPLES else 180)
def test_what_is_shown_is_always_right_and_nothing_is_ever_lost(database_url: str) -> None:
    number = EXAMPLES or (25 if database_url.startswith("sqlite") else 8)
    numbers = iter(range(10_000_000))

    def reply(_: ModelRequest) -> str:
        return f"answer {next(numbers)}"

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        provider = ScriptedProvider("instant", replies=[reply] * 100_000)
        stage = AgentStage(database_url, stack)
        chat = runner.run(stage.open(Agent("a", "x"), provider=provider))

        async def trial(ops: list[Op]) -> None:
            thread = await chat.create_thread("A thread", actor=ANN)
            trial = Trial(chat, provider, thread.id)
            for op in ops:
                await trial.do(op)
            await trial.everything_can_be_seen_again()

        @settings(
            max_examples=number,
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(OPS)
        def run(ops: list[Op]) -> None:
            runner.run(trial(ops))

        try:
            run()
        finally:
            runner.run(stack.aclose())
