"""What looks like a password or key, and what only speaks of one."""

from __future__ import annotations

import pytest

from agentchat.agents.memory.secrets import holds_secret


@pytest.mark.parametrize(
    "text",
    [
        "My password is hunter2",
        "my password is swordfish",
        "Password: hunter",
        "the wifi passphrase = correct horse battery",
        "I changed my password to Tr0ub4dor",
        "mein Passwort ist geheim1",
        "the pin is 4711",
        "PIN code: 0815",
        "api key: a1b2c3d4",
        "My API-Key is 12345abc",
        "token=9f8e7d6c5b4a",
        "use " + "sk-ant-" + "api03-" + "a1b2c3d4e5f6a1b2" + " please",
        "sk-proj-abcdefghijklmnop1234",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "xoxb-123456789012-abcdefghij",
        "-----BEGIN RSA PRIVATE KEY-----",
        "Authorization: Bearer abcdefghijklmnop.qrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
        "postgresql://ann:hunter2@db.example.org/app",
        "my card is 4111 1111 1111 1111",
        "d41d8cd98f00b204e9800998ecf8427e",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1",
    ],
)
def test_a_secret_is_seen(text: str) -> None:
    assert holds_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password again.",
        "My password is wrong, what now?",
        "The secret of a good soup is patience.",
        "I collect old keys and tokens.",
        "The key to happiness is sleep.",
        "The person is allergic to peanuts.",
        "Ticket ORD-4471 is on hold until 2026-05-14.",
        "Call me at +49 30 1234567.",
        "See https://example.org/a/b?c=d for the plan.",
        "The basket is full of pins.",
        "Project Heron has a budget of 1,200,000 euros.",
        "Our release is called internationalisation-of-everything-and-more",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    ],
)
def test_what_only_speaks_of_one_is_let_through(text: str) -> None:
    assert not holds_secret(text)
