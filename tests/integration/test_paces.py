"""Persons who do more than the most: through the verbs, with accounts."""

from __future__ import annotations

import pytest

from agentchat import Agent, AgentChat, Settings
from agentchat.errors import TooManyTries
from agentchat.llm.scripted import ScriptedProvider
from agentchat.views import LOCAL, Actor

ANN, BOB = Actor("ann", "Ann"), Actor("bob", "Bob")


@pytest.mark.parametrize("auth", ["open", "password"])
async def test_whoever_sends_too_much_is_told_to_wait_and_nobody_else_is(
    database_url: str, auth: str
) -> None:
    settings = Settings(db_url=database_url, auth=auth, minute_most=3, _env_file=None)
    agents = [Agent("helper", "Help.")]
    async with AgentChat(settings, agents=agents, provider=ScriptedProvider()) as chat:
        threads = {
            actor: (await chat.create_thread(actor.name, actor=actor)).id
            for actor in (ANN, BOB, LOCAL)
        }

        async def send(actor: Actor, times: int) -> None:
            for number in range(times):
                await chat.send_message(threads[actor], f"Number {number}", actor=actor)

        await send(LOCAL, 4)
        if auth == "open":
            await send(ANN, 4)
            return
        with pytest.raises(TooManyTries, match="sent 3 messages within a minute"):
            await send(ANN, 4)
        await send(BOB, 3)
        view = await anext(chat.follow(threads[ANN], actor=ANN))
        assert len([one for one in view.messages if one.role == "user"]) == 3
