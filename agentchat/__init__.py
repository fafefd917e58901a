"""Async AI agents on a reactive database: durable runs, live reads, plain Python.

The library's face. Importing it opens nothing, reads no settings and loads no Reflex.
"""

from agentchat.agents.agent import Agent
from agentchat.chat import AgentChat
from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.workflow import Workflow, workflow
from agentchat.settings import Settings
from agentchat.views import (
    LOCAL,
    Actor,
    MessageView,
    ModelView,
    RunView,
    ThreadSummary,
    ThreadView,
)

__all__ = [
    "LOCAL",
    "Actor",
    "Agent",
    "AgentChat",
    "Context",
    "MessageView",
    "ModelView",
    "RetryPolicy",
    "RunView",
    "Settings",
    "ThreadSummary",
    "ThreadView",
    "Workflow",
    "workflow",
]
