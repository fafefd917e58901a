"""What a statement reads and what it changes: pure, no database.

A read is a table with the column values that rows must have to matter to it; a change is
a table with the column values known of the row. They touch unless a column known to both
differs. Whatever cannot be read from a statement is left out, which only widens it: in
doubt the whole table, never silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Alias, Delete, Insert, Join, Select, Table, Update
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseElement,
    ColumnClause,
    TextClause,
)
from sqlalchemy.sql.schema import Column
from sqlalchemy.sql.selectable import FromGrouping, TableClause

EVERYTHING = "*"
"""The table name of a read or change that could be anywhere."""

NOBODY = ""
"""The table name of a change that no reader may care about, such as a lease renewed."""

Known = Mapping[str, Any]
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of ``table`` whose columns hold the values in ``known``."""

    table: str
    known: tuple[tuple[str, Any], ...] = ()

    def touches(self, other: Rows) -> bool:
        """Whether a row could be in both."""
        if NOBODY in (self.table, other.table):
            return False
        if EVERYTHING in (self.table, other.table):
            return True
        if self.table != other.table:
            return False
        theirs = dict(other.known)
        return not any(
            column in theirs and _differ(theirs[column], value) for column, value in self.known
        )


def rows(table: str, known: Known) -> Rows:
    """Rows of a table, keeping of ``known`` what is worth comparing."""
    plain = ((c, str(v) if isinstance(v, str) else v) for c, v in known.items())
    return Rows(table, tuple(sorted((c, v) for c, v in plain if _comparable(v))))


def read_by(statement: object, params: Params) -> tuple[Rows, ...]:
    """The rows that ``statement`` may read with these parameters."""
    if not isinstance(statement, ClauseElement):
        return (Rows(EVERYTHING),)
    reads = _reads.get(statement)
    if reads is None:
        reads = _reads[statement] = _reads_of(statement)
    return tuple(
        rows(table, {c: params.get(v.key, v.effective_value) for c, v in where})
        for table, where in reads
    )


_Where = tuple[tuple[str, BindParameter[Any]], ...]

_reads: WeakKeyDictionary[ClauseElement, tuple[tuple[str, _Where], ...]] = WeakKeyDictionary()
"""What was found out about statements, by table: many are made once and run for ever."""


def _reads_of(statement: ClauseElement) -> tuple[tuple[str, _Where], ...]:
    if getattr(statement, "_with_options", None):
        # Options of the ORM may join more tables when the statement is compiled.
        return ((EVERYTHING, ()),)
    nodes = list(visitors.iterate(statement))
    mentioned = {n.name for n in nodes if isinstance(n, Table)}
    if not mentioned or any(_opaque(n) for n in nodes):
        return ((EVERYTHING, ()),)
    equalities = tuple(_equalities(statement.whereclause)) if isinstance(statement, Select) else ()
    uses = Counter(name for n in nodes for name in _sources(n))
    return tuple(
        # Two uses of one table are constrained apart: a condition on one says nothing of both.
        (table, tuple((c, v) for t, c, v in equalities if t == table and uses[table] == 1))
        for table in sorted(mentioned)
    )


def changed_by(statement: object, params: Sequence[Params]) -> tuple[Rows, ...]:
    """The rows that ``statement`` changes when run once with each of ``params``."""
    change = _change_of(statement)
    if change.table is None:
        return change.whole
    found = (change.rows(change.table, one) for one in params or ({},))
    return tuple(dict.fromkeys((*found, *change.whole)))


def tables_changed(statement: object) -> frozenset[str]:
    """The tables of which ``statement`` changes rows, or :data:`EVERYTHING`."""
    if isinstance(statement, Insert | Update) and isinstance(statement.table, Table):
        # What is in it does not matter here: made for one use, it is not worth a look.
        return frozenset((statement.table.name,))
    change = _change_of(statement)
    own = () if change.table is None else (change.table,)
    return frozenset((*own, *(row.table for row in change.whole)))


@dataclass(frozen=True, slots=True)
class _Change:
    """What can be said of a statement before its parameters are known."""

    whole: tuple[Rows, ...] = ()
    """What it changes whatever the parameters are."""
    table: str | None = None
    """The table of which the parameters tell the rows, if there is one."""
    inserted: _Where | None = None
    """For an insert, what its ``values()`` hold."""
    where: _Where = ()
    updated: frozenset[str] | None = None
    """For an update, the columns of its ``values()``."""

    def rows(self, table: str, params: Params) -> Rows:
        if self.inserted is not None:
            return rows(table, {**{c: v.effective_value for c, v in self.inserted}, **params})
        known = {c: params.get(v.key, v.effective_value) for c, v in self.where}
        if self.updated is not None:
            # The row before and the row after both count: what is set is known of neither.
            for column in (*self.updated, *params):
                known.pop(column, None)
        return rows(table, known)


_known: WeakKeyDictionary[ClauseElement, _Change] = WeakKeyDictionary()
"""What was found out about statements: most are made once and run for ever."""


def _change_of(statement: object) -> _Change:
    if not isinstance(statement, ClauseElement):
        return _Change((Rows(EVERYTHING),))
    change = _known.get(statement)
    if change is None:
        change = _known[statement] = _analyse(statement)
    return change


def _analyse(statement: ClauseElement) -> _Change:
    if isinstance(statement, Select):
        inside = (n for n in visitors.iterate(statement) if isinstance(n, UpdateBase))
        names = dict.fromkeys(getattr(n.table, "name", EVERYTHING) for n in inside)
        return _Change(tuple(Rows(name) for name in names))
    if not isinstance(statement, Insert | Update | Delete):
        return _Change((Rows(EVERYTHING),))
    table = statement.table
    if not isinstance(table, Table):
        return _Change((Rows(EVERYTHING),))
    if isinstance(statement, Delete):
        cascades = tuple(Rows(name) for name in _cascades(table))
        return _Change(cascades, table.name, where=_where(statement, table))
    values = _values(statement)
    if values is None or (isinstance(statement, Insert) and _replaces(statement)):
        return _Change((Rows(table.name),))
    if isinstance(statement, Insert):
        held = tuple((c, v) for c, v in values.items() if v is not None)
        return _Change((), table.name, inserted=held)
    where = _where(statement, table)
    return _Change((), table.name, where=where, updated=frozenset(values))


def _where(statement: Update | Delete, table: Table) -> tuple[tuple[str, BindParameter[Any]], ...]:
    found = _equalities(statement.whereclause)
    return tuple((column, value) for name, column, value in found if name == table.name)


def _equalities(clause: object) -> Iterable[tuple[str, str, BindParameter[Any]]]:
    """The plain conditions of a clause: table, column, and what the column must hold."""
    for part in _conjuncts(clause):
        if not isinstance(part, BinaryExpression) or part.operator is not operators.eq:
            continue
        for column, value in ((part.left, part.right), (part.right, part.left)):
            if (
                isinstance(column, Column)
                and isinstance(value, BindParameter)
                and isinstance(column.table, Table)
            ):
                yield column.table.name, column.name, value


def _conjuncts(clause: object) -> Iterable[object]:
    if isinstance(clause, BooleanClauseList):
        if clause.operator is operators.and_:
            for part in clause.clauses:
                yield from _conjuncts(part)
    elif clause is not None:
        yield clause


def _values(statement: Insert | Update) -> dict[str, BindParameter[Any] | None] | None:
    """The ``values()`` of a statement by column name; None if they cannot be read."""
    held: Mapping[Any, Any] | None = getattr(statement, "_values", None)
    found = {}
    for column, value in (held or {}).items():
        name = column if isinstance(column, str) else getattr(column, "name", None)
        if name is None:
            return None
        found[name] = value if isinstance(value, BindParameter) else None
    return found


def _replaces(statement: Insert) -> bool:
    """Whether more than the given values decides which rows change: an upsert, or a select."""
    marks = ("select", "_post_values_clause", "_prefixes")
    return any(getattr(statement, mark, None) not in (None, ()) for mark in marks)


def _opaque(node: object) -> bool:
    """Whether a node is text, which may name any table."""
    if isinstance(node, ColumnClause) and not isinstance(node, Column):
        return node.is_literal and str(node.name) not in ("*", "1")
    return isinstance(node, TextClause) or (
        isinstance(node, TableClause) and not isinstance(node, Table)
    )


def _sources(node: object) -> Iterable[str]:
    """The tables a select names in its FROM, one for each use."""
    if isinstance(node, Select):
        for source in node.get_final_froms():
            yield from _leaves(source)


def _leaves(source: object) -> Iterable[str]:
    if isinstance(source, Join):
        yield from _leaves(source.left)
        yield from _leaves(source.right)
    elif isinstance(source, Alias | FromGrouping):
        yield from _leaves(source.element)
    elif isinstance(source, Table):
        yield source.name


def _cascades(table: Table) -> set[str]:
    reached: set[str] = set()
    for other in table.metadata.tables.values():
        for key in other.foreign_keys:
            if key.column.table is table and key.ondelete is not None:
                reached |= {other.name} | _cascades(other)
    return reached


def _differ(a: object, b: object) -> bool:
    # Of different types, the database decides what is equal: SQLite finds 5 by '5'.
    return type(a) is type(b) and a != b


def _comparable(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= 64)
