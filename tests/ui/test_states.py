"""The states as plain objects, over a real AgentChat with a scripted model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentchat import Agent, AgentChat, Settings, tool
from agentchat.app import app
from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    Reasoning,
    StopReason,
    Text,
    ToolCall,
    Usage,
)
from agentchat.llm.scripted import ScriptedProvider
from agentchat.ui import bridge, words
from agentchat.ui.spans import STEP, Gap, Span
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.thread import (
    MOST_REFUSED,
    ThreadState,
)
from agentchat.ui.states.threads import ThreadsState
from agentchat.views import MessageView, ModelView, ThreadView
from tests.waiting import eventually

THREAD = "thread-0001"
MESSAGE = "message-0001"


class Tab:
    """A state as a background handler sees it: ``async with`` it, then assign.

    ``sent`` lists the names of the vars that were assigned, as Reflex would send them.
    """

    def __init__(self, state: type, thread_id: str = "", **query: str) -> None:
        object.__setattr__(self, "sent", [])
        for name, var in state.base_vars.items():
            if var._var_state == state.get_full_name():
                object.__setattr__(self, name, state.__fields__[name].default_value())
        for name in state.__annotations__:
            if name.startswith("_"):
                object.__setattr__(self, name, state.__fields__[name].default_value())
        object.__setattr__(self, "thread_id", thread_id)
        url = SimpleNamespace(query_parameters=query)
        object.__setattr__(
            self, "router", SimpleNamespace(url=url, headers=SimpleNamespace(cookie=""))
        )
        object.__setattr__(self, "_show", lambda *a, **k: state._show(self, *a, **k))

    def __setattr__(self, name: str, value: Any) -> None:
        self.sent.append(name)  # type: ignore[attr-defined]
        object.__setattr__(self, name, value)

    async def __aenter__(self) -> Tab:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class HeldProvider(ScriptedProvider):
    """Says what it is told to, when it is told to."""

    def __init__(self) -> None:
        super().__init__("instant")
        self._said: asyncio.Queue[str | None] = asyncio.Queue()

    async def say(self, text: str) -> None:
        await self._said.put(text)

    async def end(self) -> None:
        await self._said.put(None)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        while (text := await self._said.get()) is not None:
            yield Text(text)
        yield Finished(StopReason.END, Usage())


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[AgentChat]:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    async with (
        AgentChat(settings, provider=ScriptedProvider("instant")) as opened,
        bridge.bridged(opened),
    ):
        yield opened


@contextlib.contextmanager
def following(state: type, tab: Tab) -> Iterator[None]:
    task = asyncio.create_task(state.follow.fn(tab))
    try:
        yield
    finally:
        task.cancel()


async def send(
    tab: Tab, text: str, *, attempt: int = 1, create: bool = True, agent: str = ""
) -> None:
    await ThreadState.send.fn(tab, THREAD, MESSAGE, text, create, attempt, agent)


async def test_a_message_sent_twice_with_one_id_is_shown_once(chat: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello")
    await send(tab, "Hello", attempt=2)

    with following(ThreadState, tab):
        await eventually(lambda: len(tab.settled) == 2)

    assert tab.accepted == MESSAGE
    assert [message.role for message in tab.settled] == ["user", "assistant"]
    assert tab.live == []
    assert tab.shown == THREAD


async def test_a_refused_message_says_why_and_which_attempt(chat: AgentChat) -> None:
    tab = Tab(ThreadState)

    await send(tab, "x" * 100_001, attempt=3)

    assert tab.refused[MESSAGE].attempt == 3
    assert "100,000" in tab.refused[MESSAGE].words
    assert tab.accepted == ""


async def test_a_later_attempt_that_works_takes_the_refusal_back(chat: AgentChat) -> None:
    tab = Tab(ThreadState)
    await send(tab, "Hello", create=False)
    assert MESSAGE in tab.refused

    await send(tab, "Hello", attempt=2)

    assert tab.refused == {}
    assert tab.accepted == MESSAGE


@pytest.mark.parametrize("odd", ["short", "x" * 65, "with space", "", 7, None, ["message-0001"]])
async def test_only_a_message_with_an_id_is_refused_by_name(chat: AgentChat, odd: object) -> None:
    tab = Tab(ThreadState)

    await ThreadState.send.fn(tab, THREAD, odd, "", True, 1)

    assert tab.refused == {}


async def test_the_newest_refusals_are_kept(chat: AgentChat) -> None:
    tab = Tab(ThreadState)

    for number in range(MOST_REFUSED + 5):
        await ThreadState.send.fn(tab, THREAD, f"message-{number:04}", "", True, 1)

    assert list(tab.refused) == [f"message-{number:04}" for number in range(5, MOST_REFUSED + 5)]


async def test_a_state_made_anew_sends_also_what_it_holds_already(chat: AgentChat) -> None:
    await send(Tab(ThreadState), "Hello")
    tab = Tab(ThreadState, THREAD)

    with following(ThreadState, tab):
        await eventually(lambda: tab.shown == THREAD)

    assert "live" in tab.sent


async def test_only_what_changed_is_sent(chat: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello")
    with following(ThreadState, tab):
        await eventually(lambda: len(tab.settled) == 2)
        tab.sent.clear()

        await chat.rename_thread(THREAD, "Another title")
        await eventually(lambda: tab.title == "Another title")

    assert tab.sent == ["title"]


async def test_an_unknown_thread_is_missing_and_shows_nothing_of_the_one_before(
    chat: AgentChat,
) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello")
    with following(ThreadState, tab):
        await eventually(lambda: tab.settled)
    object.__setattr__(tab, "thread_id", "nowhere-0001")

    with following(ThreadState, tab):
        await eventually(lambda: tab.missing)

    assert (tab.shown, tab.title, tab.settled) == ("nowhere-0001", "", [])


async def test_a_thread_deleted_by_somebody_else_is_missing_until_it_is_had_back(
    chat: AgentChat,
) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello")
    with following(ThreadState, tab):
        await eventually(lambda: len(tab.settled) == 2)
        before = (tab.title, list(tab.settled))
        await chat.delete_thread(THREAD)
        await eventually(lambda: tab.missing)
        assert (tab.title, tab.settled) == ("", [])
        # Had back, it is there again; and is followed on.
        await chat.restore_thread(THREAD)
        await eventually(lambda: not tab.missing)
        assert (tab.title, tab.settled) == before
        await chat.rename_thread(THREAD, "Another")
        await eventually(lambda: tab.title == "Another")


async def test_the_address_says_how_many_messages_to_show(chat: AgentChat) -> None:
    await chat.create_thread(thread_id=THREAD)
    for number in range(35):
        await chat.send_message(THREAD, f"message {number}")
    few, many = Tab(ThreadState, THREAD, messages="30"), Tab(ThreadState, THREAD)
    with following(ThreadState, few), following(ThreadState, many):
        for tab in (few, many):
            await eventually(lambda tab=tab: tab.settled and not tab.live, within=20)
    assert (few.back, many.back) == ("?messages=130", "")
    assert [_positions(tab) for tab in (few, many)] == [list(range(20, 70)), list(range(70))]


async def test_what_is_far_back_is_shown_as_it_changes_with_the_newest(chat: AgentChat) -> None:
    await chat.create_thread(thread_id=THREAD)
    for number in range(80):
        await chat.send_message(THREAD, f"message {number}")
    tab = Tab(ThreadState, THREAD, **{"from": "20", "to": "37"})
    with following(ThreadState, tab):
        await eventually(lambda: tab.settled and not tab.live, within=20)
        assert _positions(tab) == [*range(20, 40), *range(100, 160)]
        assert tab.gap == Gap(100, 60, "?messages=140", "?messages=150")
        assert tab.back == "?from=0&to=40"
        tab.sent.clear()
        await chat.send_message(THREAD, "one more")
        await eventually(lambda: tab.settled[-1].position == 161)
        assert "far" not in tab.sent
        again = tab.far[1]
        await chat.regenerate(again.id, new_id="another-0001")
        await eventually(lambda: tab.far[1].variants == 2)
        await eventually(lambda: [one.status for one in tab.others] == ["done"])


async def test_an_answer_far_back_that_is_tried_again_is_seen_to_grow(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    provider = HeldProvider()
    tab = Tab(ThreadState, THREAD, **{"from": "0", "to": "20"})
    async with AgentChat(settings, provider=provider) as chat, bridge.bridged(chat):
        await chat.create_thread(thread_id=THREAD)
        await chat.send_message(THREAD, "first")
        await chat.stop(THREAD)
        for number in range(69):
            await provider.end()
            await chat.send_message(THREAD, f"message {number}")
        with following(ThreadState, tab):
            await eventually(lambda: tab.settled and not tab.live, within=30)
            stopped = tab.far[1]
            assert stopped.status == "stopped"
            await chat.retry(stopped.id)
            await provider.say("Once more. ")
            await eventually(lambda: tab.tail and tab.tail[-1].text == "Once more. ")
            assert tab.tail[-1].message == stopped.id
            assert (tab.far[1].status, tab.far[1].text, tab.live) == ("running", "", [])
            await provider.end()
            await eventually(lambda: tab.far[1].status == "done")
            assert tab.far[1].text == "Once more. "


def _positions(tab: Tab) -> list[int]:
    return [message.position for message in (*tab.far, *tab.older, *tab.settled)]


def thread_of(length: int, window: int) -> ThreadView:
    """A thread as it is followed by a page that shows so many messages."""
    first = max(0, length - window - 2 * STEP)
    settled = (
        MessageView(f"m{n}", "user", "done", "text", position=n) for n in range(first, length)
    )
    return ThreadView(THREAD, "Title", tuple(settled), (), first)


@pytest.mark.parametrize("window", [50, 150])
def test_a_new_message_is_sent_with_few_others_and_moves_nothing(window: int) -> None:
    tab = Tab(ThreadState, THREAD)
    older, shown = 0, []
    for length in range(1, 400):
        tab.sent.clear()
        tab._show(thread_of(length, window), {}, span=Span(window))
        older += "older" in tab.sent
        shown = [message.position for message in (*tab.older, *tab.settled)]
        assert shown == list(range(shown[0], length))
        assert min(length, window) <= len(shown) < window + 2 * STEP
        assert len(tab.settled) < 2 * STEP
    # The first call is of another thread, for which everything is sent.
    assert older <= 400 // STEP + 1


async def test_a_growing_text_is_sent_in_pieces_and_once_more_at_its_end(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    provider = HeldProvider()
    tab = Tab(ThreadState, THREAD)
    async with AgentChat(settings, provider=provider) as chat, bridge.bridged(chat):
        await send(tab, "Hello")
        with following(ThreadState, tab):
            for sentence in ("One. ", "Two. ", "Three. "):
                await provider.say(sentence)
                await eventually(lambda: tab.tail and tab.tail[-1].text == sentence)  # noqa: B023
                assert [message.text for message in tab.live] == [""]
            # First that there is nothing yet.
            assert [piece.whole for piece in tab.tail] == [True, True, False, False]
            numbers = [piece.number for piece in tab.tail]
            await ThreadState.catch_up.fn(tab)
            assert [(p.text, p.whole) for p in tab.tail] == [("One. Two. Three. ", True)]
            assert tab.tail[0].number > max(numbers)
            await provider.say("Four. ")
            await eventually(lambda: tab.tail[-1].text == "One. Two. Three. Four. ")
            await provider.end()
            await eventually(lambda: not tab.live)
        assert tab.settled[-1].text == "One. Two. Three. Four. "
        assert tab.tail == []


@tool
async def wait() -> str:
    """Wait for ever."""
    await asyncio.Event().wait()
    return ""


@pytest.fixture
async def agents(tmp_path: Path) -> AsyncIterator[AgentChat]:
    """An app of two agents, the second of which calls a tool that never ends."""
    said: list[str | Reasoning | ToolCall] = ["Let me see.", ToolCall("c1", "wait", "{}")]
    settings = Settings(data_dir=tmp_path, _env_file=None)
    provider = ScriptedProvider("instant", replies=[said])
    two = [Agent("clerk", "x"), Agent("writer", "x", tools=(wait,))]
    async with AgentChat(settings, agents=two, provider=provider) as chat, bridge.bridged(chat):
        yield chat


async def test_what_was_said_before_a_call_is_not_said_twice(agents: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello", agent="writer")
    with following(ThreadState, tab):
        await eventually(lambda: tab.live and len(tab.live[0].parts) == 2)
        assert [part.kind for part in tab.live[0].parts] == ["text", "tool"]
        assert tab.live[0].parts[0].text == "Let me see."
        await eventually(lambda: tab.tail and tab.tail[-1].text == "")
        assert tab.tail[-1].whole


async def test_a_sub_agent_grows_in_its_fold_and_in_its_own_thread(tmp_path: Path) -> None:
    said = [ToolCall("c1", "ask_helper", '{"task": "Count"}')]
    counted = " ".join(f"Number {n}." for n in range(500))
    provider = ScriptedProvider("instant", replies=[said, counted], pace=timedelta(seconds=0.01))
    two = [Agent("lead", "x", asks=("helper",)), Agent("helper", "x")]
    settings = Settings(data_dir=tmp_path, _env_file=None)
    async with AgentChat(settings, agents=two, provider=provider) as chat, bridge.bridged(chat):
        tab = Tab(ThreadState, THREAD)
        await send(tab, "Hello")
        with following(ThreadState, tab):
            await eventually(lambda: tab.live and any(one.answer for one in tab.live[0].parts))
            [part] = [one for one in tab.live[0].parts if one.kind == "agent"]
            inner = Tab(ThreadState, part.thread_id)
            with following(ThreadState, inner):
                for shown in (tab, inner):
                    await eventually(
                        lambda shown=shown: any(
                            piece.message == part.answer.id and "Number" in (piece.text or "")
                            for piece in shown.tail
                        )
                    )
                await eventually(lambda: inner.live and inner.live[0].words == "Writing")
                assert inner.parent == THREAD
                assert [one.answer.text for one in tab.live[0].parts if one.answer] == [""]


async def test_a_new_thread_keeps_the_agent_that_was_picked_for_it(agents: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello", agent="writer")
    with following(ThreadState, tab):
        await eventually(lambda: tab.agent == "writer" and tab.live)
        assert tab.live[0].author == "writer"
        assert tab.second == "queue"
        await ThreadState.choose_agent.fn(tab, THREAD, "clerk")
        await ThreadState.choose_second.fn(tab, THREAD, "steer")
        await eventually(lambda: (tab.agent, tab.second) == ("clerk", "steer"))


async def test_a_mention_counts_more_than_who_was_picked(agents: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "@clerk, hello", agent="writer")
    with following(ThreadState, tab):
        await eventually(lambda: len(tab.settled) == 2)
        assert (tab.settled[1].author, tab.agent) == ("clerk", "writer")


async def test_an_agent_that_is_not_there_refuses_the_message(agents: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello", agent="nobody")
    assert "nobody" in tab.refused[MESSAGE].words


@pytest.mark.parametrize(
    ("thread_id", "value"),
    [
        (THREAD, "nobody"),
        (THREAD, {"a": 1}),
        (THREAD, None),
        ("nowhere-0001", "writer"),
        ({"a": 1}, "writer"),
        ("x", "clerk"),
    ],
)
async def test_what_cannot_be_picked_is_said(
    agents: AgentChat, thread_id: object, value: object
) -> None:
    tab = Tab(ThreadState, THREAD)
    await agents.create_thread(thread_id=THREAD)
    for handler in (ThreadState.choose_agent, ThreadState.choose_second):
        said = await handler.fn(tab, thread_id, value)
        assert said.handler.fn.__name__ == "say"
    with following(ThreadState, tab):
        await eventually(lambda: tab.shown == THREAD)
        assert (tab.agent, tab.second) == ("", "queue")


async def test_the_agents_are_told_to_a_page(agents: AgentChat) -> None:
    tab = Tab(AgentsState)
    await AgentsState.tell.fn(tab)
    assert [agent.name for agent in tab.agents] == ["clerk", "writer"]
    tab.sent.clear()
    await AgentsState.tell.fn(tab)
    assert tab.sent == []


async def test_the_list_of_threads_follows_the_rows(chat: AgentChat) -> None:
    tab = Tab(ThreadsState)
    with following(ThreadsState, tab):
        await eventually(lambda: tab.loaded)
        await chat.create_thread("First")
        await eventually(lambda: [one.title for one in tab.change.lines] == ["First"])


async def test_what_cannot_be_done_is_said(chat: AgentChat) -> None:
    said = await ThreadsState.rename.fn(Tab(ThreadsState), "nowhere-0001", "Title")

    assert said.handler.fn.__name__ == "say"
    assert "does not exist" in str(said.args)


async def test_a_rename_that_works_takes_an_old_notice_away(chat: AgentChat) -> None:
    thread = await chat.create_thread("Before")

    after = await ThreadsState.rename.fn(Tab(ThreadsState), thread.id, "After")

    assert after.fn.__name__ == "dismiss"


def test_an_unforeseen_error_is_logged_and_said(caplog: pytest.LogCaptureFixture) -> None:
    said = app.backend_exception_handler(ValueError("secret detail"))

    assert said.handler.fn.__name__ == "say"
    assert words.SOMETHING_WRONG in str(said.args)
    assert "secret detail" in caplog.text
    assert "secret detail" not in str(said.args)


def test_progress_is_shown_in_percent_when_it_is_known() -> None:
    percent = ModelState.percent.fget
    assert percent(SimpleNamespace(model=ModelView("m", "M", progress=0.256))) == 26
    assert percent(SimpleNamespace(model=ModelView("m", "M"))) == -1
