"""The list of threads as a page is sent it: put together, it is always the list as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from agentchat.shown.thread_lists import MOST_KEPT, ThreadPlace, ThreadSummary
from agentchat.ui.thread_lines import (
    ListChange,
    Sent,
    ThreadLine,
    Window,
    named,
    place_of,
    window_of,
)


def line(name: str, *, at: float = 1) -> ThreadLine:
    return ThreadLine(name, name.title(), at)


class Page:
    """What a page does with what it is sent: see thread_store.js."""

    def __init__(self) -> None:
        self.mark = ""
        self.lines: dict[str, ThreadLine] = {}

    def take(self, change: ListChange) -> bool:
        if change.base and change.base != self.mark:
            return False
        self.lines = dict(self.lines) if change.base else {}
        for gone in change.gone:
            del self.lines[gone]
        self.lines |= {one.id: one for one in change.lines}
        self.mark = change.mark
        return True


def bytes_of(change: ListChange) -> int:
    return len(json.dumps(asdict(change)))


def test_a_list_is_sent_whole_at_first_and_then_what_has_changed() -> None:
    lines = [line(f"thread-{n}") for n in range(10)]
    sent = Sent("0")
    first = sent.change(Window(tuple(lines), more=True))
    assert (first.base, first.lines, first.more) == ("", tuple(lines), True)
    lines[3] = replace(lines[3], title="Another", unread=True)
    second = sent.change(Window(tuple(lines), more=True))
    assert (second.base, second.lines, second.gone) == (first.mark, (lines[3],), ())
    del lines[5]
    third = sent.change(Window(tuple(lines), more=True))
    assert (third.base, third.lines, third.gone) == (second.mark, (), ("thread-5",))


def test_a_change_among_five_hundred_threads_is_a_few_hundred_bytes() -> None:
    lines = [line(f"{n:032x}", at=1_700_000_000.5 + n) for n in range(500)]
    sent = Sent("0")
    whole = bytes_of(sent.change(Window(tuple(lines))))
    lines[400] = replace(lines[400], running=True)
    change = bytes_of(sent.change(Window(tuple(lines))))
    assert whole > 70_000
    assert change < 500


def test_the_same_list_is_equal_however_it_came_about_but_not_after_a_miss() -> None:
    lines = [line("a"), line("b")]
    one, other = Sent("0"), Sent("0")
    one.change(Window(tuple(lines[:1])))
    assert one.change(Window(tuple(lines))) == other.change(Window(tuple(lines)))
    assert Sent("1").change(Window(tuple(lines))) != other.change(Window(tuple(lines)))
    assert Sent("0").change(Window(tuple(lines), more=True)) != other.change(Window(tuple(lines)))
    assert Sent("0").change(Window(tuple([]))) != ListChange()


LISTS: Final = st.lists(
    st.dictionaries(
        st.sampled_from("abcdefghij"), st.tuples(st.booleans(), st.integers(0, 2)), max_size=8
    ),
    min_size=1,
    max_size=12,
)


@given(LISTS, st.sets(st.integers(0, 11)))
def test_put_together_it_is_the_list_and_a_page_that_missed_something_knows(
    lists: list[dict[str, tuple[bool, int]]], lost: set[int]
) -> None:
    sent, page, missed = Sent("0"), Page(), 0
    for number, wanted in enumerate(lists):
        lines = [
            ThreadLine(name, name, at, running=running) for name, (running, at) in wanted.items()
        ]
        change = sent.change(Window(tuple(lines)))
        if number in lost:
            continue
        if not page.take(change):
            missed += 1
            sent = Sent(str(missed))
            assert page.take(sent.change(Window(tuple(lines))))
        assert page.lines == {one.id: one for one in lines}


NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)


def summary(number: int, **about: Any) -> ThreadSummary:
    at = NOW - timedelta(seconds=number // 2, microseconds=number // 2)
    return ThreadSummary(f"thread-{number:03}", f"Number {number}", at, **about)


def listed(
    threads: Sequence[ThreadSummary], size: int, after: ThreadPlace | None
) -> list[ThreadSummary]:
    """What the database gives for a window of this size: one more of each."""
    dated = [one for one in threads if not (one.pinned or one.folder)]
    front, behind = dated[: size + 1], []
    if after is not None:
        key = (-after.at.timestamp(), after.id)
        behind = [one for one in dated if (-one.updated_at.timestamp(), one.id) > key][: size + 1]
    wanted = {one.id for one in (*front, *behind)}
    return [one for one in threads if one.pinned or one.folder or one.id in wanted]


def test_a_window_is_the_front_and_what_is_behind_a_place_with_a_gap_between_them() -> None:
    threads = [summary(number, pinned=number == 95) for number in range(100)]

    def window(after: ThreadPlace | None) -> tuple[list[int], bool, str]:
        name = named(after) if after else ""
        found = window_of(listed(threads, 10, after), 10, name)
        assert found.after == name
        return [int(one.id[-3:]) for one in found.lines], found.more, found.gap

    assert window(None) == ([*range(10), 95], True, "")
    assert window(threads[49].place) == ([*range(10), *range(50, 60), 95], True, "thread-009")
    # Right behind the front, within it, and at the end of all.
    assert window(threads[9].place) == ([*range(20), 95], True, "")
    assert window(threads[4].place) == ([*range(15), 95], True, "")
    assert window(threads[93].place) == ([*range(10), 94, 95, *range(96, 100)], False, "thread-009")
    assert window(threads[99].place) == ([*range(10), 95], False, "thread-009")


def test_of_very_many_pinned_and_filed_threads_the_list_says_that_it_leaves_some_out() -> None:
    threads = [summary(number, folder="Old") for number in range(MOST_KEPT)]
    assert not window_of(threads, 10).unlisted
    threads = [summary(0), *(summary(n, pinned=True) for n in range(1, MOST_KEPT + 2))]
    found = window_of(threads, 10)
    assert found.unlisted
    assert [one.id for one in found.lines] == [one.id for one in threads[:-1]]
    assert Sent("0").change(found).unlisted


def test_a_place_is_named_and_found_again_to_the_microsecond() -> None:
    for number in (0, 1, 7, 999):
        place = summary(number).place
        assert place_of(named(place)) == place
    # Browsers write whole numbers without a point.
    assert place_of(f"{NOW.timestamp():.0f} x") == ThreadPlace(NOW, "x")
    for name in ("", "x", "nan x", "1e300 x", "- y", "inf z"):
        assert place_of(name) is None


@given(st.integers(1, 12), st.integers(0, 60), st.sets(st.integers(0, 59)))
def test_window_by_window_all_of_a_list_is_seen(size: int, number: int, kept: set[int]) -> None:
    threads = [summary(n, pinned=n in kept) for n in range(number)]
    after: ThreadPlace | None = None
    seen: set[str] = set()
    for _ in range(200):
        window = window_of(listed(threads, size, after), size, named(after) if after else "")
        seen |= {one.id for one in window.lines}
        by_id = {one.id: one for one in threads}
        dated = [by_id[one.id] for one in window.lines if not one.pinned]
        if not window.more:
            break
        after = dated[-1].place
    assert seen == {one.id for one in threads}
