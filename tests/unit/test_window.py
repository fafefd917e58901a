"""What fits into a model's window, and what is told of files."""

from __future__ import annotations

import pytest

from agentchat.agents.window import (
    MOST_IMAGE,
    UNKNOWN_TOKENS,
    Counted,
    Window,
    cut,
    known_tokens,
    sized,
    text_size,
    tokens_of,
)
from agentchat.llm.base import File, ModelRequest, ToolResult, Turn
from agentchat.llm.scripted import ScriptedProvider

PNG = File("cat.png", "image/png", b"\x89PNG")
WINDOW = Window(tokens=2_000, output=500, media_types=frozenset({"image/png"}))


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("anthropic:claude-sonnet-4-5-20250929", 200_000),
        ("openai:gpt-4o-mini", 128_000),
        ("openai:no-such-model", None),
        ("compatible:gpt-4o-mini", None),
    ],
)
def test_the_windows_of_known_models_are_known(model: str, tokens: int | None) -> None:
    assert known_tokens(model) == tokens


def test_a_model_of_which_nothing_is_known_has_a_window_that_most_have() -> None:
    assert tokens_of(ScriptedProvider()) == UNKNOWN_TOKENS


def test_a_person_may_say_how_much_of_a_window_is_used() -> None:
    provider = ScriptedProvider()
    assert tokens_of(sized(provider, 9_000)) == 9_000
    assert sized(provider, 0) is provider


def test_the_built_in_model_keeps_its_window() -> None:
    provider = ScriptedProvider()
    provider.embedded = True
    assert sized(provider, 9_000) is provider


def test_what_the_provider_counted_last_is_what_is_counted_by() -> None:
    turn = Turn("user", "x" * 4_000)
    provider = ScriptedProvider()
    assert Window.of(provider).count(turn) == 1_001
    assert Window.of(provider, Counted(4_000, 2_000)).count(turn) == 2_001


def test_a_count_that_cannot_be_of_the_text_is_not_believed() -> None:
    provider = ScriptedProvider()
    assert Window.of(provider, Counted(100, 5_000)).per_byte == 0.25
    assert Window.of(provider, Counted(4_000, 900_000)).per_byte == 1.0
    assert Window.of(provider, Counted(400_000, 1)).per_byte == 1 / 12


def test_other_scripts_take_more_tokens_a_character() -> None:
    assert WINDOW.count(Turn("user", "я" * 400)) == 2 * WINDOW.count(Turn("user", "x" * 400)) - 1


def test_an_answer_leaves_room_for_what_is_asked() -> None:
    provider = ScriptedProvider()
    assert Window.of(sized(provider, 4_000)).room == 2_000


def test_the_summary_is_told_whatever_else_is_left_out() -> None:
    turns = [Turn("user", "old " * 2_000), Turn("assistant", "yes"), Turn("user", "new")]
    summary = Turn("user", "SUMMARY")
    kept = WINDOW.fitted(turns, 0, summary=summary)
    assert [turn.text for turn in kept] == ["SUMMARY\n\nnew"]


def test_instructions_and_tools_take_room_too() -> None:
    turns = [Turn("user", "a" * 3_000), Turn("assistant", "b"), Turn("user", "c")]
    assert len(WINDOW.fitted(turns, 0, summary=None)) == 3
    assert len(WINDOW.fitted(turns, 4_000, summary=None)) == 1


def test_what_was_too_long_becomes_less_each_time() -> None:
    words = [Turn("user" if n % 2 == 0 else "assistant", "w" * 400) for n in range(11)]
    window = Window(tokens=100_000, output=500)
    told, rooms = tuple(words), []
    for _ in range(4):
        window = window.smaller(ModelRequest("x" * 400, told))
        told = window.fitted(words, 400, summary=None)
        rooms.append(len(told))
    assert rooms == sorted(rooms, reverse=True)
    assert rooms[-1] == 1


def test_an_image_goes_as_it_is_to_a_model_that_sees_it() -> None:
    [turn] = WINDOW.fitted([Turn("user", "Look", files=(PNG,))], 0, summary=None)
    assert turn.files == ()  # 1,500 tokens are more than files may take of this window
    [turn] = Window(20_000, 500, frozenset({"image/png"})).fitted(
        [Turn("user", "Look", files=(PNG,))], 0, summary=None
    )
    assert turn.files == (PNG,)


def test_an_image_is_named_to_a_model_that_cannot_see_it() -> None:
    [turn] = Window(20_000, 500).fitted([Turn("user", "Look", files=(PNG,))], 0, summary=None)
    assert turn == Turn("user", "[An image named cat.png cannot be seen by this model.]\n\nLook")


def test_an_image_that_vendors_refuse_is_not_sent() -> None:
    huge = File("huge.png", "image/png", b"x" * (MOST_IMAGE + 1))
    window = Window(200_000, 500, frozenset({"image/png"}))
    [turn] = window.fitted([Turn("user", "Look", files=(huge,))], 0, summary=None)
    assert turn.files == ()
    assert "huge.png is too large for this model" in turn.text


def test_a_long_file_is_cut_and_the_newest_file_comes_first() -> None:
    old = File("old.txt", "text/plain", b"", "o" * 20_000)
    new = File("new.txt", "text/plain", b"", "n" * 20_000)
    turns = [
        Turn("user", "1", files=(old,)),
        Turn("assistant", "2"),
        Turn("user", "3", files=(new,)),
    ]
    kept = Window(6_500, 500).fitted(turns, 0, summary=None)
    assert kept[2].files[0].text.startswith("nnn")
    assert kept[2].files[0].text.endswith("[…]")
    assert text_size(kept[2].files[0].text) < 12_100
    assert kept[0].files == ()
    assert "old.txt" in kept[0].text


def test_a_pdf_is_counted_by_its_pages() -> None:
    pages = "\n\n".join(f"[page {n} of 3]\nWords." for n in (1, 2, 3))
    paper = File("p.pdf", "application/pdf", b"%PDF", pages)
    seen = Window(200_000, 500, frozenset({"application/pdf"}))
    assert seen.count(Turn("user", files=(paper,))) > 4_500
    assert Window(200_000, 500).count(Turn("user", files=(paper,))) < 100


def test_a_text_is_cut_between_characters() -> None:
    assert cut("ää", 3).startswith("ä\n")
    assert cut("ab", 2) == "ab"


def test_results_of_tools_are_counted() -> None:
    turn = Turn("user", results=(ToolResult("c", "find", "x" * 4_000),))
    assert WINDOW.count(turn) > 1_000
