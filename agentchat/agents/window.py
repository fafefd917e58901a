"""What fits into a model's window: how many tokens it has, and how many a history takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from agentchat.agents.history import CUT, fitting, valid
from agentchat.llm.base import File, ModelRequest, Provider, ToolSpec, Turn
from agentchat.llm.tokens import CHARACTERS_PER_TOKEN, IMAGE_CHARACTERS
from agentchat.llm.wrapped import Wrapped

UNKNOWN_TOKENS = 32_768
"""The window of a model of which nobody knows it: what most servers are started with or more.
One that has less says so, and is asked again with less."""
SMALLER = 0.6
"""How much of what was too long is told at the next try."""
FILES_SHARE = 0.5
"""How much of the window files may take; the newest come first."""
MOST_IMAGE = 5 * 1024 * 1024 * 3 // 4
"""The largest image in bytes that is sent: Anthropic takes 5 MiB in base64."""
_LEAST_FILE = 200
"""Of a file less than so many tokens are not worth telling."""
_LEAST_ASKED = 2_000
"""So much must have been asked, in bytes, before what the provider counted is telling."""
_FEWEST, _MOST = 1 / 12, 1.0
"""Tokens per byte beyond which a provider's count is not about the text."""
_PAGE = "[page "


@lru_cache(maxsize=256)
def known_tokens(model_id: str) -> int | None:
    """The window of ``provider:name``, from the table of genai-prices; None if it is not there."""
    provider, _, name = model_id.partition(":")
    if provider not in ("anthropic", "openai"):
        return None
    # Imported here: it brings its whole table.
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, model = get_snapshot().find_provider_model(name, None, provider, None)
    except LookupError:
        return None
    return model.context_window


def tokens_of(provider: Provider) -> int:
    """How many tokens a model reads and writes in one call: what the provider says, else what
    is known of the model, else :data:`UNKNOWN_TOKENS`.
    """
    return provider.context_tokens or known_tokens(provider.id) or UNKNOWN_TOKENS


@dataclass(frozen=True, slots=True)
class Counted:
    """How large a request was, in bytes as :class:`Window` counts them, and how many tokens
    the provider said that it has.
    """

    asked: int
    input_tokens: int


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a model. Sizes are bytes of UTF-8: of all scripts, a byte is nearest to the
    same part of a token. ``per_byte`` are the tokens of one.
    """

    tokens: int
    output: int
    media_types: frozenset[str] = frozenset()
    per_byte: float = 1 / CHARACTERS_PER_TOKEN

    @staticmethod
    def of(provider: Provider, counted: Counted | None = None) -> Window:
        """That of a model; ``counted`` is what it said of an earlier request."""
        tokens = tokens_of(provider)
        per_byte = 1 / CHARACTERS_PER_TOKEN
        if counted is not None and counted.asked >= _LEAST_ASKED:
            per_byte = min(max(counted.input_tokens / counted.asked, _FEWEST), _MOST)
        output = min(provider.max_output_tokens, tokens // 2)
        return Window(tokens, output, provider.media_types, per_byte)

    @property
    def room(self) -> int:
        """How many tokens may be told."""
        return self.tokens - self.output

    def taken(self, size: int) -> int:
        """The likely tokens of so many bytes."""
        return int(size * self.per_byte) + 1

    def count(self, turn: Turn) -> int:
        """The likely tokens of a turn."""
        return self.taken(self._size(turn))

    def size(self, request: ModelRequest) -> int:
        """How large a request is, in bytes."""
        return fixed_size(request.instructions, request.tools, request.schema) + sum(
            map(self._size, request.turns)
        )

    def fitted(
        self, turns: Sequence[Turn], fixed: int, *, summary: Turn | None
    ) -> tuple[Turn, ...]:
        """The newest turns that fit beside ``fixed`` bytes of instructions and tools, files cut
        where they are too large. The summary of what came before is told in any case.
        """
        room = self.room - self.taken(fixed)
        if summary is not None:
            room -= self.count(summary)
        turns = self._with_files(turns, max(room, 0))
        kept = fitting(turns, room, self.count)
        return kept if summary is None else valid((summary, *kept))

    def smaller(self, request: ModelRequest) -> Window:
        """The window as it must be, if this request was too long for it."""
        told = self.taken(self.size(request))
        return replace(self, tokens=self.output + int(min(told, self.room) * SMALLER))

    def _size(self, turn: Turn) -> int:
        size = text_size(turn.text) + sum(map(self._file_size, turn.files))
        size += sum(text_size(one.name) + text_size(one.arguments) for one in turn.calls)
        size += sum(text_size(one.text) for one in turn.results)
        # Only what its provider wants back is sent.
        return size + sum(text_size(one.sealed) for one in turn.reasoning)

    def _file_size(self, file: File) -> int:
        if not self._goes(file):
            return text_size(file.text)
        if file.media_type.startswith("image/"):
            return IMAGE_CHARACTERS
        # Of a PDF a model reads the text and sees each page.
        return text_size(file.text) + IMAGE_CHARACTERS * max(1, file.text.count(_PAGE))

    def _goes(self, file: File) -> bool:
        """Whether a file is sent as it is."""
        too_large = file.media_type.startswith("image/") and len(file.content) > MOST_IMAGE
        return file.media_type in self.media_types and bool(file.content) and not too_large

    def _with_files(self, turns: Sequence[Turn], room: int) -> list[Turn]:
        left = int(room * FILES_SHARE)
        found: list[Turn] = []
        for turn in reversed(turns):
            files: list[File] = []
            words: list[str] = []
            for file in turn.files:
                shown, said = self._shown(file, left)
                if shown is not None:
                    files.append(shown)
                    left -= self.taken(self._file_size(shown))
                words += [said] if said else []
            if turn.files:
                text = "\n\n".join(filter(None, (*words, turn.text)))
                turn = replace(turn, text=text, files=tuple(files))
            found.append(turn)
        return found[::-1]

    def _shown(self, file: File, left: int) -> tuple[File | None, str]:
        """A file as it is told within so many tokens, and what is said in its place."""
        image = file.media_type.startswith("image/")
        if self._goes(file) and self.taken(self._file_size(file)) <= left:
            return file, ""
        if image and not self._goes(file):
            why = "is too large for" if file.media_type in self.media_types else "cannot be seen by"
            return None, f"[An image named {file.name} {why} this model.]"
        if image or left < _LEAST_FILE:
            return None, f"[The file {file.name} ({file.media_type}) did not fit here.]"
        if not file.text.strip():
            return None, f"[The file {file.name} ({file.media_type}) cannot be read by this model.]"
        # Another type, so that no provider sends the file itself.
        text = cut(file.text, int(left / self.per_byte))
        return File(file.name, "text/plain", b"", text), ""


def fixed_size(instructions: str, tools: Iterable[ToolSpec], schema: object | None) -> int:
    """How large the instructions, the tools and the shape of the answer are, in bytes."""
    size = text_size(instructions)
    for tool in tools:
        size += text_size(tool.name) + text_size(tool.description)
        size += len(json.dumps(dict(tool.schema)))
    return size + (0 if schema is None else len(json.dumps(schema)))


def text_size(text: str) -> int:
    """The size of a text in bytes of UTF-8."""
    return len(text.encode("utf-8", "replace"))


def cut(text: str, size: int) -> str:
    """The beginning of a text that is larger than so many bytes, marked as cut."""
    if text_size(text) <= size:
        return text
    return text.encode("utf-8", "replace")[: max(size, 0)].decode("utf-8", "ignore") + CUT


class Sized(Wrapped):
    """A model of which a person has said how much of its window is to be used."""

    def __init__(self, provider: Provider, context_tokens: int) -> None:
        super().__init__(provider)
        self._context_tokens = context_tokens

    @property
    def context_tokens(self) -> int | None:
        return self._context_tokens


def sized(provider: Provider, context_tokens: int) -> Provider:
    """The model with so many tokens of its window used; 0, or the built-in model, leaves it as
    it is.
    """
    return Sized(provider, context_tokens) if context_tokens and not provider.embedded else provider
