"""Asking a model whether it answers: its server's list, and one small request."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

from agentchat.configuration.views import TrialView
from agentchat.errors import AgentChatError, ModelError
from agentchat.llm.base import Finished, ModelRequest, Provider, Text, Turn
from agentchat.llm.embedder import Embedder
from agentchat.llm.prices import cost_of
from agentchat.llm.remote import remote_of

PATIENCE = timedelta(seconds=30)
"""How long a model may take to answer, and how long its server for its list, a third of it."""
QUESTION = "Reply with one short sentence that says you are there."
MOST_TOKENS = 64
MOST_REPLY = 200
MOST_OTHERS = 12
_SLOW = "It has not answered within {:.0f} seconds."
_SLOW_NEXT = (
    "Look whether its server is at work on something else, or still loads the model; then test"
    " again."
)
_UNREADY = "Look into the log of the server."


async def tried(
    provider: Provider, key: str, name: str, *, patience: timedelta = PATIENCE
) -> TrialView:
    """Ask a model something small. Never raises for what is wrong with the model or its server:
    that is what it tells, in words.
    """
    view = TrialView(key, provider.id)
    listed = asyncio.create_task(_listed(provider, patience / 3))
    try:
        view = await _asked(provider, view, patience)
        names = await listed
    finally:
        listed.cancel()
    if not names:
        return view
    others = [one for one in sorted(names) if one != name]
    there = "yes" if name in names else "no"
    return replace(view, listed=there, others=tuple(others[:MOST_OTHERS]))


async def embedded(embedder: Embedder, key: str) -> TrialView:
    """Let an embedder work once; the reply says how many numbers came."""
    view, began = TrialView(key, embedder.id), time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            vectors = await embedder.embed([QUESTION])
    except AgentChatError as error:
        return replace(view, problem=str(error), next_step=_UNREADY)
    except TimeoutError:
        slow = _SLOW.format(PATIENCE.total_seconds())
        return replace(view, problem=slow, next_step=_UNREADY)
    seconds = time.perf_counter() - began
    return replace(view, seconds=seconds, reply=f"{vectors.shape[1]:,} numbers")


async def _asked(provider: Provider, view: TrialView, patience: timedelta) -> TrialView:
    request = ModelRequest(
        "",
        (Turn("user", QUESTION),),
        max_tokens=min(MOST_TOKENS, provider.max_output_tokens),
        agent="test",
    )
    began, text, first = time.perf_counter(), "", -1.0
    try:
        async with (
            asyncio.timeout(patience.total_seconds()),
            aclosing(provider.stream(request)) as chunks,
        ):
            async for chunk in chunks:
                if isinstance(chunk, Finished):
                    usage = chunk.usage
                    cost = cost_of(provider.id, usage)
                    view = replace(
                        view,
                        input_tokens=usage.input_tokens,
                        output_tokens=usage.output_tokens,
                        estimated=usage.estimated,
                        cost_usd=-1.0 if cost is None else cost,
                        request_id=chunk.request_id or "",
                    )
                elif isinstance(chunk, Text):
                    first = time.perf_counter() - began if first < 0 else first
                    text = (text + chunk.text)[: MOST_REPLY + 1]
    except ModelError as error:
        view = replace(view, problem=str(error), next_step=error.next_step)
        view = replace(view, request_id=error.request_id or "")
    except TimeoutError:
        slow = _SLOW.format(patience.total_seconds())
        view = replace(view, problem=slow, next_step=_SLOW_NEXT)
    seconds = time.perf_counter() - began
    short = text if len(text) <= MOST_REPLY else f"{text[:MOST_REPLY]}…"
    return replace(view, seconds=seconds, first_seconds=first, reply=short.strip())


async def _listed(provider: Provider, patience: timedelta) -> tuple[str, ...]:
    """The models that its server has; empty if it does not say."""
    remote = remote_of(provider)
    if remote is None:
        return ()
    try:
        async with asyncio.timeout(patience.total_seconds()):
            return await remote.model_names()
    except (ModelError, TimeoutError):
        # What is wrong is told by the request itself.
        return ()
