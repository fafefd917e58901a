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
from agentchat.store.parts import Outline
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

    Each time a person lets it go on, it may go as far again. What the agents spend that it asked
    counts for it, too.
    """
    known, outline = _limits(limits, allowance), parts.outline(tx, place.answer.message_id)
    wanted = {name for name, most, _ in known if most is not None}
    granted, used = _granted(outline), _used(tx, place, outline, wanted, now=now)
    for name, most, words in known:
        before = granted.get(name, 0.0)
        if most is not None and used[name] - before >= most:
            said = re.sub(r"^1 (call|token|minute)s", r"1 \1", words.format(before + most))
            return f"It has reached a limit: {said}."
    return ""


def calls_left(tx: Tx, answer: Answer, limits: Limits) -> int | None:
    """How many tools may still be called for an answer before its limit; None if there is none."""
    if limits.tool_calls is None:
        return None
    outline = parts.outline(tx, answer.message_id)
    most = int(_granted(outline).get("tool_calls", 0)) + limits.tool_calls
    return max(0, most - _calls(outline))


def used_by(tx: Tx, place: Place, *, now: datetime) -> dict[str, float]:
    """How much of each limit is used, the work of the agents that were asked counted with it.
    Minutes are those in which nobody was waited for.
    """
    outline = parts.outline(tx, place.answer.message_id)
    wanted = {name for name, *_ in _limits(Limits(), Allowance())}
    return _used(tx, place, outline, wanted, now=now)


_OWN = {"model_calls", "tokens", "cost_usd"}
OF_RUN = _OWN | {"minutes"}
"""What is used by one run, and not by an answer that goes on from it in another."""
_OF_THREAD = {"thread_tokens", "thread_usd"}
_OF_DAY = {"user_day_tokens", "user_day_usd"}


def _used(
    tx: Tx, place: Place, outline: Outline, wanted: set[str], *, now: datetime
) -> dict[str, float]:
    """How much of the limits that are ``wanted`` is used; of others it may say nothing."""
    answer, waited = place.answer, 0.0
    inner = parts.within(tx, answer.message_id) if outline.asks_agents else []
    if outline.kinds and "minutes" in wanted:
        waited = asks.waited(tx, [answer.message_id, *inner])
    # Without any part this is the first look, before anything was called or asked.
    own = bool(outline.kinds and wanted & _OWN)
    used = spendings.used(
        tx,
        run_id=answer.run_id if own else None,
        message_ids=inner if own else [],
        thread_id=place.root_id if wanted & _OF_THREAD else None,
        user_id=place.user_id if wanted & _OF_DAY else None,
        since=now - DAY,
    )
    return {
        "model_calls": used.own.calls,
        "tool_calls": _calls(outline),
        "tokens": used.own.tokens,
        "cost_usd": used.own.cost_usd,
        "minutes": (now - place.began_at).total_seconds() / 60 - waited / 60,
        "thread_tokens": used.thread.tokens,
        "thread_usd": used.thread.cost_usd,
        "user_day_tokens": used.day.tokens,
        "user_day_usd": used.day.cost_usd,
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


def _granted(outline: Outline) -> dict[str, float]:
    """How much was used when a person last let the answer go on."""
    return next((data["used"] for data in reversed(outline.notes) if data.get("used")), {})


def _calls(outline: Outline) -> int:
    return sum(kind in (PartKind.TOOL, PartKind.HAND_OVER) for kind in outline.kinds)
