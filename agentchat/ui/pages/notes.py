"""Pages that are a few words: an unknown address, a page that broke, help with models."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words
from agentchat.ui.components.framed import framed
from agentchat.ui.components.markdown import markdown


def not_found_page() -> rx.Component:
    """Nothing is at this address."""
    return _note(
        words.NOT_FOUND_TITLE,
        words.NOT_FOUND,
        rx.el.a(words.START_OVER, href="/", class_name="button primary"),
    )


def models_page() -> rx.Component:
    """Threads at the left, how to get better answers at the right."""
    return framed(words.MODELS_TITLE, rx.el.div(markdown(words.MODELS_HELP), class_name="document"))


def crash_page() -> rx.Component:
    """Shown when a page breaks in the browser; a reload is always safe."""
    return _note(
        words.CRASH_TITLE,
        words.CRASH,
        rx.el.a(words.RELOAD, href="", class_name="button primary"),
    )


def _note(title: str, text: str, way_on: rx.Component) -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.h1(title, class_name="note-title"),
            rx.el.p(text),
            way_on,
            class_name="center-note",
        ),
        class_name="full-page",
    )


def loading_page() -> rx.Component:
    """Shown until the scripts of a page have arrived; quick loads never see it."""
    return rx.el.div(
        rx.el.span(class_name="brand-mark", aria_hidden=True),
        class_name="loading-page",
        aria_busy=True,
    )
