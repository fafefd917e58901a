"""Async AI agents on a reactive database: durable runs, live reads, plain Python.

The library's face. Importing it opens nothing, reads no settings and loads no Reflex.
"""

from agentchat.agents.agent import Agent, HandOver, Limits
from agentchat.agents.notes import NOTE_TOOLS, set_thread_state, thread_state
from agentchat.agents.parallel import ask_agents_tool
from agentchat.agents.router import AgentRouter, Rule
from agentchat.agents.team import Allowance
from agentchat.agents.toolbox import ask_person
from agentchat.agents.tools import Source, Tool, ToolContext, ToolOutput, tool
from agentchat.chat import AgentChat
from agentchat.durable.app import Durable
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.keeper import Keep
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.triggers import Cron, Every
from agentchat.durable.workflow import Rate, Workflow, workflow
from agentchat.errors import ToolError
from agentchat.models import SecondMessage
from agentchat.settings import Settings
from agentchat.shown.thread_lists import DeletedThread, ThreadPlace, ThreadSummary
from agentchat.store.writer import Tx
from agentchat.verbs.files import NewFile
from agentchat.views import (
    LOCAL,
    Actor,
    AgentView,
    AskView,
    FileContent,
    FileView,
    LogView,
    MessageView,
    ModelView,
    PartView,
    RunView,
    SpentView,
    StepView,
    ThreadView,
)

__all__ = [
    "LOCAL",
    "NOTE_TOOLS",
    "Actor",
    "Agent",
    "AgentChat",
    "AgentRouter",
    "AgentView",
    "Allowance",
    "AskView",
    "Context",
    "Cron",
    "DeletedThread",
    "Durable",
    "EventType",
    "Every",
    "FileContent",
    "FileView",
    "HandOver",
    "Keep",
    "Limits",
    "LogView",
    "ManualClock",
    "MessageView",
    "ModelView",
    "NewFile",
    "PartView",
    "Rate",
    "RetryPolicy",
    "Rule",
    "RunView",
    "SecondMessage",
    "Settings",
    "Source",
    "SpentView",
    "StepView",
    "ThreadPlace",
    "ThreadSummary",
    "ThreadView",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolOutput",
    "Tx",
    "Workflow",
    "ask_agents_tool",
    "ask_person",
    "set_thread_state",
    "thread_state",
    "tool",
    "workflow",
]
