"""Follow-ups: promises that are kept once, by the same agent, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from agentchat import Actor, Agent, AgentChat, ManualClock, MessageView, Settings
from agentchat.durable.worker import LEASE
from agentchat.llm.base import ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import ACTIVE_RUN, Run, Step
from agentchat.tools.follow_up import MOST_OPEN
from tests.integration.agents_stage import ANN, BOB, call, results, settled, tools_of, until
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class FollowUps:
    """Opens the app with the shipped agents, one clock for all."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.settings = Settings(db_url=url)
        self.stack = stack
        self.clock = ManualClock(START)
        self.provider = ScriptedProvider("instant")

    def made(self, *replies: Any) -> AgentChat:
        self.provider = ScriptedProvider("instant", replies=replies)
        return AgentChat(self.settings, provider=self.provider, clock=self.clock)

    async def open(self, *replies: Any) -> AgentChat:
        return await self.stack.enter_async_context(self.made(*replies))


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[FollowUps]:
    async with AsyncExitStack() as stack:
        yield FollowUps(database_url, stack)


def promise(when: str = "2026-03-02T09:00+00:00", text: str = "Water the plants") -> list[Any]:
    return [call("schedule_follow_up", when=when, text=text)]


async def say(chat: AgentChat, text: str, thread_id: str = "", actor: Actor = ANN) -> MessageView:
    thread_id = thread_id or (await chat.create_thread(actor=actor)).id
    await chat.send_message(thread_id, text, actor=actor)
    return await settled(chat, thread_id)


async def thread_of(chat: AgentChat, text: str = "Remind me") -> tuple[str, MessageView]:
    thread = await chat.create_thread(actor=ANN)
    return thread.id, await say(chat, text, thread.id)


async def open_runs(chat: AgentChat) -> list[Run]:
    def read(session: Session) -> list[Run]:
        query = select(Run).where(Run.workflow == "follow_up", col(Run.status).in_(ACTIVE_RUN))
        return list(session.scalars(query))

    return await chat._database.read(read)


async def waiting(chat: AgentChat, number: int = 1) -> None:
    """Until so many sleep."""
    async with asyncio.timeout(30):
        # Nothing tells when a run has fallen asleep.
        while [run.status for run in await open_runs(chat)] != ["waiting"] * number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_promise_is_kept_at_its_time_by_the_same_agent(app: FollowUps) -> None:
    chat = await app.open(promise(), "I will.", "Water your plants!")
    thread_id, message = await thread_of(chat)
    assert tools_of(message)[0].text.startswith("It is scheduled for Monday, 2026-03-02 ")
    await waiting(chat)
    app.clock.advance(timedelta(hours=20))
    await asyncio.sleep(0.1)
    assert len(app.provider.requests) == 2
    app.clock.advance(timedelta(hours=2))
    view = await until(chat, thread_id, lambda view: len(view.messages) == 3 and not view.live)
    last = view.messages[-1]
    assert (last.role, last.status, last.text) == ("assistant", "done", "Water your plants!")
    assert last.author == "assistant"
    assert [(part.kind, part.text) for part in last.parts] == [
        ("note", "Follow-up: Water the plants")
    ]
    asked = app.provider.requests[-1]
    assert [turn.role for turn in asked.turns][-2:] == ["assistant", "user"]
    assert "You promised earlier" in asked.turns[-1].text
    assert "Water the plants" in asked.turns[-1].text
    await say(chat, "Thanks", thread_id)
    roles = [turn.role for turn in app.provider.requests[-1].turns]
    assert roles[-3:] == ["user", "assistant", "user"], "the history stays valid"


async def test_it_survives_a_restart_and_a_crash_and_comes_once(app: FollowUps) -> None:
    async with app.made(promise(), "I will.") as chat:
        thread_id, _ = await thread_of(chat)
        await waiting(chat)
    async with app.made() as chat:
        await asyncio.sleep(0.1)
        chat._durable._worker.name = "nobody"
    app.clock.advance(2 * DAY)
    chat = await app.open("Late, but here.")
    view = await until(chat, thread_id, lambda view: len(view.messages) == 3 and not view.live)
    assert view.messages[-1].text == "Late, but here."
    app.clock.advance(LEASE + DAY)
    await asyncio.sleep(0.2)
    assert len((await until(chat, thread_id, lambda view: True)).messages) == 3
    assert await open_runs(chat) == []


async def test_a_call_that_is_made_again_schedules_it_once(app: FollowUps) -> None:
    held = asyncio.Event()

    class Held(ScriptedProvider):
        async def stream(self, request: ModelRequest) -> Any:
            if results(request):
                await held.wait()
            async for chunk in super().stream(request):
                yield chunk

    provider = Held("instant", replies=[promise(), "I will."])
    first = AgentChat(app.settings, provider=provider, clock=app.clock)
    async with first as chat:
        thread = await chat.create_thread(actor=ANN)
        await chat.send_message(thread.id, "Remind me", actor=ANN)
        await until(
            chat,
            thread.id,
            lambda view: view.live and [one.status for one in tools_of(view.live[0])] == ["done"],
        )
        chat._durable._worker.name = "nobody"
    chat = await app.open("I will.")
    app.clock.advance(LEASE + timedelta(seconds=1))
    assert (await settled(chat, thread.id)).text == "I will."
    assert len(await open_runs(chat)) == 1


async def test_a_later_promise_does_not_hold_an_earlier_one_up(app: FollowUps) -> None:
    chat = await app.open(
        promise("2026-03-20T09:00+00:00", "Late"), "Ok.", promise(text="Early"), "Ok.", "Early!"
    )
    await thread_of(chat)
    thread_id, _ = await thread_of(chat)
    await waiting(chat, 2)
    app.clock.advance(2 * DAY)
    view = await until(chat, thread_id, lambda view: len(view.messages) == 3 and not view.live)
    assert view.messages[-1].text == "Early!"
    assert len(await open_runs(chat)) == 1


async def test_a_thread_with_a_promise_is_not_shown_as_running(app: FollowUps) -> None:
    chat = await app.open(promise(), "Ok.")
    thread_id, _ = await thread_of(chat)
    await waiting(chat)
    async for threads in chat.follow_threads():
        assert [(one.id, one.running) for one in threads] == [(thread_id, False)]
        break


async def test_it_ends_quietly_when_its_thread_is_removed_for_good(app: FollowUps) -> None:
    chat = await app.open(promise(), "Ok.", [call("list_follow_ups")], "None.")
    thread_id, _ = await thread_of(chat)
    await waiting(chat)
    [run] = await open_runs(chat)
    await chat.delete_thread(thread_id, actor=ANN)
    _, message = await thread_of(chat, "What is scheduled?")
    assert tools_of(message)[0].text == "Nothing is scheduled."
    app.clock.advance(2 * DAY)
    await held_back(chat, run.id)
    await chat.empty_thread(thread_id, actor=ANN)
    async with asyncio.timeout(30):
        assert (await chat.runs.result(run.id)).result == "gone"
    assert len(app.provider.requests) == 4


async def held_back(chat: AgentChat, run_id: str) -> None:
    """Until a follow-up waits for its deleted thread."""

    def read(session: Session) -> bool:
        steps = select(Step).where(Step.run_id == run_id, Step.name == "thread back")
        return any(step.status == "waiting" for step in session.scalars(steps))

    async with asyncio.timeout(30), aclosing(chat.follow_query(read)) as found:
        async for waits in found:
            if waits.value:
                return


async def test_one_that_was_due_while_its_thread_was_deleted_comes_when_that_is_had_back(
    app: FollowUps,
) -> None:
    chat = await app.open(promise(), "Ok.", "Water them!")
    thread_id, _ = await thread_of(chat)
    await waiting(chat)
    [run] = await open_runs(chat)
    # Had back before it is due: nothing of that is left to wake it too early.
    await chat.delete_thread(thread_id, actor=ANN)
    await chat.restore_thread(thread_id, actor=ANN)
    await chat.delete_thread(thread_id, actor=ANN)
    app.clock.advance(2 * DAY)
    await held_back(chat, run.id)
    await asyncio.sleep(0.1)
    assert len(app.provider.requests) == 2
    await chat.restore_thread(thread_id, actor=ANN)
    view = await until(chat, thread_id, lambda view: len(view.messages) == 3 and not view.live)
    assert view.messages[-1].text == "Water them!"
    async with asyncio.timeout(30):
        assert (await chat.runs.result(run.id)).result == "answered"
    assert await open_runs(chat) == []


@pytest.mark.parametrize(
    ("when", "text", "words"),
    [
        ("2026-02-28T09:00+00:00", "x", "2026-02-28T09:00+00:00 is past: it is Sunday"),
        ("Monday", "x", "'Monday' is no date and time. Write it like 2026-03-02T09:00."),
        ("2126-03-02T09:00+00:00", "x", "That is more than ten years from now."),
        ("0001-01-01T00:00+14:00", "x", "is no date and time"),
        ("2026-03-02T09:00+00:00", "  ", "Say in 1 to 2,000 characters what to do then."),
    ],
)
async def test_what_cannot_be_promised_is_refused_in_words(
    app: FollowUps, when: str, text: str, words: str
) -> None:
    chat = await app.open(promise(when, text), "Sorry.")
    _, message = await thread_of(chat)
    [part] = tools_of(message)
    assert part.status == "failed"
    assert words in part.text
    assert await open_runs(chat) == []


async def test_a_time_without_an_offset_is_one_of_this_place(app: FollowUps) -> None:
    local = datetime(2026, 3, 5, 9).astimezone()
    chat = await app.open(promise("2026-03-05T09:00"), "Ok.")
    await thread_of(chat)
    [run] = await open_runs(chat)
    assert datetime.fromisoformat(run.data["at"]) == local


async def test_they_are_listed_and_cancelled_by_their_person_only(app: FollowUps) -> None:
    ids: list[str] = []

    def cancel(_: ModelRequest) -> Any:
        return [call("cancel_follow_up", id=ids[0])]

    listing = [call("list_follow_ups")]
    chat = await app.open(promise(), "Ok.", listing, "One.", listing, "None.", cancel, "No.")
    thread_id, _ = await thread_of(chat)
    await waiting(chat)
    message = await say(chat, "List them", thread_id)
    [run] = await open_runs(chat)
    ids.append(run.id)
    told = tools_of(message)[0].text
    assert "Water the plants" in told
    assert f"(id {run.id})" in told
    assert tools_of(await say(chat, "List", actor=BOB))[0].text == "Nothing is scheduled."
    [part] = tools_of(await say(chat, "Cancel", actor=BOB))
    assert (part.status, part.text) == (
        "failed",
        "There is no such follow-up. List them to find its id.",
    )
    app.provider._replies.extend([cancel, "Gone."])
    [part] = tools_of(await say(chat, "Cancel", thread_id))
    assert (part.status, part.text) == ("done", "It is cancelled.")
    assert await open_runs(chat) == []
    app.clock.advance(2 * DAY)
    await asyncio.sleep(0.1)
    view = await until(chat, thread_id, lambda view: True)
    assert not view.live
    assert len(view.messages) == 6


async def test_a_person_may_have_only_so_many(app: FollowUps) -> None:
    many = [
        call("schedule_follow_up", f"c{n}", when=f"2026-04-01T09:{n:02}+00:00", text=f"No. {n}")
        for n in range(30)
    ]
    chat = await app.open(many, "Thirty.", many, "Enough.")
    _, message = await thread_of(chat)
    done = [part.status for part in tools_of(message)].count("done")
    _, message = await thread_of(chat)
    done += [part.status for part in tools_of(message)].count("done")
    assert done == MOST_OPEN
    assert tools_of(message)[-1].text == (
        f"There are {MOST_OPEN} follow-ups already. Cancel one first."
    )


async def test_a_promise_made_by_a_sub_agent_comes_to_the_thread_of_the_person(
    app: FollowUps,
) -> None:
    def play(request: ModelRequest) -> Any:
        told = results(request)
        if request.instructions == "Lead.":
            return "Done." if told else [call("ask_assistant", task="Remind her")]
        if "You promised" in request.turns[-1].text:
            return "Here I am."
        return "I will." if told else promise()

    chat = app.made(*[play] * 8)
    await app.stack.enter_async_context(chat)
    agents: Any = chat._team.agents
    agents["lead"] = Agent("lead", "Lead.", asks=("assistant",))
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Go", agent="lead", actor=ANN)
    await settled(chat, thread.id)
    await waiting(chat)
    app.clock.advance(2 * DAY)
    view = await until(chat, thread.id, lambda view: len(view.messages) == 3 and not view.live)
    assert (view.messages[-1].author, view.messages[-1].text) == ("assistant", "Here I am.")


async def test_a_promise_that_comes_while_an_answer_grows_waits_for_it(app: FollowUps) -> None:
    gate = asyncio.Event()

    class Slow(ScriptedProvider):
        async def stream(self, request: ModelRequest) -> Any:
            if len(self.requests) == 2:
                await gate.wait()
            async for chunk in super().stream(request):
                yield chunk

    app.provider = Slow("instant", replies=[promise(), "I will.", "Slow.", "Now."])
    chat = AgentChat(app.settings, provider=app.provider, clock=app.clock)
    await app.stack.enter_async_context(chat)
    thread_id, _ = await thread_of(chat)
    await waiting(chat)
    await chat.send_message(thread_id, "Something slow", actor=ANN)
    await eventually(lambda: len(app.provider.requests) >= 2)
    app.clock.advance(DAY)
    await until(chat, thread_id, lambda view: len(view.messages) == 5)
    gate.set()
    view = await until(chat, thread_id, lambda view: len(view.messages) == 5 and not view.live)
    assert [one.text for one in view.messages[-2:]] == ["Slow.", "Now."]
