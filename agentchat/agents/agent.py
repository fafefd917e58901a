"""Agents: declared in code by name and instructions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from agentchat.agents.tools import Tool
from agentchat.llm.base import Provider, Turn
from agentchat.views import Actor

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an agent may go for one answer before it asks a person whether to go on; None
    is no limit. ``wall`` does not count the time that it waits for people.

    ``hand_overs`` is how often an answer may be handed over, ``depth`` how deep agents may
    ask agents, ``repairs`` how often a model is asked again whose output does not fit:
    nobody is asked about these.
    """

    model_calls: int | None = 25
    tool_calls: int | None = 50
    tokens: int | None = 500_000
    cost_usd: float | None = 2.0
    wall: timedelta | None = timedelta(minutes=30)
    hand_overs: int = 5
    depth: int = 3
    repairs: int = 2


InputFilter = Callable[[tuple[Turn, ...]], Sequence[Turn]]


@dataclass(frozen=True, slots=True)
class HandOver:
    """An agent to which an answer may be handed over; ``when`` tells the model in which case.

    ``filter`` makes the history that the other agent is told from the one so far: the last
    thing the person said, for example.
    """

    agent: str
    when: str = ""
    filter: InputFilter | None = None


@dataclass(frozen=True)
class Agent:
    """Someone who answers in a thread.

    ``name`` is what people and other agents call it: small letters, digits, ``-`` and
    ``_``. ``instructions`` are what every call to the model begins with: keep them constant,
    so that the model's prompt cache holds. ``description`` says in a sentence what it is
    good at: the router and other agents go by it, and people read it; ``examples`` are
    messages that are for it.

    ``model`` is ``provider:name``, or a provider; without it the app's own model answers.
    ``tools`` are what it may call, ``asks`` the names of agents that it may ask as if they
    were tools, ``servers`` the MCP servers whose tools it is given (all, if it names none),
    ``hand_overs`` those to which it may hand the answer over. ``memory`` says
    whether it is told what is remembered about the person. ``output`` is a type, a pydantic
    model for example, that its answers are JSON of. ``allowed`` says who may use it,
    everybody without it; it is called in any thread, and a few seconds without an answer, or
    an error, are a no. Raises ValueError for a name that cannot be used.
    """

    name: str
    instructions: str = field(repr=False)
    description: str = ""
    model: str | Provider | None = None
    tools: tuple[Tool, ...] = ()
    asks: tuple[str, ...] = ()
    servers: tuple[str, ...] | None = None
    hand_overs: tuple[HandOver | str, ...] = ()
    memory: bool = False
    limits: Limits = Limits()
    output: Any = None
    allowed: Callable[[Actor], bool] | None = None
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is no name for an agent: begin with a small letter, and use"
                " small letters, digits, - and _, 40 at most"
            )

    def may_be_used_by(self, actor: Actor) -> bool:
        """Whether this person may let it answer."""
        return self.allowed is None or bool(self.allowed(actor))

    @property
    def adapter(self) -> TypeAdapter[Any] | None:
        """What its answers must fit, if they are structured."""
        return None if self.output is None else TypeAdapter(self.output)
