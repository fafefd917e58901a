"""Faults: the bar that is on every page while one is on, and the card of each kind."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words_faults as words
from agentchat.ui.build import local_library
from agentchat.ui.components.local import Text
from agentchat.ui.states.faults import FaultLine, FaultsState, FaultSwitchState


class FaultBar(rx.Component):
    """What is on, by whom, for how long, each with a button that ends it."""

    library = local_library("faults.jsx")
    tag = "FaultBar"

    faults: rx.Var[list[FaultLine]]
    words: rx.Var[Mapping[str, str]]
    on_end: rx.EventHandler[Text]


def fault_bar() -> rx.Component:
    """The bar of every page. Reflex adds the whole app as the last child of what is returned."""
    bar = FaultBar.create(faults=FaultsState.on, words=words.BAR, on_end=FaultSwitchState.end)
    return rx.fragment(bar)


def fault_card(kind: str) -> rx.Component:
    """What a kind of fault does, and its switch."""
    title, about = words.FAULTS[kind]
    on = FaultsState.kinds.contains(kind)
    fields = [_field("seconds", kind, words.SECONDS, 1, 60, words.USUAL_SECONDS)]
    if kind in words.AMOUNTS:
        fields.append(_field("amount", kind, *words.AMOUNTS[kind]))
    return rx.el.section(
        rx.el.h2(title, id=f"fault-{kind}"),
        rx.el.p(about, class_name="fault-about"),
        rx.el.form(
            rx.el.input(type="hidden", name="kind", value=kind, read_only=True),
            *fields,
            rx.cond(
                on,
                rx.el.span(words.ON, class_name="fault-on"),
                rx.el.button(words.SWITCH_ON, type="submit", class_name="button"),
            ),
            on_submit=FaultSwitchState.switch_on,
            class_name="fault-form",
        ),
        aria_labelledby=f"fault-{kind}",
        class_name="fault-card",
        data_kind=kind,
    )


def _field(name: str, kind: str, label: str, least: int, most: int, usual: int) -> rx.Component:
    return rx.el.label(
        rx.el.span(label),
        rx.el.input(
            type="number",
            name=name,
            id=f"fault-{kind}-{name}",
            min=least,
            max=most,
            step=1,
            default_value=str(usual),
            required=True,
        ),
    )
