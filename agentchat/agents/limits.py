"""How far an answer may go before a person is asked whether it may go on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentchat.agents.agent import Limits
from agentchat.agents.team import Allowance
from agentchat.models import PartKind
from agentchat.store import asks, parts, spendings
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose spending counts for an answer: its own, that of its person and of the thread
    ``root_id``, since it ``began_at``.
    """

    answer: Answer
    user_id: str
    root_id: str
    began_at: datetime


def reached(tx: Tx, place: Place, limits: Limits, allowance: Allowance, *, now: datetime) -> str:
    """Which limit an answer has reached, in words for people; empty if none.

    Each time a person lets it go on, it may go as far again.
    """
    granted = _granted(tx, place.answer)
    used = used_by(tx, place, now=now)
    for name, most, words in _limits(limits, allowance):
        before = granted.get(name, 0.0)
        if most is not None and used[name] - before >= most:
            said = re.sub(r"^1 (call|token|minute)s", r"1 \1", words.format(before + most))
            return f"It has reached a limit: {said}."
    return ""


def used_by(tx: Tx, place: Place, *, now: datetime) -> dict[str, float]:
    """How much of each limit is used. Minutes are those in which nobody was waited for."""
    answer = place.answer
    run = spendings.of_run(tx, answer.run_id)
    thread = spendings.of_thread(tx, place.root_id)
    day = spendings.of_user(tx, place.user_id, since=now - DAY)
    waited = timedelta(seconds=asks.waited(tx, _runs(tx, answer)))
    return {
        "model_calls": run.calls,
        "tool_calls": parts.count(tx, answer.message_id, (PartKind.TOOL, PartKind.HAND_OVER)),
        "tokens": run.tokens,
        "cost_usd": run.cost_usd,
        "minutes": (now - place.began_at - waited).total_seconds() / 60,
        "thread_tokens": thread.tokens,
        "thread_usd": thread.cost_usd,
        "user_day_tokens": day.tokens,
        "user_day_usd": day.cost_usd,
    }


def _limits(limits: Limits, allowance: Allowance) -> list[tuple[str, float | None, str]]:
    minutes = None if limits.wall is None else limits.wall.total_seconds() / 60
    return [
        ("model_calls", limits.model_calls, "{:,.0f} calls of the model for this answer"),
        ("tool_calls", limits.tool_calls, "{:,.0f} calls of tools for this answer"),
        ("tokens", limits.tokens, "{:,.0f} tokens for this answer"),
        ("cost_usd", limits.cost_usd, "${:,.2f} for this answer"),
        ("minutes", minutes, "{:,.0f} minutes"),
        ("thread_tokens", allowance.thread_tokens, "{:,.0f} tokens in this thread"),
        ("thread_usd", allowance.thread_usd, "${:,.2f} in this thread"),
        ("user_day_tokens", allowance.user_day_tokens, "{:,.0f} tokens for you in a day"),
        ("user_day_usd", allowance.user_day_usd, "${:,.2f} for you in a day"),
    ]


def _granted(tx: Tx, answer: Answer) -> dict[str, float]:
    """How much was used when a person last let the answer go on."""
    notes = [part.data for part in parts.of_kind(tx, answer.message_id, PartKind.NOTE)]
    return next((data["used"] for data in reversed(notes) if data.get("used")), {})


def _runs(tx: Tx, answer: Answer) -> list[str]:
    """The run of an answer, and those of the agents that it asked: it waits for what they ask."""
    inner = [
        run_id for child in parts.children(tx, answer.message_id) for run_id in _runs(tx, child)
    ]
    return [answer.run_id, *inner]
