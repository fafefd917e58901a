"""Files of threads that somebody made by hand: taken in, or refused with words; never half."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest

from agentchat import Agent, AgentChat
from agentchat.errors import InvalidInput
from agentchat.models import Message, Thread
from agentchat.transfer.form import FORMAT
from tests.integration.people_stage import ANN, THREAD, People, people_on, rows
from tests.integration.test_ratings import over

Held = dict[str, Any]
FAR_PAST, FAR_FUTURE = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


def thread_of(message: Held | None = None, part: Held | None = None, **more: Any) -> str:
    """A thread with one answer, as a file, with something odd in it."""
    said = {"id": "m", "position": 0, "role": "assistant", "created_at": "2026-01-01T00:00:00Z"}
    parts = [{"kind": "tool", "name": "look"} | (part or {})]
    return json.dumps(
        {
            "format": FORMAT,
            "thread": {"title": "Odd", "created_at": "2026-01-01T00:00:00Z"},
            "messages": [{**said, "parts": parts, **(message or {})}],
            **more,
        }
    )


def nested(depth: int) -> str:
    """A thread whose tool was given a list in a list in a list."""
    return thread_of(part={"input": "HERE"}).replace('"HERE"', "[" * depth + "]" * depth)


def claude_of(at: str) -> str:
    said = [{"sender": "human", "text": "Hello", "created_at": at}]
    return json.dumps([{"name": "A", "created_at": at, "chat_messages": said}])


ODD = {
    "a time before all times": thread_of({"created_at": FAR_PAST}),
    "a time after all times": thread_of({"finished_at": FAR_FUTURE}),
    "a time of a thread": thread_of(thread={"created_at": FAR_PAST}),
    "a time of Claude's": claude_of(FAR_PAST),
    "half a character in a kind of error": thread_of({"error_kind": "\ud800"}),
    "NUL in a kind of error": thread_of({"error_kind": "a\u0000b"}),
    "NUL in who made a version": thread_of(
        {"branch": 1},
        thread={"branch": 1, "created_at": FAR_PAST.replace("0001", "2001")},
        branches=[
            {"number": 1, "parent": 0, "position": 0, "created_by": "\u0000\udfff"}
            | {"created_at": "2026-01-01T00:00:00Z"}
        ],
    ),
    "NUL in what a tool was given": thread_of(part={"input": {"a\u0000": "b\u0000\ud800"}}),
    "a round beyond all numbers": thread_of(part={"round": 10**30}),
    "a round beyond a column": thread_of(part={"round": 2**31}),
    "a round before the first": thread_of(part={"round": -(2**31) - 1}),
    "what is no number": thread_of(part={"input": [float("nan"), float("inf")]}),
    "a number beyond all numbers": thread_of(part={"input": "HERE"}).replace('"HERE"', "1e999"),
    "a tool's input nested a bit": nested(200),
    "a tool's input nested deep": nested(900),
    "a tool's input nested deeper": nested(980),
    "names as long as they may be": thread_of(
        {"author": "x" * 200, "model": "x" * 200, "error_kind": "x" * 64, "stopped_by": "x" * 200}
        | {"kept_by": "x" * 200, "kept_at": "2026-01-01T00:00:00Z"},
        {"agent": "x" * 200, "name": "x" * 200, "call_id": "x" * 200},
    ),
    "words for a model that are none": thread_of(part={"data": {"told": {"x": 1}, "tell": True}}),
    "others that are none": thread_of(part={"data": {"others": {"a": "b"}, "cost_usd": "much"}}),
    "remarks that are none": thread_of(part={"data": {"why": [1], "by": {}, "given": 7}}),
    "sources that are none": thread_of(
        part={"kind": "sources", "data": {"sources": [3, None, {"url": "javascript:x"}]}}
    ),
    "sources with odd names": thread_of(
        part={"kind": "sources", "data": {"sources": [{"url": 3, "title": ["x"], "number": {}}]}}
    ),
}
"""What is odd about a file, and the file."""


@pytest.mark.parametrize("what", ODD)
async def test_an_odd_file_is_taken_in_or_refused_with_words(people: People, what: str) -> None:
    chat = await people.shared(Agent("a", "x"))
    refused = ""
    try:
        await chat.import_threads(ODD[what].encode(), actor=ANN)
    except InvalidInput as error:
        refused = str(error)
    made = [one.id for one in await rows(chat._database, Thread) if one.id != THREAD]
    assert bool(made) != bool(refused)
    assert len(refused) < 500
    assert len(await rows(chat._database, Message)) == len(made)
    for thread_id in made:
        # What is stored can be sent to a page, written again and taken in again, and answered.
        view = await over(chat, thread_id)
        json.dumps(asdict(view), allow_nan=False)
        again = "".join([piece async for piece in chat.export_thread(thread_id, actor=ANN)])
        assert (await chat.import_threads(again.encode(), actor=ANN)).threads
        assert [piece async for piece in chat.export_thread(thread_id, "markdown", actor=ANN)]
        await chat.send_message(thread_id, "And now?", actor=ANN)
        assert (await over(chat, thread_id)).messages[-1].status == "done"


def many(number: int) -> bytes:
    said = [{"sender": "human", "text": "A heron", "created_at": "2026-01-01T00:00:00Z"}]
    one = {"name": "Herons", "created_at": None, "chat_messages": said}
    return json.dumps([one] * number).encode()


async def seen_by_ann(chat: AgentChat) -> int:
    return len(await anext(chat.follow_threads(actor=ANN)))


async def test_of_many_threads_all_are_seen_at_once(people: People) -> None:
    chat = await people.shared(Agent("a", "x"))
    taking = asyncio.create_task(chat.import_threads(many(60), actor=ANN))
    seen, there = set(), set()
    while not taking.done():
        seen.add(await seen_by_ann(chat))
        there.add(len(await rows(chat._database, Thread)))
    assert seen | {await seen_by_ann(chat)} == {1, 61}
    # It was looked at while some of them were there already.
    assert there - {1, 61}
    # More are found than a page of them.
    assert (await chat.search("heron", actor=ANN)).skip == 20


async def test_threads_stand_where_they_were_used_last(people: People) -> None:
    chat = await people.shared(Agent("a", "x"))
    days = {"b": "2025-03-02", "d": "2027-01-01", "a": "2025-03-03", "c": "2024-01-01"}
    found = [json.loads(claude_of(f"{day}T10:00:00Z"))[0] | {"name": n} for n, day in days.items()]
    await chat.import_threads(json.dumps(found).encode(), actor=ANN)
    listed = await anext(chat.follow_threads(actor=ANN))
    # What is of the future was used just now.
    assert [one.title for one in listed if one.id != THREAD] == ["d", "a", "b", "c"]


async def test_who_goes_away_while_threads_are_made_leaves_none(people: People) -> None:
    chat = await people.shared(Agent("a", "x"))
    taking = asyncio.create_task(chat.import_threads(many(200), actor=ANN))
    async for found in chat.follow_deleted(actor=ANN):
        if len(found) > 4:
            taking.cancel()
            break
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await seen_by_ann(chat) == 1
    assert not await rows(chat._database, Message)
    assert await anext(chat.follow_deleted(actor=ANN)) == ()
