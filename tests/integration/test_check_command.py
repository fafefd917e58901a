"""``agentchat check``: what it says, and how it ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from sqlalchemy import insert
from typer.testing import CliRunner, Result

from agentchat.cli.check import check
from agentchat.durable.clock import ManualClock
from agentchat.models import RunStatus, Step, StepKind, StepStatus
from agentchat.store import runs
from agentchat.store.database import Database
from agentchat.store.runs import NewRun
from agentchat.store.writer import Tx

ASKED = {"thread_id": "t", "message_id": "m", "position": 1}
FLOWS = """
from agentchat.durable.workflow import workflow

async def say(word: str) -> list[str]:
    raise AssertionError("must not be called")

@workflow(name="survey")
async def fits(ctx):
    await ctx.step("ask", say, "a", check_arguments=False)

@workflow(name="survey", version="2")
async def breaks(ctx):
    await ctx.step("fragen", say, "a")

several = (fits,)
nothing = 5
"""


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module in the folder where the command is called."""
    (tmp_path / "flows_of_mine.py").write_text(FLOWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])
    yield "flows_of_mine"
    sys.modules.pop("flows_of_mine", None)


@pytest.fixture
def at(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AGENTCHAT_DB_URL", database_url)
    return database_url


def call(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("check")(check)
    return CliRunner().invoke(app, list(arguments))


PREPARED = {"ids": ["a"], "user_id": "u", "user": "U", "began_at": "2026-01-01T00:00:00Z"}


def begin(url: str, run_id: str, workflow: str, step: str) -> None:
    """A run that waits, with one finished step."""

    def write(tx: Tx) -> None:
        now = ManualClock().now()
        runs.add(tx, NewRun(run_id, workflow, ASKED if workflow == "reply" else {}, now))
        run = runs.lock(tx, run_id)
        assert run is not None
        runs.put(tx, run, attempt=1, status=RunStatus.WAITING)
        row = {
            "run_id": run_id,
            "branch": "",
            "name": step,
            "occurrence": 0,
            "kind": StepKind.STEP,
            "status": StepStatus.DONE,
            "args_hash": "",
            "result": PREPARED if workflow == "reply" else ["a"],
            "attempt": 1,
            "tries": 1,
            "worker": "w",
            "started_at": now,
        }
        tx.execute(insert(Step), row)

    async def open_and_write() -> None:
        database = Database(url)
        database.open()
        await database.write(write)
        await database.close()

    asyncio.run(open_and_write())


def test_a_database_without_runs_fits(at: str) -> None:
    result = call()
    assert (result.exit_code, result.output) == (0, "0 unfinished runs fit this code.\n")


def test_answers_under_way_are_looked_at_without_any_provider(at: str) -> None:
    begin(at, "answer-1", "reply", "prepare")
    result = call()
    assert (result.exit_code, result.output) == (0, "1 unfinished run fits this code.\n")
    begin(at, "answer-2", "reply", "of older code")
    result = call()
    assert result.exit_code == 1
    [line] = result.stdout.splitlines()
    assert line.startswith("answer-2  reply  The journal holds the finished step 'of older code'")
    assert result.stderr == "1 of 2 unfinished runs would be broken.\n"


def test_named_workflows_are_looked_at_as_well(at: str, flows: str) -> None:
    begin(at, "survey-1", "survey", "ask")
    begin(at, "survey-2", "survey", "ask")
    assert call().output == "0 unfinished runs fit this code.\n"
    for named in ("fits", "several"):
        result = call("--workflows", f"{flows}:{named}")
        assert (result.exit_code, result.output) == (0, "2 unfinished runs fit this code.\n")
    result = call("--workflows", f"{flows}:breaks")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["survey-1", "survey"],
        ["survey-2", "survey"],
    ]
    assert all("asks for 'fragen' instead" in line for line in lines)
    # Given both, each run goes on with its own, or with the last of them.
    both = [f"--workflows={flows}:{named}" for named in ("breaks", "several")]
    assert call(*both).exit_code == 0


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("flows_of_mine", "is not MODULE:NAME"),
        (":fits", "is not MODULE:NAME"),
        ("flows_of_nobody:fits", "No module named 'flows_of_nobody'"),
        ("flows_of_mine:nothing", "is neither a workflow nor a list of workflows"),
        ("flows_of_mine:missing", "is neither a workflow nor a list of workflows"),
    ],
)
def test_what_cannot_be_looked_at_is_said_plainly(
    at: str, flows: str, named: str, words: str
) -> None:
    result = call("--workflows", named)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_database_of_another_schema_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_DATA_DIR", str(tmp_path))
    result = call()
    assert result.exit_code == 1
    assert "agentchat db upgrade" in result.stderr
