"""``agentchat runs``: while the app runs in another process, and when none does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from agentchat import AgentChat, Context, Settings, workflow
from agentchat.cli import runs as cli_runs
from agentchat.durable.app import Durable
from agentchat.durable.workflow import Workflow
from agentchat.errors import NonRetryable
from agentchat.llm.scripted import ScriptedProvider
from tests.benchmarks.runs_made import fill, models_of
from tests.long import LONG_ON_POSTGRES

broken = [True]


async def plan(topic: str) -> str:
    return f"a plan for {topic}"


async def mendable() -> str:
    if broken[0]:
        raise NonRetryable("the password is hunter2hunter2")
    return "mended"


@workflow(name="commanded")
async def commanded(ctx: Context, topic: str) -> str:
    planned = await ctx.step("plan", plan, topic)
    await ctx.wait_for("go", str)
    return planned


@workflow(name="mended")
async def mended(ctx: Context) -> str:
    return await ctx.step("mend", mendable)


FLOWS: list[Workflow[..., Any]] = [commanded, mended]


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    words: str


Command = Callable[..., Awaitable[Done]]


@pytest.fixture
def command(database_url: str) -> Command:
    """``agentchat runs``, in a thread."""

    async def call(*arguments: str) -> Done:
        given = {"AGENTCHAT_DB_URL": database_url}
        done = await asyncio.to_thread(CliRunner().invoke, cli_runs.app, arguments, env=given)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    return call


@pytest.fixture
def process(database_url: str) -> Command:
    """``agentchat runs``, as a process of its own."""

    async def call(*arguments: str) -> Done:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agentchat", "runs", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "AGENTCHAT_DB_URL": database_url},
        )
        out, words = await process.communicate()
        assert process.returncode is not None
        assert b"Traceback" not in words, words.decode()
        return Done(process.returncode, out.decode(), words.decode())

    return call


async def until(durable: Durable, run_id: str, status: str) -> None:
    async with asyncio.timeout(30):
        async for run in durable.runs.follow(run_id):
            if run.status == status:
                return


@LONG_ON_POSTGRES
async def test_a_run_of_another_process_is_seen_paused_resumed_and_cancelled(
    database_url: str, command: Command, process: Command
) -> None:
    async with Durable(database_url, FLOWS) as durable:
        run_id = await durable.runs.start(commanded, "herons")
        await until(durable, run_id, "waiting")

        listed = await process("list", "--status", "waiting", "--json")
        assert [line["id"] for line in json.loads(listed.out)] == [run_id]
        shown = await command("show", run_id)
        assert (shown.code, "plan" in shown.out, "waiting" in shown.out) == (0, True, True)

        assert (await command("pause", run_id)).code == 0
        await until(durable, run_id, "paused")
        assert (await command("resume", run_id)).code == 0
        await until(durable, run_id, "waiting")
        assert (await process("cancel", run_id)).code == 0
        await until(durable, run_id, "stopped")
        assert "command line" in (await durable.runs.get(run_id)).stopped_by
        again = await process("cancel", run_id)
        assert (again.code, "stopped already" in again.words) == (2, True)


@LONG_ON_POSTGRES
async def test_without_a_worker_nothing_is_carried_out_until_one_is_there(
    database_url: str, command: Command
) -> None:
    broken[0] = True
    async with Durable(database_url, FLOWS) as durable:
        failed = await durable.runs.start(mended)
        await durable.runs.result(failed)
        waits = await durable.runs.start(commanded, "herons")
        await until(durable, waits, "waiting")

    listed = await command("list", "--workflow", "mended", "--since", "1h")
    assert failed in listed.out
    assert waits not in listed.out
    assert "hunter2" not in listed.out
    exported = await command("export", failed)
    assert json.loads(exported.out)["run"]["status"] == "failed"
    assert "hunter2" not in exported.out
    assert (await command("resume", failed)).code == 2
    retried = await command("retry", failed)
    assert (retried.code, "worker" in retried.words + retried.out) == (0, True)
    forked = await command(
        *("fork", waits, "--step", "plan", "--result", '"another plan"'),
        *("--workflows", "tests.integration.test_cli_runs:FLOWS"),
    )
    assert forked.code == 0, forked.words
    new = forked.out.strip()
    queued = json.loads((await command("list", "--status", "queued", "--json")).out)
    assert {line["id"] for line in queued} == {failed, new}

    broken[0] = False
    async with Durable(database_url, FLOWS) as durable:
        assert (await durable.runs.result(failed)).result == "mended"
        await durable.runs.send_event(new, "go", "on")
        assert (await durable.runs.result(new)).result == "another plan"


@pytest.mark.long
async def test_what_cannot_be_is_said_in_words_with_a_code(
    database_url: str, command: Command
) -> None:
    settings = Settings(db_url=database_url)
    async with AgentChat(settings, provider=ScriptedProvider("instant")) as chat:
        thread = await chat.create_thread()
        await chat.send_message(thread.id, "Hello")
        async for view in chat.follow(thread.id):
            if not view.running:
                break
        lines = (await chat.operations.lists.page()).lines
        reply = next(line.id for line in lines if line.workflow == "reply")

    missing = await command("show", "no-such-run")
    assert (missing.code, missing.words.strip()) == (1, "This run does not exist.")
    assert (await command("cancel", "no-such-run")).code == 1
    refused = await command("fork", reply)
    assert (refused.code, "This answer is finished" in refused.words) == (1, True)
    wrong = await command("list", "--since", "yesterday")
    assert (wrong.code, "12h" in wrong.words) == (1, True)
    assert (await command("retry", reply)).code == 2


async def test_answers_are_run_again_and_forked_from_outside_of_the_app(
    database_url: str, command: Command
) -> None:
    settings = Settings(db_url=database_url)
    async with AgentChat(settings, provider=ScriptedProvider("instant")) as chat:
        thread = await chat.create_thread()
        await chat.send_message(thread.id, "Hello")
        async for view in chat.follow(thread.id):
            if view.settled and not view.running:
                break
    reply = view.settled[-1].run_id
    for made in (
        await command("rerun", reply),
        await command("fork", reply, "--step", "generate", "--result", '"Said by hand."'),
    ):
        assert (made.code, made.words) == (0, "")
    provider = ScriptedProvider("instant", replies=["Said again."])
    async with AgentChat(settings, provider=provider) as chat, asyncio.timeout(30):
        async for view in chat.follow(thread.id):
            if {one.status for one in view.others} == {"done"}:
                break
    assert sorted(one.text for one in view.others) == ["Said again.", "Said by hand."]


def test_runs_are_listed_by_the_model_that_they_have_called(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database_url, 100)
    monkeypatch.setenv("AGENTCHAT_DB_URL", database_url)
    everything = ["list", "--json", "--limit", "100"]
    listed = [
        json.loads(CliRunner().invoke(cli_runs.app, [*everything, *more]).stdout)
        for more in ([], ["--model", "local:tiny"])
    ]
    wanted = [
        line["id"]
        for line in listed[0]
        if line["workflow"] == "reply"
        and line["attempts"]
        and "local:tiny" in models_of(line["id"])
    ]
    assert 5 < len(wanted) < len(listed[0]) == 100
    assert [line["id"] for line in listed[1]] == wanted


async def test_no_database_is_said_and_none_is_made(tmp_path: object) -> None:
    folder = f"{tmp_path}/nothing"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agentchat", "runs", "list"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "AGENTCHAT_DATA_DIR": folder},
    )
    _, words = await process.communicate()
    assert process.returncode == 1
    assert b"There is no database yet" in words
    assert not os.path.exists(folder)  # noqa: ASYNC240
