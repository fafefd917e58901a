"""Answers of both providers with the vendors' real SDKs, over real HTTP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from agentchat.errors import (
    ConfigError,
    ModelRefused,
)
from agentchat.llm.anthropic import AnthropicProvider
from agentchat.llm.base import (
    Finished,
    ModelRequest,
    ModelState,
    ModelStatus,
    Provider,
    StopReason,
    Text,
    Turn,
    Usage,
)
from agentchat.llm.openai import OpenAIProvider
from tests.fake_provider import FakeProvider, Reply
from tests.integration.asking import (
    KEY,
    LONG,
    QUESTION,
    Make,
    anthropic_at,
    ask,
    failure,
    openai_at,
)


@pytest.fixture(params=[openai_at, anthropic_at], ids=["openai", "anthropic"])
def make(request: pytest.FixtureRequest) -> Make:
    maker: Make = request.param
    return maker


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def provider(make: Make, fake: FakeProvider) -> AsyncIterator[Provider]:
    made = make(fake.openai_url, fake.anthropic_url, LONG)
    yield made
    await made.close()


async def test_an_answer_arrives_in_pieces_with_usage_and_request_id(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("One two. Three."))
    chunks = [chunk async for chunk in provider.stream(QUESTION)]
    assert chunks == [
        Text("One "),
        Text("two. "),
        Text("Three."),
        Finished(StopReason.END, Usage(11, len("One two. Three.")), "req_fake_1"),
    ]


async def test_the_request_carries_instructions_history_limit_key_and_idempotency_key(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    turns = (Turn("user", "Hi."), Turn("assistant", "Hello."), Turn("user", "And?"))
    await ask(provider, ModelRequest("Be brief.", turns, 77, idempotency_key="run-1-step-2"))
    (seen,) = fake.requests
    history = [{"role": turn.role, "content": turn.text} for turn in turns]
    if make is openai_at:
        system = {"role": "system", "content": "Be brief."}
        assert seen.json["messages"] == [system, *history]
        assert seen.json["stream_options"] == {"include_usage": True}
    else:
        assert seen.json["messages"] == history
        assert seen.json["system"] == "Be brief."
        assert "temperature" not in seen.json
    assert seen.json["model"] == "fake"
    assert seen.json["max_tokens"] == 77
    assert seen.headers["idempotency-key"] == "run-1-step-2"
    assert KEY in seen.headers.get("authorization", "") + seen.headers.get("x-api-key", "")


async def test_no_answer_may_be_longer_than_the_provider_allows(
    provider: Provider, fake: FakeProvider
) -> None:
    await ask(provider, ModelRequest("", (Turn("user", "Hi."),), max_tokens=10**6))
    assert fake.requests[0].json["max_tokens"] == provider.max_output_tokens
    assert "system" not in fake.requests[0].json
    assert [turn["role"] for turn in fake.requests[0].json["messages"]] == ["user"]


async def test_usage_is_estimated_when_the_server_says_none(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("Four and four and.", usage=False))
    _, finished = await ask(provider)
    asked = len("Be brief.") + len("Hello?")
    assert finished.usage == Usage(-(-asked // 4), -(-18 // 4), estimated=True)


async def test_reasoning_is_no_part_of_the_answer(provider: Provider, fake: FakeProvider) -> None:
    fake.enqueue(Reply("Yes.", reasoning="Hm, hm."))
    text, _ = await ask(provider)
    assert text == "Yes."


@pytest.mark.parametrize(
    ("openai_word", "anthropic_word", "reason"),
    [
        ("stop", "end_turn", StopReason.END),
        ("tool_calls", "stop_sequence", StopReason.END),
        ("length", "max_tokens", StopReason.LENGTH),
        ("content_filter", "refusal", StopReason.REFUSAL),
    ],
)
async def test_the_reason_for_the_end_is_kept(
    make: Make,
    provider: Provider,
    fake: FakeProvider,
    openai_word: str,
    anthropic_word: str,
    reason: StopReason,
) -> None:
    fake.enqueue(Reply("Some text.", finish=openai_word if make is openai_at else anthropic_word))
    _, finished = await ask(provider)
    assert finished.reason is reason


async def test_a_refusal_without_any_text_is_an_error(
    make: Make, provider: Provider, fake: FakeProvider
) -> None:
    word = "content_filter" if make is openai_at else "refusal"
    fake.enqueue(Reply("", finish=word, refusal="I would rather not."))
    error = await failure(provider)
    assert isinstance(error, ModelRefused)
    assert error.request_id == "req_fake_1"
    if make is openai_at:
        assert "I would rather not." in str(error)


async def test_what_breaks_after_the_model_is_done_takes_nothing_away(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("All of it.", cut="drop_when_done"))
    text, finished = await ask(provider)
    assert text == "All of it."
    assert finished.reason is StopReason.END


@pytest.mark.parametrize("way", ["aclose", "cancel"])
async def test_a_stop_closes_the_connection(
    provider: Provider, fake: FakeProvider, way: str
) -> None:
    fake.enqueue(Reply("One. Two. Three.", cut_after=1, cut="hold"))
    first = asyncio.Event()
    leave = asyncio.Event()

    async def read() -> None:
        async with aclosing(provider.stream(QUESTION)) as chunks:
            async for _ in chunks:
                first.set()
                if way == "aclose":
                    await leave.wait()
                    return

    reading = asyncio.create_task(read())
    await first.wait()
    if way == "cancel":
        reading.cancel()
    leave.set()
    await asyncio.gather(reading, return_exceptions=True)
    # Which would be held for ever.
    await fake.until(lambda: fake.requests[0].closed_by_client)


async def test_an_answer_can_be_asked_for_again_after_a_stop(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("One. Two.", cut_after=1, cut="hold"))
    async with aclosing(provider.stream(QUESTION)) as chunks:
        await anext(chunks)
    text, _ = await ask(provider)
    assert text == fake.default.text
    assert not fake.requests[1].closed_by_client


async def test_pieces_arrive_while_the_answer_is_still_being_written(
    provider: Provider, fake: FakeProvider
) -> None:
    fake.enqueue(Reply("One. Two.", cut_after=1, cut="hold"))
    async with aclosing(provider.stream(QUESTION)) as chunks:
        assert await anext(chunks) == Text("One.")
        assert fake.requests[0].closed_at is None


async def test_a_proxy_in_the_environment_is_not_asked_for_this_machine(
    make: Make, fake: FakeProvider, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
    provider = make(fake.openai_url, fake.anthropic_url, LONG)
    text, _ = await ask(provider)
    assert text == fake.default.text
    await provider.close()


async def test_the_environment_changes_neither_key_nor_address(
    make: Make, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-from-the-environment-1")
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/nowhere")
    provider = make(fake.openai_url, fake.anthropic_url, LONG)
    await ask(provider)
    assert KEY in str(fake.requests[0].headers)
    assert "sk-from-the-environment-1" not in str(fake.requests[0].headers)
    await provider.close()


async def test_a_server_that_wants_no_key_gets_none_of_ours(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment-1")
    provider = OpenAIProvider("fake", None, fake.openai_url)
    await ask(provider)
    assert fake.requests[0].headers["authorization"] == "Bearer none"
    await provider.close()


async def test_start_says_ready_and_close_may_come_twice(provider: Provider) -> None:
    said: list[ModelStatus] = []
    await provider.start(said.append)
    assert [status.state for status in said] == [ModelState.READY]
    await ask(provider)
    await provider.close()
    await provider.close()


@pytest.mark.parametrize("key", ["sk-…pasted", "sk-two words", "\n"])
def test_a_key_that_cannot_be_sent_is_refused_at_once(make: Make, key: str) -> None:
    with pytest.raises(ConfigError, match="Copy it again"):
        OpenAIProvider("fake", key, None)
    with pytest.raises(ConfigError, match="Copy it again"):
        AnthropicProvider("fake", key)


@pytest.mark.parametrize("url", ["localhost:8080/v1", "127.0.0.1:8080", "ftp://host"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a model server"):
        OpenAIProvider("fake", None, url)


def test_importing_the_providers_imports_no_sdk() -> None:
    code = (
        "import sys, agentchat.llm.openai, agentchat.llm.anthropic, agentchat.llm.scripted;"
        "sys.exit(any(name in sys.modules for name in ('openai', 'anthropic')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
