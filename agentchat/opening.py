"""What a running AgentChat consists of, put together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import SecretStr

from agentchat.agents.agent import Agent
from agentchat.agents.memory import Memories
from agentchat.agents.memory.tools import memory_tools
from agentchat.agents.router import Router
from agentchat.agents.streams import Streams
from agentchat.agents.team import Allowance, Team
from agentchat.agents.window import sized
from agentchat.assistants import Kit, embedding, manned
from agentchat.durable.app import Durable
from agentchat.durable.clock import Clock
from agentchat.durable.keeper import Keep
from agentchat.durable.own import Own
from agentchat.durable.workflow import Workflow
from agentchat.errors import ConfigError
from agentchat.faults import Faults
from agentchat.faults.provider import faulty
from agentchat.faults.switches import Switches
from agentchat.guard import Guard
from agentchat.llm.base import Provider
from agentchat.llm.choose import choose_provider
from agentchat.llm.embedder import Embedder, HashEmbedder
from agentchat.llm.observed import observed
from agentchat.models import Run
from agentchat.observing import Observing, observing
from agentchat.operations.bulk import NAME as BULK
from agentchat.operations.bulk import bulk_workflow
from agentchat.providing import others, reporting, served
from agentchat.settings import Settings
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.tools.search import search_provider
from agentchat.verbs import turns, variants
from agentchat.verbs.spent import allowance_of
from agentchat.verbs.turns import Ending
from agentchat.views import Actor
from agentchat.workflows.follow_up import follow_up_workflow
from agentchat.workflows.remember import remember_workflow
from agentchat.workflows.reply import reply_workflow
from agentchat.workflows.title import title_workflow


@dataclass(frozen=True)
class Given:
    """What an app was given, rather than found by its settings."""

    agents: Sequence[Agent] | Callable[[Kit], Sequence[Agent]] | None
    router: Router | None
    allowance: Allowance | None
    workflows: Sequence[Workflow[..., Any]]
    provider: Provider | None
    embedder: Embedder | None
    strict: bool


@dataclass(frozen=True)
class Opened:
    """An app that runs: its agents and their model, what carries its runs out, its memory.

    ``model_id`` is the row in which the state of the model stands; ``observing`` who looks;
    ``embedder`` what makes vectors, if anything does.
    """

    team: Team
    durable: Durable
    memories: Memories
    model_id: str
    observing: Observing
    faults: Faults
    embedder: Embedder | None
    _stack: AsyncExitStack = field(repr=False)

    async def close(self) -> None:
        """Hand runs back to the queue, and let go of everything."""
        await self._stack.aclose()


async def opened(given: Given, settings: Settings, clock: Clock, guard: Guard) -> Opened:
    """Open everything that an app consists of, on a database whose schema fits.

    ``guard`` decides who may do what. Raises
    :class:`~agentchat.errors.ConfigError`.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        database.open()
        stack.push_async_callback(database.close)
        seen = await stack.enter_async_context(observing(settings, clock))
        chosen = given.provider or await choose_provider(settings)
        switches = Switches() if settings.faults_allowed else None
        sized_one = sized(chosen, settings.context_tokens)
        provider = observed(faulty(sized_one, switches), seen.calls)
        # The embedded model may turn out to be another one; its row stays the same.
        model_id = provider.id
        await stack.enter_async_context(reporting(provider, database, clock))
        embedder = await stack.enter_async_context(embedding(provider, given.embedder))
        memories = await stack.enter_async_context(
            Memories(database, embedder or HashEmbedder(), clock, allow=guard.person)
        )
        remember = remember_workflow(provider, memories, database, clock)
        title = title_workflow(provider, database, clock)
        made: list[Team] = []
        follow_up = follow_up_workflow(lambda: made[0])
        kit = Kit(
            provider,
            database,
            follow_up,
            clock,
            embedder,
            search_provider(
                searxng_url=settings.search_url,
                brave_key=_secret(settings.brave_api_key),
                tavily_key=_secret(settings.tavily_api_key),
            ),
            memory_tools(memories),
            settings.route_by,
            open_to_all=guard.everybody,
        )
        team = await stack.enter_async_context(
            _team(
                kit,
                given,
                settings,
                memories,
                # A script answers the same to all: nothing needs to be remembered for it.
                remember if embedder is not None else None,
                title if settings.titles else None,
                seen,
                switches,
                guard,
            )
        )
        made.append(team)
        reply = reply_workflow(team)
        durable = Durable(
            database,
            [
                *(reply, follow_up, remember, title),
                bulk_workflow(lambda: durable.runs, database, guard),
                *given.workflows,
            ],
            clock=clock,
            keep=Keep.of(
                days=settings.keep_days,
                runs=settings.keep_runs,
                deleted_days=settings.deleted_days,
            ),
            strict=given.strict,
            guard=guard,
            own=owned(team),
            observer=seen.runs,
        )
        if seen.metrics is not None:
            seen.metrics.attach(database, lambda: durable.worker)
        await stack.enter_async_context(durable)

        async def kill() -> None:
            team.streams.drop()
            await durable.kill_worker()

        faults = await stack.enter_async_context(
            Faults(database, clock, switches, guard=guard, kill=kill, start=durable.start_worker)
        )
        return Opened(team, durable, memories, model_id, seen, faults, embedder, stack.pop_all())


def owned(team: Team, *, here: bool = True) -> dict[str, Own]:
    """The workflows of this app whose runs belong to something else; ``here`` says whether the
    agents of its team are known in this process.
    """
    return {
        team.reply.name: Own(
            end=partial(_end_answer, team),
            go_on=turns.go_on,
            fork=partial(variants.forked, team, here=here),
        ),
        "follow_up": Own("This run is a follow-up; ask its agent for another."),
        "title": Own("This run gives a thread its title; that is done once."),
        "remember": Own("This run remembers what was said; that is done once."),
        BULK: Own("This run changes others; choose those again instead."),
    }


def _end_answer(team: Team, tx: Tx, run: Run, by: Actor, now: datetime) -> list[str]:
    return turns.stop_run(tx, run, Ending(by, now, team.price))


def _secret(key: SecretStr | None) -> str | None:
    return None if key is None else key.get_secret_value()


@asynccontextmanager
async def _team(
    kit: Kit,
    given: Given,
    settings: Settings,
    memories: Memories,
    remember: Workflow[..., Any] | None,
    title: Workflow[..., Any] | None,
    seen: Observing,
    switches: Switches | None,
    guard: Guard,
) -> AsyncGenerator[Team, None]:
    async with (
        manned(kit, given.agents, given.router) as crew,
        others(crew.agents.values(), kit.provider, settings) as (providers, offered),
        served(settings) as mcp,
    ):
        named = {name for agent in crew.agents.values() for name in agent.servers or ()}
        if unknown := named - set(() if mcp is None else (one.name for one in mcp.states())):
            raise ConfigError(f"There is no MCP server named {sorted(unknown)[0]!r}.")

        def watched(models: Mapping[str, Provider]) -> dict[str, Provider]:
            return {
                name: one if one is kit.provider else observed(faulty(one, switches), seen.calls)
                for name, one in models.items()
            }

        yield Team(
            crew.agents,
            kit.provider,
            watched(providers),
            kit.database,
            Streams(kit.database, kit.clock),
            kit.clock,
            given.allowance or allowance_of(settings),
            crew.router,
            memories,
            remember,
            title,
            gate=crew.gate,
            mcp=mcp,
            guard=None if guard.everybody else guard,
            offered=watched(offered),
        )
