"""Passwords and keys are hidden in what is shown of runs, and nothing else is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from agentchat.operations.redact import HIDDEN, redacted, redacted_text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "dbPassword",
        "PASSWORD_HASH",
        "secret",
        "clientSecret",
        "token",
        "access_token",
        "refreshToken2",
        "api_key",
        "apiKey",
        "X-API-Key",
        "OPENAI_API_KEY",
        "Authorization",
        "cookie",
        "Set-Cookie",
        "credentials",
        "pin",
    ],
)
def test_what_stands_under_a_secret_name_is_hidden(name: str) -> None:
    assert redacted({name: "plain words"}) == {name: HIDDEN}
    assert redacted({name: ["a", {"b": "c"}]}) == {name: HIDDEN}
    assert redacted([[name, "plain words"]]) == [[name, HIDDEN]]
    assert redacted({"name": name, "value": "plain words"}) == {"name": name, "value": HIDDEN}


@pytest.mark.parametrize(
    "value",
    [
        {"input_tokens": 12, "max_tokens": 5, "tokens": "many"},
        {"idempotency_key": "7f3a:pay", "key": "thread"},
        {"secretary": "Ann", "cookbook": "soups", "author": "Bo", "token_count": 4},
        {"password": None, "token": "", "secret": False},
        {"id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"},
        "The password is wrong, so ask again.",
        "It cost 1,024 tokens: 12 in, 40 out.",
        "https://example.org/a:b@c",
        [1, 2.5, None, True, "plain"],
    ],
)
def test_what_is_no_secret_stays_as_it_is(value: Any) -> None:
    assert redacted(value) == value


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {'sk'}-ant-api03-abcdef0123456789 here", "abcdef0123456789"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ", "ghp_"),
        ("AKIAIOSFODNN7EXAMPLE", "EXAMPLE"),
        ("postgresql://ann:hunter2@db.example.org/x", "hunter2"),
        ("GET / Authorization: Bearer abc.def-ghi", "abc.def"),
        ("authorization=Basic QWxhZGRpbjpvcGVu", "QWxh"),
        ("Cookie: session=abc; theme=dark", "session=abc"),
        ("password=hunter2&user=ann", "hunter2"),
        ("my password is hunter2", "hunter2"),
        ('{"api_key": "my \\"own\\" key", "n": 1}', "own"),
        ('"{\\"token\\": \\"opensesame\\"}"', "opensesame"),
        ("{'secret': 'open sesame'}", "sesame"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
            "MIIEow",
        ),
    ],
)
def test_a_secret_within_a_text_is_hidden(text: str, secret: str) -> None:
    shown = redacted_text(text)
    assert secret not in shown
    assert HIDDEN in shown
    assert redacted_text(shown) == shown


def test_what_is_around_a_secret_stays() -> None:
    assert (
        redacted_text("connect to postgresql://ann:hunter2@db.example.org/x failed")
        == f"connect to postgresql://ann:{HIDDEN}@db.example.org/x failed"
    )
    assert json.loads(redacted_text('{"token": "opensesame", "n": 1}')) == {
        "token": HIDDEN,
        "n": 1,
    }


def test_a_large_text_is_searched_quickly() -> None:
    for one in ("a.", "sk-", "password ", "x", "eyJ", "://", "-----BEGIN PRIVATE KEY-----"):
        text = one * (50_000 // len(one))
        began = time.process_time()
        redacted_text(text)
        assert time.process_time() - began < 2, one
