"""Embedders: vectors that can be compared, made beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from agentchat.errors import ConfigError
from agentchat.llm.embedder import BATCH, HashEmbedder, MiniLM


@pytest.fixture
async def minilm() -> AsyncIterator[MiniLM]:
    embedder = MiniLM()
    yield embedder
    await embedder.close()


async def test_vectors_have_the_shape_and_length_that_is_promised(minilm: MiniLM) -> None:
    vectors = await minilm.embed(["one", "two words", "", "🙂", "x" * 20_000])
    assert vectors.shape == (5, minilm.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert (await minilm.embed([])).shape == (0, minilm.dim)


async def test_what_means_the_same_is_nearer_than_what_shares_words(minilm: MiniLM) -> None:
    asked, same, other = await minilm.embed(
        [
            "Which foods make me ill?",
            "I am allergic to peanuts.",
            "Which of the two trains makes the stop?",
        ]
    )
    assert asked @ same > 0.4 > asked @ other


async def test_a_text_has_one_vector_whatever_it_is_embedded_with(minilm: MiniLM) -> None:
    texts = [f"sentence number {n} " + "and more " * n for n in range(BATCH + 3)]
    together = await minilm.embed(texts)
    alone = np.concatenate([await minilm.embed([text]) for text in texts])
    np.testing.assert_array_equal(together, alone)


async def test_a_text_counts_up_to_256_tokens(minilm: MiniLM) -> None:
    start = "word " * 254
    within, beyond, inside = await minilm.embed([start, start + "unlike", "unlike " + start])
    np.testing.assert_array_equal(within, beyond)
    assert within @ inside < 0.9999


async def test_the_event_loop_goes_on_while_it_loads_and_embeds(minilm: MiniLM) -> None:
    text = "A sentence of some length that is embedded again and again. " * 10
    task = asyncio.create_task(minilm.embed([text] * 30))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    print(f"{turns} turns")
    # If the loop did the work, there were few.
    assert turns > 20


async def test_a_question_does_not_wait_for_all_of_a_long_list(minilm: MiniLM) -> None:
    await minilm.embed(["load"])
    long = asyncio.create_task(minilm.embed(["a long text to embed " * 40] * (BATCH * 3)))
    await asyncio.sleep(0)
    await minilm.embed(["a question"])
    assert not long.done()
    await long


async def test_weights_that_are_not_those_published_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"something else")
    for embedder, words in (
        (MiniLM(file), "not the embedder that was published"),
        (MiniLM(tmp_path / "none"), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=words):
            await embedder.embed(["text"])
        await embedder.close()


async def test_the_embedder_of_tests_tells_texts_by_their_words() -> None:
    embedder = HashEmbedder(64)
    one, other, far, nothing = await embedder.embed(["red herring", "Herring, red!", "blue", "🙂"])
    assert embedder.id == "hash-64"
    assert one @ other == pytest.approx(1)
    assert one @ far < 0.5
    assert not nothing.any()
