"""Answers that were cut off, and go on from their last words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from agentchat.agents import pending
from agentchat.durable.workflow import Workflow
from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound
from agentchat.models import LIVE_MESSAGE, Message, MessageStatus, PartKind, PartStatus, Role
from agentchat.store import answers, audits, branches, messages, parts, ratings, runs, threads
from agentchat.store.audits import Entry
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.views import Actor

_ROUND: Final = -2
"""That of what another run wrote: no call of the model in this one."""
_TOLD: Final = (
    "(Your answer was cut off there. Go on from exactly where it ends, in the same language and"
    " form. Do not repeat anything of it, and say nothing about this.)"
)


def continue_answer(
    tx: Tx,
    message_id: str,
    *,
    run_id: str,
    workflow: Workflow[..., Any],
    by: Actor,
    now: datetime,
) -> None:
    """Let an answer that was stopped, failed or reached a length limit be written on by a new run;
    what it holds stays. Nothing, if it is under way already.

    No provider goes on with words that were cut; so the model is told them, and asked for the
    rest. Raises MessageNotFound, ThreadNotFound, InvalidInput, and WrongState for what is not
    shown any more.
    """
    message = messages.find(tx, message_id)
    if message is None or message.role != Role.ASSISTANT:
        raise MessageNotFound
    thread = threads.lock(tx, message.thread_id)
    if thread is None:
        raise ThreadNotFound
    # Read again under the lock: somebody else may have pressed at the same moment.
    message = messages.find(tx, message_id)
    if message is None:
        raise MessageNotFound
    branches.check_shown(tx, message)
    if message.status in LIVE_MESSAGE:
        return
    if thread.parent_id or not _was_cut(message):
        raise InvalidInput("Only an answer that was cut off can be continued.")
    answer = Answer(message.id, message.thread_id, run_id, message.position)
    if message.text:
        over = {"status": PartStatus.DONE, "round": _ROUND, "finished_at": now}
        said = over | {"kind": PartKind.TEXT, "agent": message.author, "text": message.text}
        data = {"tell": True, "told": _TOLD}
        note = over | {"kind": PartKind.NOTE, "text": f"Continued by {by.name}", "data": data}
        parts.add(tx, answer, now, said, note)
    if message.run_id:
        messages.steer(tx, replace(answer, run_id=message.run_id), run_id, taken=False)
    ratings.delete_of_message(tx, message.id)
    answers.write_on(tx, answer, user_id=by.id)
    before = runs.data_of(tx, message.run_id or "")
    picked = {"agent": before.get("agent", "") or message.author, "model": before.get("model", "")}
    key = message.id if message.hidden else ""
    pending.queue(tx, answer, workflow, by=by, now=now, key=key, **picked)
    entry = Entry("run", message.run_id or run_id, "continue", by, {"new": run_id})
    audits.add(tx, entry, now=now)


def _was_cut(message: Message) -> bool:
    if message.status == MessageStatus.DONE:
        return message.error_kind == "length"
    return message.status in (MessageStatus.STOPPED, MessageStatus.FAILED)
