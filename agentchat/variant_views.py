"""Answers side by side at one place of a thread: rows and views in, views out. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from agentchat.models import LIVE_MESSAGE
from agentchat.views import MessageView


def kept(rows: Collection[Row[Any]], views: Mapping[str, MessageView]) -> tuple[MessageView, ...]:
    """The messages that a thread consists of; those that have others beside them say so."""
    if not any(row.hidden for row in rows):
        return tuple(views[row.id] for row in rows)
    places: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        places[row.position].append(row)
    return tuple(
        _with_others(row, places[row.position], views[row.id]) for row in rows if not row.hidden
    )


def others(rows: Collection[Row[Any]], views: Mapping[str, MessageView]) -> tuple[MessageView, ...]:
    """The messages that are not kept, by their place and number."""
    return tuple(views[row.id] for row in rows if row.hidden)


def _with_others(row: Row[Any], place: Collection[Row[Any]], view: MessageView) -> MessageView:
    if len(place) == 1:
        return view
    newest = max(one.created_at for one in place if one.hidden)
    undecided = row.kept_at is None or row.kept_at < newest
    undecided |= any(one.status in LIVE_MESSAGE for one in place)
    return replace(view, variants=len(place), undecided=undecided, kept_by=row.kept_by or "")
