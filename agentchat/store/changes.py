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
    if not isinstance(statement, ClauseElement) or getattr(statement, "_with_options", None):
        # Options of the ORM may join more tables when the statement is compiled.
        return (Rows(EVERYTHING),)
    nodes = list(visitors.iterate(statement))
    mentioned = {n.name for n in nodes if isinstance(n, Table)}
    if not mentioned or any(_opaque(n) for n in nodes):
        return (Rows(EVERYTHING),)
    known = _equalities(statement.whereclause, params) if isinstance(statement, Select) else {}
    uses = Counter(name for n in nodes for name in _sources(n))
    return tuple(
        # Two uses of one table are constrained apart: a condition on one says nothing of both.
        rows(table, known.get(table, {}) if uses[table] == 1 else {})
        for table in sorted(mentioned)
    )


def changed_by(statement: object, params: Sequence[Params]) -> tuple[Rows, ...]:
    """The rows that ``statement`` changes when run once with each of ``params``."""
    if isinstance(statement, Select):
        inside = (n for n in visitors.iterate(statement) if isinstance(n, UpdateBase))
        return tuple({Rows(getattr(n.table, "name", EVERYTHING)): None for n in inside})
    if not isinstance(statement, Insert | Update | Delete):
        return (Rows(EVERYTHING),)
    table = statement.table
    if not isinstance(table, Table):
        return (Rows(EVERYTHING),)
    written = _values(statement) if isinstance(statement, Insert | Update) else {}
    found = []
    for one in params or ({},):
        if written is None or (isinstance(statement, Insert) and _replaces(statement)):
            known: dict[str, Any] = {}
        elif isinstance(statement, Insert):
            known = {**written, **one}
        else:
            known = dict(_equalities(statement.whereclause, one).get(table.name, {}))
            # The row before and the row after both count: what is set is known of neither.
            for column in (*written, *one) if isinstance(statement, Update) else ():
                known.pop(column, None)
        found.append(rows(table.name, known))
    if isinstance(statement, Delete):
        found += [Rows(name) for name in _cascades(table)]
    return tuple(dict.fromkeys(found))


def _equalities(clause: object, params: Params) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in _conjuncts(clause):
        if not isinstance(part, BinaryExpression) or part.operator is not operators.eq:
            continue
        for column, value in ((part.left, part.right), (part.right, part.left)):
            if isinstance(column, Column) and isinstance(value, BindParameter):
                table = column.table.name if isinstance(column.table, Table) else None
                if table is not None:
                    held = params.get(value.key, value.effective_value)
                    found.setdefault(table, {})[column.name] = held
    return found


def _conjuncts(clause: object) -> Iterable[object]:
    if isinstance(clause, BooleanClauseList):
        if clause.operator is operators.and_:
            for part in clause.clauses:
                yield from _conjuncts(part)
    elif clause is not None:
        yield clause


def _values(statement: Insert | Update) -> Mapping[str, Any] | None:
    """The ``values()`` of a statement by column name; None if they cannot be read."""
    held: Mapping[Any, Any] | None = getattr(statement, "_values", None)
    if held is None:
        return {}
    found = {}
    for column, value in held.items():
        name = column if isinstance(column, str) else getattr(column, "name", None)
        if name is None:
            return None
        found[name] = value.effective_value if isinstance(value, BindParameter) else None
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
