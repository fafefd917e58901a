"""Tables of figures, some with a target: printed as met or not, and no failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Line:
    """One line: a figure of each column, and the most that each may be."""

    label: str
    values: Sequence[float | None]
    unit: str = ""
    scale: float = 1
    most: float | None = None


@dataclass(slots=True)
class Table:
    """Lines under a title and the heads of columns."""

    title: str
    heads: Sequence[str]
    lines: list[Line] = field(default_factory=list)

    def add(
        self,
        label: str,
        values: Sequence[float | None],
        unit: str = "",
        scale: float = 1,
        most: float | None = None,
    ) -> None:
        """Add a line."""
        self.lines.append(Line(label, values, unit, scale, most))

    @property
    def unmet(self) -> int:
        """How many lines miss their target."""
        return sum(not _met(line) for line in self.lines)

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        lines = [
            {
                "figure": line.label.strip(),
                "unit": line.unit,
                "values": [None if value is None else value * line.scale for value in line.values],
                "most": line.most,
                "met": _met(line),
            }
            for line in self.lines
        ]
        return {"title": self.title, "heads": list(self.heads), "lines": lines}

    def __str__(self) -> str:
        rows = [["", *self.heads, "target"], *(self._row(line) for line in self.lines)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        shown = (
            "  ".join(
                text.ljust(width) if n in (0, len(widths) - 1) else text.rjust(width)
                for n, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )
        return "\n".join((self.title, *shown, ""))

    def _row(self, line: Line) -> list[str]:
        values = [_show(value, line) for value in line.values]
        values += [""] * (len(self.heads) - len(values))
        target = ""
        if line.most is not None:
            said = "met" if _met(line) else "NOT MET"
            target = f"<= {_number(line.most)} {line.unit}".rstrip() + f": {said}"
        return [line.label, *values, target]


def percentile(samples: Sequence[float], of_hundred: float) -> float:
    """The sample that so many of a hundred do not exceed; not a number without samples."""
    if not samples:
        return float("nan")
    place = round(of_hundred / 100 * (len(samples) - 1))
    return sorted(samples)[place]


def _met(line: Line) -> bool:
    most = line.most
    known = (value for value in line.values if value is not None)
    return most is None or all(value * line.scale <= most for value in known)


def _show(value: float | None, line: Line) -> str:
    return "" if value is None else f"{_number(value * line.scale)} {line.unit}".rstrip()


def _number(number: float) -> str:
    whole = number != number or number == int(number) or abs(number) >= 100
    return f"{number:,.0f}" if whole else f"{number:.3g}"
