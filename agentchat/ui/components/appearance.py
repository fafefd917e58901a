"""Light or dark, or as the system has it."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words_settings as words
from agentchat.ui.build import local_library


class AppearanceChoice(rx.Component):
    """The choice, which this browser keeps."""

    library = local_library("appearance.jsx")
    tag = "AppearanceChoice"

    label: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


def appearance_choice() -> rx.Component:
    """Light, dark, or what the system says, for settings."""
    return AppearanceChoice.create(label=words.APPEARANCE, words=words.APPEARANCES)
