"""When text that is growing is worth showing. Pure."""

from __future__ import annotations

import re
from datetime import timedelta

PATIENCE = timedelta(milliseconds=250)
"""The longest that text waits for its sentence to end."""

_END = re.compile(r"[.!?…:;][\"'”’)\]*_]*\s|[。！？]|\n")  # noqa: RUF001


def settled(text: str, waited: timedelta) -> int:
    """How many characters of ``text`` may be shown now: up to its last sentence end, and
    all of it once it has waited for :data:`PATIENCE`.
    """
    if waited >= PATIENCE:
        return len(text)
    return max((end.end() for end in _END.finditer(text)), default=0)
