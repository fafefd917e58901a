"""Which runs tell their content only to the person they are about."""

from __future__ import annotations

PRIVATE = ("remember", "follow_up")
"""The workflows whose runs only the person they are for may look at: ``user_id`` in what they
were started with says who that is.
"""
