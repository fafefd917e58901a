"""One run in all detail: what its page is told, on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import col, delete

from agentchat import Actor, Agent, tool
from agentchat.columns import table_of
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput, NotAllowed, RunNotFound
from agentchat.models import Log, Run, RunStatus, Step
from agentchat.operations.detail_reads import CHUNK, WINDOW
from agentchat.operations.details import RunDetails
from agentchat.operations.redact import HIDDEN
from agentchat.store.writer import Tx
from tests.guards import open_to_all
from tests.integration.agents_stage import ANN, BOB, AgentStage, answered, call
from tests.integration.kinds import carried_on, opened, worked
from tests.integration.stage import Stage
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES


def details_of(stage: Stage) -> RunDetails:
    return RunDetails(stage.database, stage.clock, open_to_all(stage.clock), stage.runs)


@pytest.fixture
async def agents(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def long_run(
    stage: Stage, steps: int, *, failed: int = -1, status: RunStatus = RunStatus.RUNNING
) -> str:
    """A run with so many steps, a second apart; nobody carries it out."""
    run_id, now = "longlonglong", stage.clock.now()
    run = Run(id=run_id, workflow="long", status=status, due_at=None, created_at=now, attempt=1)

    def write(tx: Tx) -> None:
        tx.execute(insert(Run), run.model_dump())
        tx.execute(
            insert(table_of(Step)), [step_row(run_id, n, failed, stage) for n in range(steps)]
        )

    await stage.database.write(write)
    return run_id


def add_step(tx: Tx, row: dict[str, Any]) -> None:
    tx.execute(insert(table_of(Step)), row)


def step_row(run_id: str, number: int, failed: int, stage: Stage) -> dict[str, Any]:
    began = stage.clock.now() + timedelta(seconds=number)
    return {
        "run_id": run_id,
        "branch": "",
        "name": f"step {number}",
        "occurrence": 0,
        "kind": "step",
        "status": "failed" if number == failed else "done",
        "args_hash": "",
        "input": [number],
        "result": number,
        "error": "no" if number == failed else None,
        "error_kind": "ValueError" if number == failed else None,
        "attempt": 1,
        "tries": 1,
        "worker": "w",
        "cleanup": False,
        "started_at": began,
        "finished_at": began + timedelta(milliseconds=500),
    }


# The head


async def test_a_run_that_waits_says_why_and_what_may_be_done(stage: Stage) -> None:
    flow, _ = await opened(stage)
    run_id = await stage.runs.start(flow, "x")
    await stage.waiting(run_id)
    head = await details_of(stage).head(run_id)
    assert (head.status, head.why, head.workflow) == ("waiting", "sleeping until {at}", "works")
    assert head.at == (stage.clock.now() + timedelta(days=1)).isoformat()
    assert (head.steps, head.open, head.failed) == (3, 1, 0)
    words = {one.action: one.words for one in head.choices}
    assert list(words) == ["pause", "cancel", "kill", "send", "rerun", "fork"]
    assert "It may clean up for 30 seconds" in words["cancel"]
    assert "2 steps are copied and not done again" in words["fork"]
    await carried_on(stage, run_id)
    run = await stage.ended(run_id)
    head = await details_of(stage).head(run_id)
    assert run.finished_at is not None
    assert (head.status, head.why, head.finished) == ("done", "", run.finished_at.isoformat())
    assert [one.action for one in head.choices] == ["rerun", "fork"]
    assert [(one.workflow, one.status) for one in head.children] == [("child", "done")]
    child = await details_of(stage).head(head.children[0].id)
    assert child.parent is not None
    assert (child.parent.id, child.parent.workflow) == (run_id, "works")


async def test_a_failed_run_says_what_to_do_and_forks_are_linked_both_ways(stage: Stage) -> None:
    run_id, faults = await worked(stage, "last")
    details = details_of(stage)
    head = await details.head(run_id)
    assert (head.status, head.failed_step, head.error) == ("failed", "last", "last is broken")
    assert "Mend what is wrong" in head.next_step
    [retry] = [one.words for one in head.choices if one.action == "retry"]
    assert retry.startswith("This run goes on from 'last'. 8 steps are done") or (
        "from 'last'" in retry
    )
    faults.clear()
    new = await stage.runs.by(ANN).fork(run_id, "last")
    await stage.ended(new)
    head, forked = await details.head(run_id), await details.head(new)
    assert [(one.id, one.step) for one in head.forks] == [(new, "last")]
    assert forked.origin is not None
    assert (forked.origin.id, forked.origin.step, forked.started_by) == (run_id, "last", "Ann")
    async with aclosing(details.follow_audits(run_id)) as audits:
        line = (await anext(audits))[0]
    assert (line.action, line.by, line.run_id, line.detail) == ("fork", "Ann", new, "last")


async def test_an_answer_is_linked_with_its_run(agents: AgentStage) -> None:
    @tool
    def look(where: str, api_key: str) -> str:
        """Look somewhere."""
        return "nothing, token=abcdef123"

    chat = await agents.open(
        Agent("lead", "Lead.", tools=(look,)),
        replies=[["I look. ", call("look", where="here", api_key="hunter22")], "Nothing there."],
    )
    message = await answered(chat, "Go")
    details = chat.operations.details
    head = await details.head(message.run_id)
    assert (head.message_id, head.thread_title, head.agent) == (message.id, "A thread", "lead")
    assert head.spent.calls == 2
    assert [one.action for one in head.choices] == ["rerun"]
    assert (head.unforkable, head.beside) == ("", True)
    timeline = await details.timeline(message.run_id)
    keys = [line.key for line in timeline.lines]
    assert keys == ["prepare", "generate", "calls", "gather[0]/tool look", "generate#2", "finish"]
    step = await details.step(message.run_id, "gather[0]/tool look")
    [part] = step.wrote
    assert (part.kind, part.name, step.message_id) == ("tool", "look", message.id)
    assert json.loads(part.input.text) == {"where": "here", "api_key": HIDDEN}
    assert part.text.text == f"nothing, token={HIDDEN}"
    assert json.loads(step.input.text)[1] == {"where": "here", "api_key": HIDDEN}
    assert step.idempotency_key == f"{message.run_id}:gather[0]/tool look"
    said = await details.step(message.run_id, "generate")
    assert [(one.kind, one.text.text) for one in said.wrote if one.kind == "text"] == [
        ("text", "I look. ")
    ]
    last = await details.step(message.run_id, "generate#2")
    assert [(one.kind, one.text.text) for one in last.wrote] == [("text", "Nothing there.")]
    assert last.message_id == message.id
    # And the other way round: each part names the step that wrote it.
    assert [(part.kind, part.step) for part in message.parts] == [
        ("text", "generate"),
        ("tool", "gather[0]/tool look"),
    ]
    document = json.loads("".join([piece async for piece in details.exported(message.run_id)]))
    assert "hunter22" not in json.dumps(document)


# The timeline


async def test_a_long_run_comes_in_windows(stage: Stage) -> None:
    await stage.open()
    details = details_of(stage)
    run_id = await long_run(stage, 1_234, failed=700)
    newest = await details.timeline(run_id)
    assert (newest.number, newest.before + len(newest.lines), newest.later) == (1_234, 1_234, 0)
    assert WINDOW - CHUNK <= len(newest.lines) <= WINDOW
    assert (newest.before % CHUNK, len(newest.settled) % CHUNK) == (0, 0)
    assert len(newest.tail) < CHUNK
    above = await details.timeline(run_id, at=newest.earlier)
    assert [line.key for line in above.lines][-1] == f"step {newest.before - 1}"
    assert above.later == newest.lines[0].id
    assert len(above.lines) == WINDOW
    first = await details.timeline(run_id, at=1)
    assert (first.before, first.earlier, first.lines[0].key) == (0, 0, "step 0")
    strip = await details.strip(run_id)
    assert len(strip.buckets) <= 60
    assert sum(one.number for one in strip.buckets) == 1_234
    [worst] = [one for one in strip.buckets if one.worst == "failed"]
    there = await details.timeline(run_id, at=worst.first)
    assert there.lines[0].key == "step 700"
    assert strip.seconds * 60 >= 1_234


@pytest.mark.parametrize("steps", [1, WINDOW - 1, WINDOW, WINDOW + 1])
async def test_what_fits_into_a_window_is_shown_whole(stage: Stage, steps: int) -> None:
    await stage.open()
    timeline = await details_of(stage).timeline(await long_run(stage, steps))
    assert timeline.before + len(timeline.lines) == steps
    assert (timeline.before == 0) == (steps <= WINDOW)


async def test_a_timeline_is_filtered(stage: Stage) -> None:
    await stage.open()
    details = details_of(stage)
    run_id = await long_run(stage, 300, failed=123)
    failed = await details.timeline(run_id, status="failed")
    assert [(line.key, line.error_kind) for line in failed.lines] == [("step 123", "ValueError")]
    found = await details.timeline(run_id, text="EP 12")
    assert [line.key for line in found.lines] == [
        "step 12",
        *(f"step {n}" for n in range(120, 130)),
    ]
    assert (await details.timeline(run_id, text="%")).lines == ()
    assert (await details.timeline(run_id, status="open")).number == 0
    with pytest.raises(InvalidInput, match="'broken' is none of failed, open"):
        await details.timeline(run_id, status="broken")


async def test_settled_lines_are_the_same_while_more_come(stage: Stage) -> None:
    await stage.open()
    details = details_of(stage)
    run_id = await long_run(stage, 130)
    before = await details.timeline(run_id)
    seen = []
    for more in range(130, 130 + CHUNK):
        await stage.database.write(add_step, step_row(run_id, more, -1, stage))
        seen.append((await details.timeline(run_id)).settled)
    assert seen[0] == before.settled
    # It moves once for as many as a chunk holds.
    assert sum(one != other for one, other in pairwise(seen)) == 1


async def test_tries_and_waits_are_told_apart(stage: Stage) -> None:
    faults = [OSError("no line"), OSError("token=abc12345 no line")]

    async def ring() -> str:
        if faults:
            raise faults.pop(0)
        return "rang"

    @workflow(name="rings", events=(EventType("go", int),))
    async def rings(ctx: Context) -> str:
        ctx.log("begun", level="warning", api_key="hunter22")
        rang = await ctx.step("ring", ring, retry=RetryPolicy(attempts=5, first=timedelta(hours=1)))
        await ctx.wait_for("go", int, timeout=timedelta(days=2))
        return rang

    await stage.open(rings)
    details = details_of(stage)
    run_id = await stage.runs.start(rings)
    await stage.waiting(run_id)
    [line] = (await details.timeline(run_id)).lines
    assert (line.status, line.tries, len(line.tried)) == ("retrying", 1, 1)
    assert line.until
    assert (await details.head(run_id)).why == "retrying (2 of 5) at {at}"
    for tries, shown in ((2, 1), (3, 2)):
        stage.clock.advance(timedelta(days=1))
        async with asyncio.timeout(30):
            while (await details.timeline(run_id)).lines[0].tries != tries:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await stage.waiting(run_id)
        assert len((await details.timeline(run_id)).lines) == shown
    ring_line, wait = (await details.timeline(run_id)).lines
    assert (ring_line.status, ring_line.tries, len(ring_line.tried)) == ("done", 3, 2)
    assert (wait.kind, wait.status, wait.event) == ("event", "waiting", "go")
    step = await details.step(run_id, "ring")
    assert [(one.number, one.error_kind) for one in step.tries] == [
        (1, "OSError"),
        (2, "OSError"),
        (3, ""),
    ]
    assert step.tries[1].error == f"token={HIDDEN} no line"
    assert (await details.head(run_id)).events == ("go",)
    await stage.runs.by(BOB).send_event(run_id, "go", 7)
    await stage.ended(run_id)
    async with aclosing(details.follow_events(run_id)) as events:
        [event] = await anext(events)
    assert (event.name, event.payload.text, event.sent_by, event.taken_by) == (
        "go",
        "7",
        "Bob",
        "go",
    )
    async with aclosing(details.follow_logs(run_id)) as logs:
        [said] = (await anext(logs)).lines
    assert (said.text, said.level, json.loads(said.fields)) == (
        "begun",
        "warning",
        {"api_key": HIDDEN},
    )


async def test_nested_runs_are_shown_when_they_are_asked_for(stage: Stage) -> None:
    run_id, _ = await worked(stage)
    child = await stage.child(run_id)
    details = details_of(stage)
    [line] = [one for one in (await details.timeline(run_id)).lines if one.child]
    assert (line.kind, line.child) == ("run", child.id)
    async with aclosing(details.follow_nested((child.id, "nosuchrun"))) as nested:
        there, gone = await anext(nested)
    assert [one.key for one in there.lines] == ["start", "work"]
    assert gone.refused


# Values, logs, files


async def test_large_values_are_cut_and_can_be_had_whole(stage: Stage) -> None:
    @workflow(name="large")
    async def large(ctx: Context, text: str) -> str:
        async def double(text: str) -> str:
            return text + text

        return await ctx.step("double", double, text)

    await stage.open(large)
    run_id = await stage.runs.start(large, "password=hunter22 " + "x" * 6_000)
    await stage.ended(run_id)
    details = details_of(stage)
    step = await details.step(run_id, "double")
    assert step.result.cut
    assert len(step.result.text) == 4_000
    whole = await details.whole(run_id, "result", step="double")
    assert len(whole) == step.result.size
    assert "hunter22" not in whole
    assert "x" * 6_000 in json.loads(whole)
    assert json.loads(await details.whole(run_id, "input"))["text"].endswith("x" * 6_000)
    assert (await details.step(run_id, "no such")).missing
    with pytest.raises(InvalidInput, match="no step 'no such'"):
        await details.whole(run_id, "result", step="no such")


async def test_logs_are_searched_and_the_newest_are_kept_in_view(stage: Stage) -> None:
    await stage.open()
    details = details_of(stage)
    run_id = await long_run(stage, 1)
    levels = ("debug", "info", "warning", "error")

    def write(tx: Tx) -> None:
        rows = [
            {
                "run_id": run_id,
                "branch": "",
                "occurrence": None,
                "step": "",
                "attempt": 1,
                "level": levels[n % 4],
                "text": f"Line {n}",
                "created_at": stage.clock.now(),
            }
            for n in range(1_000)
        ]
        tx.execute(insert(table_of(Log)), rows)

    await stage.database.write(write)
    async with aclosing(details.follow_logs(run_id)) as logs:
        newest = await anext(logs)
    assert (newest.number, newest.lines[-1].text) == (1_000, "Line 999")
    assert newest.before + len(newest.lines) == 1_000
    async with aclosing(details.follow_logs(run_id, before=newest.lines[0].id)) as logs:
        above = await anext(logs)
    assert above.lines[-1].text == f"Line {newest.before - 1}"
    async with aclosing(details.follow_logs(run_id, text="line 99", level="error")) as logs:
        found = await anext(logs)
    assert [one.text for one in found.lines] == ["Line 99", "Line 991", "Line 995", "Line 999"]
    async with aclosing(details.follow_logs(run_id, level="warning")) as logs:
        assert (await anext(logs)).number == 500


async def test_a_run_is_exported_whole_and_in_pieces(stage: Stage) -> None:
    await stage.open()
    details = details_of(stage)
    run_id = await long_run(stage, 1_234, status=RunStatus.DONE)
    pieces = [piece async for piece in details.exported(run_id)]
    document = json.loads("".join(pieces))
    assert document["format"] == "agentchat.run/1"
    assert document["run"]["workflow"] == "long"
    assert [step["key"] for step in document["steps"]] == [f"step {n}" for n in range(1_234)]
    assert document["steps"][7]["result"] == 7
    assert max(map(len, pieces)) < 200_000
    raw = await details.raw(run_id)
    assert "".join(pieces).startswith(raw[:-200])
    assert len(raw) <= 60_000


# Rights


async def test_a_run_about_another_person_is_not_shown(stage: Stage) -> None:
    @workflow(name="remember")
    async def remember(ctx: Context, user_id: str) -> str:
        return await ctx.step("note", stage.note, "secret words")

    await stage.open(remember)
    run_id = await stage.runs.start(remember, "ann")
    await stage.ended(run_id)
    details = details_of(stage)
    assert (await details.head(run_id, actor=ANN)).status == "done"
    reads: list[Any] = [
        details.head(run_id, actor=BOB),
        details.timeline(run_id, actor=BOB),
        details.strip(run_id, actor=BOB),
        details.step(run_id, "note", actor=BOB),
        details.whole(run_id, "input", actor=BOB),
        details.raw(run_id, actor=BOB),
        *(
            anext(follow(run_id, actor=BOB))
            for follow in (
                details.follow_head,
                details.follow_timeline,
                details.follow_values,
                details.follow_logs,
                details.follow_events,
                details.follow_audits,
            )
        ),
        anext(details.follow_step(run_id, "note", actor=BOB)),
    ]
    for read in reads:
        with pytest.raises(NotAllowed):
            await read
    async with aclosing(details.follow_nested((run_id,), actor=BOB)) as nested:
        [one] = await anext(nested)
    assert (one.lines, one.workflow, bool(one.refused)) == ((), "", True)
    with pytest.raises(NotAllowed):
        await details.head(run_id, actor=Actor("", ""))


async def test_a_run_that_is_not_there_says_whether_it_ever_was(stage: Stage) -> None:
    flow, _ = await opened(stage)
    run_id = await stage.runs.start(flow, "x")
    details = details_of(stage)
    await stage.waiting(run_id)
    async with aclosing(details.follow_head("neverneverland")) as heads:
        assert (await anext(heads)).missing == "never"
    async with aclosing(details.follow_head(run_id)) as heads:
        assert (await anext(heads)).missing == ""
        await stage.runs.by(ANN).kill(run_id)
        assert (await anext(heads)).status == "stopped"

        def clean(tx: Tx) -> None:
            for table in (Step, Log):
                tx.execute(delete(table).where(col(table.run_id) == run_id))
            tx.execute(delete(Run).where(col(Run.id) == run_id))

        await stage.database.write(clean)
        assert (await anext(heads)).missing == "gone"
    async with aclosing(details.follow_audits(run_id)) as audits:
        assert [(one.action, one.by) for one in await anext(audits)] == [("kill", "Ann")]
    with pytest.raises(RunNotFound):
        await details.head(run_id)
