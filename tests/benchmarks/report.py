"""Tables of what was measured, with ratios and targets."""

from __future__ import annotations

import statistics
from typing import Any

from tests.benchmarks.cells import Benchmark, Figures, Row, Target

Cells = dict[tuple[str, str], list[Figures]]
"""Figures of each pass by database and side."""

_HEAD = ("", "floor", "engine", "engine/floor", "target", "")


def value(row: Row, passes: list[Figures]) -> float | None:
    """A row's figure over all passes: the median, or a percentile of all samples."""
    found = [figures[row.figure] for figures in passes if row.figure in figures]
    if not found:
        return None
    if row.percentile is None:
        return statistics.median(_number(one) for one in found) * row.scale
    samples = sorted(sample for one in found if isinstance(one, list) for sample in one)
    place = min(len(samples) - 1, round(row.percentile / 100 * (len(samples) - 1)))
    return samples[place] * row.scale


def tables(benchmark: Benchmark, cells: Cells) -> tuple[str, list[dict[str, Any]]]:
    """The table of a benchmark as text, and its lines as data."""
    lines, data = [], []
    for place in dict.fromkeys(place for place, _ in cells):
        for row in benchmark.rows:
            floor = value(row, cells.get((place, "floor"), []))
            engine = value(row, cells.get((place, "engine"), []))
            assert engine is not None
            ratio = engine / floor if floor else None
            checks = _checks(row.targets.get(place), engine, ratio, row.unit)
            lines.append(
                (
                    f"{place}: {row.label}",
                    "-" if floor is None else _show(floor, row.unit),
                    _show(engine, row.unit),
                    "-" if ratio is None else f"{ratio:.2f}x",
                    ", ".join(text for text, _ in checks),
                    ", ".join("met" if met else "NOT MET" for _, met in checks),
                )
            )
            data.append(
                {
                    "benchmark": benchmark.name,
                    "database": place,
                    "figure": row.label,
                    "unit": row.unit,
                    "floor": floor,
                    "engine": engine,
                    "ratio": ratio,
                    "targets": [{"target": text, "met": met} for text, met in checks],
                }
            )
    widths = [max(len(line[n]) for line in (_HEAD, *lines)) for n in range(len(_HEAD))]
    shown = [
        "  ".join(
            text.ljust(width) if n in (0, 4, 5) else text.rjust(width)
            for n, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (_HEAD, *lines)
    ]
    return "\n".join((f"{benchmark.name}: {benchmark.title}", *shown, "")), data


def _checks(
    target: Target | None, engine: float, ratio: float | None, unit: str
) -> list[tuple[str, bool]]:
    if target is None:
        return []
    found = []
    if target.most is not None:
        found.append((f"<= {_show(target.most, unit)}", engine <= target.most))
    if target.least is not None:
        found.append((f">= {_show(target.least, unit)}", engine >= target.least))
    if target.most_times is not None and ratio is not None:
        found.append((f"<= {target.most_times:.3g}x", ratio <= target.most_times))
    if target.least_times is not None and ratio is not None:
        found.append((f">= {target.least_times:.2f}x", ratio >= target.least_times))
    return found


def _show(number: float, unit: str) -> str:
    whole = number == int(number) or abs(number) >= 100
    return f"{number:,.0f} {unit}".rstrip() if whole else f"{number:.3g} {unit}".rstrip()


def _number(one: float | list[float]) -> float:
    return statistics.median(one) if isinstance(one, list) else one
