"""Parts that all pages about runs share: the chip that shows a status."""

from __future__ import annotations

from typing import Any

import reflex as rx

from agentchat.ui import words_runs as words


def status_chip(status: rx.Var[str] | str) -> rx.Component:
    """The status of a run or of a step, as a word with its colour; live ones move."""
    known: Any = rx.Var.create(words.STATUSES)
    return rx.el.span(
        rx.el.span(class_name="chip-dot", aria_hidden=True),
        known[status],
        class_name=f"chip chip-{status}",
        data_status=status,
    )
