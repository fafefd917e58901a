"""Which model answers: a setting, a key, a server on this machine, or the embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import httpx2

from agentchat.errors import ConfigError, UnknownModel
from agentchat.llm.base import Provider
from agentchat.llm.connection import checked_url, http_client
from agentchat.settings import MODEL_PROVIDERS, Settings

ANTHROPIC_MODEL = "claude-sonnet-5-5"
OPENAI_MODEL = "gpt-4o-mini"
EMBEDDED_MODEL = "qwen"
LOCAL_SERVERS = ((11434, "Ollama"), (1234, "LM Studio"), (8080, "llama.cpp"))
"""Ports on 127.0.0.1 where a compatible server usually listens, the preferred one first."""
PROBE_TIMEOUT = 0.3
"""Seconds; a server on this machine answers in a few milliseconds."""
ASK_TIMEOUT = 5.0
"""Seconds for the server named by OPENAI_BASE_URL to say which models it has."""
NOT_FOR_CHAT = ("embed", "minilm", "bge-", "rerank", "whisper", "tts", "dall-e")


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider and a model's name, before anything is imported or connected.

    ``name`` is None when the server at ``base_url`` is to be asked which model it has.
    """

    provider: Literal["anthropic", "openai", "local", "scripted"]
    name: str | None
    base_url: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A compatible server on this machine and its first chat model."""

    title: str
    base_url: str
    model: str

    @property
    def label(self) -> str:
        """What the page shows, for example ``llama3.2 (Ollama on this machine)``."""
        name = self.model.replace("\\", "/").rpartition("/")[2]
        name = name.removesuffix(".gguf").removesuffix(":latest")
        return f"{name} ({self.title} on this machine)"


def configured(settings: Settings) -> Choice | None:
    """What the settings alone decide; None when they name neither a model nor a key."""
    if settings.model is not None:
        match settings.model.partition(":"):
            case ["anthropic", _, name]:
                return Choice("anthropic", name, settings.anthropic_base_url)
            case ["openai", _, name]:
                return Choice("openai", name, settings.openai_base_url)
            case ["local", _, name]:
                return Choice("local", name)
            case ["scripted", _, name]:
                return Choice("scripted", name)
        raise ConfigError(f"AGENTCHAT_MODEL: {settings.model!r} is not PROVIDER:NAME")
    if settings.anthropic_api_key is not None:
        return Choice("anthropic", ANTHROPIC_MODEL, settings.anthropic_base_url)
    if settings.openai_base_url is not None:
        return Choice("openai", None, settings.openai_base_url)
    if settings.openai_api_key is not None:
        return Choice("openai", OPENAI_MODEL)
    return None


def deciding_setting(settings: Settings) -> str | None:
    """Which of the settings :func:`configured` goes by; None if by none of them."""
    if settings.model is not None:
        return "model"
    names = ("anthropic_api_key", "openai_base_url", "openai_api_key")
    return next((name for name in names if getattr(settings, name) is not None), None)


def decide(settings: Settings, found: Sequence[FoundServer] = ()) -> Choice:
    """What answers, given the servers ``found`` on this machine, the preferred one first."""
    if (choice := configured(settings)) is not None:
        return choice
    for server in found:
        return Choice("openai", server.model, server.base_url, server.label)
    return Choice("local", EMBEDDED_MODEL)


async def choose_provider(
    settings: Settings, *, servers: Sequence[tuple[int, str]] = LOCAL_SERVERS
) -> Provider:
    """The provider that answers; not started yet, and its SDK not loaded.

    ``servers`` are the ports of 127.0.0.1 to look at, with the names to show; pass ``()`` to
    look nowhere. Raises :class:`ConfigError` naming the setting when it cannot work.
    """
    choice = configured(settings) or decide(settings, await probe(servers))
    if choice.name is None and choice.base_url is not None:
        name = await _model_of(choice.base_url, _key(settings))
        choice = Choice(choice.provider, name, choice.base_url)
    return _build(choice, settings)


def provider_named(model: str, settings: Settings) -> Provider:
    """The provider of ``provider:name``, with the keys of the settings; not started yet.

    Raises :class:`ConfigError` when it cannot work.
    """
    provider, _, name = model.partition(":")
    if provider not in MODEL_PROVIDERS or not name:
        raise ConfigError(f"{model!r} is not PROVIDER:NAME, for example openai:gpt-4o-mini.")
    if provider == "anthropic" and settings.anthropic_api_key is None:
        raise ConfigError(f"An agent asks {model}, so ANTHROPIC_API_KEY must be set.")
    openai = (settings.openai_api_key, settings.openai_base_url)
    if provider == "openai" and openai == (None, None):
        raise ConfigError(f"An agent asks {model}, so OPENAI_API_KEY must be set.")
    choice = configured(settings.model_copy(update={"model": model}))
    assert choice is not None, "a model is named"
    return _build(choice, settings)


async def probe(servers: Sequence[tuple[int, str]] = LOCAL_SERVERS) -> list[FoundServer]:
    """The servers that answer, in the order given. Never raises, never takes long."""

    async def look(port: int, title: str) -> FoundServer | None:
        url = f"http://127.0.0.1:{port}/v1"
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                names = await _model_names(client, url, None)
        except (TimeoutError, httpx2.HTTPError, ValueError):
            return None
        chat = _chat_models(names)
        return FoundServer(title, url, chat[0]) if chat else None

    if not servers:
        return []
    # A company proxy in the environment cannot reach a server on this machine.
    async with httpx2.AsyncClient(trust_env=False, timeout=PROBE_TIMEOUT) as client:
        found = await asyncio.gather(*(look(port, title) for port, title in servers))
    return [server for server in found if server is not None]


async def _model_of(base_url: str, key: str | None) -> str:
    hint = "Start it, or name a model with AGENTCHAT_MODEL=openai:NAME."
    async with http_client(checked_url(base_url), timedelta(seconds=ASK_TIMEOUT)) as client:
        try:
            async with asyncio.timeout(ASK_TIMEOUT):
                names = await _model_names(client, base_url, key)
        except (TimeoutError, httpx2.HTTPError, ValueError) as error:
            reason = str(error) or f"no answer in {ASK_TIMEOUT:.0f} s"
            raise ConfigError(
                f"OPENAI_BASE_URL: {base_url} did not say which models it has ({reason}). {hint}"
            ) from error
    chat = _chat_models(names)
    if not chat:
        raise ConfigError(f"OPENAI_BASE_URL: {base_url} has no chat model. {hint}")
    return OPENAI_MODEL if OPENAI_MODEL in chat else chat[0]


async def _model_names(client: httpx2.AsyncClient, base_url: str, key: str | None) -> list[str]:
    """Raises ``httpx2.HTTPError`` or ValueError for anything but a list of models."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = await client.get(f"{base_url.rstrip('/')}/models", headers=headers)
    if response.status_code != 200:
        raise ValueError(f"it answered {response.status_code}")
    said = response.json()
    if not isinstance(said, dict) or not isinstance(said.get("data"), list):
        raise ValueError("it answered something else than a list of models")
    models = [model for model in said["data"] if isinstance(model, dict)]
    return [model["id"] for model in models if isinstance(model.get("id"), str) and model["id"]]


def _chat_models(names: Sequence[str]) -> list[str]:
    return [name for name in names if not any(word in name.lower() for word in NOT_FOR_CHAT)]


def _key(settings: Settings) -> str | None:
    key = settings.openai_api_key
    return None if key is None else key.get_secret_value()


def _build(choice: Choice, settings: Settings) -> Provider:
    # Imported here so that only what was chosen is loaded.
    name = choice.name or OPENAI_MODEL
    match choice.provider:
        case "anthropic":
            from agentchat.llm.anthropic import AnthropicProvider

            assert settings.anthropic_api_key is not None
            key = settings.anthropic_api_key.get_secret_value()
            return AnthropicProvider(name, key, choice.base_url)
        case "openai":
            from agentchat.llm.openai import OpenAIProvider

            return OpenAIProvider(name, _key(settings), choice.base_url, label=choice.label)
        case "scripted":
            from agentchat.llm.scripted import ScriptedProvider

            return ScriptedProvider(name)
        case "local":
            from agentchat.llm.local import LocalProvider
            from agentchat.llm.weights import is_file_name

            if is_file_name(name):
                name = str(settings.path(name))
            try:
                return LocalProvider(name, settings.models_dir)
            except UnknownModel as error:
                raise ConfigError(f"AGENTCHAT_MODEL: {error}") from error
