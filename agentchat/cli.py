"""The ``agentchat`` command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from agentchat import cli_check, cli_models, cli_runs, cli_users
from agentchat.agents.mcp import load_servers
from agentchat.chat import AgentChat
from agentchat.cli_named import named
from agentchat.errors import AgentChatError, ConfigError, ModelError
from agentchat.llm.choose import choose_provider
from agentchat.observing import logs
from agentchat.settings import Settings, load_settings
from agentchat.store import schema

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Async AI agents on a reactive database.",
)
database = typer.Typer(no_args_is_help=True, help="The database: bring it up to date, check it.")
app.add_typer(database, name="db")
app.add_typer(cli_models.app, name="models")
app.add_typer(cli_runs.app, name="runs")
app.add_typer(cli_users.app, name="users")


app.command()(cli_check.check)


@app.command()
def run(
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not start on runs that this code would break.")
    ] = False,
    chat: Annotated[
        str,
        typer.Option(metavar="MODULE:NAME", help="An AgentChat of yours, with your own agents."),
    ] = "",
) -> None:
    """Serve the web app: migrate, build the pages if they changed, listen on one port."""
    from agentchat import frontend

    with _said_plainly():
        settings = load_settings()
        logs.set_up(settings.log_format, settings.log_level, settings.secrets)
        mine = named(chat, "--chat") if chat else None
        if chat and not isinstance(mine, AgentChat):
            raise ConfigError(f"--chat {chat!r} is not an AgentChat.")
        schema.upgrade(settings.database_url)
        if settings.mcp_file is not None:
            # Here its words are read; in the server they would come with a traceback.
            load_servers(settings.mcp_file)
        if strict:
            cli_check.check()
        if mine is None:
            asyncio.run(_check_model(settings))
        frontend.ensure_built(settings)
        frontend.serve(settings, mine)


async def _check_model(settings: Settings) -> None:
    """Say what is wrong with the choice of a model before anything is built or served."""
    try:
        provider = await choose_provider(settings)
    except ModelError as error:
        raise ConfigError(f"AGENTCHAT_MODEL: {error} {error.next_step}") from error
    await provider.close()


@app.command()
def build() -> None:
    """Build the pages now, if they changed, so that the next run need not."""
    from agentchat import frontend

    with _said_plainly():
        frontend.ensure_built(load_settings())


@database.command()
def upgrade() -> None:
    """Bring the database to the schema of this version."""
    with _said_plainly():
        schema.upgrade(load_settings().database_url)
    typer.echo("The database is up to date.")


@database.command()
def check() -> None:
    """Compare the database with the schema of this version."""
    with _said_plainly():
        schema.check(load_settings().database_url)
    typer.echo("The database fits this version.")


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Our own errors are for people: say them without a traceback, and end with 1."""
    try:
        yield
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
