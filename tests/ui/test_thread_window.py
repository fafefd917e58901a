"""Which part of a long list a page asks for, by the very module of the page."""

from __future__ import annotations

from typing import Any

from agentchat.ui.build import COMPONENTS
from tests.ui.test_thread_groups import called

MODULE = COMPONENTS / "thread_window.js"
STEP = 75


def asked(call: str, *given: list[Any]) -> list[Any]:
    return called(call, *given, module=MODULE)


def lines(first: int, number: int) -> list[dict[str, Any]]:
    return [{"id": f"t-{n:05}", "at": 10_000.5 - n} for n in range(first, first + number)]


def name(number: int) -> str:
    return f"{10_000.5 - number} t-{number:05}"


def test_scrolling_down_goes_on_in_steps_and_back_up_by_the_same_places() -> None:
    front = lines(0, 150)
    [one] = asked("onward", [[], "", front])
    assert one == [name(149)]
    [two] = asked("onward", [one, name(149), lines(150, 150)])
    [three] = asked("onward", [two, name(224), lines(225, 150)])
    assert three == [name(149), name(224), name(299)]
    # Where the list is shorter by now, as far as it goes; and nowhere where nothing is.
    [short] = asked("onward", [three, name(299), lines(300, 7)])
    assert short[-1] == name(306)
    assert asked("onward", [three, name(299), []]) == [three]
    # From further back, what was looked at behind it is forgotten.
    [again] = asked("onward", [three, name(149), lines(150, 150)])
    assert again == two


def test_what_stands_at_a_share_of_the_gap_is_in_the_middle_of_the_window_that_is_asked_for() -> (
    None
):
    trail = [name(149 + STEP * n) for n in range(11)]
    after, last = trail[-1], lines(151, 1)[0]
    found = asked("backward", *([trail, after, share, last] for share in (1, 0.5, 0.3, 0.11, 0)))
    assert [one[-1] for one in found] == [
        trail[9],
        trail[4],
        trail[2],
        # Right behind the front, as it is now.
        name(151),
        name(151),
    ]
    for share, one in zip((1, 0.5, 0.3), found, strict=False):
        line = share * 10 * STEP
        begins = trail.index(one[-1]) * STEP
        assert begins + STEP / 3 < line < begins + 150 - STEP / 3
    assert asked("leftOut", [trail, after], [trail, trail[0]]) == [10 * STEP, 1]


def test_lines_behind_a_place_are_those_of_the_same_time_with_a_later_name_and_older_ones() -> None:
    twins = [{"id": one, "at": 5.25} for one in "abc"]
    [found] = asked("behind", [[{"id": "z", "at": 6}, *twins, {"id": "a", "at": 5}], "5.25 b"])
    assert [(one["id"], one["at"]) for one in found] == [("c", 5.25), ("a", 5)]
    assert asked("behind", [twins, ""]) == [twins]
