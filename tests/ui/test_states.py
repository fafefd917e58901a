"""The states as plain objects, over a real AgentChat with a scripted model."""

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
from agentchat.llm.scripted import ScriptedProvider
from agentchat.ui import bridge, words
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.thread import (
    FIRST_SHOWN,
    MOST_REFUSED,
    MOST_SHOWN,
    ThreadState,
    _window,
)
from agentchat.ui.states.threads import ThreadsState
from agentchat.views import ModelView
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
        object.__setattr__(self, "thread_id", thread_id)
        url = SimpleNamespace(query_parameters=query)
        object.__setattr__(self, "router", SimpleNamespace(url=url))
        object.__setattr__(self, "_show", lambda *a, **k: state._show(self, *a, **k))

    def __setattr__(self, name: str, value: Any) -> None:
        self.sent.append(name)  # type: ignore[attr-defined]
        object.__setattr__(self, name, value)

    async def __aenter__(self) -> Tab:
        return self

    async def __aexit__(self, *_: object) -> None: ...


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


async def send(tab: Tab, text: str, *, attempt: int = 1, create: bool = True) -> None:
    await ThreadState.send.fn(tab, THREAD, MESSAGE, text, create, attempt)


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

    await ThreadState.follow.fn(tab)

    assert tab.missing
    assert (tab.shown, tab.title, tab.settled) == ("nowhere-0001", "", [])


async def test_a_thread_deleted_by_somebody_else_becomes_missing(chat: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD)
    await send(tab, "Hello")
    with following(ThreadState, tab):
        await eventually(lambda: tab.settled)
        await chat.delete_thread(THREAD)
        await eventually(lambda: tab.missing)

    assert tab.settled == []


async def test_the_address_says_how_many_messages_to_show(chat: AgentChat) -> None:
    tab = Tab(ThreadState, THREAD, messages="1")
    await send(tab, "Hello")

    with following(ThreadState, tab):
        await eventually(lambda: tab.earlier == 1)


@pytest.mark.parametrize("wish", [None, "", "0", "-3", "many", "9" * 5000, "٣"])
def test_an_odd_number_of_messages_means_the_usual(wish: str | None) -> None:
    assert _window(wish) == FIRST_SHOWN


def test_nobody_gets_more_messages_than_a_page_can_carry() -> None:
    assert _window("150") == 150
    assert _window("999999") == MOST_SHOWN


async def test_the_list_of_threads_follows_the_rows(chat: AgentChat) -> None:
    tab = Tab(ThreadsState)
    with following(ThreadsState, tab):
        await eventually(lambda: tab.loaded)
        await chat.create_thread("First")
        await eventually(lambda: [thread.title for thread in tab.threads] == ["First"])


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
