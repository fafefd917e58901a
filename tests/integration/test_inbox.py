"""What runs wait for from people: who decides, when it is too late, what a restart changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from agentchat import Agent, AgentChat, AskView, Context, ManualClock, ToolContext, Tx, tool
from agentchat.agents.toolbox import ask_person
from agentchat.errors import AgentChatError, AskNotFound, InvalidInput, NotAllowed, WrongState
from agentchat.models import Ask, Part, Run
from agentchat.store.database import Database
from agentchat.verbs.inbox import Inbox
from tests.integration.agents_stage import (
    ANN,
    BOB,
    AgentStage,
    asked,
    call,
    results,
    settled,
    tools_of,
    until,
)
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


class Till:
    """A tool that pays, and what it paid."""

    def __init__(self, **options: Any) -> None:
        self.paid: list[str] = []

        @tool(**{"approval": True, "deadline": HOUR, **options})
        def pay(amount: int, to: str = "Bo") -> str:
            """Pay somebody."""
            self.paid.append(f"{amount} {to}")
            return f"paid {amount} to {to}"

        self.agent = Agent("clerk", "x", tools=(pay, ask_person))


PAYS = [call("pay", amount=50)]


async def begin(
    stage: AgentStage, till: Till, *replies: Any, **options: Any
) -> tuple[AgentChat, str]:
    chat = await stage.open(till.agent, replies=[*(replies or (PAYS,)), "Done."], **options)
    thread = await chat.create_thread("A thread", actor=ANN)
    await chat.send_message(thread.id, "Pay", actor=ANN)
    return chat, thread.id


class Desk:
    """The inbox of another process, which answers nothing itself."""

    def __init__(self, chat: AgentChat, url: str, clock: ManualClock | None = None) -> None:
        self.database = Database(url)
        self.inbox = Inbox(self.database, clock or chat._clock, chat._tool, chat._guard)

    async def __aenter__(self) -> Inbox:
        self.database.open()
        return self.inbox

    async def __aexit__(self, *_error: object) -> None:
        await self.database.close()


# At once


async def test_of_two_processes_that_decide_at_once_one_has_effect_and_the_other_is_told(
    stage: AgentStage, database_url: str
) -> None:
    till = Till()
    says = [call("pay", f"c{n}", amount=n) for n in range(8)]
    chat, thread_id = await begin(stage, till, says)
    waiting = await asked(chat, 8)
    async with Desk(chat, database_url) as one, Desk(chat, database_url) as other:
        outcomes = await asyncio.gather(
            *(
                verb
                for ask in waiting
                for verb in (one.approve(ask.id, actor=ANN), other.deny(ask.id, actor=BOB))
            ),
            return_exceptions=True,
        )
    message = await settled(chat, thread_id)
    approved = denied = 0
    for ask, yes, no in zip(waiting, outcomes[::2], outcomes[1::2], strict=True):
        amount = json.loads(ask.input)["amount"]
        if yes is None:
            approved += 1
            assert isinstance(no, WrongState)
            assert str(no) == "Ann approved it already."
            assert f"{amount} Bo" in till.paid
        else:
            denied += 1
            assert isinstance(yes, WrongState)
            assert str(yes) == "Bob denied it already."
            assert no is None
            assert f"{amount} Bo" not in till.paid
    assert approved + denied == 8
    assert len(till.paid) == approved
    statuses = [part.status for part in tools_of(message)]
    assert (statuses.count("done"), statuses.count("denied")) == (approved, denied)


async def test_a_question_is_answered_once(stage: AgentStage, database_url: str) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till, [call("ask_person", question="Which?")])
    [ask] = await asked(chat)
    async with Desk(chat, database_url) as other:
        outcomes = await asyncio.gather(
            chat.inbox.answer(ask.id, "red", actor=ANN),
            other.answer(ask.id, "blue", actor=BOB),
            return_exceptions=True,
        )
    [wrong] = [one for one in outcomes if one is not None]
    assert isinstance(wrong, WrongState)
    first = "red" if outcomes[0] is None else "blue"
    assert str(wrong) == f"{'Ann' if first == 'red' else 'Bob'} answered already."
    assert tools_of(await settled(chat, thread_id))[0].text == first
    with pytest.raises(WrongState, match="answered already"):
        await chat.inbox.answer(ask.id, "green", actor=ANN)


async def test_a_tool_may_ask_more_than_once_also_after_it_was_approved(stage: AgentStage) -> None:
    @tool(approval=True)
    async def paint(_ctx: Context, context: ToolContext) -> str:
        """Paint."""
        color = await context.ask_person("Which color?", ("red", "blue"))
        size = await context.ask_person("Which size?")
        return f"{color} {size}"

    chat = await stage.open(Agent("clerk", "x", tools=(paint,)), replies=[[call("paint")], "Done."])
    thread = await chat.create_thread(actor=ANN)
    await chat.send_message(thread.id, "Paint", actor=ANN)
    [ask] = await asked(chat)
    await chat.inbox.approve(ask.id, actor=ANN)
    for question, answer in (("Which color?", "blue"), ("Which size?", "large")):
        async with asyncio.timeout(30), aclosing(chat.inbox.follow(actor=ANN)) as inboxes:
            async for waiting in inboxes:
                if [one.text for one in waiting] == [question]:
                    break
        await chat.inbox.answer(waiting[0].id, answer, actor=ANN)
    assert tools_of(await settled(chat, thread.id))[0].text == "blue large"


# Too late


async def test_a_decision_that_did_not_come_in_time_is_a_no(stage: AgentStage) -> None:
    till, clock = Till(), ManualClock()
    chat, thread_id = await begin(stage, till, clock=clock)
    [ask] = await asked(chat)
    await waits(chat)
    clock.advance(HOUR + timedelta(seconds=1))
    message = await settled(chat, thread_id)
    assert till.paid == []
    assert tools_of(message)[0].status == "denied"
    [(_, told, failed)] = results(stage.provider.requests[1])
    assert (told, failed) == ("Nobody decided in time, so this was not done.", True)
    with pytest.raises(WrongState, match="not waited for any more"):
        await chat.inbox.approve(ask.id, actor=ANN)
    assert await chat.inbox.waiting(actor=ANN) == ()


async def waits(chat: AgentChat) -> str:
    """The id of the only run, once it waits, held by nobody."""

    def read(session: Session) -> tuple[str, str]:
        run = session.exec(select(Run)).one()
        return run.id, run.status

    async with asyncio.timeout(30), aclosing(chat._database.live.follow(read)) as states:
        async for run_id, status in states:
            if status == "waiting":
                return run_id
    raise AssertionError("it never waits")


@pytest.mark.parametrize(
    ("moment", "counts"), [(HOUR - MOMENT, True), (HOUR, False), (HOUR + MOMENT, False)]
)
async def test_a_decision_at_the_moment_of_the_deadline_counts_or_does_not_for_all(
    stage: AgentStage, database_url: str, moment: timedelta, counts: bool
) -> None:
    """No process carries the run out when it is decided; when one does, the deadline is over."""
    till, clock = Till(), ManualClock()
    chat, thread_id = await begin(stage, till, clock=clock)
    [ask] = await asked(chat)
    await waits(chat)
    left = datetime.fromisoformat(ask.deadline) - clock.now()
    assert left == HOUR
    await chat._durable.__aexit__(None, None, None)
    clock.advance(moment)
    async with Desk(chat, database_url, clock) as inbox:
        if counts:
            await inbox.approve(ask.id, actor=ANN)
        else:
            with pytest.raises(WrongState, match="too late"):
                await inbox.approve(ask.id, actor=ANN)
            with pytest.raises(WrongState, match="too late"):
                await inbox.deny(ask.id, actor=ANN)
    clock.advance(2 * HOUR)
    again = await stage.open(till.agent, replies=["Done."], clock=clock)
    message = await settled(again, thread_id)
    assert till.paid == (["50 Bo"] if counts else [])
    assert tools_of(message)[0].status == ("done" if counts else "denied")


async def test_nothing_runs_that_is_approved_after_a_stop_or_for_an_answer_tried_again(
    stage: AgentStage,
) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till, PAYS, PAYS)
    [first] = await asked(chat)
    await chat.stop(thread_id, actor=BOB)
    with pytest.raises(WrongState, match="not waited for"):
        await chat.inbox.approve(first.id, actor=ANN)
    stopped = await settled(chat, thread_id)
    await chat.retry(stopped.id, actor=ANN)
    [second] = await asked(chat)
    assert second.id != first.id
    with pytest.raises(AskNotFound):
        await chat.inbox.approve(first.id, actor=ANN)
    assert till.paid == []
    await chat.inbox.approve(second.id, actor=ANN)
    await until(chat, thread_id, lambda view: view.messages[-1].status == "done")
    assert till.paid == ["50 Bo"]


async def test_an_event_that_somebody_forges_is_no_approval(stage: AgentStage) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till)
    [ask] = await asked(chat)
    run_id = await waits(chat)
    try:
        await chat.runs.send_event(run_id, f"ask {ask.id}", "approved")
    except AgentChatError:
        await chat.inbox.deny(ask.id, actor=ANN)
    message = await settled(chat, thread_id)
    assert tools_of(message)[0].status == "denied"
    assert till.paid == []


# What runs


async def test_edited_arguments_run_exactly_and_everybody_sees_them(stage: AgentStage) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till)
    [ask] = await asked(chat)
    edited = {"amount": 5, "to": 'Zoë "x" \n'}
    for wrong in ({"amount": "much"}, {"amount": 5, "tip": 1}, [5], "5", {"amount": 1.5}):
        with pytest.raises(InvalidInput):
            await chat.inbox.approve(ask.id, arguments=wrong, actor=BOB)
    await chat.inbox.approve(ask.id, arguments=edited, input_hash=ask.input_hash, actor=BOB)
    message = await settled(chat, thread_id)
    assert till.paid == ['5 Zoë "x" \n']
    [part] = tools_of(message)
    assert json.loads(part.input) == edited
    [told] = stage.provider.requests[1].turns[1].calls
    assert json.loads(told.arguments) == edited

    def data(session: Session) -> Any:
        return session.exec(select(Part.data).where(Part.kind == "tool")).one()

    kept = await chat._database.read(data)
    assert kept["asked_for"] == {"amount": 50, "to": "Bo"}
    assert (kept["decision"], kept["decided_by"]) == ("approved", "Bob")


def raises(**_: Any) -> bool:
    raise RuntimeError("no idea")


PREDICATES: dict[str, tuple[Callable[..., Any], bool]] = {
    "raises": (raises, True),
    "says nothing": (lambda **_: None, True),
    "says zero": (lambda **_: 0, True),
    "says an empty text": (lambda **_: "", True),
    "takes too little": (lambda: False, True),
    "says yes": (lambda **_: True, True),
    "says no": (lambda **_: False, False),
}


@pytest.mark.parametrize("name", list(PREDICATES))
async def test_a_predicate_that_does_not_say_no_means_that_a_person_is_asked(
    stage: AgentStage, name: str
) -> None:
    predicate, asks = PREDICATES[name]
    till = Till(approval=predicate)
    chat, thread_id = await begin(stage, till)
    if asks:
        [ask] = await asked(chat)
        assert till.paid == []
        await chat.inbox.deny(ask.id, actor=ANN)
    await settled(chat, thread_id)
    assert till.paid == ([] if asks else ["50 Bo"])


# Restarts, and following


async def test_what_is_asked_survives_a_restart_and_may_be_decided_meanwhile(
    stage: AgentStage, database_url: str
) -> None:
    till = Till()
    says = [call("pay", "c1", amount=1), call("pay", "c2", amount=2)]
    async with AsyncExitStack() as first:
        chat, thread_id = await begin(AgentStage(database_url, first), till, says)
        before = await asked(chat, 2)
        await waits(chat)
    assert till.paid == []
    async with Desk(chat, database_url) as inbox:
        now = {ask.id: json.loads(ask.input) for ask in await inbox.waiting(actor=ANN)}
        assert now == {ask.id: json.loads(ask.input) for ask in before}
        await inbox.approve(before[0].id, actor=ANN)
    again = await stage.open(till.agent, replies=["Done."])
    async with asyncio.timeout(30), aclosing(again.inbox.follow(actor=ANN)) as inboxes:
        async for waiting in inboxes:
            if till.paid:
                break
            await asyncio.sleep(0.01)
            if [one.id for one in waiting] == [before[1].id]:
                break
    await again.inbox.deny(before[1].id, actor=ANN)
    message = await settled(again, thread_id)
    assert sorted(part.status for part in tools_of(message)) == ["denied", "done"]
    assert till.paid == [f"{json.loads(before[0].input)['amount']} Bo"]


async def test_an_inbox_is_live_in_every_process(stage: AgentStage, database_url: str) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till)
    async with Desk(chat, database_url) as other:
        seen: list[tuple[AskView, ...]] = []
        async with asyncio.timeout(20), aclosing(other.follow(actor=BOB)) as inboxes:
            async for waiting in inboxes:
                seen.append(waiting)
                if len(waiting) == 1:
                    assert waiting[0].thread_title == "A thread"
                    await chat.inbox.deny(waiting[0].id, actor=ANN)
                elif len(seen) > 1 or (not waiting and till.agent is None):
                    break
    assert [len(one) for one in seen if one] == [1]
    await settled(chat, thread_id)


async def test_what_a_deleted_thread_asked_vanishes_from_the_inbox(
    stage: AgentStage, caplog: pytest.LogCaptureFixture
) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till)
    [ask] = await asked(chat)
    await chat.delete_thread(thread_id, actor=ANN)
    async with asyncio.timeout(30), aclosing(chat.inbox.follow(actor=ANN)) as inboxes:
        async for waiting in inboxes:
            if not waiting:
                break
    with pytest.raises(AskNotFound):
        await chat.inbox.approve(ask.id, actor=ANN)
    assert till.paid == []
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


async def test_only_who_is_asked_sees_it_and_may_decide(stage: AgentStage) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till)
    [ask] = await asked(chat)

    def of_ann(tx: Tx) -> None:
        table: Any = Ask.__dict__["__table__"]
        tx.execute(table.update().values(asked_of="ann"))

    await chat._database.write(of_ann)
    assert await chat.inbox.waiting(actor=BOB) == ()
    for verb in (
        chat.inbox.approve(ask.id, actor=BOB),
        chat.inbox.deny(ask.id, actor=BOB),
        chat.inbox.answer(ask.id, "x", actor=BOB),
    ):
        with pytest.raises(NotAllowed):
            await verb
    await chat.inbox.approve(ask.id, actor=ANN)
    await settled(chat, thread_id)
    assert till.paid == ["50 Bo"]


async def test_each_kind_of_ask_takes_its_own_kind_of_decision(stage: AgentStage) -> None:
    till = Till()
    chat, thread_id = await begin(stage, till, [call("ask_person", question="Which?")])
    [ask] = await asked(chat)
    for verb in (chat.inbox.approve(ask.id), chat.inbox.deny(ask.id)):
        with pytest.raises(InvalidInput, match="answer it"):
            await verb
    for empty in ("", "  ", "\x00"):
        with pytest.raises(InvalidInput):
            await chat.inbox.answer(ask.id, empty)
    await chat.inbox.answer(ask.id, "a\x00b\ud800", actor=ANN)
    assert tools_of(await settled(chat, thread_id))[0].text == "ab\ufffd"
