"""Growing answers: gathered, written together, and never lost to a write that failed."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from agentchat.agents.streams import Streams
from agentchat.durable.clock import SystemClock
from agentchat.errors import LeaseLost
from agentchat.models import MessageStatus, Role
from agentchat.store import claims, messages, runs, threads
from agentchat.store.database import Database
from agentchat.store.messages import Answer
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx
from tests.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def answering(database: Database, number: int) -> Answer:
    """A pending answer whose run has been claimed: its attempt is 1."""
    answer = Answer(f"message{number}", f"thread{number}", f"run{number}", 0)

    def unit(tx: Tx) -> None:
        threads.create(tx, answer.thread_id, owner_id="o", title="", now=NOW)
        messages.add(
            tx,
            {
                "id": answer.message_id,
                "thread_id": answer.thread_id,
                "position": 0,
                "role": Role.ASSISTANT,
                "status": MessageStatus.RUNNING,
                "text": "",
                "run_id": answer.run_id,
                "created_at": NOW,
            },
        )
        runs.add(tx, NewRun(answer.run_id, "w", {}, NOW, thread_id=answer.thread_id))
        claims.claim(tx, "me", workflows=["w"], holding=[], now=NOW, lease_until=NOW, limit=1)

    await database.write(unit)
    return answer


async def shown(database: Database, answer: Answer) -> str:
    def query(session: Session) -> str:
        return messages.text_so_far(session, answer.message_id)

    return await database.read(query)


async def test_text_is_written_while_the_stream_is_open_and_whole_when_it_closes(
    database: Database,
) -> None:
    answer = await answering(database, 1)
    async with Streams(database, SystemClock()).open(answer, 1, 1) as stream:
        stream.write("One sentence. And the beginning of")
        async with (
            asyncio.timeout(30),
            aclosing(database.live.follow(messages.text_so_far, answer.message_id)) as texts,
        ):
            async for text in texts:
                if text == "One sentence. And the beginning of":
                    break
        stream.write(" another")
    assert await shown(database, answer) == "One sentence. And the beginning of another"


async def test_many_streams_share_a_transaction(database: Database) -> None:
    answers = [await answering(database, n) for n in range(20)]
    written = 0

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal written
        written += "INSERT INTO deltas" in statement

    event.listen(database._writing, "before_cursor_execute", count)
    streams = Streams(database, SystemClock())
    async with AsyncExitStack() as stack:
        growing = [await stack.enter_async_context(streams.open(one, 1, 1)) for one in answers]
        for n in range(5):
            for stream in growing:
                stream.write(f"Sentence {n}. ")
            await eventually(lambda n=n: written > n)  # type: ignore[misc]
            assert written == n + 1
        texts = {await shown(database, answer) for answer in answers}
    assert texts == {"".join(f"Sentence {n}. " for n in range(5))}


async def test_an_attempt_that_lost_its_run_hears_of_it_and_writes_nothing(
    database: Database,
) -> None:
    answer = await answering(database, 1)
    async with Streams(database, SystemClock()).open(answer, 0, 1) as stream:
        stream.write("Too late. ")
        await eventually(lambda: stream.lost)
        with pytest.raises(LeaseLost):
            stream.write("Much too late.")
    assert await shown(database, answer) == ""


async def test_readers_see_the_text_of_the_highest_attempt_only(database: Database) -> None:
    answer = await answering(database, 1)
    streams = Streams(database, SystemClock())
    async with streams.open(answer, 1, 1) as stream:
        stream.write("The first try got this far")
    assert await shown(database, answer) == "The first try got this far"
    await database.write(runs.change, runs.Hold(answer.run_id, 1), attempt=2)
    async with streams.open(answer, 2, 1) as stream:
        assert await shown(database, answer) == "The first try got this far"
        stream.write("The second")
    assert await shown(database, answer) == "The second"


async def test_readers_see_the_text_of_the_last_try_of_an_attempt_only(
    database: Database,
) -> None:
    answer = await answering(database, 1)
    streams = Streams(database, SystemClock())
    async with streams.open(answer, 1, 1) as stream:
        stream.write("The first try got this far")
    async with streams.open(answer, 1, 2) as stream:
        stream.write("The second")
    assert await shown(database, answer) == "The second"


async def test_halves_of_a_character_and_nul_spoil_nothing(database: Database) -> None:
    answers = [await answering(database, n) for n in (1, 2)]
    streams = Streams(database, SystemClock())
    async with streams.open(answers[0], 1, 1) as odd, streams.open(answers[1], 1, 1) as plain:
        plain.write("All is well. ")
        odd.write("A face: \ud83d")
        await asyncio.sleep(0.4)
        odd.write("\ude00 and \x00 a half: \ud83d. ")
    assert await shown(database, answers[1]) == "All is well. "
    assert await shown(database, answers[0]) == "A face: 😀 and  a half: \ufffd. "


async def test_text_that_is_being_written_when_the_stream_closes_is_not_lost(
    database: Database,
) -> None:
    answer = await answering(database, 1)
    failing = asyncio.Event()
    failures = 2

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal failures
        if failures and "INSERT INTO deltas" in statement:
            failures -= 1
            loop.call_soon_threadsafe(failing.set)
            time.sleep(0.2)
            raise OSError("no space left on device")

    loop = asyncio.get_running_loop()
    event.listen(database._writing, "before_cursor_execute", fail)
    async with Streams(database, SystemClock()).open(answer, 1, 1) as stream:
        stream.write("First. ")
        await asyncio.wait_for(failing.wait(), 30)
        stream.write("Last.")
    assert await shown(database, answer) == "First. Last."


async def test_text_that_could_not_be_written_is_written_at_the_next_tick(
    database: Database,
) -> None:
    answer = await answering(database, 1)
    failures = [True]

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if failures and "INSERT INTO deltas" in statement:
            # Once in the group and once alone: a whole tick fails.
            if failures == [True]:
                failures.append(True)
            else:
                failures.clear()
            raise OSError("no space left on device")

    event.listen(database._writing, "before_cursor_execute", fail)
    async with Streams(database, SystemClock()).open(answer, 1, 1) as stream:
        stream.write("First. ")
        await eventually(lambda: not failures)
        stream.write("Second. ")
    assert await shown(database, answer) == "First. Second. "
