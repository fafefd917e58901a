"""When growing text is worth showing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentchat.agents.sentences import PATIENCE, settled

NOW = timedelta(0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Hello", ""),
        ("Hello.", ""),
        ("Hello. How", "Hello. "),
        ('He said "no." Then', 'He said "no." '),
        ("Version 1.5 is", ""),
        ("One\nTwo", "One\n"),
        ("One. Two! Three? Fo", "One. Two! Three? "),
        ("你好。再见", "你好。"),
    ],
)
def test_text_is_shown_up_to_the_last_sentence_end(text: str, shown: str) -> None:
    assert text[: settled(text, NOW)] == shown


def test_text_that_waited_long_enough_is_shown_whole() -> None:
    assert settled("no end in sight", PATIENCE) == len("no end in sight")


@given(st.text(), st.timedeltas(NOW, PATIENCE))
def test_never_more_is_shown_than_there_is(text: str, waited: timedelta) -> None:
    assert 0 <= settled(text, waited) <= len(text)
