"""``agentchat export`` and ``agentchat import``: threads as files, also while the app runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from agentchat.accounts.names import spelled_name
from agentchat.cli import check as cli_check
from agentchat.cli.written import written
from agentchat.durable.clock import SystemClock
from agentchat.errors import AgentChatError, InvalidInput, NotFound
from agentchat.guard import Guard
from agentchat.settings import load_settings
from agentchat.store import schema, users
from agentchat.store.database import Database
from agentchat.verbs.files import Files
from agentchat.verbs.reading import checked_files, file_limits
from agentchat.verbs.transfers import TransferVerbs
from agentchat.views import LOCAL, Actor

STDOUT = "-"
ACTOR = Actor(LOCAL.id, f"{LOCAL.name} (command line)", admin=True)


class _Verbs(TransferVerbs):
    """What these commands need of an app; whoever has the machine may do everything."""

    def __init__(self, database: Database) -> None:
        settings, clock = load_settings(), SystemClock()
        self._database, self._clock = database, clock
        self._guard = guard = Guard(clock.now, everybody=True)
        self._team, _ = cli_check.own(settings.database_url)
        self._checked_files = partial(checked_files, settings=settings)
        limits = file_limits(settings)
        self.files = Files(database, clock, guard, limits, self._checked_files)


def export(
    thread: Annotated[str, typer.Argument(metavar="THREAD", help="The id of the thread.")],
    form: Annotated[
        str, typer.Option("--form", help="json, with all its versions, or markdown, to be read.")
    ] = "json",
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; else it is printed.")
    ] = STDOUT,
) -> None:
    """Write a thread as a file, which `agentchat import` takes in again."""

    async def do() -> None:
        kind: Literal["json", "markdown"] = "markdown" if form == "markdown" else "json"
        if form != kind:
            raise InvalidInput(f"{form!r} is none of json, markdown.")
        async with _opened() as verbs:
            pieces = verbs.export_thread(thread, kind, actor=ACTOR)
            # Whether it is there is known with the first piece, before a file is made.
            first = await anext(pieces)
            with nullcontext(sys.stdout) if output == STDOUT else written(output) as to:
                to.write(first)
                async for piece in pieces:
                    to.write(piece)

    _run(do)


def take_in(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Written by `agentchat export`, or the conversations.json of ChatGPT or Claude.",
        ),
    ],
    person: Annotated[
        str, typer.Option("--for", metavar="NAME", help="Whose threads they will be.")
    ] = "",
) -> None:
    """Make threads from a file: all of it, or nothing."""

    async def do() -> None:
        async with _opened() as verbs:
            actor = await _who(verbs, person)
            done = await verbs.import_threads(await asyncio.to_thread(file.read_bytes), actor=actor)
        for made in done.threads:
            typer.echo(f"{made.id}  {made.title}")
        if done.left_out:
            typer.echo(f"Left out: {', '.join(done.left_out)}.", err=True)

    _run(do)


async def _who(verbs: TransferVerbs, name: str) -> Actor:
    if not name:
        return LOCAL
    found = await verbs._database.read(users.named, spelled_name(name))
    if found is None:
        raise NotFound(f"There is nobody of the name {name!r}.")
    return Actor(found.id, found.display_name)


@asynccontextmanager
async def _opened() -> AsyncIterator[_Verbs]:
    url = load_settings().database_url
    await asyncio.to_thread(schema.check, url)
    database = Database(url)
    database.open()
    try:
        yield _Verbs(database)
    finally:
        await database.close()


def _run(do: Callable[[], Coroutine[None, None, None]]) -> None:
    try:
        asyncio.run(do())
    except (AgentChatError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
