"""Who else is in the thread on the page; the source is presence.jsx."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words_sharing as words
from agentchat.ui.build import local_library
from agentchat.ui.states.presence import Here, PresenceState


class WhoIsHere(rx.Component):
    """Small circles with the initials of others who look at the thread."""

    library = local_library("presence.jsx")
    tag = "WhoIsHere"

    here: rx.Var[Here]
    words: rx.Var[Mapping[str, str]]


class WhoTypes(rx.Component):
    """A line that says who types."""

    library = local_library("presence.jsx")
    tag = "WhoTypes"

    here: rx.Var[Here]
    words: rx.Var[Mapping[str, str]]


def who_is_here() -> rx.Component:
    """Others who look at the thread; nothing if there are none."""
    return WhoIsHere.create(here=PresenceState.here, words=words.HERE)


def who_types() -> rx.Component:
    """A line that says who types; empty if nobody does."""
    return WhoTypes.create(here=PresenceState.here, words=words.HERE)
