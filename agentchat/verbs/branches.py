"""Said otherwise: a message is edited and sent again, and what was there can be shown again. Each
function is one transaction's work.
"""

from __future__ import annotations

from dataclasses import replace

from agentchat.errors import (
    InvalidInput,
    MessageNotFound,
    NotAllowed,
    ThreadNotFound,
    WrongState,
)
from agentchat.models import Role, Thread
from agentchat.store import audits, copies, messages, threads, uploads
from agentchat.store import branches as rows
from agentchat.store.audits import Entry
from agentchat.store.writer import Tx
from agentchat.verbs import turns
from agentchat.verbs.branch_paths import FIRST, MOST, fork_at, parting, path
from agentchat.verbs.files import check_room
from agentchat.verbs.turns import Ending, Send, Sent

_UNDER_WAY = "An answer is being written here. Wait until it is over, or stop it first."
_OF_AGENT = "This was asked by an agent, and cannot be edited."


def edit(tx: Tx, message_id: str, sending: Send, *, anybody: bool) -> Sent:
    """Say something else instead of a message, with its files: it and all that came after it are
    hidden, not lost, and what was under way there ends. Sent before, it is returned as it is.
    ``anybody`` says that not only who said it may do so; it is said under their own name.

    Raises MessageNotFound, ThreadNotFound, NotAllowed for what somebody else said, InvalidInput,
    and WrongState for what is hidden itself.
    """
    before = messages.find(tx, message_id)
    if before is None or before.role != Role.USER:
        raise MessageNotFound
    if before.user_id != sending.actor.id and not anybody:
        raise NotAllowed("Only who wrote a message may edit it.")
    thread = _held(tx, before.thread_id)
    sent = messages.find(tx, sending.message_id)
    if sent is not None:
        if sent.thread_id != thread.id or sent.role != Role.USER:
            raise InvalidInput("This message id is already used for another message.")
        return Sent(sent)
    if thread.parent_id:
        raise InvalidInput(_OF_AGENT)
    # Under the lock: somebody else may have edited what was before it.
    rows.check_shown(tx, before)
    forks = rows.of_thread(tx, thread.id)
    if len(forks) >= MOST:
        raise InvalidInput(f"A thread has {MOST:,} versions at most. Start another one.")
    now, by = sending.now, sending.actor
    ending = Ending(by, now, sending.price)
    stopped = turns.stop_from(tx, thread.id, before.position, ending)
    number, fork = max(forks, default=FIRST) + 1, fork_at(forks, before.branch, before.position)
    rows.begin(tx, thread, fork, number, by=by.name, now=now)
    rows.show(tx, thread, {**forks, number: fork}, number, now=now)
    answer = replace(sending.answer, thread_id=thread.id)
    message = turns.say(tx, replace(sending, answer=answer), thread)
    if more := copies.bytes_with(tx, [before.id]):
        uploads.lock(tx, by.id)
        check_room(uploads.held(tx, by.id), more, most_bytes=sending.most_held)
    copies.files(tx, {before.id: message.id}, thread.id, now=now)
    detail = {"message": message.id, "instead_of": before.id}
    audits.add(tx, Entry("thread", thread.id, "edit", by, detail), now=now)
    return Sent(message, tuple(stopped))


def show(tx: Tx, thread_id: str, branch: int, ending: Ending) -> None:
    """Let a thread show another of the ways that it went, to everybody.

    Raises ThreadNotFound, InvalidInput if there is no such, and WrongState while an answer is
    under way that would be hidden.
    """
    thread, by, now = _held(tx, thread_id), ending.by, ending.now
    forks = rows.of_thread(tx, thread.id)
    if not isinstance(branch, int) or (branch != FIRST and branch not in forks):
        raise InvalidInput(f"This thread has no version {branch!r}.")
    first = parting(path(forks, thread.branch), path(forks, branch))
    if first is None:
        return
    if rows.under_way(tx, thread.id, first):
        raise WrongState(_UNDER_WAY)
    detail = {"branch": branch, "instead_of": thread.branch}
    rows.show(tx, thread, forks, branch, now=now)
    audits.add(tx, Entry("thread", thread.id, "show branch", by, detail), now=now)


def _held(tx: Tx, thread_id: str) -> Thread:
    thread = threads.lock(tx, thread_id)
    if thread is None:
        raise ThreadNotFound
    return thread
