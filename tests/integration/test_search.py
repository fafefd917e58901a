"""Searching threads by titles and by what is said in them, as a person types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from agentchat import Actor, AgentChat
from agentchat.columns import table_of
from agentchat.errors import InvalidInput, NotAllowed, TooManyTries
from agentchat.models import MemberRole, Message, MessageStatus, Role, Thread
from agentchat.shown.search import SearchView
from agentchat.store.writer import Tx
from tests.integration.people_stage import (
    ADA,
    ANN,
    BOB,
    NOBODY,
    SAM,
    VERA,
    People,
    add_person,
    people_on,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


@pytest.fixture
async def chat(people: People) -> AgentChat:
    chat = await people.open()
    for person in (ANN, BOB, VERA, SAM, ADA):
        await add_person(chat._database, person)
    return chat


class Said:
    """Counts what was said: each message is a minute newer than the one before."""

    def __init__(self) -> None:
        self.number = 0

    async def __call__(
        self,
        chat: AgentChat,
        title: str,
        *texts: str,
        by: Actor = ANN,
        thread: dict[str, Any] | None = None,
        message: dict[str, Any] | None = None,
    ) -> str:
        """A thread of this title with these messages; gives its id."""
        self.number += 1
        thread_id = f"thread-{self.number:04}"
        first = self.number

        def write(tx: Tx) -> None:
            row = {
                "id": thread_id,
                "owner_id": by.id,
                "title": title,
                "length": len(texts),
                "created_at": NOW,
                "updated_at": NOW + timedelta(minutes=first),
            }
            tx.execute(insert(table_of(Thread)), row | (thread or {}))
            for position, text in enumerate(texts):
                tx.execute(
                    insert(table_of(Message)),
                    {
                        "id": f"{thread_id}-{position}",
                        "thread_id": thread_id,
                        "position": position,
                        "role": Role.USER,
                        "status": MessageStatus.DONE,
                        "text": text,
                        "author": by.name,
                        "user_id": by.id,
                        "created_at": NOW + timedelta(minutes=first, seconds=position),
                    }
                    | (message or {}),
                )

        await chat._database.write(write)
        return thread_id


@pytest.fixture
def say() -> Said:
    return Said()


def titles(found: SearchView) -> list[str]:
    return ["".join(piece.text for piece in one.title) for one in found.threads]


def snippets(found: SearchView) -> list[str]:
    """What is shown of messages, with what is marked in brackets."""
    return [
        "".join(f"[{piece.text}]" if piece.marked else piece.text for piece in message.snippet)
        for thread in found.threads
        for message in thread.messages
    ]


async def found(chat: AgentChat, text: str, actor: Actor = ANN) -> list[str]:
    return titles(await chat.search(text, actor=actor))


async def test_titles_come_first_then_what_was_said_last_and_words_are_marked(
    chat: AgentChat, say: Said
) -> None:
    await say(chat, "Old", "An elephant in Lisbon")
    await say(chat, "The Elephant", "Nothing of it")
    await say(chat, "Newer", "Hello", "Elephants never forget")
    view = await chat.search("elephant", actor=ANN)
    assert titles(view) == ["The Elephant", "Newer", "Old"]
    assert snippets(view) == ["[Elephants] never forget", "An [elephant] in Lisbon"]
    assert [piece.text for piece in view.threads[0].title if piece.marked] == ["Elephant"]
    assert view.threads[1].messages[0].id == "thread-0003-1"
    assert view.skip == -1


async def test_all_words_must_be_in_one_message(chat: AgentChat, say: Said) -> None:
    await say(chat, "Both", "The invoice for Lisbon is late")
    await say(chat, "One", "The invoice is late", "Lisbon is far")
    assert await found(chat, "lisbon invoice") == ["Both"]
    assert await found(chat, "lisbon invoice paris") == []


@pytest.mark.parametrize("word", ["happiness", "running", "organization", "boycott", "Lisbon"])
async def test_a_word_is_found_at_each_letter_that_is_typed(
    chat: AgentChat, say: Said, word: str
) -> None:
    await say(chat, "It", f"We speak of {word} here")
    await say(chat, "Other", "Of something else we speak")
    for end in range(2, len(word) + 1):
        assert await found(chat, word[:end]) == ["It"], word[:end]
        assert await found(chat, f"speak {word[:end].upper()}") == ["It"], word[:end]


async def test_other_forms_of_a_word_are_found(chat: AgentChat, say: Said) -> None:
    await say(chat, "It", "She runs every day")
    assert await found(chat, "running") == ["It"]
    assert await found(chat, "running day ") == ["It"]


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("我们来谈谈全文搜索的功能", ["搜索", "全文搜索", "功能", "全文 功能"]),
        ("東京タワーに行きました", ["タワー", "東京", "行きま"]),
        ("서울에서 만나요", ["서울", "만나"]),
        ("สวัสดีชาวโลก", ["ชาวโลก"]),
        ("हिन्दी में लिखा", ["हिन्दी", "हिन्"]),
        ("Привет, большой мир", ["привет", "БОЛЬШОЙ", "больш"]),
        ("Καλημέρα κόσμε", ["κόσμε", "ΚΌΣΜΕ"]),
        ("Ärger in München", ["münchen", "MÜNCH", "ärger"]),
        ("مرحبا بالعالم", ["بالعالم", "مرحبا"]),
        ("Written in C++ and 🎉", ["c++", "🎉", "C++ written"]),
        ("See ORD-4471/b and foo_bar", ["ord-4471", "ORD-44", "4471/b", "foo_ba"]),
    ],
)
async def test_every_script_is_found(
    chat: AgentChat, say: Said, text: str, queries: Sequence[str]
) -> None:
    await say(chat, "It", text)
    await say(chat, "Other", "Something else 其他")
    for query in queries:
        assert await found(chat, query) == ["It"], query
        assert "[" in snippets(await chat.search(query, actor=ANN))[0], query


async def test_titles_are_found_in_every_script_without_accents_and_in_their_middle(
    chat: AgentChat, say: Said
) -> None:
    await say(chat, "Überblick München")
    await say(chat, "关于全文搜索")
    assert await found(chat, "munch") == ["Überblick München"]
    assert await found(chat, "blick") == ["Überblick München"]
    assert await found(chat, "搜索") == ["关于全文搜索"]


@pytest.mark.parametrize(
    "query",
    [
        *('"', "a OR b", "text : *", "NEAR(a b)", "' OR 1=1 --", "a:b & !c | <-> ()", "\\", "%"),
        *("place : t00", "messages_search", "😀", "_", "a" * 200, "x\x00y", "AND", "NOT", "*"),
        *(
            "%%%%",
            "&&",
            "(a+)+$",
            ".*",
            "[a-z]*",
            ("x " * 100),
            ("{}" * 100),
            "'x':* | !y",
        ),
        *("{a b}", "^a", "+", "-a", "__", "''", "it's:*", "\ud800", "l_s", "- & |"),
    ],
)
async def test_a_query_is_only_words(chat: AgentChat, say: Said, query: str) -> None:
    await say(chat, "Plain", "less to see")
    assert await found(chat, query) == []


async def test_quotes_and_signs_around_words_find_the_words(chat: AgentChat, say: Said) -> None:
    await say(chat, "Plain", "There is nothing to see")
    for query in ('"nothing"', "(nothing)", "nothing*", "see!", "nothing & see", "- see"):
        assert await found(chat, query) == ["Plain"], query


async def test_one_letter_looks_at_titles_only(chat: AgentChat, say: Said) -> None:
    await say(chat, "Zebra", "x")
    await say(chat, "Other", "zebra")
    assert await found(chat, "z") == ["Zebra"]


async def test_nothing_finds_the_threads_that_were_used_last(chat: AgentChat, say: Said) -> None:
    for number in range(5):
        await say(chat, f"Thread {number}", "x")
    await say(chat, "")
    view = await chat.search("", actor=ANN, limit=3)
    assert titles(view) == ["Thread 4", "Thread 3", "Thread 2"]
    assert [one.messages for one in view.threads] == [(), (), ()]
    assert titles(await chat.search("  ", actor=ANN, skip=view.skip, limit=3)) == [
        "Thread 1",
        "Thread 0",
    ]


async def test_pages_hold_each_thread_once_and_end(chat: AgentChat, say: Said) -> None:
    for number in range(7):
        title = "An okapi" if number % 3 == 0 else "Else"
        await say(chat, f"{title} {number}", *[f"The okapi {number}"] * 4)
    seen: list[str] = []
    skip = 0
    while skip != -1:
        view = await chat.search("okapi", actor=ANN, skip=skip, limit=2)
        assert len(view.threads) <= 2
        seen += titles(view)
        skip = view.skip
    assert seen == [*(f"An okapi {n}" for n in (6, 3, 0)), *(f"Else {n}" for n in (5, 4, 2, 1))]


async def test_of_a_thread_the_newest_three_are_shown_and_that_there_are_more(
    chat: AgentChat, say: Said
) -> None:
    await say(chat, "Many", *(f"Tapir number {number}" for number in range(5)))
    await say(chat, "Few", *(f"Tapir number {number}" for number in range(3)))
    few, many = (await chat.search("tapir", actor=ANN)).threads
    assert [one.id for one in many.messages] == [f"thread-0001-{n}" for n in (4, 3, 2)]
    assert (few.more, many.more) == (False, True)


async def test_a_thread_found_by_its_title_also_shows_where_it_was_said(
    chat: AgentChat, say: Said
) -> None:
    await say(chat, "About tapirs", "What of a tapir?", "It is shy")
    [thread] = (await chat.search("tapir", actor=ANN)).threads
    assert [one.id for one in thread.messages] == ["thread-0001-0"]


async def test_the_snippet_of_a_long_message_is_around_the_words(
    chat: AgentChat, say: Said
) -> None:
    await say(chat, "Long", "lorem ipsum " * 4_000 + "the *okapi* ran\n\n\naway " + "dolor " * 900)
    [text] = snippets(await chat.search("okapi", actor=ANN))
    assert "the *[okapi]* ran away dolor" in text
    assert text.startswith("…")
    assert text.endswith("…")
    assert len(text) < 200


async def test_what_nobody_is_shown_is_not_found(chat: AgentChat, say: Said) -> None:
    await say(chat, "Deleted quagga", "quagga", thread={"deleted_at": NOW})
    await say(chat, "Hidden", "quagga", message={"hidden": True})
    await say(chat, "Work of a quagga", "quagga", thread={"parent_id": "thread-0001"})
    await say(chat, "Shown", "quagga")
    assert await found(chat, "quagga") == ["Shown"]
    assert await found(chat, "quagg") == ["Shown"]
    assert await found(chat, "") == ["Shown", "Hidden"]


async def test_what_one_has_archived_is_found_and_says_so_to_them_alone(
    chat: AgentChat, say: Said
) -> None:
    thread = await say(chat, "Put away", "quagga")
    await chat.sharing.add(thread, "bob", MemberRole.MEMBER, actor=ANN)
    await chat.archive_thread(thread, actor=ANN)
    for actor, archived in ((ANN, True), (BOB, False)):
        for text in ("quagga", "put away", ""):
            [one] = (await chat.search(text, actor=actor)).threads
            assert one.archived == archived, (actor, text)


async def test_everybody_finds_what_they_may_read_and_nothing_else(
    chat: AgentChat, say: Said
) -> None:
    for text in ("about quaggas", "关于斑驴"):
        thread = await say(chat, f"Thread {text}", text)
        await chat.sharing.add(thread, "bob", MemberRole.MEMBER, actor=ANN)
        await chat.sharing.add(thread, "vera", MemberRole.VIEWER, actor=ANN)
        title = [f"Thread {text}"]
        for query in (text, text.split()[-1], f"Thread {text}"):
            for actor, expected in (
                (ANN, title),
                (BOB, title),
                (VERA, title),
                (SAM, []),
                (ADA, []),
            ):
                assert await found(chat, query, actor) == expected, (query, actor)
        await chat.sharing.remove(thread, VERA.id, actor=ANN)
        assert await found(chat, text, VERA) == []
    with pytest.raises(NotAllowed):
        await chat.search("quagga", actor=NOBODY)


async def test_without_accounts_everybody_finds_everything(people: People, say: Said) -> None:
    chat = await people.open(auth="open")
    await say(chat, "Ann's", "quagga", by=ANN)
    await say(chat, "Bob's", "quagga", by=BOB)
    assert await found(chat, "quagga", SAM) == ["Bob's", "Ann's"]


async def test_what_was_changed_is_found_as_it_is_now(chat: AgentChat, say: Said) -> None:
    thread = await say(chat, "Growing", "", message={"status": MessageStatus.RUNNING})
    message = table_of(Message)

    def finish(tx: Tx) -> None:
        tx.execute(update(message).values(text="A quagga", status=MessageStatus.DONE))

    assert await found(chat, "quagga") == []
    await chat._database.write(finish)
    assert await found(chat, "quagga") == ["Growing"]
    await chat.delete_thread(thread, actor=ANN)
    assert await found(chat, "quagga") == []


async def test_a_person_may_search_as_fast_as_they_type_but_not_faster(
    people: People, say: Said
) -> None:
    chat = await people.open(minute_most=2)
    await add_person(chat._database, ANN)
    for _ in range(20):
        await chat.search("x", actor=ANN)
    with pytest.raises(TooManyTries, match="searched 20 times"):
        await chat.search("x", actor=ANN)
    await chat.search("x", actor=BOB)


@pytest.mark.parametrize("text", ["a" * 201, None, 5])
async def test_what_is_no_query_is_refused(chat: AgentChat, text: Any) -> None:
    with pytest.raises(InvalidInput, match="200 characters"):
        await chat.search(text, actor=ANN)


async def test_an_answer_that_is_not_kept_is_not_found(people: People) -> None:
    chat = await people.open(replies=["A giraffe.", "A zebra."])
    await add_person(chat._database, ANN)
    thread = await chat.create_thread("Animals", actor=ANN)
    await chat.send_message(thread.id, "Name one", actor=ANN)
    view = await _still(chat, thread.id)
    other = await chat.regenerate(view.messages[-1].id, actor=ANN)
    await _still(chat, thread.id)
    assert await found(chat, "giraffe") == ["Animals"]
    assert await found(chat, "zebra") == []
    await chat.keep(other, actor=ANN)
    assert await found(chat, "giraffe") == []
    assert await found(chat, "zebra") == ["Animals"]


async def _still(chat: AgentChat, thread_id: str) -> Any:
    async for view in chat.follow(thread_id, actor=ANN):
        if (
            view.settled
            and not view.live
            and not any(one.status in ("pending", "running") for one in view.others)
        ):
            return view
