# ruff: noqa: RUF001
"""Both databases find the same, and what plain Python finds: any script, accents, case, signs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, MessageStatus, Role, Thread
from agentchat.shown.search import SearchView
from agentchat.store import message_index, message_words, words
from agentchat.store.asked import asked_of
from agentchat.store.database import Database
from agentchat.store.message_words import Found, Where
from agentchat.store.thread_words import Hits
from agentchat.verbs import searching
from tests.conftest import _copied, fresh_postgres

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VOCABULARY = (
    *(
        "café",
        "CAFÉ",
        "cafe\u0301",
        "Cafe",
        "cafés",
        "naïve",
        "Ärger",
        "München",
        "Straße",
        "STRASSE",
    ),
    *("Łódź", "lodz", "Ærø", "İstanbul", "ISTANBUL", "ﬁne", "fine", "Ｆｕｌｌ", "full", "①", "x²"),
    *("the", "to", "be", "or", "not", "running", "runs", "run", "invoices", "invoice", "C++", "c#"),
    *("ORD-4471", "ord", "4471", "foo_bar", "don't", "e.g.", "a", "b", "50%", "%%%%", "€20", "->"),
    *(
        "搜索",
        "全文搜索的功能",
        "索",
        "東京タワー",
        "ガ",
        "ｶﾞ",
        "カ\u3099",
        "バス",
        "ハス",
        "iPhone手机",
    ),
    *("서울에서", "서울", "한국", "한계", "สวัสดีชาวโลก", "ชาว", "ខ្មែរ", "မြန်မာ", "བོད་ཡིག"),
    *("हिन्दी", "हिन्", "বাংলা", "தமிழ்", "مرحبا", "مُحَمَّد", "محمد", "שָׁלוֹם", "שלום", "می\u200cخواهم"),
    *("Привет", "ПРИВЕТ", "ёлка", "елка", "κόσμος", "ΚΌΣΜΟΣ", "Հայ", "ქართული", "ᎣᏏᏲ", "𐐔𐐯"),
    *(
        "🎉",
        "👩‍👩‍👧",
        "👧",
        "👍🏽",
        "❤️",
        "ok🎉",
        "\u202eabc\u202c",
        "\u00ad",
        "\u200b",
        "co\u00adop",
    ),
)
BETWEEN = (
    " ",
    "  ",
    "\n",
    ", ",
    ". ",
    "-",
    "_",
    "/",
    "",
    '"',
    "'",
    "(",
    "、",
    "。",
    "\u3000",
    "،",
    "*",
)
SIGNS = st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\x00")
"""Assigned in the Unicode of this Python: of what is newer, the two need not know the same."""
WRITTEN = st.one_of(
    st.lists(
        st.tuples(st.sampled_from(VOCABULARY), st.sampled_from(BETWEEN)), min_size=1, max_size=8
    ).map(lambda some: "".join(map("".join, some))),
    st.text(SIGNS, min_size=1, max_size=30),
)


@pytest.fixture(scope="module")
def both(
    sqlite_template: Path, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, Database]]:
    """The same messages can be written to both."""
    file = _copied(sqlite_template, tmp_path_factory.mktemp("agrees"))
    found = Database(file), Database(fresh_postgres(postgres, template="migrated"))
    yield found
    for one in found:
        one._threads.shutdown()
        one._reading.dispose()
        one._writing.dispose()


def write(database: Database, texts: list[str]) -> None:
    """A thread for each text, the later the newer; two share a moment."""
    with database._writing.connect() as connection:
        connection.execute(delete(table_of(Message)))
        connection.execute(delete(table_of(Thread)))
        for number in sorted(range(len(texts)), key=lambda number: number ^ 1):
            said = texts[number]
            at = NOW + timedelta(milliseconds=number // 2)
            connection.execute(insert(table_of(Thread)), thread(number, at))
            connection.execute(insert(table_of(Message)), message(number, said, at))
        connection.commit()


def thread(number: int, at: datetime) -> dict[str, Any]:
    values = {"owner_id": "ann", "title": "", "length": 1, "created_at": at, "updated_at": at}
    return {"id": f"t{number}"} | values


def message(number: int, said: str, at: datetime) -> dict[str, Any]:
    return {
        "id": f"m{number}",
        "thread_id": f"t{number}",
        "position": 0,
        "role": Role.USER,
        "status": MessageStatus.DONE,
        "text": said,
        "author": "Ann",
        "user_id": "ann",
        "created_at": at,
    }


def ids(session: Session, queries: Sequence[str], within: Sequence[str]) -> list[list[str]]:
    """Of each query the messages that it finds."""
    return [
        [one for one, _ in Hits(session, asked, "ann", most=100, within=within)] if asked else []
        for asked in map(asked_of, queries)
    ]


def shown(session: Session, queries: Sequence[str]) -> list[tuple[SearchView, list[Found]]]:
    """What a person is shown, and what a model is told."""
    return [
        (
            searching.found(session, query, "ann", 0, 50),
            message_words.search(session, query, Where("ann"), limit=50),
        )
        for query in queries
    ]


def found(database: Database, *queries: str, within: Sequence[str] = ()) -> list[list[str]]:
    return database._read_now(partial(ids, queries=queries, within=within), None)


def plain(texts: list[str], query: str) -> list[str]:
    """What ought to be found: each text is gone through, without any index."""
    asked = asked_of(query)
    said = [
        (number // 2, f"m{number}")
        for number, one in enumerate(texts)
        if asked and asked.is_in(one)
    ]
    return [one for _, one in sorted(said, reverse=True)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WRITTEN, min_size=1, max_size=6), st.lists(WRITTEN, min_size=1, max_size=4))
@example(["to be or not to be, that is the question"], ["to be or not to be", "the ", "that"])
def test_both_databases_find_what_is_in_the_texts(
    both: tuple[Database, Database], texts: list[str], some: list[str]
) -> None:
    for database in both:
        write(database, texts)
    # What was said is asked for too, whole and as it is typed.
    typed = [one[: len(one) // 2 + 1] for one in texts]
    queries = [query[:200] for query in [*some, *texts, *typed]]
    expected = [plain(texts, query) for query in queries]
    assert [found(one, *queries) for one in both] == [expected, expected]
    sqlite, postgresql = (one._read_now(partial(shown, queries=queries[:5]), None) for one in both)
    assert sqlite == postgresql


def test_each_word_of_many_scripts_finds_the_same(both: tuple[Database, Database]) -> None:
    for database in both:
        write(database, list(VOCABULARY))
    queries = [*VOCABULARY, *(f"{one} " for one in VOCABULARY), *(one[:2] for one in VOCABULARY)]
    expected = [plain(list(VOCABULARY), query) for query in queries]
    assert [found(one, *queries) for one in both] == [expected, expected]
    # Except for what is only marks, or only signs between words.
    assert sum(not one for one in expected[: len(VOCABULARY)]) < 10


def test_few_and_many_messages_are_found_alike(
    both: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The databases are asked in other ways where there are many, or where one may read but a few.
    texts = [*VOCABULARY, *VOCABULARY]
    queries = [*VOCABULARY, *(one[:2] for one in VOCABULARY)]
    for database in both:
        write(database, texts)
    some = tuple(f"t{number}" for number in range(0, len(texts), 3))
    expected = [plain(texts, query) for query in queries]
    fewer = [[one for one in found if int(one[1:]) % 3 == 0] for found in expected]
    for few in (message_index.FEW, -1):
        monkeypatch.setattr(message_index, "FEW", few)
        assert [found(one, *queries) for one in both] == [expected, expected]
        assert [found(one, *queries, within=some) for one in both] == [fewer, fewer]


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Un café à Łódź", ("cafe", "CAFÉ", "lodz", "cafe\u0301", "a cafe", "caf")),
        ("To be, or not to be", ("to be or not to be", "be ", "not to")),
        ("Straße und Ærø", ("strasse", "STRASSE ", "aero", "straß")),
        ("我们来谈谈全文搜索的功能", ("搜", "搜索", "全文搜索", "文搜索的")),
        ("مُحَمَّد يكتب", ("محمد", "مُحَمَّد", "يكت")),
        ("שָׁלוֹם עולם", ("שלום", "עולם שלום")),
        ("می\u200cخواهم", ("میخواهم", "می\u200cخواهم")),
        ("Ёлка и КОСМОС", ("елка", "ёлка", "космос", "косм")),
        ("Party 👩‍👩‍👧🎉 for €20", ("🎉", "👧", "👩‍👩‍👧", "€20", "€")),
        ("ﬁne Ｆｕｌｌ width", ("fine", "full", "ｆｉｎｅ")),
        ("She runs, they stopped", ("running", "run ", "stop", "stopping she")),
        ("ORD-4471/b in C++ or c#", ("ord-4471", "ORD 4471", "4471/b", "c++", "C#", "ORD-44")),
    ],
)
def test_people_find_it_however_they_write_it(
    both: tuple[Database, Database], text: str, queries: tuple[str, ...]
) -> None:
    for database in both:
        write(database, [text, "Something else 其他"])
        for query in queries:
            assert found(database, query) == [["m0"]], query
            [[view, told]] = database._read_now(partial(shown, queries=[query]), None)
            [[hit]] = [one.messages for one in view.threads]
            assert any(piece.marked for piece in hit.snippet), query
            assert "".join(piece.text for piece in hit.snippet) == text, query
            assert [one.id for one in told] in (["m0"], []), query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("한계", "한국"),
        ("ハス", "バス"),
        ("全索 搜文", "搜索"),
        ("4471 ord", "ord-4471"),
        ("c + + and c+", "c++"),
        ("a word", "words that are not there"),
        ("seed", "see "),
        ("us", "uses"),
    ],
)
def test_what_only_looks_alike_is_not_found(
    both: tuple[Database, Database], text: str, query: str
) -> None:
    for database in both:
        write(database, [text])
        assert found(database, query) == [[]]


def test_the_indexes_hold_the_same_words_for_every_character(
    both: tuple[Database, Database], postgres: str
) -> None:
    signs = [
        chr(code)
        for code in range(1, 0x30000)
        if unicodedata.category(chr(code)) not in ("Cs", "Cn")
    ]
    query = text(
        "SELECT tsvector_to_array(messages_search_words(said))"
        " FROM unnest(CAST(:some AS text[])) AS said"
    )
    with both[1]._writing.connect() as connection:
        for start in range(0, len(signs), 5_000):
            some = [f"aé{sign}B{sign}" for sign in signs[start : start + 5_000]]
            rows = connection.execute(query, {"some": some}).scalars()
            for said, held in zip(some, rows, strict=True):
                assert set(held) == set(words.keys(said).split(" ")), ascii(said)


@settings(max_examples=300, deadline=None)
@given(WRITTEN)
def test_folded_texts_keep_their_places(said: str) -> None:
    folded, places = words.places(said)
    assert folded == words.spaced(words.folded(said))
    assert len(places) == len(folded)
    assert places == sorted(places)
    assert words.folded(words.folded(said)) == words.folded(said)


def test_very_long_words_and_texts_are_written_and_found(both: tuple[Database, Database]) -> None:
    long = "x" * 5_000
    texts = [long, "𠀀𠀁" * 60_000, "ﷺ" * 100_000, "é" * 200_000 + " needle", "\n".join("ab" * 9)]
    for database in both:
        write(database, texts)
        assert found(database, long[:150], "𠀁𠀀", "needle") == [["m0"], ["m1"], []]


def test_the_newest_of_very_many_come_first(both: tuple[Database, Database]) -> None:
    texts = [f"okapi {number}" for number in range(300)]
    for database in both:
        write(database, texts)
        assert found(database, "okapi") == [plain(texts, "okapi")[:100]]


def test_the_function_of_postgresql_needs_no_search_path(postgres: str) -> None:
    # As a dump is restored.
    url = fresh_postgres(postgres, template="migrated")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("SET search_path TO ''")
        row = connection.execute("SELECT public.messages_search_words('Ça VA')").fetchone()
    assert row == ("'ca' 'va'",)
