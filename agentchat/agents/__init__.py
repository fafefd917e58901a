"""Agents: what they are told, what they remember, and how their words reach the rows."""
