"""What an operator sees of runs: lists, one in all detail, the whole at a glance."""

from agentchat.operations.verbs import Operations

__all__ = ["Operations"]
