"""``agentchat runs``: look at runs, stop and repair them, also while the app runs elsewhere.

Each verb is a transaction; the worker of whichever process runs heeds it. Nothing is carried out
here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import make_url

from agentchat.cli import check as cli_check
from agentchat.cli import runs_words as cli_runs_words
from agentchat.durable.clock import SystemClock
from agentchat.durable.runs import Runs
from agentchat.errors import (
    AgentChatError,
    ConfigError,
    InvalidInput,
    NotAllowed,
    WrongState,
)
from agentchat.guard import Guard
from agentchat.models import RunStatus
from agentchat.opening import owned
from agentchat.operations import Operations
from agentchat.operations.filters import RunFilter, asked
from agentchat.operations.list_views import RunLine
from agentchat.settings import load_settings
from agentchat.store import schema
from agentchat.store.database import Database
from agentchat.views import LOCAL, Actor

NOT_FOUND, WRONG_STATE, NOT_ALLOWED = 1, 2, 3
MOST_LISTED = 10_000
_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
ACTOR = Actor(LOCAL.id, f"{LOCAL.name} (command line)", admin=True)

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Look at runs, stop and repair them, also while the app runs. Ends with 1 if there is no"
        " such run, 2 if it is in no state for it, 3 if you may not."
    ),
)
Id = Annotated[str, typer.Argument(metavar="RUN", help="The id of the run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]


@dataclass(frozen=True)
class _Opened:
    runs: Runs
    operations: Operations


@asynccontextmanager
async def _opened(named: list[str]) -> AsyncIterator[_Opened]:
    url = load_settings().database_url
    await asyncio.to_thread(_check, url)
    team, own = cli_check.own(url)
    known = {workflow.name: workflow for workflow in [*own, *cli_check.given(named)]}
    database, clock = Database(url), SystemClock()
    database.open()
    try:
        guard = Guard(clock.now, everybody=True)
        runs = Runs(database, known, clock, guard=guard, own=owned(team, here=False)).by(ACTOR)
        yield _Opened(runs, Operations(database, clock, guard, runs))
    finally:
        await database.close()


def _check(url: str) -> None:
    """Raise ConfigError or SchemaMismatch unless this is a database of this version."""
    file = make_url(url).database
    if url.startswith("sqlite") and not Path(str(file)).exists():
        # Looking would make an empty one.
        raise ConfigError(f"There is no database yet: {file}. Check AGENTCHAT_DATA_DIR.")
    schema.check(url)


def _do(what: Callable[[_Opened], Awaitable[None]], named: list[str] | None = None) -> None:
    async def do() -> None:
        async with _opened(named or []) as opened:
            await what(opened)

    with _said_plainly():
        asyncio.run(do())


@contextmanager
def _said_plainly() -> Any:
    try:
        yield
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        code = WRONG_STATE if isinstance(error, WrongState) else NOT_FOUND
        raise typer.Exit(NOT_ALLOWED if isinstance(error, NotAllowed) else code) from None


# Looking


@app.command("list")
def list_runs(
    status: Annotated[
        list[RunStatus], typer.Option("--status", "-s", help="Only these; give it once for each.")
    ] = [],  # noqa: B006
    workflow: Annotated[str, typer.Option("--workflow", "-w", help="Only of this one.")] = "",
    model: Annotated[
        str, typer.Option("--model", "-m", help="Only those that called this one.")
    ] = "",
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="Started since: 30m, 12h, 7d, or a time."),
    ] = "",
    text: Annotated[
        str, typer.Option("--text", "-t", help="In ids, keys, steps, errors and titles.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_LISTED)] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""

    async def look(opened: _Opened) -> None:
        wanted = RunFilter(
            statuses=tuple(one for one in RunStatus if one in status),
            workflow=workflow,
            model=model,
            text=text,
            since=_since(since),
        )
        lines, more = await _lines(opened, wanted, limit)
        if as_json:
            print(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=2))
            return
        _console().print(cli_runs_words.table(lines, datetime.now(UTC)))
        if not lines:
            typer.echo("No runs fit." if wanted.narrowed else "There are no runs.", err=True)
        elif more:
            typer.echo("There are more: --limit shows more of them.", err=True)

    _do(look)


async def _lines(opened: _Opened, wanted: RunFilter, limit: int) -> tuple[list[RunLine], bool]:
    """Up to ``limit`` runs, and whether there may be more."""
    lines: list[RunLine] = []
    while True:
        page = await opened.operations.lists.page(wanted, actor=ACTOR)
        lines += page.lines
        further = page.later or page.further
        if len(lines) >= limit or not further:
            return lines[:limit], len(lines) > limit or bool(further)
        after = asked(further).filter
        wanted = replace(wanted, after=after.after, skip=after.skip)


def _since(text: str) -> datetime | None:
    if not text.strip():
        return None
    if ago := _AGO.fullmatch(text.strip()):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"--since {text!r} is neither like 30m, 12h or 7d nor a time like 2026-01-31T09:30."
        ) from None
    return moment.astimezone(UTC)


@app.command()
def show(run_id: Id, as_json: AsJson = False) -> None:
    """Show what a run is, how far it is and why, and its steps."""

    async def look(opened: _Opened) -> None:
        head = await opened.operations.details.head(run_id, actor=ACTOR)
        steps = await opened.runs.steps(run_id)
        if as_json:
            told = asdict(head) | {"journal": [cli_runs_words.step(one) for one in steps]}
            print(json.dumps(told, ensure_ascii=False, indent=2, default=str))
            return
        console = _console()
        console.print(cli_runs_words.head(head))
        console.print(cli_runs_words.steps(steps))

    _do(look)


@app.command()
def export(
    run_id: Id,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else it is written here.")
    ] = None,
) -> None:
    """Write all of a run as JSON, without passwords and keys."""

    async def write(opened: _Opened) -> None:
        pieces = opened.operations.details.exported(run_id, actor=ACTOR)
        # Before the file is made: there may be no such run.
        first = await anext(pieces)
        stream = sys.stdout if output is None else output.open("w", encoding="utf-8")
        try:
            stream.write(first)
            async for piece in pieces:
                stream.write(piece)
        finally:
            if output is not None:
                stream.close()
        if output is not None:
            typer.echo(f"Run {run_id} is in {output}.")

    try:
        _do(write)
    except BrokenPipeError:
        # Whoever read it has had enough; Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        typer.echo(f"{output} cannot be written: {error.strerror}.", err=True)
        raise typer.Exit(NOT_FOUND) from None


# Stopping and repairing


@app.command()
def cancel(
    run_id: Id,
    kill: Annotated[bool, typer.Option("--kill", help="At once, without any clean-up.")] = False,
    yes: Yes = False,
) -> None:
    """Stop a run and the runs it waits for; it may clean up first."""
    _confirm(f"{'Kill' if kill else 'Cancel'} run {run_id}?", yes)

    async def stop(opened: _Opened) -> None:
        verb = opened.runs.kill if kill else opened.runs.cancel
        if not await verb(run_id):
            run = await opened.runs.get(run_id)
            raise WrongState(f"Run {run_id} is {run.status} already.")
        run = await opened.runs.get(run_id)
        typer.echo(f"Run {run_id} is {run.status}.")

    _do(stop)


@app.command()
def pause(run_id: Id) -> None:
    """Let a run stand still until it is resumed: at once, or after its step at hand."""

    async def do(opened: _Opened) -> None:
        await opened.runs.pause(run_id)
        run = await opened.runs.get(run_id)
        later = run.status != RunStatus.PAUSED
        typer.echo(f"Run {run_id} {'pauses after its step at hand' if later else 'is paused'}.")

    _do(do)


@app.command()
def resume(run_id: Id) -> None:
    """Let a paused run go on."""

    async def do(opened: _Opened) -> None:
        await opened.runs.resume(run_id)
        typer.echo(f"Run {run_id} goes on as soon as a worker is there.")

    _do(do)


@app.command()
def retry(run_id: Id, yes: Yes = False) -> None:
    """Let a failed or stopped run go on from the step that failed."""
    _confirm(f"Go on with run {run_id} from the step that failed?", yes)

    async def do(opened: _Opened) -> None:
        await opened.runs.retry(run_id)
        typer.echo(f"Run {run_id} goes on as soon as a worker is there.")

    _do(do)


@app.command()
def fork(
    run_id: Id,
    step: Annotated[
        str | None, typer.Option("--step", help="From this step on; else after all finished ones.")
    ] = None,
    result: Annotated[
        str | None, typer.Option("--result", metavar="JSON", help="What the step came to instead.")
    ] = None,
    step_input: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Other arguments: a list.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON", help="Other arguments of the run.")
    ] = None,
    workflows: cli_check.Named = [],  # noqa: B006
) -> None:
    """Start a new run that goes on from a step of this one, and write its id."""

    async def do(opened: _Opened) -> None:
        given: dict[str, Any] = {}
        if result is not None:
            given["result"] = _json("--result", result, object)
        if step_input is not None:
            given["input"] = _json("--input", step_input, list)
        if data is not None:
            given["data"] = _json("--data", data, dict)
        try:
            typer.echo(await opened.runs.fork(run_id, step, **given))
        except InvalidInput as error:
            hint = " Give its code with --workflows MODULE:NAME." * ("workflows=[" in str(error))
            raise InvalidInput(f"{error}{hint}") from error

    _do(do, workflows)


@app.command()
def rerun(
    run_id: Id,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON", help="Other arguments of the run.")
    ] = None,
    workflows: cli_check.Named = [],  # noqa: B006
) -> None:
    """Start a new run from the beginning with the same arguments, and write its id."""

    async def do(opened: _Opened) -> None:
        given = None if data is None else _json("--data", data, dict)
        typer.echo(await opened.runs.rerun(run_id, given))

    _do(do, workflows)


def _json(option: str, text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{option} is not JSON: {error}") from error
    if not isinstance(value, kind):
        raise InvalidInput(f"{option} must be {'a list' if kind is list else 'an object'}.")
    return value


def _confirm(question: str, yes: bool) -> None:
    """Ask the person at the terminal; a script is not asked."""
    if not yes and sys.stdin.isatty() and not typer.confirm(question, err=True):
        raise typer.Exit(0)


def _console() -> Console:
    # A pipe is given whole lines, not lines cut at the width of a terminal that is not there.
    return Console() if sys.stdout.isatty() else Console(width=200)
