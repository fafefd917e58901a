"""Thoughts that a model writes into its answer, told from the answer itself."""

from __future__ import annotations

import pytest

from agentchat.llm.base import Reasoning, Text
from agentchat.llm.thinking import ThinkSplitter


@pytest.mark.parametrize(
    ("answer", "thoughts", "text"),
    [
        ("", "", ""),
        ("Yes.", "", "Yes."),
        (" \n", "", " \n"),
        ("  Yes.", "", "  Yes."),
        ("<thin", "", "<thin"),
        ("Say <think>.", "", "Say <think>."),
        ("a</think>b", "", "a</think>b"),
        ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("\n <think>Hm.</think>\n\n Yes. ", "Hm.", "Yes. "),
        ("<think></think>Yes.", "", "Yes."),
        ("<think>Hm.</think>", "Hm.", ""),
        ("<think>Hm.</think> \n", "Hm.", ""),
        ("<think>Hm.", "Hm.", ""),
        ("<think>Hm.</think", "Hm.</think", ""),
        ("<think>a</b</thi</think>c", "a</b</thi", "c"),
        ("<think>a<</think>c</think>", "a<", "c</think>"),
        ("<think>a</think><think>b</think>", "a", "<think>b</think>"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
def test_thoughts_and_answer_are_the_same_in_pieces_of_any_size(
    answer: str, thoughts: str, text: str, size: int
) -> None:
    splitter = ThinkSplitter()
    said: list[Text | Reasoning] = []
    for at in range(0, len(answer), size):
        said += splitter.feed(answer[at : at + size])
    said += splitter.end()
    assert all(piece.text for piece in said)
    assert "".join(piece.text for piece in said if isinstance(piece, Reasoning)) == thoughts
    assert "".join(piece.text for piece in said if isinstance(piece, Text)) == text


def test_nothing_is_held_back_that_cannot_become_a_tag() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>Hm") == [Reasoning("Hm")]
    assert splitter.feed(". </") == [Reasoning(". ")]
    assert splitter.feed("b>") == [Reasoning("</b>")]
    assert splitter.feed("</think>Yes") == [Text("Yes")]
    assert splitter.feed(" <th") == [Text(" <th")]
