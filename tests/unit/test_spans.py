"""What of a thread is on a page: whichever way one goes, nothing is left out or shown twice."""

from __future__ import annotations

import functools
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentchat.ui.spans import (
    FIRST_SHOWN,
    MORE,
    MOST_FAR,
    MOST_SHOWN,
    NEAR,
    STEP,
    Cut,
    Span,
    around,
    cut,
)
from agentchat.views import MessageView, ThreadView

LENGTHS = st.integers(0, 5_000)


def view(length: int, span: Span, *, live: int = 0) -> ThreadView:
    """A thread as it is followed for a span; the last ``live`` messages grow."""
    first = max(0, length - span.window)
    far = range(span.first, min(span.end, first))
    newest = [message(place) for place in range(first, length)]
    settled = len(newest) - live
    return ThreadView(
        "thread-0001",
        "Title",
        tuple(newest[:settled]),
        tuple(newest[settled:]),
        far.start if far else first,
        far=tuple(map(message, far)),
        between=first - far.stop if far else 0,
    )


@functools.cache
def message(position: int) -> MessageView:
    return MessageView(f"m{position}", "user", "done", "text", position=position)


def shown(length: int, span: Span) -> Cut:
    return cut(view(length, span), span)


def positions(found: Cut) -> list[int]:
    return [one.position for one in (*found.far, *found.older, *found.recent)]


def of_address(address: str) -> Span:
    parts = {name: values[0] for name, values in parse_qs(address.lstrip("?")).items()}
    return Span.asked(parts.get("messages"), parts.get("from"), parts.get("to"))


def check(length: int, span: Span, found: Cut) -> None:
    """What holds of every page."""
    there = positions(found)
    assert there == sorted(set(there))
    newest = [one.position for one in (*found.older, *found.recent)]
    assert newest == list(range(newest[0] if newest else 0, length))
    assert len(newest) >= min(length, span.newest)
    assert len(there) <= MOST_SHOWN + 2 * STEP
    far = [one.position for one in found.far]
    assert far == list(range(far[0], far[-1] + 1)) if far else True
    assert (found.back is None) == (not there or there[0] == 0)
    assert (found.gap.number > 0) == (found.on is not None)
    if found.gap.number:
        assert found.gap.before == newest[0]
        assert found.gap.number == newest[0] - far[-1] - 1
        assert of_address(found.gap.down) == found.on
        assert of_address(found.gap.up).newest > FIRST_SHOWN


@settings(deadline=None)
@given(LENGTHS)
def test_who_goes_back_again_and_again_sees_every_message_to_the_first(length: int) -> None:
    span, seen = Span(), set[int]()
    for _ in range(length // MORE + 2):
        found = shown(length, span)
        check(length, span, found)
        there = set(positions(found))
        assert not seen or min(seen) in there
        seen |= there
        if found.back is None:
            break
        assert of_address(found.back.address) == found.back
        span = found.back
    assert seen == set(range(length))


@settings(deadline=None)
@given(LENGTHS, st.data())
def test_who_goes_on_from_far_back_sees_every_message_to_the_last(
    length: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, length))
    span, seen = Span().stretched(start, start + MORE), set[int]()
    for _ in range(length // MORE + 2):
        found = shown(length, span)
        check(length, span, found)
        there = {one.position for one in found.far} or set(positions(found))
        # The last that was seen is there as well: nobody loses their place.
        assert not seen or max(seen) in there
        seen |= there
        if found.on is None:
            seen |= set(positions(found))
            break
        span = found.on
    assert seen >= set(range(start, length))


@settings(deadline=None)
@given(st.integers(1, 9_000), st.data())
def test_a_message_that_is_looked_for_is_shown_with_some_around_it(
    length: int, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, length - 1))
    span = around(position, length - 1 - position)
    found = shown(length, span)
    check(length, span, found)
    assert of_address(span.address) == span
    near = range(max(0, position - STEP), min(length, position + STEP))
    assert set(near) <= set(positions(found))
    # A page with few messages opens at once, however far back they are.
    assert len(positions(found)) <= NEAR + 4 * STEP


@settings(deadline=None)
@given(LENGTHS, st.integers(0, 12_000), st.integers(0, 12_000))
def test_whatever_stretch_an_address_names_there_is_a_page(
    length: int, first: int, end: int
) -> None:
    span = Span.asked(None, str(first), str(end))
    assert span.end - span.first <= MOST_FAR
    check(length, span, shown(length, span))


def test_what_grows_is_not_among_what_is_settled() -> None:
    span = Span().stretched(100, 140)
    found = cut(view(1_000, span, live=2), span)
    assert positions(found)[-1] == 997


@pytest.mark.parametrize("wish", [None, "", "0", "-3", "many", "9" * 5000, "٣"])
def test_an_odd_number_of_messages_means_the_usual(wish: str | None) -> None:
    assert Span.asked(wish, None, None) == Span()
    assert Span.asked(None, wish, "40").end <= 40
    assert Span.asked("150", "20", wish).first in (0, 20)


def test_nobody_gets_more_messages_than_a_page_can_carry() -> None:
    assert Span.asked("150", None, None) == Span(150)
    assert Span.asked("999999", None, None) == Span(MOST_SHOWN)
    assert Span.asked(None, "0", "999999").far == range(MOST_FAR)
