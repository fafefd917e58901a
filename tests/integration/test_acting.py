"""The verbs of an app in the hands of one person."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from agentchat import Agent, AgentChat, Settings
from agentchat.errors import NotAllowed
from agentchat.llm.scripted import ScriptedProvider
from agentchat.verbs.acting import Acting
from agentchat.views import LOCAL, Actor

ANN = Actor("ann", "Ann")

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def chat(database_url: str) -> Any:
    settings = Settings(db_url=database_url, _env_file=None)
    agents = [Agent("helper", "Help.")]
    async with AgentChat(settings, agents=agents, provider=ScriptedProvider()) as chat:
        yield chat


def defaults(verbs: Any, path: str = "chat") -> Iterator[str]:
    """The verbs below an object that, called as they are here, are done by nobody named."""
    for name in dir(verbs._verbs if isinstance(verbs, Acting) else verbs):
        if name.startswith(("_", "model_")) or path.count(".") > 3:
            continue
        found = getattr(verbs, name, None)
        if isinstance(found, Acting) or type(found).__module__.startswith("agentchat."):
            yield from defaults(found, f"{path}.{name}")
        elif inspect.ismethod(found):
            actor = inspect.signature(found).parameters.get("actor")
            if actor is not None and actor.default is not inspect.Parameter.empty:
                yield f"{path}.{name}"


@only_sqlite
async def test_no_verb_is_left_that_the_app_itself_would_do(chat: AgentChat) -> None:
    assert list(defaults(chat.by(ANN))) == []
    # So what is looked for would be found.
    assert "chat.send_message" in list(defaults(chat))


@only_sqlite
async def test_what_is_done_is_done_by_the_person(chat: AgentChat) -> None:
    ann = chat.by(ANN)
    thread = await ann.create_thread("Hers")
    sent = await ann.send_message(thread.id, "Hello")
    assert sent.author == "Ann"
    await ann.memories.remember("Ann likes tea.")
    assert [one.text for one in await chat.memories.recall("tea", actor=ANN)] == ["Ann likes tea."]
    assert not await chat.memories.recall("tea", actor=LOCAL)
    assert (ann.runs._actor, ann.schedules._actor) == (ANN, ANN)
    with pytest.raises(NotAllowed):
        await chat.by(Actor("", "")).operations.lists.page()
