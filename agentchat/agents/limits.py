"""How far an answer may go before a person is asked whether it may go on."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from agentchat.agents.agent import Limits
from agentchat.agents.team import Allowance
from agentchat.models import PartKind
from agentchat.store import asks, parts, spendings
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

DAY = timedelta(days=1)


def reached(
    tx: Tx,
    answer: Answer,
    limits: Limits,
    allowance: Allowance,
    *,
    user_id: str,
    root_id: str,
    began_at: datetime,
    now: datetime,
) -> str:
    """Which limit an answer has reached, in words for people; empty if none.

    Each time a person lets it go on, it may go as far again. ``root_id`` is the thread whose
    spending counts.
    """
    again = 1 + asks.granted(tx, answer.run_id)
    run = spendings.of_run(tx, answer.run_id)
    calls = sum(
        part.kind in (PartKind.TOOL, PartKind.HAND_OVER)
        for part in parts.of_message(tx, answer.message_id)
    )
    active = (now - began_at) - timedelta(seconds=asks.waited(tx, _runs(tx, answer)))
    thread = spendings.of_thread(tx, root_id)
    day = spendings.of_user(tx, user_id, since=now - DAY)
    wall = None if limits.wall is None else limits.wall.total_seconds()
    for used, most, words in (
        (run.calls, limits.model_calls, "{:,.0f} calls of the model for this answer"),
        (calls, limits.tool_calls, "{:,.0f} calls of tools for this answer"),
        (run.tokens, limits.tokens, "{:,.0f} tokens for this answer"),
        (run.cost_usd, limits.cost_usd, "${:,.2f} for this answer"),
        (active.total_seconds() / 60, None if wall is None else wall / 60, "{:,.0f} minutes"),
        (thread.tokens, allowance.thread_tokens, "{:,.0f} tokens in this thread"),
        (thread.cost_usd, allowance.thread_usd, "${:,.2f} in this thread"),
        (day.tokens, allowance.user_day_tokens, "{:,.0f} tokens for you in a day"),
        (day.cost_usd, allowance.user_day_usd, "${:,.2f} for you in a day"),
    ):
        if most is not None and used >= most * again:
            said = re.sub(r"^1 (call|token|minute)s", r"1 \1", words.format(most * again))
            return f"It has reached a limit: {said}."
    return ""


def _runs(tx: Tx, answer: Answer) -> list[str]:
    """The run of an answer, and those of the agents that it asked: it waits for what they ask."""
    inner = [
        run_id for child in parts.children(tx, answer.message_id) for run_id in _runs(tx, child)
    ]
    return [answer.run_id, *inner]
