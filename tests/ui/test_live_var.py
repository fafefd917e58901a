"""Live vars in tabs: Reflex's own app and events, a real AgentChat, real rows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import reflex as rx
from sqlmodel import Session, col, select

from agentchat import LOCAL, Actor, AgentChat, Settings
from agentchat.errors import NotAllowed, ThreadNotFound
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Thread
from agentchat.ui import bridge, words
from agentchat.ui.following import followings
from agentchat.ui.live import LiveState, live, serving
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.threads import ThreadsState
from agentchat.views import ThreadView
from tests.ui.tabs import Tab, serving_pages
from tests.waiting import eventually

THREAD = "thread-0001"


def titles_of(session: Session, limit: int) -> tuple[str, ...]:
    newest = select(Thread.title).where(col(Thread.deleted_at).is_(None))
    return tuple(session.exec(newest.order_by(col(Thread.title)).limit(limit)))


def count(session: Session) -> int:
    return len(titles_of(session, 100))


def last_title(session: Session) -> str | None:
    return next(reversed(titles_of(session, 100)), None)


def some_title(session: Session) -> str:
    return last_title(session) or ""


def readable(session: Session, reader: Actor) -> list[str]:
    titles = list(titles_of(session, 100))
    if reader != LOCAL or "closed" in titles:
        raise NotAllowed("This is not for you.")
    if "broken" in titles:
        raise ValueError("secret detail")
    return titles


class Titles(LiveState):
    limit: int = 2
    titles: list[str] = live(titles_of, "limit")

    @rx.event
    def show(self, limit: int) -> None:
        self.limit = limit

    @rx.event
    def waver(self, limit: int) -> None:
        before, self.limit = self.limit, limit
        self.limit = before

    @rx.event
    def clear(self) -> None:
        self.reset()


class Kept(LiveState):
    limit: int = 2
    titles: list[str] = live(titles_of, "limit", keep=True)

    @rx.event
    def show(self, limit: int) -> None:
        self.limit = limit


class Two(LiveState):
    titles: list[str] = live(titles_of, "limit")
    number: int = live(count)

    @property
    def limit(self) -> int:
        return 2


class Reader(LiveState):
    name: str = "local"
    titles: list[str] = live(readable, "reader")

    @property
    def reader(self) -> Actor:
        if self.name == "nobody":
            raise NotAllowed("Log in first.")
        return LOCAL if self.name == "local" else Actor(self.name, self.name)

    @rx.event
    def become(self, name: str) -> None:
        self.name = name


class Above(rx.State):
    most: int = 1

    @rx.event
    def raise_most(self, most: int) -> None:
        self.most = most


class Below(LiveState, Above):
    titles: list[str] = live(titles_of, "limit")

    @rx.var
    def limit(self) -> int:
        return self.most + 1


class OneThread(LiveState):
    wanted: list[str] = [THREAD]  # noqa: RUF012
    me: Actor = LOCAL
    thread: ThreadView = live(AgentChat.follow, "thread_id", actor="me", default=ThreadView("", ""))

    @property
    def thread_id(self) -> str:
        return self.wanted[0]

    @rx.event
    def want(self, thread_id: str) -> None:
        self.wanted[0] = thread_id


async def stubborn(chat: AgentChat, limit: int) -> AsyncGenerator[int, None]:
    yield limit
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.02)
        yield -1


class Stubborn(LiveState):
    limit: int = 1
    number: int = live(stubborn, "limit")

    @rx.event
    def show(self, limit: int) -> None:
        self.limit = limit


class Restless(LiveState):
    titles: list[str] = live(titles_of, "never_the_same")

    @property
    def never_the_same(self) -> object:
        return object()


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[AgentChat]:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    opened = AgentChat(settings, provider=ScriptedProvider("instant"))
    async with opened, bridge.bridged(opened):
        for title in ("a", "b", "c"):
            await opened.create_thread(title, thread_id=f"thread-000{title}")
        yield opened


@contextlib.asynccontextmanager
async def open_tab(*states: Any) -> AsyncIterator[Tab]:
    async with serving_pages(index=[state.follow for state in states]) as browser:
        tab = browser.tab()
        await tab.open()
        yield tab


def followed(chat: AgentChat) -> list[str]:
    """The queries that are followed, as calls."""
    queries = chat._database.live.inspect()
    return sorted(f"{query.name.rpartition('.')[2]}({query.arguments})" for query in queries)


async def shows(tab: Tab, name: str, value: Any) -> None:
    await eventually(lambda: tab.shows.get(name) == value)


async def settled(tab: Tab) -> None:
    """Return when the app has been doing nothing for a while."""
    frames = -1
    while frames != len(tab.frames):
        frames = len(tab.frames)
        await asyncio.sleep(0.05)


async def test_following_starts_with_the_page(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        assert tab.shows["titles.loaded"] is True
        assert tab.shows["titles.problem"] == ""
        assert followed(chat) == ["titles_of(2)"]


async def test_until_the_first_value_a_var_is_empty_and_not_loaded(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.loaded", True)
        first = next(frame for frame in tab.frames if "titles.loaded" in frame)
        assert (first["titles.loaded"], first["titles.titles"]) == (False, [])


async def test_a_commit_shows_in_one_small_frame(chat: AgentChat) -> None:
    async with open_tab(Two) as tab:
        await shows(tab, "two.number", 3)
        await settled(tab)
        tab.frames.clear()
        await chat.create_thread("d")
        await shows(tab, "two.number", 4)
        await settled(tab)
        assert tab.frames == [{"two.number": 4}]


async def test_several_live_vars_are_followed_by_one_event(chat: AgentChat) -> None:
    async with open_tab(Two) as tab:
        await shows(tab, "two.loaded", True)
        assert (tab.shows["two.titles"], tab.shows["two.number"]) == (["a", "b"], 3)
        assert followed(chat) == ["count()", "titles_of(2)"]
        assert len(followings) == 1


async def test_a_changed_argument_switches(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        tab.frames.clear()
        await tab.does(Titles.show, limit=3)
        await shows(tab, "titles.titles", ["a", "b", "c"])
        changed = next(frame for frame in tab.frames if "titles.limit" in frame)
        assert (changed["titles.titles"], changed["titles.loaded"]) == ([], False)
        assert tab.shows["titles.loaded"] is True
        await eventually(lambda: followed(chat) == ["titles_of(3)"])
        assert len(chat._database.live) == 1


async def test_nothing_of_the_old_argument_comes_after_the_change(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        for limit in (3, 1, 3, 1, 3, 1):
            tab.frames.clear()
            adding = asyncio.create_task(chat.rename_thread("thread-000a", f"a{limit}"))
            await tab.does(Titles.show, limit=limit)
            await eventually(lambda limit=limit: len(tab.shows["titles.titles"]) == limit)
            await adding
            await settled(tab)
            limits = [f.get("titles.limit") for f in tab.frames]
            after = tab.frames[limits.index(limit) :]
            sizes = {len(f["titles.titles"]) for f in after if "titles.titles" in f}
            assert sizes <= {0, limit}


async def test_a_verb_that_does_not_stop_at_once_is_not_heard_any_more(chat: AgentChat) -> None:
    async with open_tab(Stubborn) as tab:
        await shows(tab, "stubborn.number", 1)
        await tab.does(Stubborn.show, limit=2)
        await shows(tab, "stubborn.number", 2)
        await settled(tab)
        assert {f["stubborn.number"] for f in tab.frames if "stubborn.number" in f} == {0, 1, 2}


async def test_an_argument_that_comes_back_at_once_loses_nothing(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        await tab.does(Titles.waver, limit=3)
        await settled(tab)
        assert (tab.shows["titles.titles"], tab.shows["titles.loaded"]) == (["a", "b"], True)
        assert followed(chat) == ["titles_of(2)"]


async def test_a_kept_value_stays_until_the_next_is_there(chat: AgentChat) -> None:
    async with open_tab(Kept) as tab:
        await shows(tab, "kept.titles", ["a", "b"])
        tab.frames.clear()
        await tab.does(Kept.show, limit=3)
        await shows(tab, "kept.titles", ["a", "b", "c"])
        sent = [frame["kept.titles"] for frame in tab.frames if "kept.titles" in frame]
        assert sent == [["a", "b", "c"]]
        assert [f["kept.loaded"] for f in tab.frames if "kept.loaded" in f] == [False, True]


async def test_an_argument_may_come_from_a_parent_state_through_a_computed_var(
    chat: AgentChat,
) -> None:
    async with open_tab(Below) as tab:
        await shows(tab, "below.titles", ["a", "b"])
        await tab.does(Above.raise_most, most=2)
        await shows(tab, "below.titles", ["a", "b", "c"])
        await eventually(lambda: followed(chat) == ["titles_of(3)"])


async def test_a_verb_is_followed_with_arguments_by_name_and_from_inside_a_list(
    chat: AgentChat,
) -> None:
    async with open_tab(OneThread) as tab:
        await shows(tab, "one_thread.problem", str(ThreadNotFound()))
        assert tab.shows["one_thread.thread"] == ThreadView("", "")
        await tab.does(OneThread.want, thread_id="thread-000b")
        await eventually(lambda: tab.shows["one_thread.thread"].title == "b")
        await shows(tab, "one_thread.problem", "")


async def test_a_verb_that_failed_is_followed_again(chat: AgentChat) -> None:
    async with open_tab(OneThread) as tab:
        await shows(tab, "one_thread.problem", str(ThreadNotFound()))
        await chat.create_thread("At last", thread_id=THREAD)
        await eventually(lambda: tab.shows["one_thread.thread"].title == "At last")
        await shows(tab, "one_thread.problem", "")


async def test_a_right_that_is_taken_away_takes_the_value_with_it(chat: AgentChat) -> None:
    async with open_tab(Reader) as tab:
        await shows(tab, "reader.titles", ["a", "b", "c"])
        thread = await chat.create_thread("closed")
        await shows(tab, "reader.problem", "This is not for you.")
        assert (tab.shows["reader.titles"], tab.shows["reader.loaded"]) == ([], True)
        await chat.delete_thread(thread.id)
        await shows(tab, "reader.titles", ["a", "b", "c"])
        await shows(tab, "reader.problem", "")


async def test_an_unforeseen_error_is_logged_and_said_without_its_words(
    chat: AgentChat, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_tab(Reader) as tab:
        await shows(tab, "reader.titles", ["a", "b", "c"])
        await chat.create_thread("broken")
        await shows(tab, "reader.problem", words.WENT_WRONG)
        assert "Reader.titles" in caplog.text
        assert "secret detail" in caplog.text
        assert "secret detail" not in str(tab.frames)


async def test_another_reader_sees_nothing_of_the_one_before(chat: AgentChat) -> None:
    async with open_tab(Reader) as tab:
        await shows(tab, "reader.titles", ["a", "b", "c"])
        tab.frames.clear()
        await tab.does(Reader.become, name="eve")
        await shows(tab, "reader.problem", "This is not for you.")
        assert all(frame.get("reader.titles", []) == [] for frame in tab.frames)
        first = next(frame for frame in tab.frames if "reader.name" in frame)
        assert first["reader.titles"] == []


async def test_a_property_that_refuses_is_said_and_heals(chat: AgentChat) -> None:
    async with open_tab(Reader) as tab:
        await shows(tab, "reader.titles", ["a", "b", "c"])
        await tab.does(Reader.become, name="nobody")
        await shows(tab, "reader.problem", "Log in first.")
        assert (tab.shows["reader.titles"], tab.shows["reader.loaded"]) == ([], True)
        await eventually(lambda: followed(chat) == [])
        await tab.does(Reader.become, name="local")
        await shows(tab, "reader.titles", ["a", "b", "c"])
        await shows(tab, "reader.problem", "")


async def test_an_argument_that_is_never_the_same_is_an_error_and_no_loop(
    chat: AgentChat, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_tab(Restless) as tab:
        await shows(tab, "restless.problem", words.WENT_WRONG)
        await settled(tab)
        assert len([r for r in caplog.records if "Restless.titles" in r.getMessage()]) == 1
        assert followed(chat) == []


async def test_a_reset_state_is_filled_again(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await tab.does(Titles.show, limit=1)
        await shows(tab, "titles.titles", ["a"])
        await tab.does(Titles.clear)
        await shows(tab, "titles.titles", ["a", "b"])
        await chat.rename_thread("thread-000b", "bb")
        await shows(tab, "titles.titles", ["a", "bb"])
        assert len(followings) == 1


async def test_a_value_is_of_its_own_in_each_tab(chat: AgentChat) -> None:
    async with serving_pages(index=[Reader.follow]) as browser:
        one, other = browser.tab(), browser.tab()
        await one.open()
        await other.open()
        await shows(one, "reader.titles", ["a", "b", "c"])
        await shows(other, "reader.titles", ["a", "b", "c"])
        mine, theirs = await one.state(Reader), await other.state(Reader)
        mine.titles.append("only here")
        assert theirs.titles == ["a", "b", "c"]


async def test_two_tabs_are_independent(chat: AgentChat) -> None:
    async with serving_pages(index=[Titles.follow]) as browser:
        one, other = browser.tab(), browser.tab()
        await one.open()
        await other.open()
        await shows(one, "titles.titles", ["a", "b"])
        await shows(other, "titles.titles", ["a", "b"])
        assert len(chat._database.live) == 1
        await one.does(Titles.show, limit=1)
        await shows(one, "titles.titles", ["a"])
        assert other.shows["titles.titles"] == ["a", "b"]
        assert followed(chat) == ["titles_of(1)", "titles_of(2)"]
        await one.close()
        await eventually(lambda: followed(chat) == ["titles_of(2)"])
        await chat.rename_thread("thread-000a", "aa")
        await shows(other, "titles.titles", ["aa", "b"])


async def nothing_left(chat: AgentChat) -> None:
    await eventually(lambda: not followings and not len(chat._database.live))
    tasks = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in tasks if name.startswith("agentchat-live")]


async def test_a_disconnect_leaves_nothing(chat: AgentChat) -> None:
    async with open_tab(Titles, Two, Reader) as tab:
        await shows(tab, "two.loaded", True)
        await shows(tab, "titles.loaded", True)
        await tab.does(Titles.show, limit=3)
        await tab.close()
        await nothing_left(chat)


async def test_a_hundred_hasty_visits_leave_nothing(chat: AgentChat) -> None:
    async with serving_pages(expiration=0.3, index=[Titles.follow, Two.follow]) as browser:
        for number in range(100):
            tab = browser.tab()
            await tab.open()
            for _ in range(number % 12):
                await asyncio.sleep(0)
            await tab.does(Titles.show, limit=number)
            await tab.close()
        await nothing_left(chat)


async def test_leaving_the_page_ends_the_following_and_coming_back_starts_it(
    chat: AgentChat,
) -> None:
    async with serving_pages(index=[Titles.follow], other=[]) as browser:
        tab = browser.tab()
        await tab.open()
        await shows(tab, "titles.titles", ["a", "b"])
        await tab.go("/other")
        await nothing_left(chat)
        await tab.does(Titles.show, limit=1)
        await shows(tab, "titles.titles", [])
        await tab.go("/")
        await shows(tab, "titles.titles", ["a"])


async def test_a_reload_does_not_double_and_keeps_what_is_shown(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        tab.frames.clear()
        for _ in range(5):
            await tab.reload()
        await settled(tab)
        assert all(frame.get("titles.titles", ["a", "b"]) == ["a", "b"] for frame in tab.frames)
        assert all(frame.get("titles.loaded", True) for frame in tab.frames)
        assert len(followings) == 1
        tab.frames.clear()
        await chat.rename_thread("thread-000a", "aa")
        await shows(tab, "titles.titles", ["aa", "b"])
        await settled(tab)
        assert tab.frames == [{"titles.titles": ["aa", "b"]}]


async def test_a_problem_stays_said_over_a_reload(chat: AgentChat) -> None:
    await chat.create_thread("closed")
    async with open_tab(Reader) as tab:
        await shows(tab, "reader.problem", "This is not for you.")
        tab.frames.clear()
        await tab.reload()
        await settled(tab)
        assert all(frame.get("reader.problem", "This") for frame in tab.frames)


async def test_a_reconnect_catches_up(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        await tab.close()
        await nothing_left(chat)
        await chat.rename_thread("thread-000a", "aa")
        await tab.open()
        await shows(tab, "titles.titles", ["aa", "b"])


async def test_one_event_from_two_places_is_one_following(chat: AgentChat) -> None:
    async with open_tab(Titles, Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        await eventually(lambda: len(followings) == 1)
        await chat.rename_thread("thread-000a", "aa")
        await shows(tab, "titles.titles", ["aa", "b"])


async def test_the_state_of_an_open_tab_does_not_expire(chat: AgentChat) -> None:
    async with serving_pages(expiration=0.3, index=[Titles.follow]) as browser:
        tab = browser.tab()
        await tab.open()
        await tab.does(Titles.show, limit=1)
        await shows(tab, "titles.titles", ["a"])
        await settled(tab)
        tab.frames.clear()
        await asyncio.sleep(1)
        await chat.rename_thread("thread-000a", "aa")
        await shows(tab, "titles.titles", ["aa"])
        assert tab.frames == [{"titles.titles": ["aa"]}]


async def test_a_state_made_anew_is_filled_again(chat: AgentChat) -> None:
    async with open_tab(Titles) as tab:
        await shows(tab, "titles.titles", ["a", "b"])
        tab.forget()
        await tab.does(Titles.show, limit=3)
        await shows(tab, "titles.titles", ["a", "b", "c"])


async def test_an_app_serves_its_own_agentchat(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    chat = AgentChat(settings, provider=ScriptedProvider("instant"))
    async with serving(chat):
        await chat.create_thread("a")
        async with open_tab(Titles) as tab:
            await shows(tab, "titles.titles", ["a"])
    with pytest.raises(RuntimeError, match="not open"):
        bridge.chat()


async def test_the_states_of_the_app_are_live(chat: AgentChat) -> None:
    async with open_tab(ThreadsState, ModelState) as tab:
        await shows(tab, "model_state.loaded", True)
        await shows(tab, "threads_state.loaded", True)
        assert tab.shows["model_state.model"].id == "scripted:instant"
        await chat.create_thread("d")
        await eventually(lambda: tab.shows["threads_state.change"].lines[0].title == "d")


def test_a_var_begins_with_the_empty_value_of_its_type_or_its_default() -> None:
    class Defaults(LiveState):
        texts: list[str] = live(titles_of, "number")
        found: str | None = live(last_title)
        text: str = live(some_title)
        number: int = live(count)
        chosen: int = live(count, default=7)
        thread: ThreadView = live(AgentChat.follow, "text", default=ThreadView("none", ""))

    fields = Defaults.__fields__
    names = ("texts", "found", "text", "number", "chosen", "thread")
    values = [fields[name].default_value() for name in names]
    assert values == [[], None, "", 0, 7, ThreadView("none", "")]
    assert str(Defaults.chosen).endswith("chosen_rx_state_")


def refused(match: str) -> Any:
    return pytest.raises(TypeError, match=match)


def test_a_wrong_name_is_refused_when_the_class_is_made() -> None:
    with refused("Typo.titles takes an argument from 'limits', but Typo has no var"):

        class Typo(LiveState):
            limit: int = 5
            titles: list[str] = live(titles_of, "limits")

    with refused("has no var or property of that name"):

        class Method(LiveState):
            titles: list[str] = live(titles_of, "limit")

            def limit(self) -> int:
                return 1


def test_a_missing_default_is_refused_when_the_class_is_made() -> None:
    with refused(r"Lacking.thread needs something to show .*default="):

        class Lacking(LiveState):
            name: str = ""
            thread: ThreadView = live(AgentChat.follow, "name")

    with refused("Untyped.titles needs something to show"):

        class Untyped(LiveState):
            titles = live(count)


def test_arguments_that_do_not_fit_are_refused_when_the_class_is_made() -> None:
    with refused("Fewer.titles cannot ask its query: missing a required argument: 'limit'"):

        class Fewer(LiveState):
            titles: list[str] = live(titles_of)

    with refused("cannot follow stop: a query is a plain function"):

        class Wrong(LiveState):
            name: str = ""
            stopped: int = live(AgentChat.stop, "name", default=0)  # type: ignore[arg-type]

    with refused("derives from Titles, which follows its live vars already"):

        class Twice(Titles):
            number: int = live(count)


def test_a_state_below_a_live_state_follows_nothing_by_itself() -> None:
    class Quiet(Titles):
        word: str = ""

    assert "follow" not in Quiet.event_handlers
    assert str(Quiet.titles) == str(Titles.titles)


def test_live_states_share_nothing() -> None:
    assert Titles.get_parent_state() is rx.State
    assert str(Titles.problem) != str(Two.problem)
    assert str(Titles.loaded) != str(Two.loaded)


async def test_a_following_that_a_click_began_ends_when_the_tab_is_gone(chat: AgentChat) -> None:
    async with serving_pages(expiration=0.3, index=[]) as browser:
        tab = browser.tab()
        await tab.open()
        await tab.does(Titles.follow)
        await shows(tab, "titles.titles", ["a", "b"])
        await tab.close()
        await nothing_left(chat)


async def test_an_agentchat_that_closes_ends_what_is_followed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    chat = AgentChat(settings, provider=ScriptedProvider("instant"))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(serving(chat))
        closing = stack.pop_all()
        async with open_tab(Two) as tab:
            await shows(tab, "two.loaded", True)
            await closing.aclose()
            await eventually(lambda: not followings)
            assert tab.shows["two.problem"] == ""


async def test_a_following_that_is_begun_twice_is_one(chat: AgentChat) -> None:
    async with serving_pages(index=[]) as browser:
        tab = browser.tab()
        await tab.open()
        await tab.does(Titles.follow)
        await shows(tab, "titles.titles", ["a", "b"])
        first = set(followings)
        await tab.does(Titles.follow)
        await eventually(lambda: followings and not first & set(followings))
        assert len(followings) == 1
