"""Faults of both providers: with our own server, and with llmock, which others maintain."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from email.utils import formatdate

import pytest
from llmock.scenarios import Behavior, Fail, StreamFault
from llmock.scenarios import Reply as MockReply
from llmock.testing import LLMockServer

from agentchat.errors import (
    BadRequest,
    ConnectionLost,
    ContextTooLong,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    TruncatedStream,
    UnknownModel,
    WrongKey,
)
from agentchat.llm.base import (
    Provider,
)
from tests.fake_provider import FakeProvider, Reply
from tests.integration.asking import (
    KEY,
    LONG,
    SHORT,
    Make,
    anthropic_at,
    failure,
    openai_at,
    text_until_the_end,
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


async def test_a_wrong_key_is_said_in_words(provider: Provider, fake: FakeProvider) -> None:
    words = f"Incorrect API key provided: {KEY}. Yours may be sk-proj-****wxyz."
    body = {"error": {"message": words, "type": "authentication_error", "code": "invalid_api_key"}}
    fake.enqueue(Reply(status=401, body=body))
    error = await failure(provider)
    assert type(error) is WrongKey
    assert str(error) == (
        f"The model server at {fake.anthropic_url.removeprefix('http://')} did not accept the API"
        " key (401: Incorrect API key provided: [key]. Yours may be [key])"
    )
    assert error.request_id == "req_fake_1"


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (400, {"message": "bad", "type": "invalid_request_error"}, BadRequest),
        (400, {"message": "prompt is too long: 200001 tokens > 200000 maximum"}, ContextTooLong),
        (400, {"message": "x", "code": "context_length_exceeded"}, ContextTooLong),
        (400, {"message": "x", "code": 400, "type": "exceed_context_size_error"}, ContextTooLong),
        (400, {"message": "Your credit balance is too low"}, QuotaExceeded),
        (402, {"message": "pay", "type": "billing_error"}, QuotaExceeded),
        (403, {"message": "no", "type": "permission_error"}, WrongKey),
        (404, {"message": "no such model", "type": "not_found_error"}, UnknownModel),
        (429, {"message": "slow down", "type": "rate_limit_error"}, RateLimited),
        (429, {"message": "no money", "code": "insufficient_quota"}, QuotaExceeded),
        (500, {"message": "oops", "type": "api_error"}, ModelUnavailable),
        (503, {"message": "Loading model", "code": 503}, Overloaded),
        (504, {"message": "slow", "type": "timeout_error"}, ModelTimeout),
        (529, {"message": "busy", "type": "overloaded_error"}, Overloaded),
    ],
)
async def test_an_answer_with_an_error_status_becomes_our_error(
    provider: Provider,
    fake: FakeProvider,
    status: int,
    said: dict[str, object],
    expected: type[ModelError],
) -> None:
    fake.enqueue(Reply(status=status, body={"type": "error", "error": said}))
    error = await failure(provider)
    assert type(error) is expected
    assert f"({status}: {said['message']})" in str(error)
    assert len(fake.requests) == 1, "the SDK must not retry by itself"


async def test_a_page_of_html_is_not_shown(provider: Provider, fake: FakeProvider) -> None:
    fake.enqueue(Reply(status=502, body="<html><h1>502</h1></html>"))
    error = await failure(provider)
    assert type(error) is ModelUnavailable
    assert "(502: Bad Gateway)" in str(error)


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_kept(provider: Provider, fake: FakeProvider, form: str) -> None:
    value = "7" if form == "seconds" else formatdate(time.time() + 7.5, usegmt=True)
    fake.enqueue(Reply(status=429, headers={"Retry-After": value}))
    error = await failure(provider)
    assert isinstance(error, RateLimited)
    assert error.retry_after is not None
    assert timedelta(seconds=4) < error.retry_after <= timedelta(seconds=8)


async def test_an_error_event_in_the_stream_is_told_by_its_type(
    provider: Provider, fake: FakeProvider
) -> None:
    event = {"type": "overloaded_error", "message": "Overloaded"}
    fake.enqueue(Reply("One. Two. Three.", cut_after=2, cut="error", error=event))
    with pytest.raises(Overloaded) as caught:
        await text_until_the_end(provider)
    assert caught.value.__notes__ == ["One. Two."]
    assert str(caught.value).endswith("is overloaded (Overloaded)")
    assert caught.value.request_id == "req_fake_1"


async def test_a_server_that_is_not_there_is_a_lost_connection(
    make: Make, unused_tcp_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    provider = make(url, url, LONG)
    error = await failure(provider)
    assert type(error) is ConnectionLost
    assert "could not be reached" in str(error)
    await provider.close()


@pytest.fixture(scope="module")
def mock_server() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest.fixture
def ask_mock(make: Make, mock_server: LLMockServer) -> Callable[[Behavior], Awaitable[str]]:
    """Ask llmock once, with a fault; what it says is ``Mock one. Mock two.``"""
    mock_server.state.scenarios.clear()

    async def ask_once(fault: Behavior) -> str:
        mock_server.state.scenarios.add(fault, MockReply(text="Mock one. Mock two."))
        stalls = isinstance(fault, StreamFault) and fault.kind == "stall"
        urls = mock_server.base_url("openai"), mock_server.base_url("anthropic")
        provider = make(*urls, SHORT if stalls else LONG)
        try:
            return await text_until_the_end(provider)
        finally:
            await provider.close()

    return ask_once


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fail(401), WrongKey),
        (Fail(404), UnknownModel),
        (Fail(529), Overloaded),
        (Fail(503), Overloaded),
        (Fail(500), ModelUnavailable),
        (StreamFault("disconnect", after_chunks=4), ConnectionLost),
        (StreamFault("truncate", after_chunks=4), TruncatedStream),
        (StreamFault("malformed", after_chunks=4), ModelUnavailable),
        (StreamFault("stall", after_chunks=4, stall_seconds=3), ModelTimeout),
    ],
    ids=lambda value: getattr(value, "kind", None) and str(value.kind),
)
async def test_every_fault_of_llmock_becomes_our_error(
    ask_mock: Callable[[Behavior], Awaitable[str]], fault: Behavior, expected: type[ModelError]
) -> None:
    with pytest.raises(ModelError) as caught:
        await ask_mock(fault)
    assert type(caught.value) is expected
    if isinstance(fault, StreamFault):
        assert caught.value.__notes__[0].startswith("Mock ")


async def test_llmock_asks_us_to_wait(ask_mock: Callable[[Behavior], Awaitable[str]]) -> None:
    with pytest.raises(RateLimited) as caught:
        await ask_mock(Fail(429, retry_after=3))
    assert caught.value.retry_after == timedelta(seconds=3)
