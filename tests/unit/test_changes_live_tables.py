"""What is read and changed in tables with keys that act, odd types and hidden queries."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from sqlalchemy import (
    CHAR,
    Column,
    Computed,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    bindparam,
    delete,
    insert,
    select,
    tablesample,
    union,
    update,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import selectinload

from agentchat.store.changes import EVERYTHING, Rows, changed_by, read_by, rows
from tests.integration.live_reads import Child, Mark, Post, Room

META = MetaData()


class Lower(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        return value and value.lower()


class Colour(str, Enum):  # noqa: UP042  (what a user may have)
    RED = "r"


ODD = Table(
    "odd",
    META,
    Column("id", String, primary_key=True),
    Column("number", Integer),
    Column("folded", String(collation="NOCASE")),
    Column("padded", CHAR(5)),
    Column("lower", Lower),
    Column("named", EnumType(Colour)),
    Column("stored_name", String, key="other_name"),
    Column("twice", Integer, Computed("number * 2")),
    Column("version", Integer, onupdate=1),
)
TREE = Table(
    "tree",
    META,
    Column("id", String, primary_key=True),
    Column("parent_id", String, ForeignKey("tree.id", ondelete="CASCADE")),
    Column("odd_id", String, ForeignKey("odd.id", onupdate="CASCADE")),
)


def reads(statement: Any, **params: Any) -> set[Rows]:
    compiled = statement.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    return set(read_by(compiled, compiled.construct_params(params)))


def changes(statement: Any, *params: dict[str, Any]) -> set[Rows]:
    return set(changed_by(statement, params))


@pytest.mark.parametrize("column", ["folded", "padded", "lower", "named"])
def test_values_that_the_database_compares_in_its_own_way_narrow_nothing(column: str) -> None:
    value: Any = Colour.RED if column == "named" else "r"
    assert reads(select(ODD).where(ODD.c[column] == value)) == {Rows("odd")}
    assert changes(insert(ODD), {column: value}) == {Rows("odd")}
    assert changes(delete(ODD).where(ODD.c[column] == value)) >= {Rows("odd")}


def test_a_text_for_a_number_narrows_nothing() -> None:
    assert changes(insert(ODD), {"number": "05"}) == {Rows("odd")}
    assert reads(select(ODD).where(ODD.c.number == bindparam("n")), n="5") == {Rows("odd")}
    assert changes(insert(ODD), {"number": 5}) == {rows("odd", {"number": 5})}


def test_a_condition_whose_value_is_changed_on_its_way_narrows_nothing() -> None:
    found = select(ODD).where(ODD.c.id == bindparam("which", type_=Lower()))
    assert reads(found, which="A") == {Rows("odd")}


def test_a_text_that_is_a_member_of_an_enumeration_is_its_content() -> None:
    assert rows("odd", {"id": Colour.RED}).touches(rows("odd", {"id": "r"}))


def test_a_parameter_counts_more_than_its_default() -> None:
    new = insert(ODD).values(id=bindparam("which", "a"))
    assert changes(new, {"which": "b"}) == {rows("odd", {"id": "b"})}
    assert changes(new, {}) == {rows("odd", {"id": "a"})}


def test_a_column_is_known_by_one_name() -> None:
    assert changes(insert(ODD), {"other_name": "x"}) == {rows("odd", {"stored_name": "x"})}
    found = update(ODD).where(ODD.c.other_name == "x")
    assert Rows("odd") in changes(found.values(other_name="y"))
    assert Rows("odd") in changes(found, {"other_name": "y"})


def test_columns_that_are_set_without_being_named_are_known_of_neither_row() -> None:
    found = update(ODD).where(ODD.c.version == 3, ODD.c.twice == 4, ODD.c.id == "a")
    assert rows("odd", {"id": "a"}) in changes(found.values(number=7))


def test_keys_that_act_change_rows_elsewhere() -> None:
    assert changes(delete(Room).where(Room.id == "a")) == {
        rows("forum_rooms", {"id": "a"}),
        Rows("forum_posts"),
        Rows("forum_marks"),
    }
    assert Rows("forum_posts") in changes(update(Room).values(id="b"))
    replacing = changes(insert(Room).prefix_with("OR REPLACE"), {"id": "a"})
    assert replacing == {Rows("forum_rooms"), Rows("forum_posts"), Rows("forum_marks")}


def test_a_key_within_a_table_changes_other_rows_of_it() -> None:
    assert Rows("tree") in changes(delete(TREE).where(TREE.c.id == "a"))
    assert changes(update(ODD).values(id="b")) == {Rows("odd"), Rows("tree")}


def test_a_key_to_a_table_that_is_not_declared_yet_is_no_obstacle() -> None:
    meta = MetaData()
    early = Table("early", meta, Column("id", String, primary_key=True))
    Table("late", meta, Column("id", String, ForeignKey("missing.id", ondelete="CASCADE")))
    assert changes(delete(early).where(early.c.id == "a")) == {
        rows("early", {"id": "a"}),
        Rows("late"),
    }
    assert changes(insert(early), {"id": "a"}) == {rows("early", {"id": "a"})}
    Table("missing", meta, Column("id", String, primary_key=True))
    assert changes(delete(early).where(early.c.id == "b")) == {rows("early", {"id": "b"})}


def test_a_change_inside_another_statement_is_a_change() -> None:
    gone = delete(Mark).where(Mark.kind == "like").returning(Mark.post_id).cte()
    within = update(Post).where(Post.id.in_(select(gone.c.post_id))).values(words="x")
    assert {row.table for row in changes(within)} == {"forum_marks", "forum_posts"}
    beside = insert(Room).add_cte(gone)
    assert Rows("forum_marks") in changes(beside, {"id": "a"})
    both = union(select(gone.c.post_id), select(Post.id))
    assert Rows("forum_marks") in changes(both)


def test_a_union_that_only_reads_changes_nothing() -> None:
    assert changes(union(select(Post.id), select(Room.id))) == set()


def test_a_relationship_loaded_with_its_owner_is_read() -> None:
    assert reads(select(Room).where(Room.id == "a")) == {
        rows("forum_rooms", {"id": "a"}),
        Rows("forum_posts"),
        Rows("forum_marks"),
    }


def test_a_column_that_is_a_query_is_read_wherever_it_is_hidden() -> None:
    hidden = select(select(Post).where(Post.room_id == "a").subquery())
    assert {row.table for row in reads(hidden)} == {"forum_posts", "forum_marks"}


def test_an_option_that_asks_in_a_second_statement_does_not_widen_the_first() -> None:
    statement = select(Post.id, Post).where(Post.room_id == "a")
    assert rows("forum_posts", {"room_id": "a"}) in reads(
        statement.options(selectinload(Post.marks))
    )


def test_a_second_use_is_seen_in_whatever_form_it_has() -> None:
    mine = select(Post.id).where(Post.room_id == "a")
    sample = tablesample(Post, 10)
    for other in (Child, sample, select(Post.id).subquery(), select(Post.id).cte()):
        assert reads(mine.add_columns(select(other).alias().c[0])) >= {Rows("forum_posts")}
        assert reads(mine.join_from(Post, other, Post.id == "p")) >= {Rows("forum_posts")}


def test_what_is_no_statement_of_ours_is_everything() -> None:
    assert set(read_by(None, {})) == {Rows(EVERYTHING)}
    assert set(changed_by("DELETE", ())) == {Rows(EVERYTHING)}
