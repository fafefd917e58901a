"""What counts as the title of a thread, of all that a model may answer."""

from __future__ import annotations

import pytest

from agentchat.workflows.title import MOST_TITLE, titled


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Where herons sleep", "Where herons sleep"),
        ("  Where herons\tsleep \n", "Where herons sleep"),
        ("Where herons sleep.", "Where herons sleep"),
        ('"Where herons sleep"', "Where herons sleep"),
        ("“Wo Reiher schlafen.”", "Wo Reiher schlafen"),
        ("Ann's garden", "Ann's garden"),
        ("What is a heron?", "What is a heron?"),
        ("苍鹭在哪里睡觉", "苍鹭在哪里睡觉"),
        ("C++ or Rust", "C++ or Rust"),
        ("x" * MOST_TITLE, "x" * MOST_TITLE),
    ],
)
def test_a_short_line_is_a_title(written: str, title: str) -> None:
    assert titled(written) == title


@pytest.mark.parametrize(
    "written",
    [
        "",
        "  \n ",
        "...",
        '""',
        "x" * (MOST_TITLE + 1),
        "one two three four five six seven eight nine ten eleven",
        "Here is a title:\nHerons",
        "Here is a title:",
        '"Herons" is a good title for "this',
        '"Herons',
        "# Herons",
        "- Herons",
        "1. Herons",
        "> Herons",
        "**Herons**",
        "`herons`",
        "<b>Herons</b>",
        "{title: herons}",
        "See https://example.com",
        "Herons\x1b[31m",
        "Herons \u202egnp.exe",
    ],
)
def test_what_else_a_model_may_answer_is_none(written: str) -> None:
    assert titled(written) == ""
