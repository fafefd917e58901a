"""The frame of a page beside the threads: sidebar, title, notices."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words
from agentchat.ui.components.local import DrawerButton, Main, Shell
from agentchat.ui.components.notices import build_notice, problem_notice
from agentchat.ui.components.sidebar import sidebar


def framed(title: str, *content: rx.Component, places: rx.Component | None = None) -> rx.Component:
    """A page with the threads at its left (a drawer, where it is narrow), and what it is about
    at its right, which scrolls. ``places`` lead to the pages that belong to it.
    """
    return Shell.create(
        sidebar(),
        Main.create(
            rx.el.header(
                DrawerButton.create(opens=True, label=words.SHOW_THREADS),
                rx.el.h1(title, class_name="header-title"),
                *([] if places is None else [places]),
                class_name="header titled",
            ),
            build_notice(),
            problem_notice(),
            rx.el.div(*content, class_name="scroller"),
        ),
    )
