"""The models that an app uses: which, for what, who chose them, and where they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agentchat.agents.router import AgentRouter
from agentchat.agents.team import Team
from agentchat.agents.window import UNKNOWN_TOKENS, tokens_of
from agentchat.configuration.sources import SettingView, Source
from agentchat.configuration.views import ModelLine
from agentchat.llm.base import Provider, Usage
from agentchat.llm.choose import deciding_setting
from agentchat.llm.embedder import Embedder, HashEmbedder
from agentchat.llm.prices import cost_of
from agentchat.llm.remote import remote_of
from agentchat.llm.wrapped import unwrapped
from agentchat.settings import Settings
from agentchat.views import ModelView

APP, EMBEDDER = "app", "embedder"
THOUSAND = 1_000
"""Of more in one call each may cost more."""
_KEYS = {"anthropic": "anthropic_api_key", "openai": "openai_api_key"}


@dataclass(frozen=True)
class Models:
    """The models of an app by the key that a test names them by.

    ``given`` says whether the code that opened it has brought the model along.
    """

    team: Team
    embedder: Embedder | None
    settings: Settings
    given: bool

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Those that can be asked: the app's own, then each other that an agent or the router has
        of its own.
        """
        found = {APP: self.team.provider}
        for key, provider in self._others():
            if not any(_same(provider, one) for one in found.values()):
                found[key] = provider
        return found

    @property
    def vectors(self) -> Embedder | None:
        """What embeds, if that is a model."""
        return None if isinstance(self.embedder, HashEmbedder) else self.embedder

    def lines(self, own: ModelView, sources: Iterable[SettingView]) -> tuple[ModelLine, ...]:
        """What may be shown of them. ``own`` is how far the app's own is."""
        known = {one.name: one for one in sources}
        found = [self._line(key, one, known) for key, one in self.providers.items()]
        found[0] = replace(found[0], state=own.state, detail=own.detail, progress=own.progress)
        embedder = self.vectors
        if embedder is not None:
            router = self._router
            routes = router is not None and router.by == "examples"
            uses = ("memory", "router") if routes else ("memory",)
            line = ModelLine(EMBEDDER, embedder.id, embedder.id, uses, here=True)
            found.append(replace(line, source=Source.DEFAULT, numbers=embedder.dim))
        return tuple(found)

    @property
    def _router(self) -> AgentRouter | None:
        router = self.team.router
        return router if isinstance(router, AgentRouter) else None

    def _others(self) -> Iterable[tuple[str, Provider]]:
        for name, provider in self.team.providers.items():
            yield f"agent-{name}", provider
        for number, provider in enumerate(self.team.offered.values(), 1):
            yield f"choice-{number}", provider
        if self._router is not None and self._router.provider is not None:
            yield "router", self._router.provider

    def _line(self, key: str, provider: Provider, known: Mapping[str, SettingView]) -> ModelLine:
        reads = tokens_of(provider)
        # What is taken is what nobody has said.
        assumed = provider.context_tokens is None and reads == UNKNOWN_TOKENS
        variable, source = self._chosen(key, known)
        line = ModelLine(
            key,
            provider.id,
            provider.label,
            self._uses(key, provider),
            tuple(name for name, one in self.team.providers.items() if _same(one, provider)),
            source,
            variable,
            here=True,
            input_usd=_price(provider, Usage(input_tokens=THOUSAND)),
            output_usd=_price(provider, Usage(output_tokens=THOUSAND)),
            context_tokens=0 if assumed else reads,
            assumed_tokens=reads if assumed else 0,
        )
        remote = remote_of(provider)
        if remote is None:
            return line
        at = remote.connection
        setting = known[_KEYS[at.speaks]]
        from_settings = bool(at.has_key and self._by_settings(key) and setting.value)
        return replace(
            line,
            # A server that was found on this machine was chosen by nobody.
            source="found" if source == Source.DEFAULT else source,
            base_url=at.base_url,
            here=False,
            key_variable=setting.variable if from_settings else "",
            has_key=at.has_key,
            key_end=at.key_end,
        )

    def _uses(self, key: str, provider: Provider) -> tuple[str, ...]:
        found = []
        if key == APP:
            found.append("answers")
            if self.team.remember is not None:
                found.append("remember")
        router = self._router
        if router is not None and router.by == "model":
            asked = router.provider or self.team.provider
            found += ["router"] if _same(asked, provider) else []
        if any(_same(provider, one) for one in self.team.offered.values()):
            found.append("choice")
        return tuple(found)

    def _by_settings(self, key: str) -> bool:
        """Whether a model was made as the settings say, and not brought along."""
        if key == APP:
            return not self.given
        if key.startswith("choice-"):
            return True
        agent = self.team.agents.get(key.removeprefix("agent-"))
        return agent is not None and isinstance(agent.model, str)

    def _chosen(self, key: str, known: Mapping[str, SettingView]) -> tuple[str, str]:
        """Which variable chose a model, and where that stands."""
        if key.startswith("choice-"):
            return known["models"].variable, known["models"].source
        if key != APP or self.given:
            return "", Source.CODE
        name = deciding_setting(self.settings)
        return ("", Source.DEFAULT) if name is None else (known[name].variable, known[name].source)


def _same(one: Provider, other: Provider) -> bool:
    return unwrapped(one) is unwrapped(other)


def _price(provider: Provider, usage: Usage) -> float:
    """What a million tokens cost; -1 if nobody knows."""
    price = cost_of(provider.id, usage)
    return -1.0 if price is None else round(price * THOUSAND, 6)
