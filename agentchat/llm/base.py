"""What every model provider looks like from the inside of agentchat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it. ``schema`` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool: also a chunk, sent once its arguments are complete.

    ``id`` is the provider's own (made up where it gives none), unique within an answer.
    ``arguments`` is the JSON text as the model wrote it, which may not even be JSON.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call came to, as the model is told it. ``call_id`` is the id of its call."""

    call_id: str
    name: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought before it answered: also a chunk, in pieces, as it grows.

    ``sealed`` is what its provider wants back unchanged with the next request (a signature, or
    thoughts that nobody else can read), as JSON; only then is the reasoning sent back at all, and
    only to the provider that sealed it. In a stream it comes with the last piece, whose
    ``text`` may be empty.
    """

    text: str
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes along with a person's turn: an image or a PDF where the model takes
    them, else its ``text``, which is what can be read of it (empty for an image).
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the history that is sent to a model.

    A turn of the assistant may hold ``calls`` (after its text) and ``reasoning``; then the
    turn after it is one of the user with a result for each call, before any text.
    """

    role: Literal["user", "assistant"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    reasoning: tuple[Reasoning, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question to a model: instructions, history (oldest first, ending with the user).

    ``tools`` are those that it may call. ``schema`` asks for an answer that is JSON of this
    JSON schema and nothing else, and ``schema_name`` names it. It must be the schema of an
    object: vendors take no other. ``agent`` tells who asks; it is not sent.
    """

    instructions: str
    turns: tuple[Turn, ...]
    max_tokens: int = 4096
    idempotency_key: str | None = None
    tools: tuple[ToolSpec, ...] = ()
    schema: Mapping[str, Any] | None = None
    schema_name: str = "answer"
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. ``estimated`` when the provider did not say.

    ``input_tokens`` counts all that was read; ``cached_tokens`` are those of them that the
    provider had in its cache, which cost less, and ``cache_written_tokens`` those that it put
    there, which may cost more.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    cache_written_tokens: int = 0


class StopReason(StrEnum):
    """Why the model stopped; whatever a provider says is mapped to one of these."""

    END = "end"
    TOOLS = "tools"
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


Chunk = Text | Reasoning | ToolCall | Finished


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

    ``id`` is ``provider:name`` as in ``AGENTCHAT_MODEL``, or ``compatible:name`` where a server
    only speaks that provider's format; ``label`` is what the page shows; ``embedded`` is true
    for the small built-in model, which is not to be trusted with anything that has consequences.
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

    @property
    def media_types(self) -> frozenset[str]:
        """Which kinds of files it takes as they are; of others it is given the text."""
        ...

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Begin to get ready and return at once; ``report`` is called, from the event
        loop, with every change of :class:`ModelStatus`, READY at last. ``stream`` may be
        called before that: it waits until the model is ready.
        """
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield pieces of :class:`Reasoning` and :class:`Text`, each
        :class:`ToolCall` when it is complete, and at last one :class:`Finished`, whose reason
        is TOOLS exactly if there were calls that are to be answered.

        Closing the generator closes the connection to the provider at once.
        Raises only :class:`~agentchat.errors.ModelError` and its kin; a stream that
        ends without the model's own word for the end raises ``TruncatedStream``.
        Never retries: the engine owns retries.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and processes. Safe to call twice."""
        ...
