"""Migrations: what an older version wrote is there afterwards, or nothing has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from agentchat.store import schema
from agentchat.store.database import connect
from alembic import command
from tests.conftest import fresh_postgres

AT = "2026-01-01 12:00:00.000000+00:00"
ROWS: dict[str, dict[str, Any]] = {
    "models": {"label": "M", "embedded": True, "state": "ready", "detail": "", "updated_at": AT},
    "threads": {"owner_id": "o", "title": "Plans", "length": 2, "created_at": AT, "updated_at": AT},
    "workflows": {
        "workflow": "reply",
        "status": "waiting",
        "step": "ask",
        "data": '{"a": 1}',
        "result": "5",
        "key": "of-thread",
        "attempt": 3,
        "crashes": 1,
        "tries": 0,
        "max_tries": 0,
        "input_tokens": 7,
        "output_tokens": 8,
        "tokens_estimated": False,
        "created_at": AT,
        "due_at": AT,
    },
    "messages": {
        "thread_id": 1,
        "position": 1,
        "role": "assistant",
        "status": "pending",
        "text": "",
        "author": "Ann",
        "model": "m",
        "run_id": 1,
        "created_at": AT,
    },
    "steps": {
        "run_id": 1,
        "name": "ask",
        "occurrence": 0,
        "status": "done",
        "args_hash": "h",
        "result": '{"b": [2]}',
        "attempt": 1,
        "tries": 2,
        "worker": "w",
        "started_at": AT,
    },
    "events": {
        "run_id": 1,
        "name": "e",
        "key": "k",
        "payload": "0.1",
        "sent_by": "Ann",
        "created_at": AT,
    },
    "deltas": {
        "message_id": 1,
        "thread_id": 1,
        "attempt": 1,
        "tries": 1,
        "text": "Hel",
        "created_at": AT,
    },
}
"""A row for every table of revision 0001, ids left out; a number is the id of another row."""
VALUES = ("result", "payload")
REFERENCES = ("thread_id", "run_id", "message_id")
COUNT = 3

Held = dict[str, list[dict[str, Any]]]


def on(url: str, work: Callable[[Connection], Any]) -> Any:
    """What ``work`` returns, done on a connection as the app makes them."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            value = work(connection)
            connection.commit()
            return value
    finally:
        engine.dispose()


def run(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


def move(url: str, how: Callable[[Config, str], None], to: str) -> None:
    """Bring the schema to a revision; ``how`` is an Alembic command."""

    def work(connection: Connection) -> None:
        config = schema._config()
        config.attributes["connection"] = connection
        how(config, to)

    on(url, work)


def _revision(connection: Connection) -> str | None:
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def revision(url: str) -> str | None:
    found: str | None = on(url, _revision)
    return found


def fill(url: str) -> None:
    def work(connection: Connection) -> None:
        serial = {"steps", "events", "deltas"}
        for table, values in ROWS.items():
            for number in range(1, COUNT + 1):
                row = {
                    name: f"id-{number}" if name in REFERENCES else value
                    for name, value in values.items()
                }
                row["id"] = number if table in serial else f"id-{number}"
                names = ", ".join(row)
                marks = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)

    on(url, work)


def rows(url: str) -> Held:
    """All rows of the tables that revision 0001 has, by the columns that they have now."""

    def work(connection: Connection) -> Held:
        known = MetaData()
        known.reflect(connection, only=list(ROWS))
        return {
            name: [
                {column: _value(column, value) for column, value in row.items()}
                for row in connection.execute(
                    known.tables[name].select().order_by(known.tables[name].c.id)
                ).mappings()
            ]
            for name in ROWS
        }

    found: Held = on(url, work)
    return found


def _value(column: str, value: Any) -> Any:
    """Since revision 0003 SQLite keeps these as text."""
    return json.loads(value) if column in VALUES and isinstance(value, str) else value


def as_before(before: Held, after: Held) -> Held:
    """What ``after`` holds in the columns of ``before``."""
    return {
        name: [{column: row[column] for column in before[name][0]} for row in found]
        for name, found in after.items()
    }


def foreign_keys(url: str) -> set[tuple[str, str]]:
    """Which table points at which. Every row's other half is there, or this raises."""

    def work(connection: Connection) -> set[tuple[str, str]]:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        found = inspect(connection)
        return {
            (table, key["referred_table"])
            for table in found.get_table_names()
            for key in found.get_foreign_keys(table)
        }

    held: set[tuple[str, str]] = on(url, work)
    return held


def everything(url: str) -> list[Any]:
    """The schema of an SQLite file, to the letter."""
    return list(
        on(url, lambda c: c.exec_driver_sql("SELECT * FROM sqlite_master ORDER BY name").all())
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def first_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind at revision 0001, with rows in every table."""
    url = (
        f"sqlite:///{tmp_path / 'agentchat.db'}"
        if request.param == "sqlite"
        else fresh_postgres(request.getfixturevalue("postgres"))
    )
    move(url, command.upgrade, "0001")
    fill(url)
    return url


FIRST_KEYS = {
    ("messages", "threads"),
    ("steps", "workflows"),
    ("events", "workflows"),
    ("deltas", "messages"),
}
NEW_KEYS = {
    ("attempts", "workflows"),
    ("logs", "workflows"),
    ("firings", "schedules"),
    ("parts", "messages"),
    ("asks", "messages"),
    ("attachments", "messages"),
    ("logins", "users"),
    ("invitations", "users"),
    ("thread_members", "threads"),
    ("share_links", "threads"),
    ("presences", "threads"),
    ("thread_marks", "threads"),
    ("branches", "threads"),
    ("ratings", "messages"),
    ("returned", "threads"),
}


def test_an_older_database_is_brought_up_to_date_without_losing_a_row(first_url: str) -> None:
    before = rows(first_url)
    assert {name: len(found) for name, found in before.items()} == dict.fromkeys(ROWS, COUNT)
    assert revision(first_url) == "0001"
    schema.upgrade(first_url)
    assert revision(first_url) != "0001"
    after = rows(first_url)
    assert as_before(before, after) == before
    assert foreign_keys(first_url) == FIRST_KEYS | NEW_KEYS
    # What is new is filled as the code means it.
    assert {(run["awaited"], run["priority"], run["version"]) for run in after["workflows"]} == {
        (False, 0, "")
    }
    assert {(step["kind"], step["branch"]) for step in after["steps"]} == {("step", "")}
    assert {(one["second_message"], one["agent"]) for one in after["threads"]} == {("queue", "")}


def test_an_upgraded_database_still_refuses_rows_that_point_nowhere(first_url: str) -> None:
    schema.upgrade(first_url)
    for statement in (
        "UPDATE steps SET run_id = 'x' WHERE id = 1",
        "UPDATE events SET run_id = 'x' WHERE id = 1",
        "UPDATE messages SET thread_id = 'x' WHERE id = 'id-1'",
        "DELETE FROM workflows",
    ):
        with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
            on(first_url, partial(run, statement=statement))


def test_going_back_to_the_first_schema_and_up_again_keeps_the_rows(first_url: str) -> None:
    before = rows(first_url)
    schema.upgrade(first_url)
    move(first_url, command.downgrade, "0001")
    assert revision(first_url) == "0001"
    assert rows(first_url) == before
    assert foreign_keys(first_url) == FIRST_KEYS
    schema.upgrade(first_url)
    assert as_before(before, rows(first_url)) == before
    assert foreign_keys(first_url) == FIRST_KEYS | NEW_KEYS


@pytest.mark.parametrize("conflict", ["processes", "logs"])
def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(
    first_url: str, conflict: str
) -> None:
    on(first_url, partial(run, statement=f"CREATE TABLE {conflict} (x INTEGER)"))
    sqlite = first_url.startswith("sqlite")
    before, held = everything(first_url) if sqlite else [], rows(first_url)
    with pytest.raises(Exception, match="already exists"):
        schema.upgrade(first_url)
    assert revision(first_url) == "0001"
    assert rows(first_url) == held
    assert (everything(first_url) if sqlite else []) == before
    on(first_url, partial(run, statement=f"DROP TABLE {conflict}"))
    schema.upgrade(first_url)
    assert as_before(held, rows(first_url)) == held


def test_a_migration_that_fails_on_its_last_copy_of_a_table_leaves_the_rows(
    first_url: str,
) -> None:
    # An index of this name is made near the end, when steps has been copied already.
    on(first_url, partial(run, statement="CREATE INDEX ix_workflows_started ON threads (id)"))
    held = rows(first_url)
    with pytest.raises(Exception, match="already exists"):
        schema.upgrade(first_url)
    assert revision(first_url) == "0001"
    assert rows(first_url) == held
    assert foreign_keys(first_url) == FIRST_KEYS
    on(first_url, partial(run, statement="DROP INDEX ix_workflows_started"))
    schema.upgrade(first_url)
    assert as_before(held, rows(first_url)) == held
