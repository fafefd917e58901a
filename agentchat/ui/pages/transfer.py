"""The page on which threads are imported."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words_transfer as words
from agentchat.ui.components.framed import framed
from agentchat.ui.components.transfer import import_box


def import_page() -> rx.Component:
    """Threads at the left, the box that takes a file at the right."""
    return framed(words.IMPORT_TITLE, rx.el.div(import_box(), class_name="document"))
