"""What a thread is called by its first message: the words, and not how they are marked."""

from __future__ import annotations

import time

import pytest

from agentchat.inputs import next_title, title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Show me **all** the *birds*", "Show me all the birds"),
        ("# Plans\n\nfor ~~May~~ June", "Plans for May June"),
        ("- milk\n- `bread` and [eggs](https://shop.example/eggs)", "milk bread and eggs"),
        ("What is ![a heron](heron.png)?", "What is a heron?"),
        ("Why does this fail?\n```py\nprint(1)\n```", "Why does this fail? print(1)"),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("> quoted\n> twice", "quoted twice"),
        # What only looks like it.
        ("Is 2 * 3 * 4 more than a_b_c?", "Is 2 * 3 * 4 more than a_b_c?"),
        ("Where is __init__.py, and _x?", "Where is __init__.py, and _x?"),
        ("Does <b>this</b> & that > 5?", "Does <b>this</b> & that > 5?"),
        ("C++ and C#", "C++ and C#"),
        # Nothing but marks is better than nothing.
        ("***", "***"),
        ("word " * 40, ("word " * 12).strip() + "…"),
        ("  two \n\n\n lines ", "two lines"),
    ],
)
def test_first_words_are_plain(text: str, title: str) -> None:
    assert title_of(text) == title


@pytest.mark.parametrize("text", ["[" * 100_000, "*a" * 50_000, "> " * 50_000 + "x", "`" * 99_999])
def test_a_long_message_of_marks_is_called_something_at_once(text: str) -> None:
    title_of("warm")
    began = time.process_time()
    assert 0 < len(title_of(text)) <= 61
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("title", "following"),
    [
        ("Herons", "Herons (2)"),
        ("Herons (2)", "Herons (3)"),
        ("Herons (9)", "Herons (10)"),
        ("The year (in short)", "The year (in short) (2)"),
        ("", ""),
        ("w" * 120, "w" * 116 + " (2)"),
    ],
)
def test_a_thread_that_goes_on_from_another_is_counted(title: str, following: str) -> None:
    assert next_title(title) == following
