"""What is remembered about people: found by meaning and by words, theirs to see and to change."""

from agentchat.agents.memory.verbs import Memories
from agentchat.agents.memory.views import MemoryView, Recalled

__all__ = ["Memories", "MemoryView", "Recalled"]
