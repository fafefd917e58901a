"""What calls of models cost that were cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agentchat.llm.base import Usage
from agentchat.llm.tokens import tokens
from agentchat.models import Message
from agentchat.store import messages, runs, spendings
from agentchat.store.messages import Answer
from agentchat.store.runs import Hold
from agentchat.store.spendings import CutOff
from agentchat.store.writer import Tx

Price = Callable[[str, str, Usage], tuple[str, float | None]]
"""The model that an agent asks, by the one that was chosen, and what so many tokens of it cost;
None if nobody knows."""


def count(
    tx: Tx,
    answer: Answer,
    message: Message,
    call: CutOff,
    written: int,
    *,
    price: Price,
    now: datetime,
) -> None:
    """Count a call that was cut. If it was over, it said what it took; else the provider will
    not say, and it is counted by the length of what it wrote, and of what it was told: by the
    call before it, or without one by the messages before it. Reasoning and the beginnings of
    calls of tools are nowhere by then, and not in it.
    """
    spent = call.told or {}
    asked = max(call.input_tokens, tokens(messages.characters_before(tx, answer)))
    usage = Usage(asked, tokens(written), True)
    chosen = runs.data_of(tx, answer.run_id).get("model", "")
    model, cost = price(message.author, chosen, usage)
    root = runs.root_of(tx, answer.run_id) or answer.thread_id
    counted = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    if call.told is None:
        # Of one that was over its run knows.
        runs.spend(tx, Hold(answer.run_id, 0, root), estimated=True, cost_usd=cost, **counted)
    estimated = {"model": model, **counted, "cached_tokens": 0, "cost_usd": cost, "estimated": True}
    spendings.add(
        tx,
        {
            **{name: spent.get(name, value) for name, value in estimated.items()},
            "run_id": answer.run_id,
            "thread_id": root,
            "message_id": answer.message_id,
            "user_id": message.user_id,
            "agent": message.author,
            "step": call.step,
            "outcome": "stopped",
            "created_at": now,
        },
    )
