"""How much a search looks at, on both databases, and that it says where it stopped."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, Thread
from agentchat.store import thread_words
from agentchat.store.asked import asked_of
from agentchat.store.database import Database
from agentchat.store.thread_words import Hits
from agentchat.verbs import searching
from tests.integration.test_search_agrees import NOW, both, message, thread, write

__all__ = ["both"]


def test_the_last_page_says_when_older_ones_were_not_looked_at(
    both: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(session: Session, query: str) -> tuple[list[str], int, bool]:
        view = searching.found(session, query, "ann", 0, 20)
        return [one.id for one in view.threads], view.skip, view.cut

    monkeypatch.setattr(searching, "_LOOKED_AT", 3)
    for database in both:
        write(database, ["A tapir"])
        several(database, 4, "ann", "A tapir")
        for query, expected in (("tapir", (["t1000"], -1, True)), ("quagga", ([], -1, False))):
            assert database._read_now(partial(page, query=query), None) == expected
        # Of three threads or more, not all titles are looked at.
        write(database, ["A tapir"] * 3)
        assert database._read_now(partial(page, query="quagga"), None) == ([], -1, True)
        assert not database._read_now(partial(page, query=""), None)[2]


def test_it_says_whether_older_messages_were_not_looked_at(
    both: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(session: Session, query: str, most: int) -> tuple[int, bool]:
        hits = Hits(session, asked_of(query), "ann", most=most)
        return len(list(hits)), hits.cut

    for database in both:
        write(database, ["全文 文搜 搜索"] * 300 + ["全文搜索"])
        for query, most, expected in (
            ("文搜", 400, (301, False)),
            ("文搜", 10, (10, True)),
            ("全文搜索", 400, (1, False)),
            ("全文搜索", 10, (1, True)),
        ):
            assert database._read_now(partial(cut, query=query, most=most), None) == expected
        with monkeypatch.context() as patch:
            patch.setattr(thread_words, "MOST_READ", 1_000)
            read = partial(cut, query="全文搜索", most=400)
            assert database._read_now(read, None) == (1, True)


def test_what_others_write_is_no_work_for_those_who_may_not_read_it(
    both: tuple[Database, Database],
) -> None:
    for database in both:
        work = []
        for others in (100, 3_000):
            write(database, ["An okapi"] * 20)
            several(database, others, "bob", "An okapi")
            work.append(work_of(database))
        # To look at theirs is a row or two of these steps for each.
        assert work[1] < work[0] + 1_450, work


def several(database: Database, number: int, owner: str, said: str) -> None:
    """So many messages in a thread of somebody, newer than all others."""
    at = NOW + timedelta(days=1)
    row = thread(1_000, at) | {"owner_id": owner}
    rows = [
        message(place, said, at + timedelta(milliseconds=place))
        | {"thread_id": row["id"], "position": place, "user_id": owner}
        for place in range(1_000, 1_000 + number)
    ]
    with database._writing.connect() as connection:
        connection.execute(insert(table_of(Thread)), row)
        connection.execute(insert(table_of(Message)), rows)
        if connection.dialect.name == "postgresql":
            # As its autovacuum does within a minute.
            connection.execute(text("ANALYZE"))
        connection.commit()


def work_of(database: Database) -> int:
    """How much the database does for a search: rows of messages on PostgreSQL, steps on SQLite."""

    def work(session: Session) -> int:
        connection, steps = session.connection(), count(1)
        raw: Any = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite":
            raw.set_progress_handler(lambda: next(steps) and None, 10)
        view = searching.found(session, "okapi", "ann", 0, 20)
        assert [one.id for one in view.threads] == [f"t{number}" for number in range(19, -1, -1)]
        if connection.dialect.name == "sqlite":
            raw.set_progress_handler(None, 0)
            return next(steps)
        query = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
        return int(session.scalar(text(f"{query} WHERE relname = 'messages'")) or 0)

    return database._read_now(work, None)
