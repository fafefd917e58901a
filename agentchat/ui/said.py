"""Words that pages say, each in the language of whoever reads it.

English is the source: ``said("New thread")`` is that very text, marked. Where a marked text gets
into a component, it compiles to a look-up in the catalogue of the language that the browser has
picked (``components/said.js``); without one, or if it lacks the text, it stays English. Text that
is put together in Python loses the mark: write templates with names in braces instead.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final, TypeVar, cast, overload

import reflex as rx
from reflex_base.constants.base import REFLEX_VAR_OPENING_TAG
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import LiteralVar, VarData
from reflex_base.vars.sequence import StringVar

from agentchat.ui.build import local_library

T = TypeVar("T")

_LIBRARY: Final = local_library("said.js")
_SPEAKS: Final = VarData(
    imports={_LIBRARY: [ImportVar(tag="useSaid")]}, hooks={"const said = useSaid()": None}
)
_FILLS: Final = VarData(imports={_LIBRARY: [ImportVar(tag="filled")]})


class Said(str):
    """A text of a page, in English, that is shown in the language of the reader."""

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        # Attributes that are no props, such as aria-label, stay texts until they are written, and
        # what a var in them needs is forgotten, but for texts that say they hold one.
        return part == REFLEX_VAR_OPENING_TAG or (
            isinstance(part, str) and super().__contains__(part)
        )


class Told(Said):
    """A text that the server fills in; the page is sent the outcome."""

    __slots__ = ()


class _SaidVar(StringVar[Said], python_types=Said):
    """How a marked text becomes JavaScript; Reflex asks for it by the type of the text."""


@dataclasses.dataclass(eq=False, frozen=True, slots=True)
class _LiteralSaidVar(LiteralVar[Said], _SaidVar):
    """A marked text in a component."""

    _var_value: str = ""

    @classmethod
    def create(cls, value: str, _var_data: VarData | None = None) -> rx.Var[str]:  # type: ignore[override]  # narrowed by what it is asked for
        return _spoken(json.dumps(value), _var_data)

    @classmethod
    def _get_all_var_data_without_creating_var(cls, value: Any) -> VarData | None:
        return _SPEAKS


@overload
def said(words: rx.Var[Any]) -> rx.Var[str]: ...
@overload
def said(words: T) -> T: ...
def said(words: Any) -> Any:
    """Mark a text as one that pages show in the language of whoever reads them.

    Of a dict, list or tuple, every text in it is marked, but no key. A var stands for words that
    the server sends in English: those are looked up when they come, texts with values in them by
    the templates of the catalogue.
    """
    if isinstance(words, rx.Var):
        return _spoken(str(words), words._get_all_var_data())
    return _marked(words, Said)


def told(words: T) -> T:
    """Mark texts that the server fills in before it sends them: the page finds each again, with
    the values in it, by its template.
    """
    return cast(T, _marked(words, Told))


def _marked(words: Any, mark: type[Said]) -> Any:
    if isinstance(words, Said):
        return words
    if isinstance(words, str):
        return mark(words)
    if isinstance(words, dict):
        return {key: _marked(value, mark) for key, value in words.items()}
    if isinstance(words, list | tuple):
        return type(words)(_marked(value, mark) for value in words)
    return words


def filled(words: str | rx.Var[str], **values: Any) -> rx.Var[str]:
    """A marked text with its names in braces filled in by these, which may be vars."""
    text, given = rx.Var.create(words), rx.Var.create(values)
    data = VarData.merge(_FILLS, text._get_all_var_data(), given._get_all_var_data())
    return _text(f"filled({text!s}, {given!s})", data)


def _spoken(expression: str, data: VarData | None) -> StringVar[str]:
    return _text(f"said({expression})", VarData.merge(_SPEAKS, data))


def _text(expression: str, data: VarData | None) -> StringVar[str]:
    var: rx.Var[str] = rx.Var(expression, _var_type=str, _var_data=data)
    return var.to(str)
