"""What else there is at the places of a thread: answers side by side, and other ways that it went.
Rows and views in, views out. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from agentchat.models import LIVE_MESSAGE
from agentchat.verbs.branch_paths import Forks, newest, ways
from agentchat.views import MessageView


def kept(
    rows: Collection[Row[Any]], views: Mapping[str, MessageView], forks: Forks, shown: int
) -> tuple[MessageView, ...]:
    """The messages that a thread consists of; those that have others beside them say so, and
    those that were said instead of others, while the branch ``shown`` is.
    """
    places: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        places[row.position].append(row)
    begins = {fork.position for fork in forks.values()}
    found = []
    for row in rows:
        if row.hidden:
            continue
        view = _with_others(row, places[row.position], views[row.id])
        found.append(_with_ways(row, forks, shown, view) if row.position in begins else view)
    return tuple(found)


def others(rows: Collection[Row[Any]], views: Mapping[str, MessageView]) -> tuple[MessageView, ...]:
    """The messages that are not kept, by their place and number."""
    return tuple(views[row.id] for row in rows if row.hidden)


def _with_others(row: Row[Any], place: Collection[Row[Any]], view: MessageView) -> MessageView:
    if len(place) == 1:
        return view
    newest_ = max(one.created_at for one in place if one.hidden)
    undecided = row.kept_at is None or row.kept_at < newest_
    undecided |= any(one.status in LIVE_MESSAGE for one in place)
    return replace(view, variants=len(place), undecided=undecided, kept_by=row.kept_by or "")


def _with_ways(row: Row[Any], forks: Forks, shown: int, view: MessageView) -> MessageView:
    found = ways(forks, row.branch, row.position)
    if len(found) == 1:
        return view
    mine = found.index(row.branch)
    targets = tuple(
        shown if at == mine else newest(forks, branch, row.position)
        for at, branch in enumerate(found)
    )
    return replace(view, branches=targets, way=mine)
