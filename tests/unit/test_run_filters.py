"""The filter of a list of runs, in an address and back; and why a run stands where it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentchat.models import RunStatus
from agentchat.operations.filters import SORTS, WITHIN, Place, RunFilter, asked
from agentchat.operations.run_words import Known, can, why

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
words = st.text(min_size=1, max_size=40).map(
    lambda text: text.replace("\x00", "").encode("utf-8", "replace").decode().strip()
)
places = st.builds(Place, moments, st.from_regex(r"[A-Za-z0-9_-]{8,64}", fullmatch=True))


@st.composite
def filters(draw: st.DrawFn) -> RunFilter:
    chosen = draw(st.sets(st.sampled_from(list(RunStatus))))
    sort = draw(st.sampled_from(SORTS))
    custom = draw(st.booleans())
    since = draw(st.none() | moments) if custom else None
    in_time = sort in ("newest", "oldest")
    return RunFilter(
        statuses=tuple(status for status in RunStatus if status in chosen),
        workflow=draw(words | st.just("")),
        agent=draw(words | st.just("")),
        model=draw(words | st.just("")),
        user=draw(words | st.just("")),
        thread=draw(words | st.just("")),
        schedule=draw(words | st.just("")),
        within="" if custom else draw(st.sampled_from(["", *WITHIN])),
        since=since,
        until=None if since is None else since + timedelta(hours=1),
        text=draw(words | st.just("")),
        sort=sort,
        after=draw(st.none() | places) if in_time else None,
        skip=0 if in_time else draw(st.integers(0, 5_000)),
    )


@given(filters())
def test_what_is_written_into_an_address_is_read_again(filter: RunFilter) -> None:
    read = asked(filter.query)
    assert read.problems == ()
    assert read.filter == filter
    assert read.filter.query == filter.query
    assert hash(read.filter) == hash(filter)


@given(st.text(max_size=300))
def test_no_address_is_too_strange_to_be_read(query: str) -> None:
    read = asked(query)
    # What was ignored is not asked for again.
    assert asked(read.filter.query).problems == ()
    assert asked(read.filter.query).filter == read.filter


@pytest.mark.parametrize(
    ("query", "words", "kept"),
    [
        ("status=broken", "a status is one of queued, running", RunFilter()),
        (
            "status=failed,broken",
            "status=broken was ignored",
            RunFilter(statuses=(RunStatus.FAILED,)),
        ),
        ("within=2h", "it is one of 1h, 24h, 7d, 30d", RunFilter()),
        ("since=2026-01-01T09:00", "a zone, like 2026-01-31T09:30Z", RunFilter()),
        ("since=yesterday", "since=yesterday was ignored", RunFilter()),
        ("sort=best", "it is one of newest, oldest, longest", RunFilter()),
        ("after=nowhere", "it is no place in this list", RunFilter()),
        ("sort=cost&skip=-1", "it is a number up to 5,000", RunFilter(sort="cost")),
        ("text=" + "x" * 201, "at most 200 characters", RunFilter()),
        (
            "since=2026-01-02T00:00Z&until=2026-01-01T00:00Z",
            "the end is not after the beginning",
            RunFilter(),
        ),
        (
            "within=1h&since=2026-01-01T12:00Z",
            "within was ignored",
            RunFilter(since=NOW),
        ),
    ],
)
def test_what_is_wrong_in_an_address_is_ignored_with_words(
    query: str, words: str, kept: RunFilter
) -> None:
    read = asked(query)
    assert read.filter == kept
    [problem] = read.problems
    assert words in problem


def test_several_statuses_may_be_named_in_either_way_and_in_any_order() -> None:
    both = (RunStatus.RUNNING, RunStatus.FAILED)
    assert asked("status=failed&status=running").filter.statuses == both
    assert asked("?status=running,failed,failed").filter.statuses == both


def test_times_may_stand_in_any_zone() -> None:
    assert asked("since=2026-01-01T13:00+01:00").filter.since == NOW
    assert asked("since=2026-01-01T13:00%2B01:00").filter.since == NOW


def test_the_first_page_of_a_filter_is_the_filter_without_its_place() -> None:
    place = Place(NOW, "12345678")
    filter = asked(f"workflow=digest&after={place}").filter
    assert filter.after == place
    assert filter.first_page() == RunFilter(workflow="digest")
    assert filter.narrowed
    assert not RunFilter(sort="oldest", after=place).narrowed


# Words


ROW = {
    "due_at": None,
    "retry_at": None,
    "tries": 0,
    "max_tries": 0,
    "pausing": False,
    "paused_by": None,
    "stop_by": None,
    "stopped_by": None,
    "step": "",
    "failed_step": None,
    "error_kind": None,
    "error": None,
}


def run(status: str, **values: Any) -> Any:
    return SimpleNamespace(**{**ROW, "status": status, **values})


def wait(kind: str, **values: Any) -> Any:
    return SimpleNamespace(**{"kind": kind, "event": None, "child_id": None, **values})


def ask(kind: str, deadline: datetime | None = None) -> Any:
    return SimpleNamespace(kind=kind, deadline=deadline)


@pytest.mark.parametrize(
    ("row", "known", "words", "at"),
    [
        (run("queued", due_at=NOW), Known(), "waiting for a free worker", None),
        (run("queued", due_at=SOON), Known(), "starts at {at}", SOON),
        (run("queued", due_at=NOW), Known(behind="a" * 32), "queued behind aaaaaaaa", None),
        (
            run("queued", due_at=NOW),
            Known(behind="a" * 32, workflow_paused_by="Ann"),
            "the workflow was paused by Ann",
            None,
        ),
        (run("running"), Known(), "", None),
        (run("running", tries=2, max_tries=5), Known(), "try 2 of 5", None),
        (
            run("running", tries=2, max_tries=5, retry_at=SOON),
            Known(),
            "retrying (2 of 5) at {at}",
            SOON,
        ),
        (
            run("waiting", tries=3, max_tries=5, retry_at=SOON, due_at=SOON),
            Known(wait=wait("step")),
            "retrying (3 of 5) at {at}",
            SOON,
        ),
        (
            run("running", pausing=True, paused_by="Ann"),
            Known(),
            "pausing after this step, by Ann",
            None,
        ),
        (run("waiting", due_at=SOON), Known(wait=wait("sleep")), "sleeping until {at}", SOON),
        (
            run("waiting", due_at=SOON),
            Known(wait=wait("event", event="paid")),
            "waiting for event 'paid' until {at}",
            SOON,
        ),
        (run("waiting"), Known(wait=wait("event", event="paid")), "waiting for event 'paid'", None),
        (
            run("waiting"),
            Known(wait=wait("run", child_id="b" * 32)),
            "waiting for run bbbbbbbb",
            None,
        ),
        (run("waiting"), Known(ask=ask("approval")), "waiting for approval", None),
        (
            run("waiting"),
            Known(ask=ask("approval", SOON), wait=wait("event", event="ask x")),
            "waiting for approval until {at}",
            SOON,
        ),
        (run("waiting"), Known(ask=ask("question")), "waiting for an answer", None),
        (run("paused", paused_by="Bob"), Known(), "paused by Bob", None),
        (
            run("paused", error_kind="code_changed", error="The journal holds …"),
            Known(),
            "held: the code changed",
            None,
        ),
        (
            run("paused", step="pay", error="The bank is shut.\nmore"),
            Known(),
            "paused: pay failed: The bank is shut.",
            None,
        ),
        (
            run("stopping", stopped_by="Ann", stop_by=SOON),
            Known(),
            "stopped by Ann, cleaning up until {at} at most",
            SOON,
        ),
        (run("stopped", stopped_by="Ann"), Known(), "stopped by Ann", None),
        (
            run("failed", failed_step="pay", error_kind="ValueError", error="no {at} money"),
            Known(),
            "pay: ValueError: no { at } money",
            None,
        ),
        (run("done"), Known(), "", None),
    ],
)
def test_a_status_says_its_reason_and_what_happens_next(
    row: Any, known: Known, words: str, at: datetime | None
) -> None:
    found = why(row, known, NOW)
    assert (found.words, found.at) == (words, at)


def test_no_word_of_a_private_run_is_anybodys() -> None:
    secret = "Ann said that she is ill"
    for row, known in [
        (run("failed", failed_step=secret, error_kind="ValueError", error=secret), Known()),
        (run("paused", step=secret, error=secret), Known()),
        (run("waiting"), Known(wait=wait("event", event=secret))),
    ]:
        assert secret in why(row, known, NOW).words
        assert secret not in why(row, known, NOW, private=True).words


def test_no_password_stands_in_a_list() -> None:
    row = run("failed", error_kind="ValueError", error="cannot use password=hunter2hunter2 there")
    assert "hunter2" not in why(row, Known(), NOW).words


def test_a_run_can_only_what_its_state_allows() -> None:
    assert can(run("queued")) == ("cancel", "pause")
    assert can(run("running")) == ("cancel", "pause")
    assert can(run("running", pausing=True)) == ("cancel", "resume")
    assert can(run("waiting")) == ("cancel", "pause")
    assert can(run("paused")) == ("cancel", "resume")
    assert can(run("stopping")) == ()
    assert can(run("done")) == ()
    assert can(run("stopped")) == can(run("failed")) == ("retry",)
