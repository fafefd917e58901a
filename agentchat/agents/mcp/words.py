"""Words of a stranger, before a person or a model reads them."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def plain(text: str, most: int) -> str:
    """The text without what nobody can see (control, direction and tag characters; line ends
    and tabs stay), cut to ``most`` characters.
    """
    # Cut first: what nobody reads is not worth looking at, and it may be very long.
    begun = text[: most * 4]
    seen = "".join(
        one for one in begun if one in "\n\t" or unicodedata.category(one) not in _UNSEEN
    )
    seen = seen.strip()
    return seen if len(seen) <= most and len(begun) == len(text) else f"{seen[: most - 1]}…"


def line(text: str, most: int) -> str:
    """As :func:`plain`, on one line."""
    return plain(" ".join(text[: most * 4].split()), most)


def origin_of(server: str) -> str:
    """How a model is told whose words these are."""
    return f"the MCP server {server}"
