"""A model that answers from a script: for tests, and to try the app without any key."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from agentchat.errors import ConfigError
from agentchat.llm.base import (
    Chunk,
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    StopReason,
    Text,
)
from agentchat.llm.tokens import estimated_usage

Reply = str | Callable[[ModelRequest], str]


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
    answer is given and nothing fails. An exception among the faults is raised before
    the first piece; None stands for a call that goes well.

    ``requests`` holds what was asked; ``finished`` counts the answers given in full,
    ``closed`` those that were cut short by the caller.

    Raises :class:`~agentchat.errors.ConfigError` for a name it does not know.
    """

    embedded = False
    context_tokens: int | None = None
    max_output_tokens = 4096

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
        fault = self._faults.popleft() if self._faults else None
        if isinstance(fault, Exception):
            raise fault
        reply = self._replies.popleft() if self._replies else self._default
        text = reply if isinstance(reply, str) else reply(request)
        cut_short = True
        try:
            for count, piece in enumerate(re.findall(r"\s*\S+\s*", text)):
                if fault and count == fault.pieces:
                    break
                await asyncio.sleep(self._pace.total_seconds())
                yield Text(piece)
            cut_short = False
        finally:
            self.closed += cut_short
        if fault:
            raise fault.error
        self.finished += 1
        yield Finished(StopReason.END, estimated_usage(request, len(text)))

    async def close(self) -> None:
        """Nothing to let go of."""


def _about_the_prompt(request: ModelRequest) -> str:
    asked = " ".join(request.turns[-1].text.split()) if request.turns else ""
    shown = asked if len(asked) <= 80 else asked[:79] + "…"
    return (
        f"> {shown}\n\n"
        "This answer comes from a script, because no model is set. "
        f"Your message has {len(asked.split())} words, and it is number"
        f" {sum(turn.role == 'user' for turn in request.turns)} in this thread.\n\n"
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
