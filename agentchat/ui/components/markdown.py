"""Markdown from models: the only place where untrusted text becomes elements.

Raw HTML is shown as text, only web and mail links lead anywhere, and images are never
fetched. The rules themselves are in markdown.jsx; nothing else may use ``rx.markdown``,
which renders raw HTML.
"""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words
from agentchat.ui.build import local_library


class Markdown(rx.Component):
    """Renders its text; see markdown.jsx for what it refuses."""

    library = local_library("markdown.jsx")
    tag = "Markdown"
    lib_dependencies: list[str] = [
        "react-markdown@10.1.0",
        "remark-gfm@4.0.1",
        "rehype-highlight@7.0.2",
        # Fetched by the page with the first formula: math.jsx.
        "remark-math@6.0.0",
        "katex@0.16.47",
        "lucide-react@1.26.0",
        "marked@18.2.1",
    ]

    message: rx.Var[str]
    growing: rx.Var[bool]
    text: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


class Plain(rx.Component):
    """A text as it was written."""

    library = local_library("markdown.jsx")
    tag = "Plain"

    text: rx.Var[str]


class CopyMessage(rx.Component):
    """A button that copies a message's source."""

    library = local_library("markdown.jsx")
    tag = "CopyMessage"

    text: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


def markdown(
    text: rx.Var[str] | str,
    *,
    message: rx.Var[str] | str = "",
    growing: rx.Var[bool] | bool = False,
) -> rx.Component:
    """The text as markdown, safely; while a ``message`` is ``growing``, its text as it comes."""
    return rx.el.div(
        Markdown.create(message=message, growing=growing, text=text, words=words.MARKDOWN),
        class_name="markdown",
        data_part="text",
    )


def copy_message(text: rx.Var[str]) -> rx.Component:
    """A button that copies the text as it was written."""
    return CopyMessage.create(text=text, words=words.MARKDOWN)
