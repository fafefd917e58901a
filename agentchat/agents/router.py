"""Which agent a message is for: by rules, by examples, by a model."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from agentchat.agents import router_model
from agentchat.agents.agent import Agent
from agentchat.agents.history import Said
from agentchat.agents.nearest import Nearest
from agentchat.durable.context import Context
from agentchat.errors import ConfigError
from agentchat.llm.base import ModelStatus, Provider
from agentchat.llm.embedder import Embedder
from agentchat.models import Role

logger = logging.getLogger(__name__)

LEAST = 0.34
"""The least cosine of MiniLM at which a message is like an example: see test_router.py."""
MARGIN = 0.04
"""By how much the nearest agent must be nearer than the next; else the default answers."""
CLEAR = 0.5
"""From which cosine a short message is for another agent than the one who answered last."""
SHORT = 8
"""How many words a message has at most that goes on with what was said before."""
_GOES_ON = re.compile(
    r"(and|but|or|so|then|also|now|ok|okay|yes|no|yeah|nope|sure|thanks|thank you|please|why|how"
    r"|again|more|go on|continue|what about|how about|what if|the same|same|in that case"
    r"|it|its|that|this|those|these|them|they|he|she|which|und|aber|oder|dann|auch|ja|nein|warum"
    r"|et|mais|ou|y|pero)\b",
    re.IGNORECASE,
)
"""How a message begins that goes on with what was said before."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A decision: who answers, how that was found (``by`` rule, example, model, last or
    default), why in words, and how the others did, from 0 to 1 where that is known.
    """

    agent: str
    by: str
    why: str = ""
    others: dict[str, float | None] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    model: str = ""
    estimated: bool = False


class Router(Protocol):
    """Picks the agent for a message. Called within a step of the run.

    ``agents`` are those that the person may use, the first of them the one to fall back on;
    ``said`` is the thread up to the message. When it raises, the first agent answers.
    """

    async def route(
        self, ctx: Context, agents: Sequence[Agent], said: Sequence[Said]
    ) -> Routed: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Messages that are for ``agent`` in any case: those in which the regular expression
    ``when`` is found (whatever the case of its letters), or for which the function is true.
    ``why`` is shown to people.
    """

    agent: str
    when: str | re.Pattern[str] | Callable[[str], bool]
    why: str = ""

    def holds(self, text: str) -> bool:
        """Whether this message is one of them."""
        if isinstance(self.when, str):
            return re.search(self.when, text, re.IGNORECASE) is not None
        if isinstance(self.when, re.Pattern):
            return self.when.search(text) is not None
        return bool(self.when(text))


class AgentRouter:
    """Rules first, in their order; then a model or examples, if ``by`` says so; else the
    ``default``, or the first agent. It never picks an agent that the person may not use.

    By examples, the agent answers of whose ``examples`` and ``description`` one is nearest
    (cosine of ``embedder``), if it is near (``least``) and the next agent's is not nearly as
    near (``margin``). By a model, ``provider`` is asked, or the app's own, with the last few
    turns; an answer that names nobody is asked for again once.

    A short message that goes on with what was said before ("and tomorrow?") stays with the
    agent who answered last, unless an example is clearly that of another (``clear``), or the
    model says so.

    Figures are those of MiniLM; other embedders need others.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        by: Literal["model", "examples"] | None = None,
        default: str | None = None,
        provider: Provider | None = None,
        embedder: Embedder | None = None,
        *,
        least: float = LEAST,
        margin: float = MARGIN,
        clear: float = CLEAR,
    ) -> None:
        if by == "examples" and embedder is None:
            raise ConfigError("A router that goes by examples needs an embedder.")
        self._rules = tuple(rules)
        self._by = by
        self._default = default
        self._provider = provider
        self._asked: Provider | None = provider
        self._nearest = None if embedder is None else Nearest(embedder)
        self._least, self._margin, self._clear = least, margin, clear

    @property
    def by(self) -> Literal["model", "examples"] | None:
        """What decides where no rule does."""
        return self._by

    @property
    def provider(self) -> Provider | None:
        """The model that it asks if it goes by one, None if that is the app's own."""
        return self._provider

    @asynccontextmanager
    async def ready(self, agents: Iterable[Agent], provider: Provider) -> AsyncIterator[None]:
        """Get ready for an app with these agents and this model, without waiting for it.

        Raises :class:`~agentchat.errors.ConfigError` for a rule or default that names nobody.
        """
        agents = list(agents)
        known = {agent.name for agent in agents}
        for name in (self._default, *(rule.agent for rule in self._rules)):
            if name is not None and name not in known:
                raise ConfigError(f"The router names {name!r}, which is not an agent.")
        async with AsyncExitStack() as stack:
            self._asked = self._provider or provider
            if self._asked is not provider:
                stack.push_async_callback(self._asked.close)
                await self._asked.start(_unheeded)
            if self._by == "examples" and self._nearest is not None:
                stack.push_async_callback(self._nearest.close)
                self._nearest.load(one for agent in agents for one in _examples(agent))
            yield

    async def route(self, ctx: Context, agents: Sequence[Agent], said: Sequence[Said]) -> Routed:
        """See :class:`Router`; raises nothing but control flow."""
        names = [agent.name for agent in agents]
        default = self._default if self._default in names else names[0]
        text, last = newest(said), _last(said, names)
        try:
            for rule in self._rules:
                if rule.agent in names and rule.holds(text):
                    return Routed(rule.agent, "rule", rule.why or "A rule of this app says so.")
            goes_on = last is not None and _goes_on(text)
            if self._by == "model" and self._asked is not None:
                return await self._by_model(ctx, agents, said, default, last)
            if self._by == "examples" and self._nearest is not None:
                return await self._by_examples(agents, text, default, last if goes_on else None)
        except Exception as error:
            logger.warning("routing failed, so %s answers: %r", default, error)
            return Routed(default, "default", f"The router failed: {type(error).__name__}.")
        if goes_on and last is not None:
            return _stays(last, {})
        return Routed(default, "default", "Nothing says that it is for another agent.")

    async def _by_model(
        self,
        ctx: Context,
        agents: Sequence[Agent],
        said: Sequence[Said],
        default: str,
        last: str | None,
    ) -> Routed:
        assert self._asked is not None
        answer = await router_model.ask(ctx, self._asked, agents, said, last)
        spent = Routed(
            default,
            "default",
            answer.why,
            {agent.name: None for agent in agents if agent.name != (answer.agent or default)},
            answer.input_tokens,
            answer.output_tokens,
            answer.cost_usd,
            answer.model,
            answer.estimated,
        )
        return replace(spent, agent=answer.agent, by="model") if answer.agent else spent

    async def _by_examples(
        self, agents: Sequence[Agent], text: str, default: str, last: str | None
    ) -> Routed:
        assert self._nearest is not None
        examples = {agent.name: _examples(agent) for agent in agents}
        scores = await self._nearest.scores(text, examples)
        if scores is None:
            if last is not None:
                return _stays(last, {})
            return Routed(default, "default", "The examples cannot be compared yet.")
        ranked = sorted(scores, key=lambda name: -scores[name])
        best, score = ranked[0], scores[ranked[0]]
        ahead = score - (scores[ranked[1]] if len(ranked) > 1 else 0)
        near = score >= self._least and ahead >= self._margin
        if last is not None and best != last and not (near and score >= self._clear):
            return _stays(last, _rounded(scores, last))
        if last is not None and best == last:
            return _stays(last, _rounded(scores, last))
        if near:
            words = f"The message is like its examples ({score:.2f})."
            return Routed(best, "example", words, _rounded(scores, best))
        words = f"The message is like nobody's examples; {best} is nearest ({score:.2f})."
        if score >= self._least:
            words = f"As much like the examples of {ranked[1]} as of {best}."
        return Routed(default, "default", words, _rounded(scores, default))


async def routed(
    router: Router, ctx: Context, agents: Sequence[Agent], said: Sequence[Said]
) -> Routed:
    """What a router decides; the first agent, with words, if it fails or picks somebody else
    than these: an answer must not fail because routing did.
    """
    first = agents[0].name
    try:
        found = await router.route(ctx, agents, said)
        if not isinstance(found, Routed):
            raise TypeError(f"it gave {found!r}, which is no Routed")
    except Exception as error:
        logger.warning("routing failed, so %s answers", first, exc_info=error)
        return Routed(first, "default", f"The router failed: {type(error).__name__}.")
    if found.agent in {agent.name for agent in agents}:
        return found
    words = f"The router picked {found.agent!r}, who cannot be used here."
    return replace(found, agent=first, by="default", why=words)


def _examples(agent: Agent) -> tuple[str, ...]:
    return (*agent.examples, agent.description) if agent.description else agent.examples


def _rounded(scores: dict[str, float], agent: str) -> dict[str, float | None]:
    return {name: round(max(score, 0), 3) for name, score in scores.items() if name != agent}


def _stays(last: str, others: dict[str, float | None]) -> Routed:
    return Routed(last, "last", f"It goes on with what {last} answered.", others)


def newest(said: Sequence[Said]) -> str:
    """The last thing that a person said."""
    return next((one.text for one in reversed(said) if one.role == Role.USER), "")


def _last(said: Sequence[Said], names: Sequence[str]) -> str | None:
    """The agent who answered last, if the person may use it."""
    answers = (one.author for one in reversed(said) if one.role == Role.ASSISTANT)
    last = next(answers, None)
    return last if last in names else None


def _goes_on(text: str) -> bool:
    words = text.split()
    if len(words) > SHORT:
        return False
    return len(words) <= 2 or _GOES_ON.match(text.strip()) is not None


def _unheeded(_status: ModelStatus) -> None:
    """Only the state of the app's own model is shown."""
