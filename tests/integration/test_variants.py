"""Answers side by side: asked again, forked at a step, watched together, and one of them kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from agentchat import Agent, AgentChat, MessageView, ThreadView, ToolContext, tool
from agentchat.agents.toolbox import ask_person
from agentchat.durable.clock import SystemClock
from agentchat.durable.context import Context
from agentchat.errors import (
    AgentNotFound,
    BadRequest,
    InvalidInput,
    MessageNotFound,
)
from agentchat.llm.base import Chunk, ModelRequest
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Ask, Audit, Message, PartKind, PartStatus, Run, Step, Thread
from agentchat.shown.thread import Shown, thread_view
from agentchat.store import exchanges, message_words, parts, retention
from agentchat.store.message_words import Where
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    HeldUp,
    Jumping,
    answered,
    asked,
    call,
    die,
    results,
    settled,
    tools_of,
    until,
)
from tests.integration.test_live_agents import counted
from tests.long import LONG_ON_POSTGRES
from tests.unit.test_history import complaints
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


class Weather:
    """A tool that notes what it was asked, and for whom."""

    def __init__(self, **options: Any) -> None:
        self.asked: list[tuple[str, str]] = []

        async def weather(context: ToolContext, city: str) -> str:
            self.asked.append((city, context.actor.id))
            return f"Rain in {city}"

        self.tool = tool(**options)(weather)


class HeldAt(ScriptedProvider):
    """One of its answers, counted from 0, stands still after each piece until ``held`` is set."""

    def __init__(self, number: int, *replies: Any) -> None:
        super().__init__("instant", replies=replies)
        self.held = asyncio.Event()
        self._number = number

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        number = len(self.requests)
        async for chunk in super().stream(request):
            yield chunk
            if number == self._number:
                await self.held.wait()


FORECAST: Sequence[Any] = [
    ["I look.", call("weather", city="Bonn")],
    "It rains in Bonn.",
]


async def thread_of(chat: AgentChat, message_id: str) -> str:
    def read(session: Session) -> str:
        return session.exec(select(Message.thread_id).where(Message.id == message_id)).one()

    return await chat._database.read(read)


async def rows_of(chat: AgentChat, model: type[Any], **where: Any) -> list[Any]:
    def read(session: Session) -> list[Any]:
        query = select(model)
        for name, value in where.items():
            query = query.where(getattr(model, name) == value)
        return list(session.exec(query))

    return await chat._database.read(read)


async def audits(chat: AgentChat) -> list[tuple[str, str]]:
    def read(session: Session) -> list[tuple[str, str]]:
        found = session.exec(select(Audit).where(col(Audit.kind) != "app").order_by(col(Audit.id)))
        return [(one.action, one.by) for one in found]

    return await chat._database.read(read)


async def beside(chat: AgentChat, thread_id: str, number: int = 1) -> list[MessageView]:
    """The answers that are not kept, once there are so many and all are over."""

    def over(view: ThreadView) -> bool:
        live = {"pending", "running"} & {one.status for one in (*view.messages, *view.others)}
        return len(view.others) >= number and not live

    return list((await until(chat, thread_id, over)).others)


async def view_of(chat: AgentChat, thread_id: str) -> ThreadView:
    return await until(chat, thread_id, lambda view: view.messages)


def is_told_well(requests: Sequence[ModelRequest]) -> None:
    """What was asked is accepted by the servers of both formats."""
    for request in requests:
        assert complaints(request.turns, *request.tools) == []


def last_words(request: ModelRequest) -> str:
    return [turn.text for turn in request.turns if turn.role == "user" and turn.text][-1]


# Asked again


async def test_an_answer_is_asked_for_again_beside_the_one_that_is_there(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First.", "Second."])
    first = await answered(chat, "Hi")
    thread_id = await thread_of(chat, first.id)
    new_id = await chat.regenerate(first.id, actor=BOB)
    [other] = await beside(chat, thread_id)
    assert (other.id, other.text, other.position, other.variant) == (new_id, "Second.", 1, 1)
    assert (other.status, other.hidden) == ("done", True)
    view = await view_of(chat, thread_id)
    kept = view.messages[-1]
    assert (kept.id, kept.text, kept.hidden) == (first.id, "First.", False)
    assert (kept.variants, kept.undecided, len(view.messages), view.earlier) == (2, True, 2, 0)
    [thread] = await rows_of(chat, Thread)
    assert thread.length == 2
    [run] = await rows_of(chat, Run, id=other.run_id)
    assert (run.origin_id, run.origin_step, run.started_by) == (first.run_id, None, "Bob")
    assert await audits(chat) == [("rerun", "Bob")]
    # The same question, told in the same way.
    assert stage.provider.requests[0].turns == stage.provider.requests[1].turns


async def test_the_same_press_asks_once(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First.", "Second."])
    first = await answered(chat, "Hi")
    pressed = [chat.regenerate(first.id, actor=ANN, new_id="the-one-press") for _ in range(2)]
    assert len(set(await asyncio.gather(*pressed))) == 1
    assert len(await beside(chat, await thread_of(chat, first.id))) == 1
    assert await audits(chat) == [("rerun", "Ann")]


async def test_a_run_of_an_answer_is_run_again_by_its_id(stage: AgentStage) -> None:
    one, two = Agent("one", "You are one."), Agent("two", "You are two.")
    chat = await stage.open(one, two, replies=["First.", "Second."])
    first = await answered(chat, "Hi")
    with pytest.raises(InvalidInput, match="only the agent and the model may be another"):
        await chat.runs.rerun(first.run_id, {"position": 0})
    run_id = await chat.runs.by(BOB).rerun(first.run_id, {"agent": "two"})
    [other] = await beside(chat, await thread_of(chat, first.id))
    assert (other.run_id, other.author, other.text) == (run_id, "two", "Second.")
    assert stage.provider.requests[1].instructions == "You are two."


async def test_who_may_not_use_an_agent_does_not_fork_its_answer(stage: AgentStage) -> None:
    hers = Agent("hers", "x", allowed=lambda actor: actor.id == "ann")
    chat = await stage.open(Agent("a", "x"), hers, replies=["First."])
    first = await answered(chat, "Hi", agent="hers")
    for attempt in (
        chat.regenerate(first.id, actor=BOB),
        chat.runs.by(BOB).rerun(first.run_id),
        chat.runs.by(BOB).fork(first.run_id, "generate"),
        chat.runs.by(BOB).fork(first.run_id, "generate", input=[0, "nobody"]),
    ):
        with pytest.raises(AgentNotFound):
            await attempt
    view = await view_of(chat, await thread_of(chat, first.id))
    assert (view.others, view.messages[-1].variants) == ((), 1)


async def test_what_there_is_not_is_not_asked_for_again(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First."] * 30)
    first = await answered(chat, "Hi")
    thread_id = await thread_of(chat, first.id)
    said = (await view_of(chat, thread_id)).messages[0]
    for message_id in (said.id, "no-such-message"):
        with pytest.raises(MessageNotFound):
            await chat.regenerate(message_id)
        with pytest.raises(MessageNotFound):
            await chat.keep(message_id)
    for _ in range(19):
        await chat.regenerate(first.id)
    with pytest.raises(InvalidInput, match="20 answers here, which is the most"):
        await chat.regenerate(first.id)
    await beside(chat, thread_id, 19)
    await chat.delete_thread(thread_id)
    with pytest.raises(MessageNotFound):
        await chat.regenerate(first.id)
    await chat.empty_thread(thread_id)
    assert await rows_of(chat, Message) == []
    assert await rows_of(chat, Run) == []


async def test_an_answer_whose_run_was_cleaned_away_is_asked_for_again(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First.", "Second."])
    first = await answered(chat, "Hi")
    gone = await chat._database.write(retention.remove_runs, [first.run_id])
    assert gone == 1
    await chat.regenerate(first.id)
    [other] = await beside(chat, await thread_of(chat, first.id))
    assert other.text == "Second."


# Which one is kept


async def test_what_is_kept_is_what_models_are_told_and_searches_find(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["Apples.", "Pears.", "Three.", "Four."])
    first = await answered(chat, "Fruit?")
    thread_id = await thread_of(chat, first.id)
    other_id = await chat.regenerate(first.id, actor=BOB)
    await beside(chat, thread_id)

    async def found() -> list[str]:
        where = Where(ANN.id)
        hits = await chat._database.read(message_words.search, "pears apples", where, limit=9)
        return [one.text for one in hits]

    async def exchange() -> str:
        about = {"thread_id": thread_id, "user_id": ANN.id}
        return (await chat._database.read(lambda s: exchanges.exchange(s, first.id, **about)))[1]

    assert (await found(), await exchange()) == (["Apples."], "Apples.")
    await chat.send_message(thread_id, "Go on", actor=ANN)
    await settled(chat, thread_id)
    assert [turn.text for turn in stage.provider.requests[2].turns] == [
        "Fruit?",
        "Apples.",
        "Go on",
    ]
    await chat.keep(other_id, actor=BOB)
    assert (await found(), await exchange()) == (["Pears."], "Pears.")
    view = await view_of(chat, thread_id)
    assert [one.text for one in view.messages] == ["Fruit?", "Pears.", "Go on", "Three."]
    assert [one.text for one in view.others] == ["Apples."]
    kept = view.messages[1]
    assert (kept.id, kept.variants, kept.undecided, kept.kept_by) == (other_id, 2, False, "Bob")
    await chat.send_message(thread_id, "And on", actor=ANN)
    await settled(chat, thread_id)
    told = [turn.text for turn in stage.provider.requests[3].turns]
    assert told == ["Fruit?", "Pears.", "Go on", "Three.", "And on"]
    assert await audits(chat) == [("rerun", "Bob"), ("keep", "Bob")]


async def test_keeping_the_one_that_is_kept_ends_the_choice(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First.", "Second.", "Third."])
    first = await answered(chat, "Hi")
    thread_id = await thread_of(chat, first.id)
    await chat.keep(first.id, actor=ANN)
    assert await audits(chat) == []
    await chat.regenerate(first.id, actor=ANN)
    await beside(chat, thread_id)
    await chat.keep(first.id, actor=ANN)
    kept = (await view_of(chat, thread_id)).messages[-1]
    assert (kept.id, kept.undecided, kept.kept_by) == (first.id, False, "Ann")
    await chat.regenerate(first.id, actor=ANN)
    await beside(chat, thread_id, 2)
    assert (await view_of(chat, thread_id)).messages[-1].undecided


async def test_two_who_keep_at_once_each_have_their_effect_in_turn(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First.", "Second.", "Third."])
    first = await answered(chat, "Hi")
    thread_id = await thread_of(chat, first.id)
    second, third = [await chat.regenerate(first.id) for _ in range(2)]
    await beside(chat, thread_id, 2)
    await asyncio.gather(chat.keep(second, actor=ANN), chat.keep(third, actor=BOB))
    view = await view_of(chat, thread_id)
    assert [one.hidden for one in await rows_of(chat, Message, position=1)].count(False) == 1
    [last] = (await audits(chat))[-1:]
    assert (view.messages[-1].kept_by, view.messages[-1].id) == (
        last[1],
        {"Ann": second, "Bob": third}[last[1]],
    )
    assert sorted((await audits(chat))[-2:]) == [("keep", "Ann"), ("keep", "Bob")]


async def test_an_answer_that_grows_is_watched_stopped_and_kept_beside_another(
    stage: AgentStage,
) -> None:
    provider = HeldUp("One two three.", "Four five.", "Six.", "Seven.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Hi", actor=ANN)
    view = await until(chat, thread.id, lambda view: view.live and view.live[-1].text)
    first = view.live[-1]
    # It does not wait behind the one that still grows.
    other_id = await chat.regenerate(first.id, actor=ANN)
    view = await until(
        chat, thread.id, lambda view: view.others and view.others[0].status == "done"
    )
    assert (view.others[0].text, view.live[-1].id) == ("Four five.", first.id)
    assert view.live[-1].undecided
    # Kept, it is what the thread says, while the other one goes on.
    await chat.keep(other_id, actor=BOB)
    view = await view_of(chat, thread.id)
    assert (view.settled[-1].id, view.live, view.others[0].status) == (other_id, (), "running")
    assert view.settled[-1].undecided
    await chat.send_message(thread.id, "Next", actor=ANN)
    view = await until(chat, thread.id, lambda view: len(view.settled) == 4)
    assert (view.settled[-1].text, view.others[0].status) == ("Six.", "running")
    assert [turn.text for turn in provider.requests[2].turns] == ["Hi", "Four five.", "Next"]
    assert await chat.stop(thread.id, actor=ANN) == 1
    [stopped] = await beside(chat, thread.id)
    assert (stopped.id, stopped.status, stopped.text) == (first.id, "stopped", "One ")
    provider.held.set()
    await chat.retry(stopped.id, actor=ANN)
    [again] = await beside(chat, thread.id)
    assert (again.id, again.status, again.text) == (first.id, "done", "Seven.")


async def test_a_message_to_a_thread_does_nothing_to_an_answer_that_is_not_kept(
    stage: AgentStage,
) -> None:
    provider = HeldAt(1, "One.", "Two three.", "Four.")
    chat = await stage.open(Agent("a", "x"), provider=provider)
    first = await answered(chat, "Hi")
    thread_id = await thread_of(chat, first.id)
    await chat.regenerate(first.id, actor=ANN)
    await until(chat, thread_id, lambda view: view.others and view.others[0].text)
    for second in ("steer", "interrupt", "replace"):
        await chat.choose_second_message(thread_id, second)
        await chat.send_message(thread_id, second, actor=ANN)
        view = await until(chat, thread_id, lambda view: view.messages and not view.live)
        assert (view.messages[-1].role, view.others[0].text) == ("assistant", "Two ")
    provider.held.set()
    assert (await beside(chat, thread_id))[0].text == "Two three."


# Forked at a call of the model


async def test_another_agent_answers_from_a_call_of_the_model_on(stage: AgentStage) -> None:
    weather = Weather()
    one = Agent("one", "You are one.", tools=(weather.tool,))
    two = Agent("two", "You are two.", tools=(weather.tool,))
    replies = [*FORECAST, "Two says: rain."]
    chat = await stage.open(one, two, replies=replies)
    first = await answered(chat, "Weather?", agent="one")
    with pytest.raises(InvalidInput, match=r'is given \[1, "agent"\]'):
        await chat.runs.fork(first.run_id, "generate#2", input=[0, "two"])
    await chat.runs.by(BOB).fork(first.run_id, "generate#2", input=[1, "two"])
    [other] = await beside(chat, await thread_of(chat, first.id))
    assert (other.author, other.text) == ("two", "Two says: rain.")
    assert [(part.kind, part.text) for part in other.parts] == [
        ("text", "I look."),
        ("tool", "Rain in Bonn"),
    ]
    # It was not looked for again, and the history is that of the first answer.
    assert weather.asked == [("Bonn", "ann")]
    assert stage.provider.requests[2].instructions == "You are two."
    assert stage.provider.requests[2].turns == stage.provider.requests[1].turns
    is_told_well(stage.provider.requests)
    [message] = await rows_of(chat, Message, id=other.id)
    assert message.user_id == "bob"


@pytest.mark.parametrize(("step", "number"), [("generate", 0), ("generate#2", 1)])
async def test_a_person_adds_words_before_a_call_of_the_model(
    stage: AgentStage, step: str, number: int
) -> None:
    weather = Weather()
    chat = await stage.open(
        Agent("a", "x", tools=(weather.tool,)), replies=[*FORECAST, "Regen.", "Later."]
    )
    first = await answered(chat, "Weather?")
    thread_id = await thread_of(chat, first.id)
    await chat.runs.by(BOB).fork(first.run_id, step, input=[number, "a", "In German, please."])
    [other] = await beside(chat, thread_id)
    assert other.text == "Regen."
    assert other.parts[-1].kind == "message"
    assert (other.parts[-1].name, other.parts[-1].text) == ("Bob", "In German, please.")
    request = stage.provider.requests[2]
    assert "In German, please." in last_words(request)
    assert results(request) == [("weather", "Rain in Bonn", False)] * number
    # Kept, it is told with the words that led to it.
    await chat.keep(other.id)
    await chat.send_message(thread_id, "Thanks", actor=ANN)
    await settled(chat, thread_id)
    told = "\n".join(turn.text for turn in stage.provider.requests[3].turns)
    assert told.index("In German, please.") < told.index("Regen.")
    is_told_well(stage.provider.requests)


async def test_what_was_written_at_the_end_of_an_answer_is_not_taken_over(
    stage: AgentStage,
) -> None:
    weather = Weather()
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=[*FORECAST, "Rain."])
    first = await answered(chat, "Weather?")
    thread_id = await thread_of(chat, first.id)

    def remembered(tx: Tx) -> None:
        # As the last step writes what was recalled: each answer does so for itself.
        about = {"kind": PartKind.SOURCES, "status": PartStatus.DONE, "data": {}}
        parts.add(tx, Answer(first.id, thread_id, first.run_id, 1), SystemClock().now(), about)

    await chat._database.write(remembered)
    await chat.runs.fork(first.run_id, "generate#2")
    [other] = await beside(chat, thread_id)
    assert [part.kind for part in other.parts] == ["text", "tool"]


async def test_a_person_writes_what_the_model_is_to_have_said(stage: AgentStage) -> None:
    weather = Weather()
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=FORECAST)
    first = await answered(chat, "Weather?")
    await chat.runs.by(BOB).fork(first.run_id, "generate", result="I do not know.")
    [other] = await beside(chat, await thread_of(chat, first.id))
    assert (other.status, other.text, other.parts) == ("done", "I do not know.", ())
    assert other.model == "written by Bob"
    assert len(stage.provider.requests) == 2
    # Nobody was asked, so nothing was spent.
    assert (await chat.spent.of_message(other.id)).calls == 0


async def test_other_calls_of_tools_wait_for_an_approval(stage: AgentStage) -> None:
    weather = Weather()
    replies = [*FORECAST, "It rains in Rome.", "It rains in Bonn again."]
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=replies)
    first = await answered(chat, "Weather?")
    thread_id = await thread_of(chat, first.id)
    same = {"id": "c1", "name": "weather", "arguments": {"city": "Bonn"}}
    other = {"id": "c2", "name": "weather", "arguments": {"city": "Rome"}, "approval": False}
    told = {"text": "I look twice.", "wishes": [same, other]}
    await chat.runs.by(BOB).fork(first.run_id, "generate", result=told)
    [ask] = await asked(chat)
    assert (ask.tool, ask.input) == ("weather", '{\n  "city": "Rome"\n}')
    await eventually(lambda: len(weather.asked) == 2)
    assert weather.asked == [("Bonn", "ann"), ("Bonn", "bob")]
    await chat.inbox.approve(ask.id, actor=BOB)
    [message] = await beside(chat, thread_id)
    assert (message.text, message.parts[0].text) == ("It rains in Rome.", "I look twice.")
    assert weather.asked[2:] == [("Rome", "bob")]
    is_told_well(stage.provider.requests)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (5, "is a text, or an object"),
        ({"wishes": [{"name": 5}]}, "not what a model may say"),
        ({"text": 5}, "is a text"),
        ("  ", "Write what the model"),
    ],
)
async def test_what_no_model_could_say_is_refused(
    stage: AgentStage, result: Any, words: str
) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["Hi."])
    first = await answered(chat, "Hi")
    with pytest.raises(InvalidInput, match=words):
        await chat.runs.fork(first.run_id, "generate", result=result)
    assert len(await rows_of(chat, Message)) == 2


# Forked at a call of a tool


async def test_a_tool_is_given_another_result(stage: AgentStage) -> None:
    weather = Weather()
    chat = await stage.open(
        Agent("a", "x", tools=(weather.tool,)), replies=[*FORECAST, "Sun then."]
    )
    first = await answered(chat, "Weather?")
    await chat.runs.by(BOB).fork(first.run_id, "gather[0]/tool weather", result="Sun in Bonn")
    thread_id = await thread_of(chat, first.id)
    [other] = await beside(chat, thread_id)
    [part] = tools_of(other)
    assert (other.text, part.text, part.status) == ("Sun then.", "Sun in Bonn", "done")
    assert (part.given, part.by) == ("result", "Bob")
    assert results(stage.provider.requests[2]) == [("weather", "Sun in Bonn", False)]
    assert weather.asked == [("Bonn", "ann")]
    is_told_well(stage.provider.requests)
    # The first one is as it was.
    kept = (await view_of(chat, thread_id)).messages[-1]
    assert [part.text for part in tools_of(kept)] == ["Rain in Bonn"]
    run = (await rows_of(chat, Run, id=other.run_id))[0]
    assert (run.origin_id, run.origin_step) == (first.run_id, "gather[0]/tool weather")


async def test_a_tool_is_called_again_with_other_arguments_for_whoever_asks(
    stage: AgentStage,
) -> None:
    weather = Weather()
    replies = [
        ["Two.", call("weather", "c1", city="Bonn"), call("weather", "c2", city="Kiel")],
        "Rain.",
        "Rain in Rome.",
    ]
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=replies)
    first = await answered(chat, "Weather?")
    step = "gather[0]/tool weather"
    with pytest.raises(InvalidInput, match="only they may be others"):
        await chat.runs.fork(first.run_id, step, input=[7, {"city": "Rome"}])
    await chat.runs.by(BOB).fork(first.run_id, step, input=[1, {"city": "Rome"}])
    [other] = await beside(chat, await thread_of(chat, first.id))
    # What was done beside it is not done again.
    assert sorted(weather.asked) == [("Bonn", "ann"), ("Kiel", "ann"), ("Rome", "bob")]
    assert [part.text for part in tools_of(other)] == ["Rain in Rome", "Rain in Kiel"]
    assert [(part.given, part.by) for part in tools_of(other)] == [("arguments", "Bob"), ("", "")]
    request = stage.provider.requests[2]
    assert [one.arguments for turn in request.turns for one in turn.calls] == [
        '{"city": "Rome"}',
        '{"city": "Kiel"}',
    ]
    is_told_well(stage.provider.requests)


async def test_a_call_that_was_approved_is_approved_anew(stage: AgentStage) -> None:
    weather = Weather(approval=True, personal=True)
    replies = [*FORECAST, "Rain in Rome."]
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Weather?", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.approve(ask.id, actor=ANN)
    first = await settled(chat, thread.id)
    step = "gather[0]/tool weather"
    await chat.runs.by(BOB).fork(first.run_id, step, input=[1, {"city": "Rome"}])
    await until(chat, thread.id, lambda view: view.others and tools_of(view.others[0])[0].asks)
    assert weather.asked == [("Bonn", "ann")]
    [new] = await rows_of(chat, Ask, status="open")
    assert (new.input, new.asked_of) == ({"city": "Rome"}, "bob")
    assert new.id != ask.id
    await chat.inbox.approve(new.id, actor=BOB)
    [other] = await beside(chat, thread.id)
    assert weather.asked[1:] == [("Rome", "bob")]
    assert (other.text, tools_of(other)[0].text) == ("Rain in Rome.", "Rain in Rome")
    # What was decided about the first one stays with it.
    [before] = await rows_of(chat, Ask, id=ask.id)
    assert (before.status, before.decided_by) == ("approved", "Ann")


async def test_an_answer_beside_shows_what_was_approved_before_its_fork(stage: AgentStage) -> None:
    weather = Weather(approval=True)
    chat = await stage.open(
        Agent("a", "x", tools=(weather.tool,)), replies=[*FORECAST, "It pours."]
    )
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Weather?", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.approve(ask.id, actor=ANN)
    first = await settled(chat, thread.id)
    await chat.runs.by(BOB).fork(first.run_id, "generate#2")
    [other] = await beside(chat, thread.id)
    [shown] = tools_of(other)[0].asks
    assert (other.text, shown.status, shown.decided_by) == ("It pours.", "approved", "Ann")
    assert shown.id != ask.id
    assert weather.asked == [("Bonn", "ann")]


async def test_steps_that_no_answer_goes_on_from_say_so(stage: AgentStage) -> None:
    weather = Weather()
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=FORECAST)
    first = await answered(chat, "Weather?")
    for step in ("prepare", "calls", "finish"):
        with pytest.raises(InvalidInput, match="from a call of the model or of a tool, not from"):
            await chat.runs.fork(first.run_id, step)
    with pytest.raises(InvalidInput, match="has no step 'nothing'"):
        await chat.runs.fork(first.run_id, "nothing")
    with pytest.raises(InvalidInput, match="This answer is finished"):
        await chat.runs.fork(first.run_id)
    with pytest.raises(InvalidInput, match="goes into the input of a call of the model"):
        await chat.runs.fork(first.run_id, "generate", data={"agent": "a"})
    assert len(await rows_of(chat, Run)) == 1


# Of answers that did not end well


async def test_a_failed_answer_goes_on_beside_itself(stage: AgentStage) -> None:
    weather = Weather()
    provider = ScriptedProvider(
        "instant",
        replies=[FORECAST[0], "Rain.", "Later."],
        faults=[None, BadRequest("The model is broken.")],
    )
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), provider=provider)
    first = await answered(chat, "Weather?")
    assert first.status == "failed"
    await chat.runs.by(BOB).fork(first.run_id)
    thread_id = await thread_of(chat, first.id)
    [other] = await beside(chat, thread_id)
    assert (other.status, other.text) == ("done", "Rain.")
    assert weather.asked == [("Bonn", "ann")]
    await chat.keep(other.id)
    assert (await view_of(chat, thread_id)).messages[-1].text == "Rain."
    is_told_well(provider.requests)


async def test_a_stopped_answer_goes_on_where_calls_were_cut_off(stage: AgentStage) -> None:
    slow, entered = asyncio.Event(), Weather()

    async def nap(context: ToolContext) -> str:
        entered.asked.append(("nap", context.actor.id))
        await slow.wait()
        return "Slept"

    tools = (tool(nap), entered.tool)
    replies = [[call("weather", "c1", city="Bonn"), call("nap", "c2")], "Rested."]
    chat = await stage.open(Agent("a", "x", tools=tools), replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Weather?", actor=ANN)
    await until(
        chat,
        thread.id,
        lambda view: (
            [part.status for one in view.live for part in tools_of(one)] == ["done", "running"]
        ),
    )
    await eventually(lambda: len(entered.asked) == 2)
    await chat.stop(thread.id)
    first = await settled(chat, thread.id)
    slow.set()
    await chat.runs.by(BOB).fork(first.run_id)
    [other] = await beside(chat, thread.id)
    assert [(one.text, one.status) for one in tools_of(other)] == [
        ("Rain in Bonn", "done"),
        ("Slept", "done"),
    ]
    assert sorted(entered.asked) == [("Bonn", "ann"), ("nap", "ann"), ("nap", "bob")]
    assert results(stage.provider.requests[1]) == [
        ("weather", "Rain in Bonn", False),
        ("nap", "Slept", False),
    ]
    is_told_well(stage.provider.requests)


async def test_an_answer_is_forked_while_it_waits_for_a_person(stage: AgentStage) -> None:
    weather = Weather(approval=True)
    replies = [FORECAST[0], "Rain here.", "Rain there."]
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Weather?", actor=ANN)
    [ask] = await asked(chat)
    first = (await view_of(chat, thread.id)).live[-1]
    await chat.runs.by(BOB).fork(first.run_id)
    both = await asked(chat, 2)
    [new] = [one for one in both if one.id != ask.id]
    await chat.inbox.approve(new.id, actor=BOB)
    view = await until(
        chat, thread.id, lambda view: view.others and view.others[0].status == "done"
    )
    assert (view.others[0].text, view.live[-1].status) == ("Rain here.", "running")
    await chat.inbox.approve(ask.id, actor=ANN)
    assert (await settled(chat, thread.id)).text == "Rain there."
    assert weather.asked == [("Bonn", "bob"), ("Bonn", "ann")]


async def test_a_fork_goes_on_when_its_process_is_killed(stage: AgentStage) -> None:
    clock, weather = Jumping(), Weather()
    agent = Agent("a", "x", tools=(weather.tool,))
    provider = HeldAt(2, *FORECAST, "Rain, rain, rain.")
    chat = await stage.open(agent, provider=provider, clock=clock)
    first = await answered(chat, "Weather?")
    thread_id = await thread_of(chat, first.id)
    await chat.runs.by(BOB).fork(first.run_id, "gather[0]/tool weather", result="Sun in Bonn")
    await until(chat, thread_id, lambda view: view.others and view.others[0].text)
    await die(chat, clock)
    chat = await stage.open(agent, replies=["Sun, sun."], clock=clock)
    [other] = await beside(chat, thread_id)
    assert (other.text, [part.text for part in tools_of(other)]) == ("Sun, sun.", ["Sun in Bonn"])
    assert weather.asked == [("Bonn", "ann")]
    assert (await view_of(chat, thread_id)).messages[-1].text == "It rains in Bonn."


# With other agents


async def test_what_another_agent_has_answered_is_taken_over(stage: AgentStage) -> None:
    lead, helper = Agent("lead", "You lead.", asks=("helper",)), Agent("helper", "You help.")
    replies = [[call("ask_helper", task="Find it")], "Found it.", "He found it.", "He did find it."]
    chat = await stage.open(lead, helper, replies=replies)
    first = await answered(chat, "Find it")
    thread_id = await thread_of(chat, first.id)
    await chat.runs.by(BOB).fork(first.run_id, "generate#2")
    [other] = await beside(chat, thread_id)
    assert other.text == "He did find it."
    [agent] = [part for part in other.parts if part.kind == "agent"]
    assert agent.answer is not None
    assert agent.answer.text == "Found it."
    assert len(stage.provider.requests) == 4
    is_told_well(stage.provider.requests)
    # Begun anew, the first one takes nothing away from it.
    await chat.stop(thread_id)
    inner = agent.answer
    with pytest.raises(InvalidInput, match="fork the answer that asked it"):
        await chat.runs.rerun(inner.run_id)
    with pytest.raises(InvalidInput, match="fork the answer that asked it"):
        await chat.regenerate(inner.id)


async def test_a_sub_agents_answer_outlives_a_retry_of_whoever_asked_for_it(
    stage: AgentStage,
) -> None:
    lead, helper = Agent("lead", "You lead.", asks=("helper",)), Agent("helper", "You help.")
    asks = [call("ask_helper", task="Find it")]
    provider = ScriptedProvider(
        "instant",
        replies=[asks, "Found it.", "He found it.", "On my own."],
        faults=[None, None, BadRequest("broken")],
    )
    chat = await stage.open(lead, helper, provider=provider)
    first = await answered(chat, "Find it")
    assert first.status == "failed"
    thread_id = await thread_of(chat, first.id)
    await chat.runs.by(BOB).fork(first.run_id)
    await beside(chat, thread_id)
    await chat.retry(first.id, actor=ANN)
    assert (await settled(chat, thread_id)).text == "On my own."
    [other] = await beside(chat, thread_id)
    [agent] = [part for part in other.parts if part.kind == "agent"]
    assert agent.answer is not None
    assert (other.text, agent.answer.text) == ("He found it.", "Found it.")


async def test_another_agent_is_asked_anew_or_given_another_answer(stage: AgentStage) -> None:
    lead, helper = Agent("lead", "You lead.", asks=("helper",)), Agent("helper", "You help.")
    replies = [
        [call("ask_helper", task="Find it")],
        *("Found it.", "He found it."),
        *("Lost it.", "He lost it."),
        "He never had it.",
    ]
    chat = await stage.open(lead, helper, replies=replies)
    first = await answered(chat, "Find it")
    thread_id = await thread_of(chat, first.id)
    steps = [step.key for step in await chat.runs.steps(first.run_id)]
    [inside] = [key for key in steps if key.endswith("/ask helper")]
    [told] = [key for key in steps if key.endswith("/told ask_helper")]
    with pytest.raises(InvalidInput, match="gets its result at the step 'told ask_helper'"):
        await chat.runs.fork(first.run_id, inside, result="x")
    await chat.runs.by(BOB).fork(first.run_id, inside)
    [other] = await beside(chat, thread_id)
    [agent] = [part for part in other.parts if part.kind == "agent"]
    assert agent.answer is not None
    assert (other.text, agent.answer.text) == ("He lost it.", "Lost it.")
    await chat.runs.by(BOB).fork(first.run_id, told, result="He has nothing.")
    [_, third] = await beside(chat, thread_id, 2)
    assert third.text == "He never had it."
    assert results(stage.provider.requests[-1]) == [("ask_helper", "He has nothing.", False)]
    is_told_well(stage.provider.requests)


async def test_a_durable_tool_that_asks_a_person_asks_again_in_the_fork(stage: AgentStage) -> None:
    replies = [[call("ask_person", question="Which?", choices=["a", "b"])], "A.", "B."]
    chat = await stage.open(Agent("a", "x", tools=(ask_person,)), replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Choose", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.answer(ask.id, "a", actor=ANN)
    first = await settled(chat, thread.id)
    steps = [step.key for step in await chat.runs.steps(first.run_id)]
    await chat.runs.by(BOB).fork(first.run_id, next(k for k in steps if k.endswith("/ask")))
    [new] = await asked(chat)
    assert new.id != ask.id
    await chat.inbox.answer(new.id, "b", actor=BOB)
    [other] = await beside(chat, thread.id)
    assert other.text == "B."
    told = results(stage.provider.requests[-1])
    assert len(told) == 1
    assert "b" in told[0][1]


async def test_a_message_that_steered_an_answer_is_heard_again_and_told_once(
    stage: AgentStage,
) -> None:
    weather, gate = Weather(), asyncio.Event()

    async def wait(context: Context) -> str:
        async def hold() -> str:
            await gate.wait()
            return "waited"

        return await context.step("hold", hold)

    replies: list[Any] = [[call("wait")], [call("weather", city="Bonn")], "In German: Regen."]
    replies += ["Also Regen.", "Bye."]
    agent = Agent("a", "x", tools=(tool(wait), weather.tool))
    chat = await stage.open(agent, replies=replies)
    thread = await chat.create_thread(actor=ANN)
    await chat.choose_second_message(thread.id, "steer")
    await chat.send_message(thread.id, "Weather?", actor=ANN)
    await until(chat, thread.id, lambda view: view.live and tools_of(view.live[-1]))
    await chat.send_message(thread.id, "In German", actor=ANN)
    gate.set()
    view = await until(chat, thread.id, lambda view: view.settled and not view.live)
    first = next(one for one in view.messages if one.role == "assistant")
    other_id = await chat.regenerate(first.id, actor=ANN)
    await beside(chat, thread.id)
    assert "In German" in last_words(stage.provider.requests[3])
    await chat.keep(other_id)
    await chat.send_message(thread.id, "Bye", actor=ANN)
    await until(chat, thread.id, lambda view: view.messages[-1].text == "Bye.")
    told = "\n".join(turn.text for turn in stage.provider.requests[4].turns)
    assert told.count("In German") == 1
    # One that was forked before it came has not heard it: then it is told by itself.
    await chat.runs.by(ANN).fork(first.run_id, "generate", result="It rains.")
    deaf = (await beside(chat, thread.id, 2))[-1]
    await chat.keep(deaf.id)
    for number, text in ((5, "It rains."), (6, "In German: Regen.")):
        await chat.send_message(thread.id, "Well?", actor=ANN)
        await settled(chat, thread.id)
        told = "\n".join(turn.text for turn in stage.provider.requests[number].turns)
        assert text in told
        assert told.replace("In German: Regen.", "").count("In German") == 1
        await chat.keep(first.id)
    is_told_well(stage.provider.requests)


async def test_a_fork_takes_no_time_and_no_money_of_the_answer_before(stage: AgentStage) -> None:
    clock = Jumping()
    weather = Weather()
    replies = [*FORECAST, [call("weather", city="Rome")], "Rain."]
    chat = await stage.open(Agent("a", "x", tools=(weather.tool,)), replies=replies, clock=clock)
    first = await answered(chat, "Weather?")
    clock.ahead += timedelta(days=2)
    # It goes on calling tools, and limits are looked at after each call.
    await chat.runs.by(BOB).fork(first.run_id, "generate#2")
    # The limit of half an hour counts from the fork: nobody is asked whether it may go on.
    [other] = await beside(chat, await thread_of(chat, first.id))
    assert (other.status, other.text) == ("done", "Rain.")
    steps = await rows_of(chat, Step, run_id=other.run_id)
    assert not [step for step in steps if step.name == "limit"]
    assert (await chat.spent.of_message(first.id)).calls == 2
    assert (await chat.spent.of_message(other.id)).calls == 2


async def test_a_thread_without_forks_costs_no_more_statements(stage: AgentStage) -> None:
    chat = await stage.open(Agent("a", "x"), replies=["First.", "Second."])
    first = await answered(chat, "Hi")
    thread_id = await thread_of(chat, first.id)

    def read(session: Session) -> Shown:
        return thread_view(session, None, thread_id, "m", 50)

    with counted(chat._database) as statements:
        view = (await chat._database.read(read)).view
    # The thread, its messages, their texts, parts and files: as it was before there were forks.
    assert len(statements) == 5
    assert (view.messages[-1].variants, view.others) == (1, ())
    await chat.regenerate(first.id)
    await beside(chat, thread_id)
    with counted(chat._database) as statements:
        view = (await chat._database.read(read)).view
    assert len(statements) == 5
    assert (view.messages[-1].variants, len(view.others)) == (2, 1)
