"""What a text in Markdown says, without its marks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


def plain_words(text: str) -> str:
    """The words of a text on one line, as they are read where its Markdown is shown: of links and
    pictures what they are called. Underscores stay, for names have them; so does HTML.
    """
    return " ".join(" ".join(_said(_parser().parse(text))).split())


def _said(blocks: Iterable[Token]) -> Iterator[str]:
    for block in blocks:
        if block.type == "inline":
            yield "".join(_within(block.children or ()))
        elif block.type in ("fence", "code_block"):
            yield block.content


def _within(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            yield " "
        elif token.markup.startswith("_"):
            yield token.markup
        else:
            yield token.content


@cache
def _parser() -> MarkdownIt:
    # Most programs that import this name no thread.
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
