"""Whoever loses a thread loses what is being written for them there, at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest
from sqlmodel import Session, select

from agentchat import Actor, AgentChat
from agentchat.cli import users as cli_users
from agentchat.llm.base import Chunk, ModelRequest, Text
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Message, Role, Run, ThreadMember
from tests.integration.agents_stage import until
from tests.integration.people_stage import ADA, ANN, BOB, THREAD, People, people_on, rows
from tests.integration.test_cli_users import Command, command

__all__ = ["command"]

BOBS = "thread-of-bob"


class Endless(ScriptedProvider):
    """Begins each answer, and then says nothing more; counts how often it was hung up on."""

    def __init__(self) -> None:
        super().__init__("instant")
        self.hung_up = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        self.requests.append(request)
        yield Text("It began. ")
        try:
            await asyncio.Event().wait()
        finally:
            self.hung_up.set()


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


@pytest.fixture
def model() -> Endless:
    return Endless()


@pytest.fixture
async def chat(people: People, model: Endless) -> AgentChat:
    return await people.shared(provider=model)


async def writing(chat: AgentChat, actor: Actor, thread_id: str = THREAD) -> str:
    """The answer to somebody, once something of it is there."""
    await chat.send_message(thread_id, f"From {actor.name}", actor=actor)
    asked = lambda view: view.live and view.live[-1].text == "It began. "  # noqa: E731
    return (await until(chat.by(ANN), thread_id, asked)).live[-1].id


def state_of(session: Session, message_id: str) -> tuple[str, str | None, str, str | None]:
    """An answer and its run, as they are in one snapshot."""
    message = session.exec(select(Message).where(Message.id == message_id)).one()
    run = session.exec(select(Run).where(Run.id == message.run_id)).one()
    assert message.stopped_by == run.stopped_by
    return message.status, message.stopped_by, message.text, run.status


async def state(chat: AgentChat, message_id: str) -> tuple[str, str | None, str, str | None]:
    return await chat._database.read(state_of, message_id)


STOPPED = ("stopped", "Ann", "It began. ", "stopped")


@pytest.mark.usefixtures("only_told")
async def test_who_is_removed_has_nothing_more_written_for_them_and_keeps_what_came(
    chat: AgentChat, model: Endless
) -> None:
    answer = await writing(chat, BOB)
    await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
    # Already in the snapshot in which they are no member, and by whom it was.
    assert await state(chat, answer) == STOPPED
    async with asyncio.timeout(30):
        await model.hung_up.wait()
    [_, shown] = (await until(chat.by(ANN), THREAD, lambda view: not view.live)).messages
    assert (shown.status, shown.words) == ("stopped", "Stopped by Ann")


async def test_who_leaves_stops_it_themselves(chat: AgentChat) -> None:
    answer = await writing(chat, BOB)
    await chat.sharing.leave(THREAD, actor=BOB)
    assert await state(chat, answer) == ("stopped", "Bob", "It began. ", "stopped")


async def test_only_what_is_for_them_there_is_stopped(chat: AgentChat, people: People) -> None:
    hers = await writing(chat, ANN)
    await chat.create_thread("Bob's own", actor=BOB, thread_id=BOBS)
    await chat.sharing.add(BOBS, "ann", "viewer", actor=BOB)
    own = await writing(chat, BOB, BOBS)
    await chat.send_message(THREAD, "And this waits behind Ann's", actor=BOB)
    await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
    found = {one.id: one for one in await answers(chat)}
    waiting = [one for one in found.values() if one.id not in (hers, own)]
    assert found[hers].status == found[own].status == "running"
    assert [(one.status, one.stopped_by) for one in waiting] == [("stopped", "Ann")]


async def test_an_administrator_who_is_removed_has_lost_nothing(chat: AgentChat) -> None:
    await chat.sharing.add(THREAD, "ada", "member", actor=ANN)
    answer = await writing(chat, ADA)
    await chat.sharing.remove(THREAD, ADA.id, actor=ANN)
    assert (await state(chat, answer))[0] == "running"


async def test_nobody_ever_sees_it_go_on_for_somebody_who_is_no_member(chat: AgentChat) -> None:
    answer = await writing(chat, BOB)

    def both(session: Session) -> tuple[bool, str]:
        member = select(ThreadMember).where(ThreadMember.user_id == BOB.id)
        return session.exec(member).first() is not None, state_of(session, answer)[0]

    async with asyncio.timeout(30), aclosing(chat.follow_query(both, actor=ANN)) as outcomes:
        seen = [(await anext(outcomes)).value]
        await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
        while seen[-1] != (False, "stopped"):
            seen.append((await anext(outcomes)).value)
    assert seen == [(True, "running"), (False, "stopped")]


async def answers(chat: AgentChat) -> list[Message]:
    found: list[Message] = await rows(chat._database, Message)
    return [one for one in found if one.role == Role.ASSISTANT]


async def test_an_account_that_is_switched_off_stops_what_is_written_for_it_everywhere(
    chat: AgentChat, model: Endless
) -> None:
    hers = await writing(chat, ANN)
    await chat.create_thread("Bob's own", actor=BOB, thread_id=BOBS)
    await chat.sharing.add(BOBS, "ann", "viewer", actor=BOB)
    own = await writing(chat, BOB, BOBS)
    await chat.send_message(THREAD, "This waits", actor=BOB)
    await chat.accounts.set_active(BOB.id, False, ADA)
    found = {one.id: (one.status, one.stopped_by) for one in await answers(chat)}
    assert found.pop(hers) == ("running", None)
    assert found.pop(own) == ("stopped", "Ada")
    assert list(found.values()) == [("stopped", "Ada")]
    async with asyncio.timeout(30):
        await model.hung_up.wait()
    # Switched on again, they are asked for anew: nothing goes on by itself.
    await chat.accounts.set_active(BOB.id, True, ADA)
    assert (await state(chat, own))[0] == "stopped"


async def test_the_command_line_stops_it_as_well(
    chat: AgentChat, command: Command, model: Endless
) -> None:
    answer = await writing(chat, BOB)
    assert (await command("deactivate", "bob")).code == 0
    status, by, text, run = await state(chat, answer)
    assert (status, by, run) == ("stopped", cli_users.ACTOR.name, "stopped")
    assert text == "It began. "
