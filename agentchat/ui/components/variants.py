"""Several answers at one place of a thread, and the button that asks for another."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words
from agentchat.ui.build import local_library
from agentchat.ui.states.thread import ThreadState
from agentchat.views import MessageView

_LIBRARY = local_library("variants.jsx")
_LUCIDE = "lucide-react@1.26.0"

Text = rx.event.passthrough_event_spec(str)
TwoTexts = rx.event.passthrough_event_spec(str, str)


class Variant(rx.Component):
    """One answer of several."""

    library = _LIBRARY
    tag = "Variant"

    message: rx.Var[str]
    number: rx.Var[int]
    position: rx.Var[int]
    run: rx.Var[str]
    status: rx.Var[str]


class Variants(rx.Component):
    """The answers at one place: those of its children that are at this ``position``."""

    library = _LIBRARY
    tag = "Variants"
    lib_dependencies: list[str] = [_LUCIDE]

    position: rx.Var[int]
    kept: rx.Var[str]
    undecided: rx.Var[bool]
    kept_by: rx.Var[str]
    may_write: rx.Var[bool]
    words: rx.Var[Mapping[str, str]]
    on_keep: rx.EventHandler[Text]
    on_stop: rx.EventHandler[Text]


class AgainButton(rx.Component):
    """Asks for an answer once more."""

    library = _LIBRARY
    tag = "AgainButton"
    lib_dependencies: list[str] = [_LUCIDE]

    message: rx.Var[str]
    variants: rx.Var[int]
    words: rx.Var[Mapping[str, str]]
    on_again: rx.EventHandler[TwoTexts]


def variant(view: rx.Var[MessageView], article: rx.Component) -> rx.Component:
    """An answer as one of several."""
    return Variant.create(
        article,
        key=view.id,
        message=view.id,
        number=view.variant,
        position=view.position,
        run=view.run_id,
        status=view.status,
    )


def variants(kept: rx.Var[MessageView], *answers: rx.Component) -> rx.Component:
    """The answers at the place of the one that is ``kept``."""
    return Variants.create(
        *answers,
        position=kept.position,
        kept=kept.id,
        undecided=kept.undecided,
        kept_by=kept.kept_by,
        may_write=ThreadState.role != "viewer",
        words=words.VARIANTS,
        on_keep=ThreadState.keep,
        on_stop=ThreadState.stop_one,
    )


def again_button(view: rx.Var[MessageView]) -> rx.Component:
    """Asks for an answer once more, beside the one that is there."""
    return AgainButton.create(
        message=view.id,
        variants=view.variants,
        words=words.VARIANTS,
        on_again=ThreadState.regenerate,
    )
