"""The app that is flooded: as it is shipped, with a model that answers at once and exactly what
it is told to. ``agentchat run --chat tests.benchmarks.flood.app:chat``
"""

from __future__ import annotations

from agentchat import AgentChat
from tests.benchmarks.tabs.provider import StampingProvider

chat = AgentChat(provider=StampingProvider())
