"""What a statement reads and changes, and when the two touch."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import (
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    join,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import aliased, defer
from sqlmodel import col

from agentchat.models import Delta, Message, Run, RunStatus, Thread
from agentchat.store import changes
from agentchat.store.changes import (
    EVERYTHING,
    NOBODY,
    Rows,
    changed_by,
    rows,
    tables_changed,
)


def read_by(statement: Any, params: dict[str, Any] | None = None) -> tuple[Rows, ...]:
    compiled = statement.compile(dialect=sqlite.dialect())
    return changes.read_by(compiled, compiled.construct_params(params))


def in_thread(thread_id: str) -> Any:
    return select(Message).where(col(Message.thread_id) == thread_id)


def wakes(change: Any, read: Any, *params: dict[str, Any]) -> bool:
    changed = changed_by(change, params)
    return any(c.touches(r) for c in changed for r in read_by(read))


def test_a_new_row_wakes_the_readers_of_its_thread_and_nobody_else() -> None:
    new = insert(Message)
    assert wakes(new, in_thread("a"), {"id": "m", "thread_id": "a"})
    assert not wakes(new, in_thread("b"), {"id": "m", "thread_id": "a"})
    assert not wakes(new, select(Thread), {"id": "m", "thread_id": "a"})


def test_values_in_the_statement_count_like_parameters() -> None:
    new = insert(Message).values(id="m", thread_id="a")
    assert wakes(new, in_thread("a"))
    assert not wakes(new, in_thread("b"))


def test_a_row_that_moves_wakes_where_it_was_and_where_it_goes() -> None:
    move = update(Message).where(col(Message.thread_id) == "a").values(thread_id="b")
    assert wakes(move, in_thread("a"))
    assert wakes(move, in_thread("b"))


def test_an_update_by_id_may_be_in_any_thread() -> None:
    assert wakes(update(Message).where(col(Message.id) == "m").values(text="x"), in_thread("a"))


def test_a_bound_parameter_is_read_from_the_parameters() -> None:
    change = update(Message).where(col(Message.thread_id) == bindparam("t")).values(text="x")
    assert wakes(change, in_thread("a"), {"t": "a"})
    assert not wakes(change, in_thread("b"), {"t": "a"})


def test_an_update_by_parameters_forgets_the_columns_it_sets() -> None:
    change = update(Message).where(col(Message.thread_id) == "a")
    assert wakes(change, in_thread("b"), {"thread_id": "b"})


@pytest.mark.parametrize(
    "statement",
    [
        select(Message).where((col(Message.thread_id) == "a") | (col(Message.id) == "m")),
        select(Message).where(col(Message.thread_id) != "a"),
        select(Message).where(col(Message.thread_id).in_(["a"])),
        select(Message).where(~(col(Message.thread_id) == "a")),
        select(func.count()).select_from(Message),
    ],
)
def test_a_condition_that_is_not_a_plain_equality_does_not_narrow(statement: Any) -> None:
    assert read_by(statement) == (Rows("messages"),)


def test_a_join_narrows_each_table_by_its_own_conditions() -> None:
    statement = (
        select(Message, Run)
        .join(Run, col(Run.id) == col(Message.run_id))
        .where(col(Message.thread_id) == "a", col(Run.status) == "queued")
    )
    assert set(read_by(statement)) == {
        rows("messages", {"thread_id": "a"}),
        rows("workflows", {"status": "queued"}),
    }


def test_a_table_used_twice_is_read_whole() -> None:
    other = aliased(Message)
    statement = (
        select(Message)
        .join(other, col(other.position) == col(Message.position))
        .where(col(Message.thread_id) == "a")
    )
    assert read_by(statement) == (Rows("messages"),)


def test_a_subquery_is_read_too() -> None:
    inner = select(col(Delta.message_id)).where(col(Delta.thread_id) == "a")
    statement = select(Message).where(col(Message.id).in_(inner))
    assert {read.table for read in read_by(statement)} == {"messages", "deltas"}


@pytest.mark.parametrize(
    "statement",
    [
        select(Message).where(text("thread_id IN (SELECT id FROM threads)")),
        select(Message, literal_column("(SELECT max(id) FROM deltas)")),
        select(Message).from_statement(text("SELECT * FROM messages")),
        select(table("messages", column("id"))),
    ],
)
def test_text_inside_a_query_may_read_anything(statement: Any) -> None:
    assert read_by(statement) == (Rows(EVERYTHING),)


def test_options_of_the_orm_are_read_when_they_are_compiled() -> None:
    statement = in_thread("a").options(defer(Message.text))  # type: ignore[arg-type]
    assert read_by(statement) == (rows("messages", {"thread_id": "a"}),)


def test_a_table_in_a_nested_join_counts_as_used() -> None:
    other = aliased(Message)
    inner = join(Run, other, col(other.run_id) == col(Run.id))
    statement = (
        select(Message)
        .select_from(join(Message, inner, col(Message.run_id) == col(Run.id)))
        .where(col(Message.thread_id) == "a")
    )
    assert Rows("messages") in read_by(statement)


def test_an_upsert_may_change_any_row_of_its_table() -> None:
    upsert = sqlite_insert(Message).on_conflict_do_update(set_={"thread_id": "b"})
    assert wakes(upsert, in_thread("c"), {"id": "m", "thread_id": "a"})
    replace = insert(Message).prefix_with("OR REPLACE")
    assert wakes(replace, in_thread("c"), {"id": "m", "thread_id": "a"})


def test_a_change_inside_a_select_is_a_change() -> None:
    moved = update(Message).values(thread_id="b").returning(col(Message.id)).cte()
    assert changed_by(select(moved), ()) == (Rows("messages"),)


def test_values_of_different_types_may_be_equal_to_the_database() -> None:
    assert rows("messages", {"position": 5}).touches(rows("messages", {"position": "5"}))
    assert not rows("messages", {"position": 5}).touches(rows("messages", {"position": 6}))
    assert not rows("workflows", {"status": RunStatus.DONE}).touches(
        rows("workflows", {"status": "queued"})
    )


def test_a_count_and_an_exists_are_not_text() -> None:
    counted = select(func.count()).select_from(Message).where(col(Message.thread_id) == "a")
    assert read_by(counted) == (rows("messages", {"thread_id": "a"}),)
    some = select(Thread).where(exists().where(col(Message.thread_id) == col(Thread.id)))
    assert {read.table for read in read_by(some)} == {"threads", "messages"}


def test_raw_sql_reads_and_changes_everything() -> None:
    assert read_by(text("SELECT 1")) == (Rows(EVERYTHING),)
    assert changed_by(text("DELETE FROM messages"), ()) == (Rows(EVERYTHING),)
    assert Rows(EVERYTHING).touches(rows("messages", {"thread_id": "a"}))


def test_a_delete_is_known_by_its_condition() -> None:
    assert changed_by(delete(Delta).where(col(Delta.message_id) == "m"), ()) == (
        rows("deltas", {"message_id": "m"}),
    )


def test_a_statement_asked_about_again_is_told_apart_by_its_parameters() -> None:
    new = insert(Message)
    change = update(Message).where(col(Message.thread_id) == bindparam("t")).values(text="x")
    remove = delete(Delta).where(col(Delta.message_id) == bindparam("m"))
    for one in ("a", "b"):
        assert changed_by(new, ({"thread_id": one},)) == (rows("messages", {"thread_id": one}),)
        assert changed_by(change, ({"t": one},)) == (rows("messages", {"thread_id": one}),)
        assert changed_by(remove, ({"m": one},)) == (rows("deltas", {"message_id": one}),)


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        (insert(Message), {"messages"}),
        (update(Message).values(text="x"), {"messages"}),
        (delete(Delta), {"deltas"}),
        (select(Message), set()),
        (select(update(Message).values(text="x").returning(col(Message.id)).cte()), {"messages"}),
        (text("DELETE FROM messages"), {EVERYTHING}),
    ],
)
def test_the_tables_that_a_statement_changes(statement: Any, tables: set[str]) -> None:
    assert tables_changed(statement) == tables


def test_what_is_said_to_concern_nobody_touches_nothing() -> None:
    assert not Rows(NOBODY).touches(Rows(EVERYTHING))
    assert not Rows("messages").touches(Rows(NOBODY))
