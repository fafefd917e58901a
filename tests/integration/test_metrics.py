"""What Prometheus reads of a process: counted as runs go, and read as rows are."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers

from agentchat import AgentChat, Context, RetryPolicy, Settings, workflow
from agentchat.durable.workflow import Workflow
from agentchat.endpoints import refusal
from agentchat.errors import NonRetryable, StepFailed
from agentchat.llm.scripted import ScriptedProvider
from agentchat.observing.labels import OTHER, Labels
from tests.integration.observing_stage import parsed, sample, serving
from tests.waiting import eventually


class Once(Exception):
    """Fails the first time."""


failures: list[int] = []


async def second_try() -> str:
    failures.append(1)
    if len(failures) % 2:
        raise Once("not yet")
    return "done"


async def never() -> str:
    raise NonRetryable("no")


@workflow(name="metered")
async def metered(ctx: Context, wait: bool) -> str:
    again = RetryPolicy(attempts=3, first=timedelta(milliseconds=1))
    await ctx.step("shaky", second_try, retry=again)
    try:
        await ctx.step("hopeless", never)
    except StepFailed:
        await ctx.transaction("noted", lambda _tx: "noted")
    if wait:
        await ctx.wait_for("go", str)
    return "over"


@workflow(name="breaks")
async def breaks(ctx: Context) -> None:
    await ctx.step("hopeless", never)


def chat_of(
    url: str, flows: Sequence[Workflow[..., Any]] = (metered, breaks), **settings: object
) -> AgentChat:
    return AgentChat(
        Settings.model_validate({"db_url": url, **settings}),
        agents=None,
        provider=ScriptedProvider("instant"),
        workflows=flows,
    )


async def test_a_scrape_tells_what_was_carried_out(database_url: str) -> None:
    async with chat_of(database_url) as chat, serving(chat) as site:
        done = await chat.runs.start(metered, False)
        await chat.runs.result(done)
        await chat.runs.result(await chat.runs.start(breaks))
        thread = await chat.create_thread()
        await chat.send_message(thread.id, "Hello there")
        async for view in chat.follow(thread.id):
            if not view.running:
                break
        found = await site.samples()

        of = {"workflow": "metered"}
        assert found[sample("runs_started_total", **of)] == 1
        assert found[sample("runs_finished_total", outcome="done", **of)] == 1
        assert found[sample("runs_finished_total", workflow="breaks", outcome="failed")] == 1
        assert found[sample("run_queue_wait_seconds_count", **of)] == 1
        assert found[sample("run_duration_seconds_count", outcome="done", **of)] == 1
        assert found[sample("steps_total", kind="step", outcome="done", **of)] == 1
        assert found[sample("steps_total", kind="step", outcome="failed", **of)] == 1
        assert found[sample("steps_total", kind="transaction", outcome="done", **of)] == 1
        assert found[sample("step_tries_failed_total", error="Once", **of)] == 1
        asked = {"model": "scripted:instant", "agent": "assistant"}
        assert found[sample("model_calls_total", outcome="done", **asked)] == 1
        assert found[sample("model_tokens_total", type="input", **asked)] > 0
        assert found[sample("model_tokens_total", type="output", **asked)] > 0
        assert found[sample("database_up")] == 1
        assert found[sample("workers", state="alive")] == 1
        assert 0 <= found[sample("worker_heartbeat_age_seconds")] < 120
        assert found[sample("commit_duration_seconds_count")] > 0
        assert found[sample("writes_total")] >= found[sample("commit_duration_seconds_count")]


async def test_no_label_tells_of_a_thread_a_run_or_a_person(database_url: str) -> None:
    async with chat_of(database_url) as chat:
        run = await chat.runs.start(metered, False)
        await chat.runs.result(run)
        thread = await chat.create_thread("A very private title")
        await chat.send_message(thread.id, "My words")
        async for view in chat.follow(thread.id):
            if not view.running:
                break
        assert chat.metrics is not None
        text = (await chat.metrics.text()).decode()

    for told in (run, thread.id, "private title", "My words", view.messages[0].id):
        assert told not in text


async def test_queues_are_read_from_the_database_when_somebody_scrapes(database_url: str) -> None:
    async with chat_of(database_url) as chat, serving(chat) as site:
        waiting = await chat.runs.start(metered, True)
        paused = await chat.runs.start(metered, True)
        async for run in chat.runs.follow(waiting):
            if run.status == "waiting":
                break
        await chat.runs.pause(paused)
        async for run in chat.runs.follow(paused):
            if run.status == "paused":
                break
        await chat.runs.pause_workflow("breaks")
        await chat.runs.start(breaks)
        await asyncio.sleep(0.2)
        found = await site.samples()

        assert found[sample("runs", status="waiting", workflow="metered")] == 1
        assert found[sample("runs", status="paused", workflow="metered")] == 1
        assert found[sample("runs", status="queued", workflow="breaks")] == 1
        assert found[sample("paused_workflows")] == 1
        assert found[sample("oldest_due_run_seconds")] >= 0.2
        assert sample("runs_finished_total", workflow="metered", outcome="done") not in found
        event = {"workflow": "metered", "kind": "event"}
        assert sample("steps_total", outcome="done", **event) not in found
        assert sample("steps_total", outcome="failed", **event) not in found

        await chat.runs.send_event(waiting, "go", "on")
        await chat.runs.result(waiting)
        found = await site.samples()
        assert found[sample("steps_total", outcome="done", **event)] == 1
        # From its begin, in whichever execution that was.
        assert found[sample("step_duration_seconds_sum", kind="event")] >= 0.2
        assert found[sample("runs_resumed_total", workflow="metered")] >= 1


async def test_a_killed_run_is_counted_as_stopped(database_url: str) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        entered.set()
        await asyncio.Event().wait()

    @workflow(name="held")
    async def held(ctx: Context) -> None:
        await ctx.step("hold", hold)

    settings = Settings(db_url=database_url)
    provider = ScriptedProvider("instant")
    async with AgentChat(settings, provider=provider, workflows=[held]) as chat:
        run = await chat.runs.start(held)
        await entered.wait()
        await chat.runs.kill(run)
        metrics = chat.metrics
        assert metrics is not None
        done = sample("runs_finished_total", workflow="held", outcome="stopped")

        async def counted() -> bool:
            return parsed((await metrics.text()).decode()).get(done) == 1

        async with asyncio.timeout(30):
            while not await counted():  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@workflow(name="rests")
async def rests(ctx: Context) -> str:
    return await ctx.wait_for("go", str)


@workflow(name="asks")
async def asks(ctx: Context) -> str:
    return await ctx.run(rests)


async def status_of(chat: AgentChat, run_id: str, status: str) -> None:
    async with asyncio.timeout(20):
        async for run in chat.runs.follow(run_id):
            if run.status == status:
                return


async def ends(*chats: AgentChat) -> dict[tuple[str, str], float]:
    """How many ends these apps have counted, by workflow and outcome."""
    found: dict[tuple[str, str], float] = defaultdict(float)
    for chat in chats:
        assert chat.metrics is not None
        for (name, labels), number in parsed((await chat.metrics.text()).decode()).items():
            about = dict(labels)
            if name == "agentchat_runs_finished_total":
                found[about["workflow"], about["outcome"]] += number
    return dict(found)


async def test_every_end_is_counted_once_also_of_runs_that_nobody_holds(
    database_url: str,
) -> None:
    async with chat_of(database_url, flows=[rests, breaks, asks]) as chat:
        flows = (rests, asks, rests)
        waiting, parent, paused = [await chat.runs.start(flow) for flow in flows]
        for run in (waiting, parent, paused):
            await status_of(chat, run, "waiting")
        await chat.runs.pause(paused)
        [child] = [step.child_id for step in await chat.runs.steps(parent)]
        await status_of(chat, child, "waiting")

        assert await chat.runs.kill(waiting)
        # Told to the caller when it is counted.
        assert await ends(chat) == {("rests", "stopped"): 1}
        assert not await chat.runs.kill(waiting)
        assert await chat.runs.kill(paused)
        assert await chat.runs.kill(parent)
        stopped = {("rests", "stopped"): 3, ("asks", "stopped"): 1}
        assert await ends(chat) == stopped

        # Many, by a run of their own; these have not begun, so they have lasted no time.
        await chat.runs.pause_workflow("breaks")
        never = [await chat.runs.start(breaks) for _ in range(5)]
        bulk = await chat.operations.lists.start("cancel", never)
        await chat.runs.result(bulk)
        stopped |= {("breaks", "stopped"): 5, ("bulk", "done"): 1}
        assert await ends(chat) == stopped
        assert chat.metrics is not None
        found = parsed((await chat.metrics.text()).decode())
        lasted = "run_duration_seconds_count"
        assert found[sample(lasted, workflow="rests", outcome="stopped")] == 3
        assert sample(lasted, workflow="breaks", outcome="stopped") not in found

        # What ends again has ended twice.
        await chat.runs.resume_workflow("breaks")
        failed = await chat.runs.start(breaks)
        await chat.runs.result(failed)
        await chat.runs.retry(failed)
        await chat.runs.result(failed)
        assert await ends(chat) == stopped | {("breaks", "failed"): 2}


async def test_an_end_is_counted_by_the_process_that_decides_it_and_by_no_other(
    database_url: str,
) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    @workflow(name="held")
    async def held(ctx: Context) -> None:
        await ctx.step("hold", hold)

    # The second does not know the workflow, so the first one holds its runs.
    first, second = chat_of(database_url, flows=[held]), chat_of(database_url, flows=[])
    async with first as holder, second as other:
        run = await holder.runs.start(held)
        await entered.wait()
        assert await other.runs.kill(run)
        assert await ends(other) == {("held", "stopped"): 1}
        await left.wait()
        await eventually(lambda: not holder._durable._worker._claims)
        assert await ends(holder, other) == {("held", "stopped"): 1}


async def test_followers_and_reruns_of_live_queries_are_told(database_url: str) -> None:
    async with chat_of(database_url) as chat, serving(chat) as site:
        thread = await chat.create_thread("Before")
        views = chat.follow(thread.id)
        await anext(views)
        await chat.rename_thread(thread.id, "After")
        await anext(views)
        query = {"query": "agentchat.shown.thread.thread_view"}
        found = await site.samples()
        assert found[sample("live_followers", **query)] == 1
        before = found[sample("live_query_runs_total", **query)]
        assert before >= 2
        await views.aclose()
        found = await site.samples()
        assert found[sample("live_followers", **query)] == 0
        assert found[sample("live_query_runs_total", **query)] >= before


async def test_only_this_machine_reads_metrics_unless_there_is_a_token(tmp_path: object) -> None:
    here = {"host": "127.0.0.1:3000"}

    def code(client: str, token: str | None = None, **headers: str) -> int:
        settings = Settings(metrics_token=None if token is None else SecretStr(token))
        named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        refused = refusal(settings, client, named)
        return 200 if refused is None else refused.status_code

    assert code("127.0.0.1", **here) == 200
    assert code("::1", host="[::1]:3000") == 200
    assert code("127.0.0.1", host="localhost:3000") == 200
    assert code("10.0.0.7", **here) == 403
    assert code("127.0.0.1", x_forwarded_for="10.0.0.7", **here) == 403
    assert code("127.0.0.1", host="evil.example:3000") == 403
    assert code("127.0.0.1") == 403
    assert code("10.0.0.7", "open sesame", authorization="Bearer open sesame") == 200
    assert code("127.0.0.1", "open sesame", **here) == 401
    assert code("127.0.0.1", "open sesame", authorization="Bearer wrong", **here) == 401
    assert code("127.0.0.1", "open sesame", authorization="Basic open sesame", **here) == 401


async def test_a_server_asks_for_the_token_and_takes_it(database_url: str) -> None:
    async with chat_of(database_url, metrics_token="open sesame") as chat, serving(chat) as site:
        refused = await site.ask("/metrics")
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert "agentchat_" not in refused.text.replace("AGENTCHAT_", "")
        answer = await site.ask("/metrics", Authorization="Bearer open sesame")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert (await site.ask("/metrics", "POST")).status == 405
        assert (await site.ask("/")).text == "a page"


async def test_metrics_can_be_switched_off(database_url: str) -> None:
    async with chat_of(database_url, metrics=False) as chat, serving(chat) as site:
        await chat.runs.result(await chat.runs.start(metered, False))
        assert chat.metrics is None
        assert (await site.ask("/metrics")).status == 404


async def test_two_apps_of_one_process_count_apart(tmp_path: object, database_url: str) -> None:
    async with chat_of(database_url) as one, chat_of(database_url) as other:
        assert one.metrics is not None
        assert other.metrics is not None
        await one.runs.result(await one.runs.start(metered, False))
        await eventually(lambda: True)
        counts = [
            parsed((await each.metrics.text()).decode()).get(
                sample("runs_finished_total", workflow="metered", outcome="done"), 0
            )
            for each in (one, other)
            if each.metrics is not None
        ]
    assert sum(counts) == 1


def test_a_label_has_at_most_so_many_values() -> None:
    labels = Labels(most=2)
    assert [labels.of("name", value) for value in ("a", "b", "c", "a", "d")] == [
        "a",
        "b",
        OTHER,
        "a",
        OTHER,
    ]
    assert labels.of("kind", "c") == "c"


@pytest.mark.parametrize("library", ["prometheus_client", "opentelemetry.sdk"])
def test_importing_the_library_loads_nothing_that_only_observing_needs(library: str) -> None:
    code = f"import sys, agentchat; print({library!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
