"""``agentchat config``: every setting, its value, and where that came from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agentchat.configuration.sources import SettingView, misspelt, settings_in_force
from agentchat.errors import AgentChatError
from agentchat.settings import load_settings

Changed = Annotated[bool, typer.Option("--changed", help="Only what is not as it comes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def config(changed: Changed = False, as_json: AsJson = False) -> None:
    """Show every setting, its value, and whether it is from the environment, .env or the default.
    Of keys and passwords it says only that they are set. 1 if a value is wrong.
    """
    try:
        settings = load_settings()
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    warn()
    found = [one for one in settings_in_force(settings) if not changed or one.source != "default"]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
        return
    Console(markup=False, highlight=False).print(_table(found))


def warn() -> None:
    """Say which variables are named like settings and do nothing."""
    for name, meant in misspelt().items():
        typer.echo(f"{name} is no setting." + (f" {meant} is." if meant else ""), err=True)


def _table(found: list[SettingView]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("VARIABLE", "VALUE", "FROM"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "VARIABLE")
    for one in found:
        table.add_row(one.variable, one.value or "-", one.source)
    return table
