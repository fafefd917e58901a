"""Hiding passwords and keys in what is shown of runs. Pure.

They are told by the names under which they stand, and by the shapes that issuers of keys
publish. A password that stands alone cannot be known.
"""

from __future__ import annotations

import re
from typing import Any

from agentchat.agents.memory.secrets import KEY_NAMED, NO_PASSWORD, PASSWORD_NAMED, SHAPES

HIDDEN = "[redacted]"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMES = {
    *("password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets"),
    *("authorization", "cookie", "cookies", "credential", "credentials", "bearer"),
    *("apikey", "accesskey", "privatekey", "secretkey"),
}
_LAST = {"token", "pin", "otp", "cvv", "cvc", "auth", "jwt"}
_PAIRS = {
    *("apikey", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey", "authkey"),
    *("licensekey", "licencekey", "sessionid", "connectionstring"),
}
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE)
_COOKIE = re.compile(r"(\b(?:set-)?cookie[\"']?\s*:\s*[\"']?)[^\"'\r\n]+", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:passw(?:or)?d|pwd|passphrase|secret|credentials?|token|authorization|auth"
    r"|(?:api|access|private|secret|signing|encryption)[\s_-]?key)\\?[\"']?\s*[:=]\s*"
    r"(?:(?:bearer|basic|token)\s+)?)"
    r"(\[redacted\]|\\\"(?:[^\"\\]|\\(?!\"))*\\\"|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&}\])\"']+)",
    re.IGNORECASE,
)


def redacted(value: Any) -> Any:
    """JSON with everything hidden that looks as if it were a password or key. It keeps its form:
    what is hidden is the text ``[redacted]``.
    """
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, dict):
        return _redacted_dict(value)
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value[0], str) and names_secret(value[0]):
            return [value[0], _hidden(value[1])]
        return [redacted(one) for one in value]
    return value


def redacted_text(text: str) -> str:
    """A text with everything hidden that looks as if it were a password or key."""
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _IN_URL.sub(rf"\1{HIDDEN}", text)
    text = _COOKIE.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(_hidden_value, text)
    text = SHAPES.sub(lambda found: found[0] if HIDDEN in found[0] else HIDDEN, text)
    text = PASSWORD_NAMED.sub(_hidden_password, text)
    return KEY_NAMED.sub(_hidden_end, text)


def names_secret(name: str) -> bool:
    """Whether what stands under this name is to be hidden: ``api_key``, ``dbPassword``; but not
    ``input_tokens`` or ``idempotency_key``.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return False
    return not _NAMES.isdisjoint(words) or words[-1] in _LAST or "".join(words[-2:]) in _PAIRS


def _redacted_dict(value: dict[Any, Any]) -> dict[str, Any]:
    # As headers are often written: {"name": "Authorization", "value": "…"}.
    name = value.get("name", value.get("key"))
    pair = isinstance(name, str) and "value" in value and names_secret(name)
    return {
        redacted_text(str(key)): _hidden(one)
        if names_secret(str(key)) or (pair and key == "value")
        else redacted(one)
        for key, one in value.items()
    }


def _hidden(value: Any) -> Any:
    """Whether there was something is no secret."""
    return value if value is None or value == "" or isinstance(value, bool) else HIDDEN


def _hidden_value(found: re.Match[str]) -> str:
    value = found[2]
    for quote in ('\\"', '"', "'"):
        if value.startswith(quote):
            return found[1] + quote + (HIDDEN if len(value) > 2 * len(quote) else "") + quote
    return found[1] + HIDDEN


def _hidden_password(found: re.Match[str]) -> str:
    return found[0] if NO_PASSWORD.match(found[1]) else _hidden_end(found)


def _hidden_end(found: re.Match[str]) -> str:
    if HIDDEN in found[0]:
        return found[0]
    start = found.start(1) - found.start()
    end = found.end(1) - found.start()
    return found[0][:start] + HIDDEN + found[0][end:]
