"""What the verbs on waiting messages change: each function is one transaction's work.

Whoever is first has it: a run that begins an answer and a person who takes the message back hold
the row of the run, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound, WrongState
from agentchat.models import Message, Thread
from agentchat.store import audits, branches, ends, messages, runs, threads, waiting
from agentchat.store.audits import Entry
from agentchat.store.waiting import Waiting
from agentchat.store.writer import Tx
from agentchat.verbs import turns
from agentchat.verbs.branch_paths import Forks
from agentchat.views import Actor

_BEGUN: Final = "It is being answered already. You can stop the answer, or edit the message."
_AFTER: Final = "Others have written after this version. Take back what comes after it first."
_VERSIONS: Final = "There are other versions of what comes after it. Stop the answer instead."
_LATER: Final = "What comes after it is being answered already. Stop the answer instead."
_NEXT: Final = "No answer is being written that this could join: it is the next to be answered."
_JOINS: Final = "It joins the answer already, at the agent's next step."
_APART: Final = "The answer that is being written is for somebody else, or of another agent."
_OF_AGENT: Final = "This was asked by an agent."


@dataclass(frozen=True, slots=True)
class _Held:
    """A waiting message, which waits until the commit."""

    thread: Thread
    waiting: Waiting

    @property
    def message(self) -> Message:
        return self.waiting.message


def take_back(tx: Tx, message_id: str, *, by: Actor, now: datetime) -> list[str]:
    """Withdraw a message before it is answered, and keep it for who said it; the ids of the runs
    that ended. One that was said instead of another gives its place back to that.

    Raises MessageNotFound, ThreadNotFound, and WrongState if its answer has begun.
    """
    held = _held(tx, message_id)
    thread, message, found = held.thread, held.message, held.waiting
    forks = branches.of_thread(tx, thread.id)
    fork = forks.get(message.branch)
    gone = (message,) if found.answer is None else (message, found.answer)
    alone = fork is not None and fork.position == message.position
    if alone and (waiting.after(tx, gone[-1]) or _has_versions(forks, message.branch)):
        raise WrongState(_AFTER)
    stopped = []
    if found.answer is not None and ends.kill(tx, found.run_id, by=by.name, now=now):
        stopped = [found.run_id]
    waiting.give_back(tx, message, by=by.name, now=now)
    _remove(tx, held, forks, gone, now=now)
    if fork is not None and alone:
        branches.show(tx, thread, forks, fork.parent, now=now)
        waiting.drop_branch(tx, thread.id, message.branch)
    detail = {"message": message.id, "of": message.user_id}
    audits.add(tx, Entry("thread", thread.id, "take back", by, detail), now=now)
    return stopped


def send_now(tx: Tx, message_id: str, *, named: bool, by: Actor, now: datetime) -> list[str]:
    """Let a message join the answer that is being written instead of waiting for its own; the ids
    of the runs that ended. ``named`` says that it is for an agent that it names.

    Raises MessageNotFound, ThreadNotFound, and WrongState if there is none that it may join.
    """
    held = _held(tx, message_id)
    thread, message, found = held.thread, held.message, held.waiting
    if found.answer is None:
        raise WrongState(_JOINS)
    live = messages.live_of(tx, thread.id)
    if live[0].message_id == found.answer.id:
        raise WrongState(_NEXT)
    joins = None if named else turns.joinable(tx, live, message.user_id)
    if joins is None:
        raise WrongState(_APART)
    stopped = [found.run_id] if ends.kill(tx, found.run_id, by=by.name, now=now) else []
    waiting.rewrite(tx, message, joins=joins)
    _remove(tx, held, branches.of_thread(tx, thread.id), (found.answer,), now=now)
    detail = {"message": message.id}
    audits.add(tx, Entry("thread", thread.id, "send now", by, detail), now=now)
    return stopped


def edit(
    tx: Tx, message_id: str, text: str, *, agents: tuple[str, str], by: Actor, now: datetime
) -> None:
    """Change the words of a message at its place, before it is answered. ``agents`` are those
    that its words name now and named before: if it is another, that one answers.

    Raises MessageNotFound, ThreadNotFound, and WrongState if its answer has begun.
    """
    held = _held(tx, message_id)
    thread, message, found = held.thread, held.message, held.waiting
    named, before = agents
    # Whoever follows the thread reads a text again only if something else is another, too.
    waiting.rewrite(tx, message, text=text, finished_at=now)
    run = runs.lock(tx, found.run_id)
    if named != before and found.answer is not None and run is not None:
        agent = named or thread.agent
        runs.put(tx, run, data={**run.data, "agent": agent}, agent=agent)
        waiting.rewrite(tx, found.answer, author=agent)
    detail = {"message": message.id}
    audits.add(tx, Entry("thread", thread.id, "edit waiting", by, detail), now=now)


def _remove(tx: Tx, held: _Held, forks: Forks, gone: Sequence[Message], *, now: datetime) -> None:
    later = [fork for fork in forks.values() if fork.position > gone[0].position]
    if any(fork.parent == gone[0].branch for fork in later):
        # Their places cannot move: they are those of other versions, too.
        raise WrongState(_VERSIONS)
    if not waiting.remove(tx, held.thread, gone, now=now):
        raise WrongState(_LATER)


def _has_versions(forks: Forks, branch: int) -> bool:
    return any(fork.parent == branch for fork in forks.values())


def _held(tx: Tx, message_id: str) -> _Held:
    message = messages.find(tx, message_id)
    if message is None:
        raise MessageNotFound
    thread = threads.lock(tx, message.thread_id)
    if thread is None:
        raise ThreadNotFound
    if thread.parent_id:
        raise InvalidInput(_OF_AGENT)
    found = _waiting(tx, message_id)
    runs.lock(tx, found.run_id)
    # Read again: the run may have been at it until it let go.
    again = _waiting(tx, message_id)
    if again.run_id != found.run_id:
        raise WrongState(_BEGUN)
    return _Held(thread, again)


def _waiting(tx: Tx, message_id: str) -> Waiting:
    message = messages.find(tx, message_id)
    if message is None:
        raise MessageNotFound
    branches.check_shown(tx, message)
    found = waiting.of_message(tx, message)
    if found is None:
        raise WrongState(_BEGUN)
    return found
