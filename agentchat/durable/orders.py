"""What a worker is to do about a run at hand, going by the run's row."""

from __future__ import annotations

from typing import Any, Literal

from agentchat.durable.ledger import Claim
from agentchat.models import HELD_RUN, RunStatus

Order = Literal["cancel", "pause", "lost", "ended"]


def order_of(claim: Claim, row: Any) -> Order | None:
    """What is decided about a claimed run; ``row`` is None if it is gone."""
    if row is not None and row.attempt != claim.hold.attempt:
        return "lost"
    if row is None or row.status not in HELD_RUN:
        return "ended"
    if row.status == RunStatus.STOPPING:
        return "cancel"
    return "pause" if row.pausing else None
