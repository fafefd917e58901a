"""Asking of a whole commit what it touches says the same as asking of each change."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentchat.store.changes import EVERYTHING, NOBODY, Rows, rows
from agentchat.store.told import Told

VALUES: st.SearchStrategy[Any] = st.sampled_from(["a", "b", "c", "1", 1, 2, True, None])
KNOWN = st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2)
ROWS = st.builds(rows, st.sampled_from(["t", "t", "t", "u"]), KNOWN)
ANY_ROWS = st.one_of(ROWS, ROWS, ROWS, st.sampled_from([Rows(EVERYTHING), Rows(NOBODY)]))


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(st.one_of(st.lists(ROWS, max_size=30), st.lists(ANY_ROWS, max_size=12)), st.lists(ROWS))
def test_a_commit_touches_what_one_of_its_changes_touches(
    changes: list[Rows], reads: list[Rows]
) -> None:
    told = Told(changes)
    for read in (*reads, Rows(EVERYTHING)):
        found = told.touching((read,))
        assert (found is not None) == any(change.touches(read) for change in changes)
        assert found is None or (found[0] in changes and found[0].touches(read))
