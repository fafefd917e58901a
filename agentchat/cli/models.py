"""``agentchat models``: which embedded models there are, and fetching one beforehand."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from agentchat.errors import AgentChatError
from agentchat.llm import weights
from agentchat.llm.catalogue import CATALOGUE, DEFAULT, known_file
from agentchat.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The models that run on this machine, with no key.")


@app.command("list")
def list_models() -> None:
    """Show the embedded models, and which are here already."""
    folder = load_settings().models_dir or weights.default_models_dir()
    table = Table("name", "model", "size", "licence", "here", box=None, pad_edge=False)
    for model in CATALOGUE:
        name = f"{model.name} (default)" if model.name == DEFAULT else model.name
        here = "yes" if weights.pulled(model, folder) else "no"
        table.add_row(name, model.label, f"{model.size / 10**6:,.0f} MB", model.licence, here)
    console = Console()
    console.print(table)
    console.print(f"\nKept in {folder}", soft_wrap=True, highlight=False)
    console.print(
        "Use one with AGENTCHAT_MODEL=local:NAME, or any file with local:/path/to/file.gguf"
    )


@app.command()
def pull(name: Annotated[str, typer.Argument(help="A name from the list.")] = DEFAULT) -> None:
    """Fetch a model now, so that the first start need not. Safe to run again."""
    folder = load_settings().models_dir or weights.default_models_dir()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    try:
        with bar:
            task = bar.add_task(name, total=None)

            def progress(done: int, total: int) -> None:
                doing = "checking" if done == total else "fetching"
                bar.update(task, description=doing, completed=done, total=total)

            path = weights.pull(name, folder, progress)
            size = path.stat().st_size
            bar.update(task, description="here", completed=size, total=size)
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    taken = known_file(path)
    if taken is not None and taken.name != name:
        typer.echo(f"{name} could not be had; {taken.label} was taken instead.", err=True)
    typer.echo(str(path))
