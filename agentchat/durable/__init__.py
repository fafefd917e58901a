"""Workflows that outlive the process. Knows nothing of chats or agents."""
