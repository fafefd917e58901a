"""Guards for what is tested without an app."""

from __future__ import annotations

from agentchat.durable.clock import Clock, SystemClock
from agentchat.guard import Guard
from agentchat.views import Actor

NOBODY = Actor("", "")
"""Somebody who may do nothing anywhere."""


def open_to_all(clock: Clock | None = None) -> Guard:
    """Whoever has a name may do everything."""
    return Guard((clock or SystemClock()).now, everybody=True)


def by_rows(clock: Clock | None = None) -> Guard:
    """Rights are what the rows say."""
    return Guard((clock or SystemClock()).now, everybody=False)
