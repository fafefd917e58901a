"""The page about memory: live, searchable, mended and emptied by its person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agentchat import AgentChat, Settings
from agentchat.agents.memory import Memories
from agentchat.llm.embedder import HashEmbedder
from agentchat.llm.scripted import ScriptedProvider
from agentchat.ui import bridge
from agentchat.ui import words_memory as words
from agentchat.ui.pages.memories import memories_page
from agentchat.ui.states.memories import MemoriesState
from agentchat.views import Actor
from tests.ui.tabs import Browser, Tab, serving_app
from tests.waiting import eventually


@pytest.fixture
async def memories(tmp_path: Path) -> AsyncIterator[Memories]:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    async with (
        AgentChat(settings, provider=ScriptedProvider("instant")) as chat,
        Memories(chat._database, HashEmbedder()) as opened,
        bridge.bridged(chat),
    ):
        chat.memories = opened
        yield opened


@pytest.fixture
async def browser(memories: Memories) -> AsyncIterator[Browser]:
    def fill(app: Any) -> None:
        on_load = [MemoriesState.arrive, MemoriesState.follow]
        app.add_page(memories_page, route="/memory", on_load=on_load)

    async with serving_app(fill) as opened:
        yield opened


def shown(tab: Tab, kind: str = "facts") -> list[str]:
    return [line.text for line in tab.shows.get(f"memories_state.{kind}", [])]


def says(tab: Tab, name: str) -> Any:
    return tab.shows.get(f"memories_state.{name}")


async def opened(browser: Browser) -> Tab:
    tab = browser.tab("/memory")
    await tab.open()
    await eventually(lambda: says(tab, "loaded"))
    return tab


def test_the_page_is_made_of_what_it_says() -> None:
    rendered = str(memories_page().render())
    for text in (words.TITLE, words.SEARCH, words.EMPTY_TITLE, words.FORGET_ALL, words.EDIT):
        assert text in rendered


async def test_every_tab_shows_what_is_remembered_by_kind_as_it_changes(
    browser: Browser, memories: Memories
) -> None:
    thread = await bridge.chat().create_thread("Plans")
    one, other = await opened(browser), await opened(browser)
    await memories.remember("I like apples", thread_id=thread.id)
    await memories.remember("Buy apples!", kind="message", agent="cook")
    await memories.remember("Nobody sees this", actor=Actor("somebody", "S"))
    for tab in (one, other):
        await eventually(lambda tab=tab: shown(tab) == ["I like apples"])
        await eventually(lambda tab=tab: shown(tab, "messages") == ["Buy apples!"])
    [line] = says(one, "facts")
    assert (line.thread_id, line.thread_title) == (thread.id, "Plans")
    assert says(one, "messages")[0].agent == "cook"
    await bridge.chat().delete_thread(thread.id)
    await eventually(lambda: [line.thread_id for line in says(one, "facts")] == [""])
    await one.close()
    await other.close()


async def test_a_search_shows_only_what_holds_the_words(
    browser: Browser, memories: Memories
) -> None:
    for text in ("Apples are red", "Pears are green", "100% is all"):
        await memories.remember(text)
    tab = await opened(browser)
    await eventually(lambda: len(shown(tab)) == 3)
    await tab.does(MemoriesState.search, words="APPLE")
    await eventually(lambda: shown(tab) == ["Apples are red"])
    await tab.does(MemoriesState.search, words="0%")
    await eventually(lambda: shown(tab) == ["100% is all"])
    await tab.does(MemoriesState.search, words="")
    await eventually(lambda: len(shown(tab)) == 3)
    await tab.close()


async def test_a_memory_is_edited_in_place(browser: Browser, memories: Memories) -> None:
    made = await memories.remember("I live in Lisbon")
    tab = await opened(browser)
    await tab.does(MemoriesState.edit, memory_id=made.id)
    await eventually(lambda: says(tab, "editing") == made.id)
    await tab.does(MemoriesState.save, form={"text": "  "})
    await eventually(lambda: "nothing to remember" in (says(tab, "said") or ""))
    assert says(tab, "editing") == made.id, "what was typed is not lost"
    await tab.does(MemoriesState.save, form={"text": "I live in Porto"})
    await eventually(lambda: shown(tab) == ["I live in Porto"])
    await eventually(lambda: says(tab, "editing") == "")
    assert says(tab, "said") == ""
    await tab.close()


async def test_what_was_deleted_can_be_taken_back(browser: Browser, memories: Memories) -> None:
    made = await memories.remember("I like apples", agent="cook", thread_id="thread-01")
    tab = await opened(browser)
    await tab.does(MemoriesState.forget, memory_id=made.id)
    await eventually(lambda: shown(tab) == [] and says(tab, "undoable"))
    assert says(tab, "said") == words.DELETED
    await tab.does(MemoriesState.undo)
    await eventually(lambda: shown(tab) == ["I like apples"])
    await eventually(lambda: not says(tab, "undoable"))
    [again] = await anext(aiter(memories.follow()))
    assert (again.agent, again.thread_id) == ("cook", "thread-01")
    # A second press takes nothing back.
    await tab.does(MemoriesState.undo)
    await tab.close()


async def test_everything_is_forgotten_only_after_a_question(
    browser: Browser, memories: Memories
) -> None:
    await memories.remember("I like apples")
    await memories.remember("Nobody else loses this", actor=Actor("somebody", "S"))
    tab = await opened(browser)
    await tab.does(MemoriesState.forget_all)
    await tab.does(MemoriesState.ask, asked=True)
    await eventually(lambda: says(tab, "asked"))
    assert len(await anext(aiter(memories.follow()))) == 1
    await tab.does(MemoriesState.forget_all)
    await eventually(lambda: shown(tab) == [])
    await eventually(lambda: says(tab, "said") == words.FORGOTTEN)
    assert says(tab, "asked") is False
    kept = await anext(aiter(memories.follow(actor=Actor("somebody", "S"))))
    assert len(kept) == 1
    await tab.close()


async def test_what_somebody_else_deleted_is_said_and_nothing_breaks(
    browser: Browser, memories: Memories
) -> None:
    made = await memories.remember("I like apples")
    tab = await opened(browser)
    await memories.forget(made.id)
    await tab.does(MemoriesState.forget, memory_id=made.id)
    await eventually(lambda: "was forgotten" in (says(tab, "said") or ""))
    assert not says(tab, "undoable")
    await tab.close()
