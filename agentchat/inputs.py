"""What comes from outside, checked at the edge. Pure; each refusal says what to do."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from agentchat.errors import InvalidInput
from agentchat.plain import plain_words

MOST_CHARACTERS = 100_000
"""The longest message; longer text belongs in a file."""
MOST_TITLE = 120
_FIRST_WORDS = 60
_READ = 2_000
"""Of how many characters of a message its first words are found."""
_NUMBERED = re.compile(r"(.+) \((\d{1,4})\)")
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def checked_id(value: str | None) -> str:
    """An id that a client made, or a new one; raises :class:`InvalidInput`."""
    if value is None:
        return uuid.uuid4().hex
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidInput(f"{str(value)[:80]!r} is not an id: 8 to 64 letters, digits, - or _.")
    return value


def storable(text: str) -> str:
    """The text as every database can store it: halves of a character are joined, or replaced
    where the other half is missing, and NUL is left out.
    """
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def checked_text(value: str) -> str:
    """The text of a message; raises :class:`InvalidInput`."""
    text = storable(_typed(value, "message")).strip()
    if not text:
        raise InvalidInput("The message is empty. Write something first.")
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            f"The message has {len(text):,} characters; {MOST_CHARACTERS:,} is the most."
            " Shorten it, or send it in parts."
        )
    return text


def checked_title(value: str) -> str:
    """The title of a thread on one line, which may be empty; raises :class:`InvalidInput`."""
    title = " ".join(storable(_typed(value, "name")).split())
    if len(title) > MOST_TITLE:
        raise InvalidInput(
            f"A thread's name has at most {MOST_TITLE} characters; this has {len(title)}."
        )
    return title


def checked_json(value: Any, what: str) -> Any:
    """The value as JSON has it; raises :class:`InvalidInput` that begins with ``what``."""
    try:
        return json.loads(to_json(value, inf_nan_mode="constants"), parse_constant=_no_number)
    except (PydanticSerializationError, UnicodeEncodeError, ValueError) as error:
        raise InvalidInput(f"{what} cannot be stored as JSON: {error}") from error


def problems_of(error: ValidationError | PydanticSerializationError) -> str:
    """What pydantic found wrong, on one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"])))
        for one in error.errors()
    )


def title_of(text: str) -> str:
    """The first words of a thread's first message, without marks of Markdown."""
    begun = text[:_READ]
    words = plain_words(begun) or " ".join(begun.split())
    if len(words) <= _FIRST_WORDS:
        return words
    return words[:_FIRST_WORDS].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


def next_title(title: str) -> str:
    """The title of a thread that goes on from the one with this title: "Herons (2)", "(3)"."""
    if not title:
        return ""
    found = _NUMBERED.fullmatch(title)
    name, number = (found[1], int(found[2]) + 1) if found else (title, 2)
    end = f" ({number})"
    return name[: MOST_TITLE - len(end)].rstrip() + end


def _typed(value: object, what: str) -> str:
    # A browser may call any handler with anything.
    if not isinstance(value, str):
        raise InvalidInput(f"A {what} is text, not {type(value).__name__}.")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
