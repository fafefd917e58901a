"""What every model provider looks like from the inside of agentchat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the history that is sent to a model."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question to a model: instructions, history (oldest first, ending with the user)."""

    instructions: str
    turns: tuple[Turn, ...]
    max_tokens: int = 4096
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. ``estimated`` when the provider did not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


class StopReason(StrEnum):
    """Why the model stopped; whatever a provider says is mapped to one of these."""

    END = "end"
    LENGTH = "length"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, in order."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last chunk of every complete answer, exactly once."""

    reason: StopReason
    usage: Usage
    request_id: str | None = None


Chunk = Text | Finished


class ModelState(StrEnum):
    """Where a model is on its way to answering."""

    PULLING = "pulling"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What a person may know of a model while it gets ready.

    ``progress`` is 0 to 1, or None when it cannot be known; ``detail`` is a short
    sentence in plain words.
    """

    state: ModelState
    detail: str = ""
    progress: float | None = None


class Provider(Protocol):
    """A language model that can be asked.

    ``id`` is ``provider:name`` as in ``AGENTCHAT_MODEL``; ``label`` is what the page
    shows; ``embedded`` is true for the small built-in model.
    """

    @property
    def id(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def embedded(self) -> bool: ...

    @property
    def context_tokens(self) -> int | None:
        """How many tokens the model reads and writes in one call; None if unknown."""
        ...

    @property
    def max_output_tokens(self) -> int:
        """How long an answer may be."""
        ...

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Begin to get ready and return at once; ``report`` is called, from the event
        loop, with every change of :class:`ModelStatus`, READY at last. ``stream`` may be
        called before that: it waits until the model is ready.
        """
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield :class:`Text` pieces and at last one :class:`Finished`.

        Closing the generator closes the connection to the provider at once.
        Raises only :class:`~agentchat.errors.ModelError` and its kin; a stream that
        ends without the model's own word for the end raises ``TruncatedStream``.
        Never retries: the engine owns retries.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and processes. Safe to call twice."""
        ...
