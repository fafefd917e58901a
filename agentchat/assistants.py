"""The agents this app ships."""

from __future__ import annotations

from agentchat.agents.agent import Agent

ASSISTANT = Agent(
    name="assistant",
    instructions=(
        "You are a helpful assistant. Answer in the language of the question, plainly and"
        " to the point, in Markdown. Say so when you do not know."
    ),
)
