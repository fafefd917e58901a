"""What is in force in an app: its settings and where they came from, its models, its limits, what
it keeps.
"""

from agentchat.configuration.verbs import Configuration

__all__ = ["Configuration"]
