"""Tokens: what a browser's cookie or a link holds, and the digest that is kept of it. Pure."""

from __future__ import annotations

import hashlib
import re
import secrets

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_GUEST = re.compile(r"[0-9a-f]{32}")


def new_token() -> str:
    """A token that nobody can guess: 256 random bits, as text for URLs and cookies."""
    return secrets.token_urlsafe(32)


def is_token(value: object) -> bool:
    """Whether a value looks like a token of ours; all others are nobody's."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def digest(token: str) -> str:
    """What is kept of a token. Rows are found by it, so no two secrets are ever compared."""
    return hashlib.sha256(token.encode()).hexdigest()


def guest_id(token: str) -> str:
    """The id of the guest whose browser holds this token, which tells nothing of the token."""
    return hashlib.sha256(b"guest " + token.encode()).hexdigest()[:32]


def is_guest_id(value: str) -> bool:
    """Whether an id is of the form that guests have."""
    return _GUEST.fullmatch(value) is not None


def token_in(cookies: str, name: str) -> str:
    """The token in a request's Cookie header under this name; empty if there is none."""
    for part in cookies.split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value if is_token(value) else ""
    return ""


def cookie_name(*, secure: bool) -> str:
    """The name of the cookie. With the prefix browsers take it only from this very host through
    TLS: no neighbour can plant one.
    """
    return "__Host-agentchat" if secure else "agentchat"
