"""Threads that begin with what was said in another."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound, WrongState
from agentchat.inputs import next_title
from agentchat.models import LIVE_MESSAGE, PartKind, PartStatus
from agentchat.store import audits, branches, copies, messages, parts, threads, uploads
from agentchat.store.audits import Entry
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.verbs.files import check_room
from agentchat.views import Actor

MOST = 10_000
"""How many messages are copied at most."""
ORIGIN = "forked"
"""The name of the part that tells where a thread is from."""
_OF_AGENT = "This is the work of an agent for another thread. Fork that one."


@dataclass(frozen=True, slots=True)
class Copy:
    """A thread to be made, for whom; ``most_held`` is how many bytes of files they may keep."""

    thread_id: str
    by: Actor
    most_held: int
    now: datetime


def fork(tx: Tx, message_id: str, copy: Copy) -> str:
    """Copy what a thread shows up to a message into one that is made, and return its title; made
    before, it is left as it is.
    """
    by, now = copy.by, copy.now
    last = messages.find(tx, message_id)
    if last is None:
        raise MessageNotFound
    # Held: what is copied is of one moment.
    thread = threads.lock(tx, last.thread_id)
    if thread is None:
        raise ThreadNotFound
    made = threads.lock(tx, copy.thread_id)
    if made is not None:
        if made.owner_id != by.id:
            raise InvalidInput("This thread id is already used for another thread.")
        return made.title
    if thread.parent_id:
        raise InvalidInput(_OF_AGENT)
    branches.check_shown(tx, last)
    if last.position >= MOST:
        raise InvalidInput(f"Only the first {MOST:,} messages can be forked. Fork further up.")
    found = copies.path(tx, thread.id, last.position)
    if not found or last.status in LIVE_MESSAGE:
        raise WrongState("An answer is being written here. Wait until it is over, or stop it.")
    # An answer that is not kept is copied as the one that is: it is what somebody chose.
    found[-1] = last.id
    if more := copies.bytes_with(tx, found):
        uploads.lock(tx, by.id)
        check_room(uploads.held(tx, by.id), more, most_bytes=copy.most_held)
    title = next_title(thread.title)
    threads.create(
        tx,
        copy.thread_id,
        owner_id=by.id,
        title=title,
        now=now,
        agent=thread.agent,
        length=len(found),
    )
    if thread.model:
        threads.choose(tx, copy.thread_id, model=thread.model)
    new_ids = {one: uuid.uuid4().hex for one in found}
    copies.whole(tx, new_ids, copy.thread_id, user_id=by.id, now=now)
    line = {"kind": PartKind.NOTE, "name": ORIGIN, "status": PartStatus.DONE, "finished_at": now}
    data = {"thread_id": thread.id, "message_id": last.id}
    end = Answer(new_ids[last.id], copy.thread_id, "", last.position)
    parts.add(tx, end, now, line | {"text": "Forked from another thread", "data": data})
    detail = {"message": last.id, "from": thread.id}
    audits.add(tx, Entry("thread", copy.thread_id, "fork", by, detail), now=now)
    return title
