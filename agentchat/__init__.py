"""Async AI agents on a reactive database: durable runs, live reads, plain Python.

The library's face. Importing it opens nothing, reads no settings and loads no Reflex.
"""

from agentchat.agents.agent import Agent
from agentchat.chat import AgentChat
from agentchat.durable.app import Durable
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.keeper import Keep
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.triggers import Cron, Every
from agentchat.durable.workflow import Rate, Workflow, workflow
from agentchat.settings import Settings
from agentchat.views import (
    LOCAL,
    Actor,
    LogView,
    MessageView,
    ModelView,
    RunView,
    StepView,
    ThreadSummary,
    ThreadView,
)

__all__ = [
    "LOCAL",
    "Actor",
    "Agent",
    "AgentChat",
    "Context",
    "Cron",
    "Durable",
    "EventType",
    "Every",
    "Keep",
    "LogView",
    "ManualClock",
    "MessageView",
    "ModelView",
    "Rate",
    "RetryPolicy",
    "RunView",
    "Settings",
    "StepView",
    "ThreadSummary",
    "ThreadView",
    "Workflow",
    "workflow",
]
