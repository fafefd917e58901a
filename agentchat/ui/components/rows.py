"""The messages of a thread as a list: those near to the reader whole, others as plain texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import reflex as rx

from agentchat.ui import words
from agentchat.ui.build import local_library
from agentchat.ui.spans import Gap
from agentchat.views import MessageView


class Rows(rx.Component):
    """The list; see rows.jsx. Its children are what each of the ``messages`` shows, which makes an
    article itself of ``several`` answers at one place, and what stands in the ``gap``.
    """

    library = local_library("rows.jsx")
    tag = "Rows"
    # They stand beside the messages one by one.
    _memoization_mode = rx.constants.compiler.MemoizationMode(recursive=False)

    messages: rx.Var[list[MessageView]]
    several: rx.Var[bool]
    gap: rx.Var[Gap]
    words: rx.Var[Mapping[str, str]]


def rows(
    messages: rx.Var[list[MessageView]] | list[MessageView],
    what: Callable[[rx.Var[MessageView]], rx.Component],
    *,
    several: bool,
    gap: rx.Var[Gap] | Gap,
    between: rx.Component,
) -> rx.Component:
    """The messages as articles, with ``what`` is shown of each; of several answers at one place it
    shows the articles itself. If there is a gap, ``between`` is shown there.
    """
    return Rows.create(
        rx.foreach(messages, lambda view: rx.fragment(what(view), key=view.id)),
        between,
        messages=messages,
        several=several,
        gap=gap,
        words={"you": words.YOU, "assistant": words.ASSISTANT},
    )
