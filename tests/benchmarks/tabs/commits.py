"""When the database had committed each mark: read off the statements of the app's writer."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, event

from tests.benchmarks.tabs.stamps import stamps_in


class Commits:
    """Notes the moment COMMIT returned for each mark in a delta, in the writer's own thread."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        """By ``time.time()``."""
        self.deltas = 0
        """How many rows were written."""
        self._open: list[str] = []
        event.listen(Engine, "after_cursor_execute", self._note)

    def _note(
        self, _c: object, _cursor: object, sql: str, params: Any, _context: object, many: bool
    ) -> None:
        if sql.startswith("INSERT INTO deltas"):
            self.deltas += len(params) if many else 1
            self._open += stamps_in(str(params))
        elif sql.endswith("COMMIT") and self._open:
            now = time.time()
            self.at.update(dict.fromkeys(self._open, now))
            self._open = []
        elif sql.startswith("ROLLBACK") and self._open:
            self._open = []
