"""The ``agentchat`` command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from agentchat.agents.mcp import load_servers
from agentchat.chat import AgentChat
from agentchat.cli import check as cli_check
from agentchat.cli import config as cli_config
from agentchat.cli import models as cli_models
from agentchat.cli import runs as cli_runs
from agentchat.cli import threads as cli_threads
from agentchat.cli import users as cli_users
from agentchat.cli.named import named
from agentchat.errors import AgentChatError, ConfigError, ModelError
from agentchat.llm.choose import choose_provider
from agentchat.observing import logs
from agentchat.settings import Settings, load_settings, stay
from agentchat.store import backup as backups
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
app.command()(cli_config.config)
app.command()(cli_threads.export)
app.command("import")(cli_threads.take_in)


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
        # The server works in the checkout, wherever the command was given.
        stay()
        settings = load_settings()
        cli_config.warn()
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


@database.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="It must not be there yet.")],
) -> None:
    """Copy the embedded database into a file, also while the app runs."""
    with _said_plainly():
        backups.backup(load_settings().database_url, file)
    typer.echo(f"{file} holds all that was there. To go back, let it be agentchat.db in an empty")
    typer.echo("AGENTCHAT_DATA_DIR.")


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Our own errors are for people: say them without a traceback, and end with 1."""
    try:
        yield
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
