"""``agentchat check``: would this code go on with the runs that are under way?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from agentchat.agents.memory import Memories
from agentchat.agents.memory.tools import memory_tools
from agentchat.agents.streams import Streams
from agentchat.agents.team import Team, checked
from agentchat.assistants import Kit, shipped
from agentchat.cli.named import named
from agentchat.durable import boot
from agentchat.durable.boot import Look
from agentchat.durable.clock import SystemClock
from agentchat.durable.workflow import Workflow
from agentchat.errors import AgentChatError, ConfigError
from agentchat.llm.embedder import HashEmbedder
from agentchat.llm.scripted import ScriptedProvider
from agentchat.settings import load_settings
from agentchat.store import schema
from agentchat.store.database import Database
from agentchat.workflows.follow_up import follow_up_workflow
from agentchat.workflows.remember import remember_workflow
from agentchat.workflows.reply import reply_workflow

Named = Annotated[
    list[str],
    typer.Option(
        "--workflows",
        metavar="MODULE:NAME",
        help="A workflow of yours, or a list of them; give it once for each.",
    ),
]


def check(workflows: Named = []) -> None:  # noqa: B006
    """Look whether this code fits the runs under way. Changes nothing; 1 if it does not."""
    try:
        look = _look(load_settings().database_url, workflows)
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for one in look.misfits:
        typer.echo(f"{one.run_id}  {one.workflow}  {' '.join(one.reason.split())}")
    if look.misfits:
        typer.echo(f"{len(look.misfits)} of {_runs(look.runs)} would be broken.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{_runs(look.runs)} {'fits' if look.runs == 1 else 'fit'} this code.")


def _look(url: str, named: list[str]) -> Look:
    schema.check(url)
    return asyncio.run(boot.check(url, [*own(url)[1], *given(named)]))


def own(url: str) -> tuple[Team, list[Workflow[..., Any]]]:
    """The app's own agents and workflows. Nothing is asked of its model, and nothing of its
    database.
    """
    database, clock = Database(url), SystemClock()
    provider, embedder = ScriptedProvider("instant"), HashEmbedder()
    made: list[Team] = []
    follow_up = follow_up_workflow(lambda: made[0])
    memories = Memories(database, embedder, clock)
    kit = Kit(provider, database, follow_up, clock, embedder, memory=memory_tools(memories))
    agents, router = shipped(kit)
    streams = Streams(database, clock)
    made.append(Team(checked(agents), provider, {}, database, streams, clock, router=router))
    remember = remember_workflow(provider, memories, database, clock)
    return made[0], [reply_workflow(made[0]), follow_up, remember]


def given(names: Sequence[str]) -> list[Workflow[..., Any]]:
    """The workflows that were named with ``--workflows``; raises ConfigError."""
    return [one for name in names for one in _named(name)]


def _named(name: str) -> list[Workflow[..., Any]]:
    found = named(name, "--workflows")
    given = found if isinstance(found, list | tuple) else [found]
    some = [one for one in given if isinstance(one, Workflow)]
    if len(some) != len(given):
        raise ConfigError(f"--workflows {name!r} is neither a workflow nor a list of workflows.")
    return some


def _runs(count: int) -> str:
    return f"{count} unfinished {'run' if count == 1 else 'runs'}"
