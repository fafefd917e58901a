"""The page of a public link: what its state shows, and when."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentchat import AgentChat, Settings
from agentchat.app import app
from agentchat.ui import bridge
from agentchat.ui.spans import FIRST_SHOWN, MORE, STEP, Gap, Span
from agentchat.ui.states.read import ReadState
from tests.integration.people_stage import ANN, add_person
from tests.ui.test_states import HeldProvider, Tab
from tests.waiting import eventually

assert app, "all states are known once the app is"

THREAD = "thread-0001"


class ReadTab(Tab):
    """The tab of a page of a public link."""

    def __init__(self, name: str = "tab-0001") -> None:
        super().__init__(ReadState)
        self.router.session = SimpleNamespace(client_token=name)
        for own in ("_take", "_wake", "_look_at"):
            method = getattr(ReadState, own)
            object.__setattr__(self, own, method.__get__(self))

    def do(self, event: Any, *arguments: object) -> None:
        event.fn(self, *arguments)

    @property
    def shown(self) -> list[str]:
        return [one.text for one in (*self.far, *self.older, *self.settled, *self.live)]


@contextlib.contextmanager
def following(tab: ReadTab) -> Iterator[asyncio.Task[None]]:
    task = asyncio.create_task(ReadState.follow.fn(tab))
    try:
        yield task
    finally:
        task.cancel()


@pytest.fixture
def model() -> HeldProvider:
    return HeldProvider()


@pytest.fixture
async def chat(tmp_path: Path, model: HeldProvider) -> AsyncIterator[AgentChat]:
    settings = Settings(
        data_dir=tmp_path, auth="password", public_links=True, minute_most=0, _env_file=None
    )
    async with AgentChat(settings, provider=model) as opened, bridge.bridged(opened):
        await add_person(opened._database, ANN)
        await opened.create_thread("Herons", actor=ANN, thread_id=THREAD)
        yield opened


async def link_of(chat: AgentChat, thread_id: str = THREAD) -> str:
    return await chat.sharing.make_link(thread_id, "viewer", public=True, actor=ANN)


async def test_nothing_is_shown_before_the_page_has_said_its_link_and_then_its_thread(
    chat: AgentChat,
) -> None:
    token, tab = await link_of(chat), ReadTab()
    with following(tab):
        await asyncio.sleep(0.05)
        assert (tab.link, tab.title) == ("", "")
        tab.do(ReadState.look, token)
        await eventually(lambda: tab.link == "good")
        assert (tab.title, tab.own, tab.problem) == ("Herons", "", "")
        # The token is in no var that is sent.
        vars = {name: getattr(tab, name) for name in ReadState.base_vars if hasattr(tab, name)}
        assert token not in repr({k: v for k, v in vars.items() if k != "router"})


async def test_a_page_without_a_link_and_one_with_a_wrong_one_say_so(chat: AgentChat) -> None:
    for wrong in ("", "nothing", "t" * 43):
        tab = ReadTab()
        with following(tab):
            await asyncio.sleep(0)
            tab.do(ReadState.look, wrong)
            await eventually(lambda tab=tab: tab.link == "none")


async def test_what_grows_is_sent_in_pieces_and_whole_to_a_page_that_missed_one(
    chat: AgentChat, model: HeldProvider
) -> None:
    token, tab = await link_of(chat), ReadTab()
    with following(tab):
        await asyncio.sleep(0)
        tab.do(ReadState.look, token)
        await chat.send_message(THREAD, "Where do herons sleep?", actor=ANN)
        await model.say("In trees. ")
        await eventually(lambda: "".join(one.text or "" for one in tab.tail) == "In trees. ")
        assert tab.live[0].text == ""
        before = tab.tail[-1].number
        await model.say("By the water. ")
        await eventually(lambda: (tab.tail[-1].text or "").endswith("water. "))
        tab.do(ReadState.catch_up)
        whole = "In trees. By the water. "
        await eventually(lambda: [(one.text, one.whole) for one in tab.tail] == [(whole, True)])
        assert tab.tail[0].number > before
        await model.end()
        await eventually(lambda: tab.live == [] and len(tab.shown) == 2)
        assert tab.shown[1].strip() == whole.strip()


async def test_earlier_messages_come_when_they_are_asked_for(
    chat: AgentChat, model: HeldProvider
) -> None:
    for number in range(FIRST_SHOWN):
        await model.end()
        await chat.send_message(THREAD, f"Message {number}", actor=ANN)
    token, tab = await link_of(chat), ReadTab()
    with following(tab):
        await asyncio.sleep(0)
        tab.do(ReadState.look, token)
        await eventually(lambda: tab.link == "good" and not tab.live)
        few = len(tab.shown)
        assert FIRST_SHOWN <= few <= FIRST_SHOWN + 2 * STEP
        assert tab.more_before
        tab.do(ReadState.further_back)
        await eventually(lambda: not tab.more_before)
        assert tab.shown[::2] == [f"Message {number}" for number in range(FIRST_SHOWN)]
        assert MORE >= FIRST_SHOWN


async def test_what_is_far_back_is_read_with_the_newest(
    chat: AgentChat, model: HeldProvider
) -> None:
    for number in range(70):
        await model.end()
        await chat.send_message(THREAD, f"Message {number}", actor=ANN)
    token, tab = await link_of(chat), ReadTab()
    with following(tab):
        await asyncio.sleep(0)
        tab.do(ReadState.look, token)
        await eventually(lambda: tab.link == "good" and not tab.live)
        tab._span = Span().stretched(0, STEP)
        tab.do(ReadState.catch_up)
        await eventually(lambda: len(tab.far) == STEP)
        assert (tab.gap.number, tab.more_before) == (60, False)
        tab.do(ReadState.further_on)
        await eventually(lambda: len(tab.shown) == 140)
        tab.do(ReadState.from_end)
        await eventually(lambda: 0 < len(tab.shown) < 140 or not tab.gap.number)
        assert (tab.far, tab.gap) == ([], Gap())


async def test_another_link_in_the_same_tab_opens_another_thread(chat: AgentChat) -> None:
    await chat.create_thread("Otters", actor=ANN, thread_id="thread-0002")
    first, second, tab = await link_of(chat), await link_of(chat, "thread-0002"), ReadTab()
    with following(tab):
        await asyncio.sleep(0)
        for token, title in ((first, "Herons"), (second, "Otters"), (first, "Herons")):
            tab.do(ReadState.look, token)
            await eventually(lambda title=title: tab.title == title)
        tab.do(ReadState.look, "nothing")
        await eventually(lambda: tab.link == "none")
        assert (tab.title, tab.by, tab.key) == ("", "", "")


async def test_a_revoked_link_takes_all_away_and_a_new_following_takes_over(
    chat: AgentChat,
) -> None:
    token, tab = await link_of(chat), ReadTab()
    with following(tab):
        await asyncio.sleep(0)
        tab.do(ReadState.look, token)
        await eventually(lambda: tab.link == "good")
    # The page was loaded anew: its state still knows the link.
    with following(tab):
        await eventually(lambda: tab.link == "good")
        [link] = await chat.sharing.links(THREAD, actor=ANN)
        await chat.sharing.revoke_link(THREAD, link.id, actor=ANN)
        await eventually(lambda: tab.link == "none")
        assert (tab.title, tab.shown) == ("", [])
        seen = await chat.presence.follow(THREAD, actor=ANN).__anext__()
        assert seen.visitors == 0
