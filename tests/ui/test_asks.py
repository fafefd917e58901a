"""What a person decides on a page, and what anybody may send to the handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import reflex as rx

from agentchat import Agent, AgentChat, AskView, Limits, Settings, tool
from agentchat.agents.toolbox import ask_person
from agentchat.llm.base import ToolCall
from agentchat.llm.scripted import ScriptedProvider
from agentchat.ui import bridge, words
from agentchat.ui.states.asks import (
    MOST_ARGUMENTS,
    MOST_REFUSED,
    DecisionState,
    InboxState,
    WaitingState,
)
from tests.ui.tabs import Browser, Tab, serving_app
from tests.waiting import eventually

paid: list[tuple[int, str]] = []


@tool(approval=True)
async def pay(amount: int, to: str) -> str:
    """Pay somebody."""
    paid.append((amount, to))
    return "paid"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


PAY = ToolCall("c1", "pay", '{"amount": 50, "to": "Bo"}')
ASK = ToolCall("c1", "ask_person", '{"question": "Which?", "choices": ["red", "blue"]}')
ADD = ToolCall("c1", "add", '{"a": 1, "b": 1}')


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[AgentChat]:
    paid.clear()
    provider = ScriptedProvider("instant", replies=[])
    agents = [Agent("clerk", "x", tools=(pay, ask_person, add), limits=Limits(tool_calls=1))]
    settings = Settings(data_dir=tmp_path, _env_file=None)
    async with (
        AgentChat(settings, agents=agents, provider=provider) as opened,
        bridge.bridged(opened),
    ):
        opened.script = provider._replies  # type: ignore[attr-defined]
        yield opened


@pytest.fixture
async def browser(chat: AgentChat) -> AsyncIterator[Browser]:
    def fill(app: rx.App) -> None:
        app.add_page(rx.fragment, route="/", on_load=[WaitingState.follow])
        app.add_page(rx.fragment, route="/inbox", on_load=[WaitingState.follow, InboxState.follow])

    async with serving_app(fill) as opened:
        yield opened


async def asked(chat: AgentChat, call: ToolCall) -> AskView:
    chat.script.append([call])  # type: ignore[attr-defined]
    await chat.send_message("thread-0001", "Go", create_thread=True)
    async with asyncio.timeout(40), aclosing(chat.inbox.follow()) as inboxes:
        async for waiting in inboxes:
            if waiting:
                return waiting[0]
    raise AssertionError("nothing was asked")


async def opened(browser: Browser, path: str = "/inbox") -> Tab:
    tab = browser.tab(path)
    await tab.open()
    await eventually(lambda: tab.shows.get("waiting_state.loaded"))
    return tab


def number(tab: Tab) -> Any:
    return tab.shows["waiting_state.number"]


def refused(tab: Tab, ask_id: str) -> Any:
    return tab.shows.get("decision_state.refused", {}).get(ask_id)


def said(tab: Tab) -> Any:
    return tab.shows.get("notice_state.words", "")


async def test_the_inbox_follows_what_waits_in_every_tab(chat: AgentChat, browser: Browser) -> None:
    ann, bob = await opened(browser), await opened(browser, "/")
    assert (number(ann), number(bob)) == (0, 0)
    ask = await asked(chat, PAY)
    await eventually(lambda: (number(ann), number(bob)) == (1, 1))
    [shown] = ann.shows["inbox_state.waiting"]
    assert (shown.id, shown.tool, shown.input_hash) == (ask.id, "pay", ask.input_hash)
    assert bob.shows["inbox_state.waiting"] == []
    arguments = {"ask_id": ask.id, "input_hash": ask.input_hash, "arguments": "", "attempt": 1}
    await bob.does(DecisionState.approve, **arguments)
    await eventually(lambda: (number(ann), ann.shows["inbox_state.waiting"]) == (0, []))
    await eventually(lambda: paid == [(50, "Bo")])
    # Pressed again, or by somebody else who still sees it.
    await ann.does(DecisionState.approve, **arguments)
    await eventually(lambda: "approved it already" in said(ann))
    assert refused(ann, ask.id).attempt == 1
    assert not refused(ann, ask.id).here
    assert paid == [(50, "Bo")]


async def test_edited_arguments_are_checked_and_what_is_wrong_is_said_there(
    chat: AgentChat, browser: Browser
) -> None:
    ask = await asked(chat, PAY)
    tab = await opened(browser)
    wrong = {
        '{"amount": ': words.ASKS["notJson"],
        "[1]": words.ASKS["notObject"],
        "null": words.ASKS["notObject"],
        '"text"': words.ASKS["notObject"],
        '{"amount": "many", "to": "Bo"}': "amount",
        '{"amount": 1}': "to",
        "[" * 100_000: words.ASKS["notJson"],
        "1" * (MOST_ARGUMENTS + 1): words.ASKS["tooLong"],
    }
    for attempt, (text, expected) in enumerate(wrong.items(), 1):
        await tab.does(
            DecisionState.approve,
            ask_id=ask.id,
            input_hash=ask.input_hash,
            arguments=text,
            attempt=attempt,
        )
        await eventually(
            lambda attempt=attempt: (
                refused(tab, ask.id) is not None and refused(tab, ask.id).attempt == attempt
            )
        )
        assert refused(tab, ask.id).here
        assert expected in refused(tab, ask.id).words
    assert (number(tab), paid, said(tab)) == (1, [], "")
    await tab.does(
        DecisionState.approve,
        ask_id=ask.id,
        input_hash=ask.input_hash,
        arguments='{"amount": 20, "to": "Al"}',
        attempt=9,
    )
    await eventually(lambda: paid == [(20, "Al")])
    await eventually(lambda: refused(tab, ask.id) is None)
    async with aclosing(chat.follow("thread-0001")) as views:
        view = await anext(views)
    [part] = [one for one in view.messages[1].parts if one.kind == "tool"]
    assert part.edited
    [over] = part.asks
    assert ('"amount": 20' in part.input, '"amount": 50' in over.input) == (True, True)


async def test_what_was_not_shown_cannot_be_approved(chat: AgentChat, browser: Browser) -> None:
    ask = await asked(chat, PAY)
    tab = await opened(browser)
    for forged in ("", "other", None, 7, {"a": 1}):
        tab.shows.pop("notice_state.words", None)
        tab.shows.pop("decision_state.refused", None)
        await tab.does(
            DecisionState.approve, ask_id=ask.id, input_hash=forged, arguments="", attempt=1
        )
        await eventually(lambda: said(tab) or refused(tab, ask.id))
        await tab.does(DecisionState.deny, ask_id="none-0001", reason="", attempt=1)
    assert (number(tab), paid) == (1, [])


FORGED_IDS = [
    None,
    7,
    "",
    "short",
    "x" * 65,
    ["ask-00001"],
    {"a": 1},
    "nobody-asked-0001",
    "' OR 1",
]


@pytest.mark.parametrize("forged", FORGED_IDS)
async def test_a_forged_id_decides_nothing(
    chat: AgentChat, browser: Browser, forged: object
) -> None:
    ask = await asked(chat, PAY)
    tab = await opened(browser)
    await tab.does(DecisionState.deny, ask_id=forged, reason="no", attempt=1)
    await tab.does(DecisionState.answer, ask_id=forged, text="no", attempt=1)
    fields = {"input_hash": ask.input_hash, "arguments": "", "attempt": 1}
    await tab.does(DecisionState.approve, ask_id=forged, **fields)
    await eventually(lambda: said(tab))
    assert number(tab) == 1
    assert [one.id for one in await chat.inbox.waiting()] == [ask.id]


@pytest.mark.parametrize("forged", [None, 7, ["no"], {"a": 1}])
async def test_what_is_no_text_is_no_reason_and_no_answer(
    chat: AgentChat, browser: Browser, forged: object
) -> None:
    ask = await asked(chat, PAY)
    tab = await opened(browser)
    await tab.does(DecisionState.deny, ask_id=ask.id, reason=forged, attempt=1)
    await tab.does(DecisionState.answer, ask_id=ask.id, text=forged, attempt=2)
    await eventually(lambda: refused(tab, ask.id) or said(tab))
    assert [one.id for one in await chat.inbox.waiting()] == [ask.id]


async def test_the_newest_refusals_are_kept(chat: AgentChat, browser: Browser) -> None:
    tab = await opened(browser)
    for n in range(MOST_REFUSED + 5):
        await tab.does(DecisionState.deny, ask_id=f"nobody-{n:04}", reason="", attempt=n)
    last = f"nobody-{MOST_REFUSED + 4:04}"
    await eventually(lambda: last in tab.shows.get("decision_state.refused", {}))
    assert len(tab.shows["decision_state.refused"]) <= MOST_REFUSED


async def test_a_question_is_answered_and_not_approved(chat: AgentChat, browser: Browser) -> None:
    ask = await asked(chat, ASK)
    tab = await opened(browser)
    fields = {"input_hash": ask.input_hash, "arguments": "", "attempt": 1}
    await tab.does(DecisionState.approve, ask_id=ask.id, **fields)
    await eventually(lambda: refused(tab, ask.id))
    assert "answer it" in refused(tab, ask.id).words
    await tab.does(DecisionState.answer, ask_id=ask.id, text=" ", attempt=2)
    await eventually(lambda: refused(tab, ask.id).attempt == 2)
    await tab.does(DecisionState.answer, ask_id=ask.id, text="blue", attempt=3)
    await eventually(lambda: number(tab) == 0)


async def test_an_answer_is_let_go_on_beyond_a_limit(chat: AgentChat, browser: Browser) -> None:
    ask = await asked(chat, ADD)
    tab = await opened(browser)
    assert ask.kind == "limit"
    fields = {"input_hash": ask.input_hash, "arguments": "", "attempt": 1}
    await tab.does(DecisionState.approve, ask_id=ask.id, **fields)
    await eventually(lambda: number(tab) == 0)
    assert refused(tab, ask.id) is None
