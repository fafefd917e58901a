"""Files that are brought before their message is sent: kept for whoever brought them, and taken
by the send in its one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from agentchat import LOCAL, Agent, AgentChat, MessageView, SecondMessage
from agentchat.columns import table_of
from agentchat.durable.keeper import Keep, Keeper
from agentchat.errors import (
    FileTooLarge,
    InvalidInput,
    NotAllowed,
    NotFound,
    ThreadNotFound,
    TooManyTries,
)
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Attachment, Message, Upload
from agentchat.verbs.files import IN_MEMORY, MOST_PREVIEW, NewFile
from tests.integration.agents_stage import HeldUp, Jumping, until
from tests.integration.people_stage import (
    ANN,
    BOB,
    NOBODY,
    PEOPLE,
    SAM,
    THREAD,
    VERA,
    People,
    add_person,
    people_on,
)
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

CLERK = Agent("clerk", "Answer.")
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
DAY = timedelta(days=1)


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


async def peopled(people: People, **options: Any) -> AgentChat:
    """An app in which all of them have accounts."""
    chat = await people.open(CLERK, **options)
    for person in PEOPLE:
        await add_person(chat._database, person)
    return chat


async def count(chat: AgentChat, table: Any) -> int:
    """How many rows a table has."""
    query = select(func.count()).select_from(table_of(table))
    return int(await chat._database.read(lambda session: session.execute(query).scalar_one()))


async def first_said(chat: AgentChat, thread_id: str) -> MessageView:
    """The first message of a thread of Ann's."""
    async with aclosing(chat.follow(thread_id, actor=ANN)) as views:
        return (await anext(views)).messages[0]


async def upload(chat: AgentChat, size: int = 4, name: str = "a.txt") -> str:
    """The id of a file of Ann's that is not sent yet."""
    return (await chat.files.upload(name, b"a" * size, actor=ANN)).id


async def answered(chat: AgentChat, thread_id: str) -> None:
    await until(chat, thread_id, lambda view: view.settled and not view.live)


# Sent


async def test_the_send_takes_what_was_uploaded_in_the_order_that_it_names(people: People) -> None:
    provider = ScriptedProvider("instant", replies=["Nice."])
    chat = await peopled(people, provider=provider)
    cat = await chat.files.upload("../cat.txt", PNG, actor=ANN)
    note = await chat.files.upload("note.md", b"# Herons", actor=ANN)
    assert (cat.name, cat.media_type, cat.size) == ("cat.txt", "image/png", len(PNG))
    assert await chat.files.unsent(actor=ANN) == (cat, note)
    assert (await chat.files.get_unsent(note.id, actor=ANN)).content == b"# Herons"
    thread = (await chat.create_thread(actor=ANN)).id
    more, ids = NewFile("more.txt", "", b"more"), [note.id, cat.id]
    await chat.send_message(thread, "Look", actor=ANN, files=[more], uploads=ids)
    files = (await first_said(chat, thread)).files
    assert [one.name for one in files] == ["more.txt", "note.md", "cat.txt"]
    assert files[1:] == (note, cat)
    assert (await chat.files.get(cat.id, actor=ANN)).content == PNG
    assert await chat.files.unsent(actor=ANN) == ()
    with pytest.raises(NotFound):
        await chat.files.get_unsent(cat.id, actor=ANN)
    await answered(chat, thread)
    # What can be read of them is told to models, as of all files.
    [turn] = provider.requests[0].turns
    assert [one.text for one in turn.files] == ["more", "# Herons"]
    assert "[An image named cat.txt cannot be seen by this model.]" in turn.text


async def test_the_same_message_twice_is_one_with_its_files(people: People) -> None:
    chat = await peopled(people, replies=["One.", "Two."])
    thread = (await chat.create_thread(actor=ANN)).id
    ids = [await upload(chat)]
    send = {"actor": ANN, "message_id": "message-one", "uploads": ids}
    both = await asyncio.gather(
        *(chat.send_message(thread, "Look", **send) for _ in range(2))  # type: ignore[arg-type]
    )
    assert {one.id for one in both} == {"message-one"}
    await chat.send_message(thread, "Look", **send)  # type: ignore[arg-type]
    assert await count(chat, Attachment) == 1
    await answered(chat, thread)
    assert await count(chat, Message) == 2


async def test_a_file_of_one_message_is_not_there_for_another(people: People) -> None:
    chat = await peopled(people, replies=["One.", "Two."])
    thread = (await chat.create_thread(actor=ANN)).id
    ids = [await upload(chat)]
    came = await asyncio.gather(
        *(chat.send_message(thread, f"Look {n}", actor=ANN, uploads=ids) for n in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in came) == ["InvalidInput", "MessageView"]
    assert await count(chat, Attachment) == 1
    await answered(chat, thread)
    assert await count(chat, Message) == 2


@pytest.mark.parametrize(
    "ids",
    [
        ["0" * 32],
        ["not an id"],
        [None],
        "abcdefghij",
        {"a": 1},
        None,
        lambda mine: [mine, mine],
        lambda mine: [mine, "0" * 32],
    ],
)
async def test_a_send_with_a_file_that_is_not_there_writes_nothing(
    people: People, ids: Any
) -> None:
    chat = await peopled(people)
    mine = await upload(chat)
    ids = ids(mine) if callable(ids) else ids
    with pytest.raises(InvalidInput):
        await chat.send_message("thread-to-be", "Look", actor=ANN, create_thread=True, uploads=ids)
    assert [await count(chat, one) for one in (Message, Attachment, Upload)] == [0, 0, 1]
    with pytest.raises(ThreadNotFound):
        await first_said(chat, "thread-to-be")


async def test_nobody_sends_sees_or_removes_what_somebody_else_uploaded(people: People) -> None:
    chat = await people.shared(CLERK)
    mine = await upload(chat)
    with pytest.raises(InvalidInput, match="not there any more"):
        await chat.send_message(THREAD, "Look", actor=BOB, uploads=[mine])
    for actor in (BOB, SAM, LOCAL):
        with pytest.raises(NotFound):
            await chat.files.get_unsent(mine, actor=actor)
        with pytest.raises(NotFound):
            await chat.files.discard(mine, actor=actor)
        with pytest.raises(NotFound):
            await chat.files.get(mine, actor=actor)
        assert await chat.files.unsent(actor=actor) == ()
    with pytest.raises(NotAllowed):
        await chat.files.upload("a.txt", b"a", actor=NOBODY)
    with pytest.raises(NotAllowed):
        await chat.files.unsent(actor=NOBODY)
    # Nor does whoever may only read send their own.
    theirs = await chat.files.upload("v.txt", b"v", actor=VERA)
    with pytest.raises(NotAllowed):
        await chat.send_message(THREAD, "Look", actor=VERA, uploads=[theirs.id])
    assert await chat.files.unsent(actor=VERA) == (theirs,)
    assert len(await chat.files.unsent(actor=ANN)) == 1


async def test_a_message_that_joins_an_answer_brings_its_files(people: People) -> None:
    provider = HeldUp("A long answer. It goes on.")
    chat = await peopled(people, provider=provider)
    thread = (await chat.create_thread(actor=ANN)).id
    await chat.send_message(thread, "Write", actor=ANN)
    await until(chat, thread, lambda view: view.live and view.live[-1].run_id)
    ids, steer = [await upload(chat)], SecondMessage.STEER
    sent = await chat.send_message(thread, "See this", actor=ANN, second=steer, uploads=ids)
    view = await until(chat, thread, lambda view: any(one.files for one in view.messages))
    [joined] = [one for one in view.messages if one.id == sent.id]
    assert [one.id for one in joined.files] == ids
    provider.held.set()
    await answered(chat, thread)


# How much


async def test_what_is_not_sent_yet_counts_like_what_was_sent(people: People) -> None:
    chat = await peopled(people, person_files_mb=0.001)
    thread = (await chat.create_thread(actor=ANN)).id
    mine = await upload(chat, 600)
    with pytest.raises(InvalidInput, match="Your files have"):
        await upload(chat, 401)
    new = [NewFile("b.txt", "", b"b" * 401)]
    with pytest.raises(InvalidInput, match="Your files have"):
        await chat.send_message(thread, "Look", actor=ANN, files=new)
    await chat.send_message(thread, "Look", actor=ANN, uploads=[mine])
    with pytest.raises(InvalidInput, match="Your files have"):
        await upload(chat, 401)
    other = await upload(chat, 400)
    with pytest.raises(InvalidInput):
        await upload(chat, 1)
    # It is each one's own, and what is removed makes room.
    await chat.files.upload("b.txt", b"b" * 1_000, actor=BOB)
    await chat.files.discard(other, actor=ANN)
    await upload(chat, 400)


async def test_no_two_files_at_once_take_the_same_room_in_any_process(people: People) -> None:
    several = [await people.open(CLERK, person_files_mb=0.001) for _ in range(2)]
    came = await asyncio.gather(
        *(upload(chat, 400) for _ in range(3) for chat in several), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in came) == 2
    assert sum(isinstance(one, InvalidInput) for one in came) == 4


async def test_a_message_takes_so_many_files_however_they_come(people: People) -> None:
    chat = await peopled(people, message_files=2)
    thread = (await chat.create_thread(actor=ANN)).id
    ids = [await upload(chat) for _ in range(2)]
    new = [NewFile("b.txt", "", b"b")]
    with pytest.raises(InvalidInput, match="2 files at most; these are 3"):
        await chat.send_message(thread, "Look", actor=ANN, files=new, uploads=ids)
    await chat.send_message(thread, "Look", actor=ANN, uploads=ids)


class Pieces:
    """A file that comes in pieces, endless if need be; counts what was taken of it."""

    def __init__(self, piece: bytes, times: int | None = None) -> None:
        self._piece = piece
        self._times = times
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._times is None or self.taken < self._times:
            self.taken += 1
            yield self._piece


async def test_a_file_is_read_no_further_than_it_may_be_long(people: People) -> None:
    chat = await peopled(people, file_mb=1.0)
    endless = Pieces(b"x" * 1_000)
    with pytest.raises(FileTooLarge, match="has more; 1 MB is the most"):
        await chat.files.upload("a.txt", endless, actor=ANN)
    assert endless.taken == 1_001
    # Of one that says so itself nothing is read at all.
    told = Pieces(b"x")
    with pytest.raises(FileTooLarge, match=r"has 10,000\.0 MB"):
        await chat.files.upload("a.txt", told, size=10_000_000_000, actor=ANN)
    assert told.taken == 0
    # What it says does not count.
    with pytest.raises(FileTooLarge):
        await chat.files.upload("a.txt", Pieces(b"x" * 1_000), size=3, actor=ANN)
    whole = Pieces(b"x" * 1_000, 1_000)
    found = await chat.files.upload("a.txt", whole, actor=ANN)
    assert found.size == 1_000_000 > IN_MEMORY
    assert (await chat.files.get_unsent(found.id, actor=ANN)).content == b"x" * 1_000_000
    assert await count(chat, Upload) == 1


@pytest.mark.parametrize("name", ["", "..", "a\x07.txt", "gpj\u202eexe.txt", "n" * 201])
async def test_a_bad_name_is_refused_before_anything_is_read(people: People, name: str) -> None:
    chat = await peopled(people)
    content = Pieces(b"x", 1)
    with pytest.raises(InvalidInput):
        await chat.files.upload(name, content, actor=ANN)
    assert content.taken == 0


async def test_an_empty_file_is_refused(people: People) -> None:
    chat = await peopled(people)
    for content in (b"", Pieces(b"x", 0)):
        with pytest.raises(InvalidInput, match="is empty"):
            await chat.files.upload("a.txt", content, actor=ANN)
    assert await count(chat, Upload) == 0


async def test_whoever_uploads_too_often_is_told_to_wait(people: People) -> None:
    chat = await peopled(people, minute_most=1)
    for _ in range(4):
        await upload(chat)
    content = Pieces(b"x", 1)
    with pytest.raises(TooManyTries, match="uploaded 4 files within a minute"):
        await chat.files.upload("a.txt", content, actor=ANN)
    assert content.taken == 0
    await chat.files.upload("b.txt", b"b", actor=BOB)


# Left lying


async def test_what_is_never_sent_is_gone_after_a_day(people: People) -> None:
    clock = Jumping()
    chat = await peopled(people, clock=clock)
    thread = (await chat.create_thread(actor=ANN)).id
    old, sent = await upload(chat), await upload(chat)
    await chat.send_message(thread, "Look", actor=ANN, uploads=[sent])
    keeper = Keeper(chat._database, clock, Keep())
    clock.ahead += DAY - timedelta(minutes=5)
    young = await upload(chat)
    await keeper.sweep()
    assert {one.id for one in await chat.files.unsent(actor=ANN)} == {old, young}
    clock.ahead += timedelta(minutes=10)
    await keeper.sweep()
    assert [one.id for one in await chat.files.unsent(actor=ANN)] == [young]
    assert (await chat.files.get(sent, actor=ANN)).content == b"aaaa"


# Looked at


async def test_the_beginning_of_a_file_is_read_as_models_are_told_it(people: People) -> None:
    chat = await people.shared(CLERK)
    files = [
        NewFile("long.txt", "", "ü".encode() * (MOST_PREVIEW + 5)),
        NewFile("page.html", "", b"<script>alert(1)</script>"),
        NewFile("cat.png", "", PNG),
    ]
    await chat.send_message(THREAD, "Look", actor=ANN, files=files)
    long, page, cat = [one.id for one in (await first_said(chat, THREAD)).files]
    found = await chat.files.preview(long, actor=VERA)
    assert (found.text, found.cut) == ("ü" * MOST_PREVIEW, True)
    found = await chat.files.preview(page, actor=ANN)
    assert (found.text, found.cut) == ("<script>alert(1)</script>", False)
    assert (await chat.files.preview(cat, actor=ANN)).text == ""
    for actor, error in ((SAM, NotFound), (NOBODY, NotAllowed)):
        with pytest.raises(error):
            await chat.files.preview(long, actor=actor)
    with pytest.raises(NotFound):
        await chat.files.preview("0" * 32, actor=ANN)


async def test_agents_say_which_files_their_model_takes_as_they_are(people: People) -> None:
    provider = ScriptedProvider("instant")
    provider.media_types = frozenset({"image/png", "application/pdf"})
    chat = await peopled(people, provider=provider)
    assert chat.agents(actor=ANN)[0].media_types == ("application/pdf", "image/png")
