"""What commits changed, arranged so that very many live queries may ask about it."""

from __future__ import annotations

from collections.abc import Iterable

from agentchat.store.changes import EVERYTHING, NOBODY, Rows

FEW = 8
"""So many changes of a table are looked through; more are sorted by value before."""


class Told:
    """What a commit changed, arranged so that very many queries may ask about it."""

    def __init__(self, changes: Iterable[Rows]) -> None:
        self.rows = {row: None for row in changes if row.table != NOBODY}
        self._tables: dict[str, list[Rows]] = {}
        for row in self.rows:
            self._tables.setdefault(row.table, []).append(row)
        self._anywhere = self._tables.get(EVERYTHING, [])
        self._sorted: dict[tuple[str, str], dict[object, list[Rows]]] = {}

    def touching(self, reads: tuple[Rows, ...]) -> tuple[Rows, Rows] | None:
        """A change that touches one of the reads, with that read."""
        for read in reads:
            for change in (*self._anywhere, *self._near(read)):
                if change.touches(read):
                    return change, read
        return None

    def _near(self, read: Rows) -> Iterable[Rows]:
        """The changes that may touch a read, and few others."""
        if read.table == EVERYTHING:
            return self.rows
        changes = self._tables.get(read.table, [])
        if len(changes) < FEW or not read.known:
            return changes
        column, value = read.known[0]
        if not isinstance(value, str):
            return changes
        by_value = self._sorted.get((read.table, column))
        if by_value is None:
            by_value = self._sorted[read.table, column] = {}
            for change in changes:
                held = dict(change.known).get(column)
                # What is no text may be equal to one, as far as the database is concerned.
                by_value.setdefault(held if isinstance(held, str) else None, []).append(change)
        return (*by_value.get(value, ()), *by_value.get(None, ()))
