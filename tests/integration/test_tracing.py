"""Traces, as a real receiver gets them over OTLP/HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agentchat import AgentChat, Context, RetryPolicy, Settings, workflow
from agentchat.errors import ConfigError
from agentchat.llm.scripted import ScriptedProvider
from agentchat.observing.tracing import span_id_of, trace_id_of
from tests.integration.observing_stage import Receiver, attributes, receiving
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

SECRET = "what nobody else may read"
calls: list[str] = []


class Shaky(Exception):
    """Fails the first time."""


async def shaky(text: str) -> str:
    calls.append(text)
    if len(calls) % 2:
        raise Shaky(f"not with {text}")
    return text


@workflow(name="child")
async def child(ctx: Context) -> str:
    return await ctx.transaction("made", lambda _tx: "made")


@workflow(name="traced")
async def traced(ctx: Context, text: str) -> str:
    await ctx.step("shaky", shaky, text, retry=RetryPolicy(attempts=3, first=timedelta(0)))
    await ctx.wait_for("go", str)
    return await ctx.run(child)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    # So that a test need not wait for the five seconds after which a batch is sent.
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with receiving() as receiver:
        yield receiver


def chat_of(url: str, receiver: Receiver) -> AgentChat:
    settings = Settings(db_url=url, traces=receiver.url)
    return AgentChat(settings, provider=ScriptedProvider("instant"), workflows=[traced, child])


def id_of(number: int, length: int) -> bytes:
    return number.to_bytes(length, "big")


async def test_a_run_is_one_trace_even_if_two_processes_carry_it_out(
    database_url: str, receiver: Receiver
) -> None:
    async with chat_of(database_url, receiver) as chat:
        run_id = await chat.runs.start(traced, SECRET)
        async for run in chat.runs.follow(run_id):
            if run.status == "waiting":
                break
    assert not receiver.of("run traced"), "a run that waits has not ended"
    async with chat_of(database_url, receiver) as chat:
        await chat.runs.send_event(run_id, "go", "on")
        await chat.runs.result(run_id)
    root = receiver.wait_for("run traced")

    assert root.trace_id.hex() == run_id
    assert root.span_id == id_of(span_id_of(run_id), 8)
    assert root.parent_span_id == b""
    assert attributes(root)["agentchat.run.outcome"] == "done"
    step, wait = receiver.wait_for("step shaky"), receiver.wait_for("event go")
    for span in (step, wait):
        assert (span.trace_id, span.parent_span_id) == (root.trace_id, root.span_id)
        assert root.start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    assert attributes(step)["agentchat.run.attempt"] == 1
    # It was begun in the first process, and ended in the second.
    assert attributes(wait)["agentchat.run.attempt"] == 2
    assert wait.end_time_unix_nano - wait.start_time_unix_nano > 0
    [event] = step.events
    assert event.name == "try failed"
    assert attributes(event) == {"agentchat.step.try": 1, "error.type": "Shaky"}

    own = next(span for span in receiver.of("run child") if not span.parent_span_id)
    [link] = own.links
    assert (link.trace_id, link.span_id) == (root.trace_id, root.span_id)
    assert own.trace_id.hex() == attributes(own)["agentchat.run.id"] != run_id


async def test_a_call_of_a_model_is_a_span_in_the_step_that_asks(
    database_url: str, receiver: Receiver
) -> None:
    async with chat_of(database_url, receiver) as chat:
        thread = await chat.create_thread("A title")
        await chat.send_message(thread.id, SECRET)
        async for view in chat.follow(thread.id):
            if not view.running:
                break
    call, root = receiver.wait_for("chat instant"), receiver.wait_for("run reply")
    step = receiver.wait_for("step generate")

    assert (call.trace_id, call.parent_span_id) == (root.trace_id, step.span_id)
    assert call.kind == Span.SPAN_KIND_CLIENT
    told = attributes(call)
    assert told["gen_ai.operation.name"] == "chat"
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == ("scripted", "instant")
    assert told["gen_ai.agent.name"] == "assistant"
    assert told["gen_ai.usage.input_tokens"] > 0
    assert told["gen_ai.usage.output_tokens"] > 0
    assert [one.string_value for one in told["gen_ai.response.finish_reasons"].values] == ["end"]
    assert attributes(root)["gen_ai.conversation.id"] == thread.id
    assert step.start_time_unix_nano <= call.start_time_unix_nano
    assert call.end_time_unix_nano <= step.end_time_unix_nano


async def test_no_contents_leave_the_process(database_url: str, receiver: Receiver) -> None:
    async with chat_of(database_url, receiver) as chat:
        run_id = await chat.runs.start(traced, SECRET)
        await chat.runs.send_event(run_id, "go", SECRET)
        await chat.runs.result(run_id)
        thread = await chat.create_thread(SECRET)
        await chat.send_message(thread.id, SECRET)
        async for view in chat.follow(thread.id):
            if not view.running:
                break
    assert receiver.of("chat instant")
    answer = view.messages[-1].text
    for request in receiver.requests:
        sent = request.SerializeToString()
        assert SECRET.encode() not in sent
        assert answer[:30].encode() not in sent


async def test_a_run_that_fails_tells_the_kind_of_its_error(
    database_url: str, receiver: Receiver
) -> None:
    async def breaks() -> None:
        raise ValueError(SECRET)

    @workflow(name="failing")
    async def failing(ctx: Context) -> None:
        await ctx.step("breaks", breaks)

    settings = Settings(db_url=database_url, traces=receiver.url)
    provider = ScriptedProvider("instant")
    async with AgentChat(settings, provider=provider, workflows=[failing]) as chat:
        await chat.runs.result(await chat.runs.start(failing))
    step, root = receiver.wait_for("step breaks"), receiver.wait_for("run failing")
    assert attributes(step)["error.type"] == "ValueError"
    assert attributes(root)["agentchat.run.outcome"] == "failed"
    assert root.status.code == step.status.code == Status.STATUS_CODE_ERROR


async def test_a_receiver_that_is_away_holds_nothing_up(
    database_url: str,
) -> None:
    settings = Settings(db_url=database_url, traces="http://127.0.0.1:9")
    provider = ScriptedProvider("instant")
    async with asyncio.timeout(30):
        async with AgentChat(settings, provider=provider, workflows=[traced, child]) as chat:
            run_id = await chat.runs.start(traced, "x")
            await chat.runs.send_event(run_id, "go", "on")
            assert (await chat.runs.result(run_id)).status == "done"


async def test_traces_without_what_sends_them_are_a_clear_error(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "agentchat.observing.tracing", None)
    chat = AgentChat(
        Settings(db_url=database_url, traces="http://127.0.0.1:4318"),
        provider=ScriptedProvider("instant"),
    )
    with pytest.raises(ConfigError, match=r"agentchat\[otel\]"):
        await chat.__aenter__()


def test_the_trace_of_a_run_has_the_id_of_the_run() -> None:
    assert f"{trace_id_of('0123456789abcdef0123456789abcdef'):032x}".startswith("0123456789ab")
    assert trace_id_of("survey-of-today") == trace_id_of("survey-of-today")
    assert 0 < trace_id_of("survey-of-today") < 2**128
    assert span_id_of("a") != span_id_of("b")
