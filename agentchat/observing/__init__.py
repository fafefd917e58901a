"""What is seen from outside of an app that runs: metrics, traces, health, its log."""

from agentchat.observing.health import Health
from agentchat.observing.observed import Observing, observing

__all__ = ["Health", "Observing", "observing"]
