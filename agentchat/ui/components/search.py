"""Search and shortcuts: on every page that has the list of threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words_search as words
from agentchat.ui.build import local_library
from agentchat.ui.components.local import TwoTexts
from agentchat.ui.states.search import Found, SearchState

_PACKAGES = ["lucide-react@1.26.0", "@radix-ui/react-dialog@1.3.1"]
_Look = rx.event.passthrough_event_spec(str, int, int)


class Palette(rx.Component):
    """The button that opens the palette, and the palette."""

    library = local_library("palette.jsx")
    tag = "Palette"
    lib_dependencies: list[str] = _PACKAGES

    found: rx.Var[Found]
    places: rx.Var[list[dict[str, str]]]
    words: rx.Var[Mapping[str, Any]]
    on_look: rx.EventHandler[_Look]
    on_theme: rx.EventHandler[rx.event.no_args_event_spec]


class Shortcuts(rx.Component):
    """Listens to the keys that work anywhere, and lists them."""

    library = local_library("shortcuts.jsx")
    tag = "Shortcuts"
    lib_dependencies: list[str] = _PACKAGES

    words: rx.Var[Mapping[str, Any]]
    on_rename: rx.EventHandler[TwoTexts]


def search() -> rx.Component:
    """The button, and what it and the keys open."""
    return rx.fragment(
        Palette.create(
            found=SearchState.found,
            places=words.PLACES,
            words=words.PALETTE,
            on_look=SearchState.look,
            on_theme=rx.toggle_color_mode,
        ),
        Shortcuts.create(
            words=words.SHORTCUTS,
            on_rename=SearchState.rename,
        ),
    )
