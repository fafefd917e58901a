"""What a page is sent of texts that grow, and what it makes of that."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentchat.ui.growth import MOST_AGAIN, Piece, Tail, without_text
from agentchat.views import MessageView, PartView


def message(text: str, name: str = "a", *, revision: int = 1) -> MessageView:
    return MessageView(name, "assistant", "running", text, revision=revision)


class Page:
    """Does what growth.js does."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.missed = False
        self._numbers: dict[str, int] = {}

    def draw(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            have = self._numbers.get(piece.message)
            if have is not None and piece.number <= have:
                continue
            if piece.text is None:
                self.missed = True
                continue
            if piece.whole:
                self.texts[piece.message] = piece.text
            elif have is not None and piece.number == have + 1:
                self.texts[piece.message] += piece.text
            else:
                self.missed = True
                continue
            self._numbers[piece.message] = piece.number


def test_only_what_is_new_is_sent() -> None:
    tail = Tail(100)
    tail.grow([message("One. ")])
    tail.grow([message("One. Two. ")])
    assert tail.pieces == [Piece("a", 101, "One. ", True), Piece("a", 102, "Two. ", False)]


def test_what_is_sent_does_not_depend_on_how_long_the_text_is_already() -> None:
    def sent(length: int) -> int:
        tail = Tail(0)
        tail.grow([message("x" * length)])
        for _ in range(30):
            length += 100
            tail.grow([message("x" * length)])
        return sum(len(piece.text or "") for piece in tail.pieces)

    assert sent(100_000) == sent(10_000) <= MOST_AGAIN + 100


def test_nothing_is_sent_when_nothing_has_grown() -> None:
    tail = Tail(0)
    tail.grow([message("One.")])
    before = tail.pieces
    tail.grow([message("One.")])
    assert tail.pieces is before


def test_a_text_that_was_begun_anew_takes_the_place_of_the_one_before() -> None:
    tail, page = Tail(0), Page()
    tail.grow([message("A first try that is long.")])
    page.draw(tail.pieces)
    tail.grow([message("A second.", revision=2)])
    page.draw(tail.pieces)
    assert page.texts == {"a": "A second."}
    tail.grow([message("", revision=3)])
    page.draw(tail.pieces)
    assert page.texts == {"a": ""}


def test_a_page_that_missed_a_piece_notices_and_is_sent_all() -> None:
    tail, page = Tail(0), Page()
    tail.grow([message("a" * 10)])
    page.draw(tail.pieces)
    for length in (2_000, 4_000):
        tail.grow([message("a" * length)])
    page.draw(tail.pieces)
    assert page.missed
    again = Tail(1_000)
    again.grow([message("a" * 5_000)])
    page.draw(again.pieces)
    assert page.texts == {"a": "a" * 5_000}


def test_pieces_of_another_beginning_are_never_taken_for_those_that_are_missing() -> None:
    page, before, after = Page(), Tail(0), Tail(1_000)
    before.grow([message("one")])
    page.draw(before.pieces)
    after.grow([message("x" * (MOST_AGAIN + 1))])
    after.grow([message("x" * (MOST_AGAIN + 1) + "y")])
    page.draw(after.pieces)
    assert page.missed
    assert page.texts == {"a": "one"}


def test_what_does_not_grow_keeps_its_text() -> None:
    said = MessageView("b", "user", "done", "Hello")
    tail = Tail(0)
    tail.grow([said])
    assert tail.pieces == []
    assert without_text(said) is said
    assert without_text(message("long", revision=7)) == message("", revision=0)


def asking(*answers: MessageView) -> MessageView:
    parts = (PartView(n, "agent", "running", answer=one) for n, one in enumerate(answers))
    return MessageView("lead", "assistant", "running", "", parts=tuple(parts))


def test_texts_of_sub_agents_are_sent_in_pieces_too() -> None:
    inner = asking(message("Deep. ", "c"))
    lead = asking(message("One. ", "a"), message("Two. ", "b"), inner)
    tail, page = Tail(0), Page()
    tail.grow([lead])
    page.draw(tail.pieces)
    assert page.texts == {"lead": "", "a": "One. ", "b": "Two. ", "c": "Deep. "}
    lead = asking(message("One. And more. ", "a"), MessageView("b", "assistant", "done", "Two."))
    tail.grow([lead])
    page.draw(tail.pieces)
    assert page.texts["a"] == "One. And more. "
    assert not page.missed
    sent = without_text(lead)
    assert [part.answer.text for part in sent.parts if part.answer] == ["", "Two."]


def test_an_agent_that_is_done_does_not_make_a_slow_page_miss_what_others_say() -> None:
    tail, page = Tail(0), Page()
    tail.grow([message("a", "a"), message("b", "b")])
    page.draw(tail.pieces)
    tail.grow([message("a1", "a"), message("b1", "b")])
    tail.grow([message("a1.2", "a")])
    page.draw(tail.pieces)
    assert page.texts["a"] == "a1.2"
    assert not page.missed


def test_a_page_that_missed_one_text_while_another_grew_knows() -> None:
    tail, page = Tail(0), Page()
    tail.grow([message("a", "a"), message("b", "b")])
    page.draw(tail.pieces)
    tail.grow([message("a" * 400, "a"), message("b", "b")])
    for length in (700, 1_400):
        tail.grow([message("a" * 400, "a"), message("b" * length, "b")])
    page.draw(tail.pieces)
    assert page.missed


steps = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from(["more", "anew", "done"]), st.integers(1, 600)
    ),
    max_size=30,
)


@given(steps, st.randoms(use_true_random=False))
@settings(derandomize=True, max_examples=200)
def test_a_page_that_draws_now_and_then_shows_the_text_or_knows_that_it_does_not(
    steps: list[tuple[str, str, int]], chance: random.Random
) -> None:
    texts: dict[str, tuple[str, int]] = {}
    tail, page = Tail(0), Page()
    for name, what, length in steps:
        text, revision = texts.get(name, ("", 0))
        if what == "done":
            texts.pop(name, None)
        else:
            fresh = chr(97 + length % 26) * length
            texts[name] = (text + fresh, revision) if what == "more" else (fresh, revision + 1)
        tail.grow(message(text, name, revision=number) for name, (text, number) in texts.items())
        if chance.random() < 0.6:
            page.draw(tail.pieces)
            shown = {name: page.texts.get(name) for name in texts}
            assert page.missed or shown == {name: text for name, (text, _) in texts.items()}
