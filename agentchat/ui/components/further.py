"""What leads to messages of the thread that are not shown."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words
from agentchat.ui.build import local_library
from agentchat.ui.spans import Gap

_LIBRARY = local_library("further.jsx")


class Further(rx.Component):
    """A link to another address of the thread, which shows other messages of it."""

    library = _LIBRARY
    tag = "Further"

    to: rx.Var[str]


class Earlier(rx.Component):
    """A link that is followed as the reader comes near to it from below."""

    library = _LIBRARY
    tag = "Earlier"

    to: rx.Var[str]


class GapLine(rx.Component):
    """Between messages far back and the newest. Its children lead on from above and from below."""

    library = _LIBRARY
    tag = "Gap"
    # Which of them is which is told by their order.
    _memoization_mode = rx.constants.compiler.MemoizationMode(recursive=False)

    gap: rx.Var[Gap]
    words: rx.Var[Mapping[str, str]]


def gap_line(gap: rx.Var[Gap] | Gap, down: rx.Component, up: rx.Component) -> rx.Component:
    """The messages that are not shown, and what shows those at both ends of them."""
    return GapLine.create(down, up, gap=gap, words=words.NOT_SHOWN)
