"""``python -m agentchat`` is the ``agentchat`` command."""

from agentchat.cli import app

app()
