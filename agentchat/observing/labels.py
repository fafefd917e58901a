"""Labels of metrics, bounded: a value that comes from outside must not make series for ever."""

from __future__ import annotations

MOST_VALUES = 100
OTHER = "other"
"""What stands for all values beyond those."""


class Labels:
    """The values of each label that were seen, up to ``most`` of them."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._most = most
        self._seen: dict[str, set[str]] = {}

    def of(self, label: str, value: str) -> str:
        """The value, or :data:`OTHER` if this label has had too many."""
        seen = self._seen.setdefault(label, set())
        if value in seen:
            return value
        if len(seen) >= self._most:
            return OTHER
        seen.add(value)
        return value
