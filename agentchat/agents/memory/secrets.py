"""Telling texts that hold a password or key, which must not be remembered. Pure.

Shapes of keys are those that their issuers publish; passwords are told by the word before
them. It errs on the side of not remembering, and cannot know a password that stands alone.
"""

from __future__ import annotations

import re

SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:sk|pk|rk)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, Stripe
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abposr]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\bAIza[\w-]{35}|\bya29\.[\w-]{20,}"  # Google
    r"|\bhf_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[\w-]{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JSON web token
    r"|\bbearer\s+[\w.~+/-]{16,}"
    r"|\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]+:[^\s/@]+@",  # a URL with a password
    re.IGNORECASE,
)
PASSWORD_NAMED = re.compile(
    r"(?<![^\W_])(?:pass(?:word|phrase|code|wd)|passwort|kennwort|pwd|pin(?:\s+(?:code|number))?)\b"
    r"[^\n.;:=]{0,30}?(?:\s*[:=]|\s(?:is|ist|to))\s*[\"'`]?(\S{4,})",
    re.IGNORECASE,
)
KEY_NAMED = re.compile(
    r"(?<![^\W_])(?:secret|token|credentials?|cvv|cvc"
    r"|(?:api|access|auth|private|secret|licen[cs]e)[\s_-]*(?:key|token))\b"
    r"[^\n.;:=]{0,30}?(?:\s*[:=]|\s(?:is|ist))\s*[\"'`]?(\S*\d\S*)",
    re.IGNORECASE,
)
NO_PASSWORD = re.compile(
    r"(?:wrong|lost|expired|required|incorrect|invalid|missing|needed|different|something|never"
    r"|always|still|also|usually|stored|saved|kept|reset|changed|forgotten|the|that|this|what)\b.*",
    re.IGNORECASE,
)
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_DIGITS = frozenset("0123456789")


def holds_secret(text: str) -> bool:
    """Whether a text looks as if it held a password, a key, or the number of a card."""
    return (
        SHAPES.search(text) is not None
        or any(not NO_PASSWORD.match(found[1]) for found in PASSWORD_NAMED.finditer(text))
        or KEY_NAMED.search(text) is not None
        or any(_random(found[0]) for found in _LONG.finditer(text))
        or any(_luhn(found[0]) for found in _CARD.finditer(text))
    )


def _random(word: str) -> bool:
    """Whether a long word has digits and letters of both cases, or is all hexadecimal."""
    kinds = [any(map(test, word)) for test in (str.isdigit, str.islower, str.isupper)]
    return all(kinds) or (kinds[0] and re.fullmatch(r"[0-9a-fA-F]+", word) is not None)


def _luhn(number: str) -> bool:
    """Whether the digits pass the check that numbers of cards pass (ISO/IEC 7812-1)."""
    digits = [int(one) for one in number if one in _DIGITS]
    doubled = (sum(divmod(2 * one, 10)) for one in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1
