"""Faults that an operator switches on to see an app recover: ``chat.faults``."""

from __future__ import annotations

from agentchat.faults.kinds import FaultKind as FaultKind
from agentchat.faults.kinds import FaultView as FaultView
from agentchat.faults.panel import Faults as Faults
