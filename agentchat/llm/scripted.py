"""A model that answers from a script: for tests, and to try the app without any key."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from agentchat.errors import BadRequest, ConfigError
from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    Reasoning,
    StopReason,
    Text,
    ToolCall,
    Turn,
)
from agentchat.llm.samples import sample_of
from agentchat.llm.tokens import estimated_usage

Piece = str | Reasoning | ToolCall
Answer = str | Sequence[Piece]
Reply = Answer | Callable[[ModelRequest], Answer]


@dataclass(frozen=True, slots=True)
class FailAfter:
    """Let so many pieces of the answer through, then raise."""

    pieces: int
    error: Exception


class ScriptedProvider:
    """The same answers each time, a word at a time.

    ``name`` picks the default answer and the pace: ``demo`` (a few sentences about the
    prompt, 30 ms a word), ``slow`` (forty numbered sentences, 150 ms a word) or
    ``instant`` (as ``demo`` without waiting); ``pace`` overrides the pace.

    ``replies`` and ``faults`` are used up in order, one each call; then the default
    answer is given (the least that fits, when the request has a schema) and nothing fails. A
    reply is a text, or a list of texts, reasoning and tool calls, or a function of the request
    that returns either. An exception among the faults is raised before the first piece; None
    stands for a call that goes well.

    As a real model's server would, it refuses a history in which a call has no result.

    ``requests`` holds what was asked; ``finished`` counts the answers given in full,
    ``closed`` those that were cut short by the caller.

    Raises :class:`~agentchat.errors.ConfigError` for a name it does not know.
    """

    embedded = False
    context_tokens: int | None = None
    max_output_tokens = 4096
    media_types: frozenset[str] = frozenset()

    def __init__(
        self,
        name: str = "demo",
        *,
        replies: Iterable[Reply] = (),
        faults: Iterable[Exception | FailAfter | None] = (),
        pace: timedelta | None = None,
    ) -> None:
        if name not in _SCRIPTS:
            known = ", ".join(f"scripted:{script}" for script in _SCRIPTS)
            raise ConfigError(f"There is no scripted:{name}. Use one of {known}.")
        default_pace, self._default = _SCRIPTS[name]
        self.id = f"scripted:{name}"
        self.label = f"Scripted answers ({name})"
        self.requests: list[ModelRequest] = []
        self.finished = 0
        self.closed = 0
        self._pace = default_pace if pace is None else pace
        self._replies = deque(replies)
        self._faults = deque(faults)

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """Report READY: there is nothing to get."""
        report(ModelStatus(ModelState.READY))

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`; may raise any scripted error."""
        self.requests.append(request)
        if words := _complaint(request.turns):
            raise BadRequest(words)
        fault = self._faults.popleft() if self._faults else None
        if isinstance(fault, Exception):
            raise fault
        chunks = _chunks(self._answer(request))
        cut_short = True
        try:
            for count, chunk in enumerate(chunks):
                if fault and count == fault.pieces:
                    break
                await asyncio.sleep(self._pace.total_seconds())
                yield chunk
            cut_short = False
        finally:
            self.closed += cut_short
        if fault:
            raise fault.error
        self.finished += 1
        called = any(isinstance(chunk, ToolCall) for chunk in chunks)
        reason = StopReason.TOOLS if called else StopReason.END
        yield Finished(reason, estimated_usage(request, sum(map(_characters, chunks))))

    async def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self, request: ModelRequest) -> Answer:
        if self._replies:
            reply = self._replies.popleft()
        elif request.schema is not None:
            return json.dumps(sample_of(request.schema))
        else:
            reply = self._default
        return reply(request) if callable(reply) else reply


def _chunks(answer: Answer) -> list[Text | Reasoning | ToolCall]:
    """The answer in pieces, its text a word at a time and its calls at the end."""
    said: list[Text | Reasoning | ToolCall] = []
    calls: list[ToolCall] = []
    for piece in [answer] if isinstance(answer, str) else answer:
        if isinstance(piece, str):
            said += [Text(word) for word in re.findall(r"\s*\S+\s*", piece)]
        elif isinstance(piece, ToolCall):
            calls.append(piece)
        else:
            said.append(piece)
    return [*said, *calls]


def _characters(chunk: Text | Reasoning | ToolCall) -> int:
    return len(chunk.name + chunk.arguments if isinstance(chunk, ToolCall) else chunk.text)


def _complaint(turns: Sequence[Turn]) -> str | None:
    """What is wrong with the calls and results of a history, or None."""
    for before, turn in pairwise([Turn("user"), *turns, Turn("user")]):
        called = sorted(call.id for call in before.calls)
        answered = sorted(result.call_id for result in turn.results)
        if called != answered:
            return f"The calls {called} are followed by the results {answered}."
    return None


def _about_the_prompt(request: ModelRequest) -> str:
    questions = [turn.text for turn in request.turns if turn.role == "user" and turn.text]
    asked = " ".join(questions[-1].split()) if questions else ""
    shown = asked if len(asked) <= 80 else asked[:79] + "…"
    return (
        f"> {shown}\n\n"
        "This answer comes from a script, because no model is set. "
        f"Your message has {len(asked.split())} words, and it is number"
        f" {len(questions)} in this thread.\n\n"
        "- Every sentence is stored before you see it.\n"
        "- You can **close this page**, come back, and find the whole answer.\n\n"
        "Set `AGENTCHAT_MODEL` to talk to a real model."
    )


def _forty_sentences(_: ModelRequest) -> str:
    return " ".join(f"Sentence {number}." for number in range(1, 41))


_SCRIPTS: dict[str, tuple[timedelta, Callable[[ModelRequest], str]]] = {
    "demo": (timedelta(milliseconds=30), _about_the_prompt),
    "slow": (timedelta(milliseconds=150), _forty_sentences),
    "instant": (timedelta(0), _about_the_prompt),
}
