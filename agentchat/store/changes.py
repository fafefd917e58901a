"""What a statement reads and what it changes: pure, no database.

A read is a table with the column values that rows must have to matter to it; a change is
a table with the column values known of the row. They touch unless a column known to both
differs. Whatever cannot be read from a statement is left out, which only widens it: in
doubt the whole table, never silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    CHAR,
    Boolean,
    Delete,
    Enum,
    ForeignKey,
    Insert,
    Integer,
    Select,
    String,
    Table,
    TypeDecorator,
    Update,
)
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.compiler import SQLCompiler
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
from sqlalchemy.sql.selectable import SelectBase, TableClause
from sqlalchemy.types import TypeEngine

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

    def __str__(self) -> str:
        known = ", ".join(f"{column}={value!r}" for column, value in self.known)
        return f"{self.table}({known})"

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
    plain = ((c, str.__str__(v) if isinstance(v, str) else v) for c, v in known.items())
    return Rows(table, tuple(sorted((c, v) for c, v in plain if _comparable(v))))


def read_by(compiled: object, params: Params) -> tuple[Rows, ...]:
    """The rows that a compiled statement may read with these parameters.

    Compiled, because the ORM adds tables while it compiles: loads of relationships, columns
    that are queries of their own.
    """
    if not isinstance(compiled, SQLCompiler):
        return (Rows(EVERYTHING),)
    reads = _reads.get(compiled)
    if reads is None:
        reads = _reads[compiled] = _reads_of(compiled)
    return tuple(
        rows(table, {c: v for c, kind, name in where if isinstance(v := params.get(name), kind)})
        for table, where in reads
    )


_Reads = tuple[tuple[str, tuple[tuple[str, type, str], ...]], ...]

_reads: WeakKeyDictionary[SQLCompiler, _Reads] = WeakKeyDictionary()
"""What was found out about statements: by table, the parameters that columns must equal."""


def _reads_of(compiled: SQLCompiler) -> _Reads:
    final = getattr(compiled.compile_state, "statement", None)
    if not isinstance(final, SelectBase):
        return ((EVERYTHING, ()),)
    nodes = list(visitors.iterate(final))
    found = {node for node in nodes if isinstance(node, Table)}
    if not found or any(_opaque(node) for node in nodes):
        return ((EVERYTHING, ()),)
    # A nested query of the ORM shows some of its tables only in the text.
    named = {t for one in found for t in one.metadata.tables.values() if _uses(t.name, compiled)}
    where: dict[str, list[tuple[str, type, str]]] = {table.name: [] for table in found | named}
    if isinstance(final, Select):
        for table, column, kind, value in _equalities(final.whereclause):
            # Two uses of one table are constrained apart: a condition on one says nothing of both.
            if value in compiled.bind_names and _uses(table, compiled) == 1:
                where[table].append((column, kind, compiled.bind_names[value]))
    return tuple((table, tuple(columns)) for table, columns in sorted(where.items()))


def _uses(table: str, compiled: SQLCompiler) -> int:
    """How often a table is named in the text other than before a column, or more."""
    name = re.escape(table)
    return len(re.findall(rf'(?<![\w."])"?{name}"?(?![\w".])', compiled.string))


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


_Where = tuple[tuple[str, type, BindParameter[Any]], ...]
"""Columns, the type that a value must have to be compared, and where it is held."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What can be said of a statement before its parameters are known."""

    whole: tuple[Rows, ...] = ()
    """What it changes whatever the parameters are."""
    table: str | None = None
    """The table of which the parameters tell the rows, if there is one."""
    held: _Where = ()
    """For an insert what its ``values()`` hold, otherwise its plain conditions."""
    inserts: bool = False
    columns: Mapping[str, tuple[str, type | None]] = field(default_factory=dict)
    """Of what the parameters may set, the name and the type, by its key there."""
    updated: frozenset[str] = frozenset()
    """For an update, the columns that it sets whatever the parameters are."""

    def rows(self, table: str, params: Params) -> Rows:
        values = ((c, kind, params.get(v.key, v.effective_value)) for c, kind, v in self.held)
        known = {column: value for column, kind, value in values if isinstance(value, kind)}
        for key in params:
            if key not in self.columns:
                continue
            name, kind = self.columns[key]
            # The row before and the row after both count: what is set is known of neither.
            known.pop(name, None)
            if self.inserts and kind is not None and isinstance(params[key], kind):
                known[name] = params[key]
        return rows(table, {c: v for c, v in known.items() if c not in self.updated})


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
    if not isinstance(statement, SelectBase | Insert | Update | Delete):
        return _Change((Rows(EVERYTHING),))
    inside = {n for n in visitors.iterate(statement) if isinstance(n, UpdateBase)} - {statement}
    within = tuple(row for node in inside for row in _widely(node))
    if isinstance(statement, SelectBase):
        return _Change(within)
    table = statement.table
    if not isinstance(table, Table):
        return _Change((Rows(EVERYTHING),))
    facts = _facts_of(table)
    if isinstance(statement, Delete):
        whole = (*within, *facts.deleted_with)
        return _Change(whole, table.name, held=_where(statement, table))
    values = _values(statement, table)
    if values is None or (isinstance(statement, Insert) and _replaces(statement)):
        return _Change((*within, *_widely(statement)))
    if isinstance(statement, Insert):
        kinds = dict(facts.columns.values())
        plain = ((c, kinds[c], v) for c, v in values.items())
        held = tuple((c, kind, v) for c, kind, v in plain if kind is not None and v is not None)
        return _Change(within, table.name, held, inserts=True, columns=facts.columns)
    return _Change(
        (*within, *facts.updated_with),
        table.name,
        _where(statement, table),
        columns=facts.columns,
        updated=facts.unnamed | values.keys(),
    )


def _widely(statement: UpdateBase) -> tuple[Rows, ...]:
    """What a change may change of which no more can be said: it may update and delete."""
    table = statement.table
    if not isinstance(table, Table):
        return (Rows(EVERYTHING),)
    return (Rows(table.name), *_facts_of(table).deleted_with)


def _where(statement: Update | Delete, table: Table) -> _Where:
    found = _equalities(statement.whereclause)
    return tuple((c, kind, value) for name, c, kind, value in found if name == table.name)


def _equalities(clause: object) -> Iterable[tuple[str, str, type, BindParameter[Any]]]:
    """The plain conditions of a clause: table, column, its type, and what it must hold."""
    for part in _conjuncts(clause):
        if not isinstance(part, BinaryExpression) or part.operator is not operators.eq:
            continue
        for column, value in ((part.left, part.right), (part.right, part.left)):
            if (
                isinstance(column, Column)
                and isinstance(value, BindParameter)
                and isinstance(column.table, Table)
                and (kind := _kind(column.type)) is not None
                and _kind(value.type) is kind
            ):
                yield column.table.name, column.name, kind, value


def _conjuncts(clause: object) -> Iterable[object]:
    if isinstance(clause, BooleanClauseList):
        if clause.operator is operators.and_:
            for part in clause.clauses:
                yield from _conjuncts(part)
    elif clause is not None:
        yield clause


def _values(
    statement: Insert | Update, table: Table
) -> dict[str, BindParameter[Any] | None] | None:
    """The ``values()`` of a statement by column name; None if they cannot be read."""
    held: Mapping[Any, Any] | None = getattr(statement, "_values", None)
    found = {}
    for key, value in (held or {}).items():
        column = table.columns.get(key) if isinstance(key, str) else key
        if not isinstance(column, Column):
            return None
        found[column.name] = value if isinstance(value, BindParameter) else None
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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What must be known of a table whatever the statement is."""

    tables: int
    """How many there were when this was found out."""
    columns: Mapping[str, tuple[str, type | None]]
    """Name and type of the columns, by their keys."""
    unnamed: frozenset[str]
    """The columns that are set with others, without being named."""
    updated_with: tuple[Rows, ...]
    """What the database changes by itself when rows are updated, because keys say so."""
    deleted_with: tuple[Rows, ...]
    """The same when rows are deleted or updated."""


_facts: WeakKeyDictionary[Table, _Facts] = WeakKeyDictionary()


def _facts_of(table: Table) -> _Facts:
    # The ORM has a copy in each statement.
    table = table.metadata.tables.get(table.key, table)
    facts = _facts.get(table)
    if facts is None or facts.tables != len(table.metadata.tables):
        itself = (c.name for c in table.columns if c.onupdate or c.server_onupdate or c.computed)
        facts = _facts[table] = _Facts(
            len(table.metadata.tables),
            {column.key: (column.name, _kind(column.type)) for column in table.columns},
            frozenset(itself),
            tuple(Rows(name) for name in sorted(_reached(table, ("onupdate",), set()))),
            tuple(Rows(name) for name in sorted(_reached(table, ("ondelete", "onupdate"), set()))),
        )
    return facts


def _reached(table: Table, actions: tuple[str, ...], reached: set[str]) -> set[str]:
    for other in table.metadata.tables.values():
        for key in other.foreign_keys:
            if other.name in reached or not _points_to(key, table):
                continue
            if any(getattr(key, action) is not None for action in actions):
                reached.add(other.name)
                # Whatever was done to the rows there, the keys to them may say more.
                _reached(other, ("ondelete", "onupdate"), reached)
    return reached


def _points_to(key: ForeignKey, table: Table) -> bool:
    try:
        return key.column.table.key == table.key
    except NoReferenceError:
        # Its table is not declared yet.
        return True


def _kind(kind: TypeEngine[Any]) -> type | None:
    """The type of which two values are equal to the database only if they are equal here."""
    if isinstance(kind, TypeDecorator):
        changes = type(kind).process_bind_param is not TypeDecorator.process_bind_param
        return None if changes else _kind(kind.impl_instance)
    if isinstance(kind, String):
        return None if isinstance(kind, CHAR | Enum) or kind.collation is not None else str
    return int if isinstance(kind, Integer | Boolean) else None


def _differ(a: object, b: object) -> bool:
    # Of different types, the database decides what is equal: SQLite finds 5 by '5'.
    return type(a) is type(b) and a != b


def _comparable(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= 64)
