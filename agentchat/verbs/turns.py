"""What the verbs on messages change: each function is one transaction's work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agentchat.agents import pending
from agentchat.durable.workflow import Workflow
from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound, WrongState
from agentchat.inputs import title_of
from agentchat.models import (
    LIVE_MESSAGE,
    Message,
    MessageStatus,
    Role,
    Run,
    SecondMessage,
    Thread,
)
from agentchat.store import (
    answers,
    asks,
    attachments,
    audits,
    branches,
    emptying,
    ends,
    messages,
    parts,
    ratings,
    repairs,
    runs,
    spendings,
    thread_marks,
    threads,
    uploads,
)
from agentchat.store.audits import Entry
from agentchat.store.messages import Answer
from agentchat.store.spendings import CutOff
from agentchat.store.writer import Tx
from agentchat.verbs import cut_calls
from agentchat.verbs.cut_calls import Price
from agentchat.verbs.files import NewFile, check_room
from agentchat.views import Actor


@dataclass(frozen=True, slots=True)
class Ending:
    """Who ends answers, and when; ``price`` tells what their cut calls cost."""

    by: Actor
    now: datetime
    price: Price


@dataclass(frozen=True, slots=True)
class Send:
    """A message that somebody sends, and where its answer will be.

    ``workflow`` is the one that answers; ``agent`` who does, empty if that of the thread or
    the router decides. ``model`` is that of a thread which it makes. ``second`` is what it does
    if the thread is being answered, None if that of the thread decides.
    """

    message_id: str
    text: str
    actor: Actor
    answer: Answer
    workflow: Workflow[..., Any]
    agent: str
    first_agent: str
    now: datetime
    price: Price
    create_thread: bool = False
    model: str = ""
    second: SecondMessage | None = None
    files: tuple[NewFile, ...] = ()
    uploads: tuple[str, ...] = ()
    most_held: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it is stored, and the runs that it put an end to."""

    message: Message
    stopped: tuple[str, ...] = ()


def send(tx: Tx, sending: Send) -> Sent:
    """Store the message, the pending answer and its run.

    Sent before, it is returned as it is. While the thread is being answered, the message does
    what the thread says: it waits its turn, joins the answer (if that is for the same person, and
    no other agent was named), ends it, or takes its place.
    Raises InvalidInput and ThreadNotFound.
    """
    thread = _thread(tx, sending)
    sent = messages.find(tx, sending.message_id)
    if sent is not None:
        if sent.thread_id != thread.id or sent.role != Role.USER:
            raise InvalidInput("This message id is already used for another message.")
        return Sent(sent)
    second = sending.second or SecondMessage(thread.second_message)
    live = messages.live_of(tx, thread.id) if second != SecondMessage.QUEUE else []
    stopped: list[str] = []
    ending = Ending(sending.actor, sending.now, sending.price)
    if live and second == SecondMessage.REPLACE:
        stopped = _stop_all(tx, thread.id, ending, keep=False)
    elif live and second == SecondMessage.INTERRUPT:
        stopped = _stop_all(tx, thread.id, ending)
    steers = second == SecondMessage.STEER and not sending.agent
    joins = joinable(tx, live, sending.actor.id) if steers else None
    said = _said(tx, sending, thread, joins)
    if joins is None:
        _answered(tx, sending, thread)
    # Whoever says something has read what was said before.
    thread_marks.read(tx, thread.id, sending.actor.id)
    return Sent(Message(**said), tuple(stopped))


def joinable(tx: Tx, live: list[Answer], user_id: str) -> str | None:
    """The run that a message of this person may join, of answers that are under way; None if it
    has to wait its turn.

    Nobody's words are carried out with the rights of somebody else. An answer whose run is not
    there yet takes nothing in.
    """
    if not live or not live[0].run_id:
        return None
    answer = messages.find(tx, live[0].message_id)
    # Of old answers nobody knows for whom they are.
    if answer is None or answer.user_id not in ("", user_id):
        return None
    return live[0].run_id


def _said(tx: Tx, sending: Send, thread: Thread, joins: str | None) -> dict[str, Any]:
    said = pending.said(
        sending.message_id,
        thread.id,
        thread.length,
        sending.text,
        author=sending.actor.name,
        user_id=sending.actor.id,
        now=sending.now,
    )
    said["joins"] = joins
    title, by = title_of(sending.text), 1 if joins else 2
    threads.grow(tx, thread, by=by, title=title, now=sending.now)
    branches.add_at_end(tx, thread, said)
    if sending.files or sending.uploads:
        _attach(tx, sending, thread.id)
    return said


def _attach(tx: Tx, sending: Send, thread_id: str) -> None:
    person, about = sending.actor.id, {"thread_id": thread_id, "message_id": sending.message_id}
    uploads.lock(tx, person)
    if sending.files:
        more = sum(len(file.content) for file in sending.files)
        check_room(uploads.held(tx, person), more, most_bytes=sending.most_held)
        rows = [{**about, "position": n, **one.row()} for n, one in enumerate(sending.files)]
        attachments.add(tx, *({**row, "created_at": sending.now} for row in rows))
    first = len(sending.files)
    if not uploads.attach(tx, sending.uploads, person, **about, first=first, now=sending.now):
        raise InvalidInput(
            "A file of this message is not there any more: what is not sent is kept for a day."
            " Attach it again."
        )


def _answered(tx: Tx, sending: Send, thread: Thread) -> None:
    answer = replace(sending.answer, position=thread.length + 1)
    agent = sending.agent or thread.agent
    about = {"author": agent or sending.first_agent, "user_id": sending.actor.id}
    row = pending.to_come(answer, now=sending.now, run_id=answer.run_id, **about)
    branches.add_at_end(tx, thread, row)
    picked = {"agent": agent, "author": about["author"], "model": thread.model}
    pending.queue(tx, answer, sending.workflow, by=sending.actor, now=sending.now, **picked)


def retry(
    tx: Tx,
    message_id: str,
    *,
    run_id: str,
    workflow: Workflow[..., Any],
    by: Actor,
    now: datetime,
) -> None:
    """Empty an answer that failed or was stopped, and queue a run that answers anew; nothing
    if one is under way already.

    Raises MessageNotFound, ThreadNotFound and InvalidInput.
    """
    message = messages.find(tx, message_id)
    if message is None or message.role != Role.ASSISTANT:
        raise MessageNotFound
    if threads.lock(tx, message.thread_id) is None:
        raise ThreadNotFound
    # Read again under the lock: somebody else may have pressed at the same moment.
    message = messages.find(tx, message_id)
    if message is None:
        raise MessageNotFound
    branches.check_shown(tx, message)
    if message.status in LIVE_MESSAGE:
        return
    if message.status not in (MessageStatus.FAILED, MessageStatus.STOPPED):
        raise InvalidInput("Only an answer that failed or was stopped can be tried again.")
    answer = Answer(message.id, message.thread_id, run_id, message.position)
    delete_subs(tx, answer, now=now)
    if message.run_id:
        messages.steer(tx, replace(answer, run_id=message.run_id), run_id)
    ratings.delete_of_message(tx, answer.message_id)
    answers.reopen(tx, answer, user_id=by.id)
    before = runs.data_of(tx, message.run_id or "")
    about = {"author": message.author, "key": message.id if message.hidden else ""}
    about |= {"agent": before.get("agent", ""), "model": before.get("model", "")}
    pending.queue(tx, answer, workflow, by=by, now=now, **about)
    entry = Entry("run", message.run_id or run_id, "retry", by, {"new": run_id})
    audits.add(tx, entry, now=now)


def stop(tx: Tx, thread_id: str, ending: Ending) -> list[str]:
    """End every answer of a thread that waits or grows; return the ids of their runs.

    Run and answer are final in this commit, with the text so far: whatever their worker
    still writes changes no row. Raises ThreadNotFound.
    """
    if threads.lock(tx, thread_id) is None:
        raise ThreadNotFound
    stopped = _stop_all(tx, thread_id, ending)
    for run_id in stopped:
        audits.add(tx, Entry("run", run_id, "cancel", ending.by), now=ending.now)
    return stopped


def stop_run(tx: Tx, run: Run, ending: Ending) -> list[str]:
    """End the answer that a run writes, with the run; the ids of the runs that ended with it,
    none if it was over.
    """
    answer = pending.answer_of(run)
    threads.lock(tx, answer.thread_id)
    message = messages.find(tx, answer.message_id)
    if message is None or message.status not in LIVE_MESSAGE:
        return []
    if message.run_id is None:
        answers.claim(tx, answer)
    elif message.run_id != run.id:
        return []
    return _stop(tx, answer, ending)


def go_on(tx: Tx, run: Run, now: datetime) -> None:
    """An answer that failed or was stopped is written on by its own run, which goes on from the
    step that failed; so are those of the sub-agents that it still waits for.

    Raises WrongState if another run has answered since.
    """
    answer = pending.answer_of(run)
    threads.lock(tx, answer.thread_id)
    message = messages.find(tx, answer.message_id)
    if message is None:
        raise MessageNotFound
    if message.run_id is None:
        answers.claim(tx, answer)
    elif message.run_id != run.id:
        raise WrongState("This message was answered anew by another run; retry that one.")
    branches.check_shown(tx, message)
    if message.status not in LIVE_MESSAGE:
        answers.go_on(tx, answer, message, attempt=run.attempt, now=now)
    for child in repairs.waited_for(tx, run.id):
        # Here and not when the run comes to it: what was asked in it is asked again at once.
        repairs.revive(tx, child.id, now=now)
        if child.workflow == run.workflow:
            go_on(tx, child, now)


def delete_thread(tx: Tx, thread_id: str, ending: Ending, *, for_good: bool) -> list[str]:
    """Take a thread away with all that was said and done in it; return the ids of the runs
    that were under way. Unless it is ``for_good``, it can be had back.

    Raises ThreadNotFound.
    """
    now = ending.now
    if threads.lock(tx, thread_id) is None:
        raise ThreadNotFound
    stopped = _stop_all(tx, thread_id, ending)
    stopped += emptying.hide(tx, thread_id, by=ending.by.name, now=now)
    audits.add(tx, Entry("thread", thread_id, "delete", ending.by), now=now)
    if for_good:
        emptying.empty(tx, thread_id, now=now)
    return stopped


def delete_subs(tx: Tx, answer: Answer, *, now: datetime) -> None:
    """Take away what sub-agents did for an answer that is begun anew, unless another one beside
    it has taken that over.
    """
    for child in parts.children(tx, answer.message_id, shared=False):
        emptying.empty(tx, child.thread_id, now=now)


def _thread(tx: Tx, sending: Send) -> Thread:
    thread_id = sending.answer.thread_id
    thread = threads.lock(tx, thread_id)
    if thread is None and sending.create_thread:
        threads.create(tx, thread_id, owner_id=sending.actor.id, title="", now=sending.now)
        if sending.model:
            threads.choose(tx, thread_id, model=sending.model)
        thread = threads.lock(tx, thread_id)
    if thread is None:
        raise ThreadNotFound
    return thread


def stop_from(tx: Tx, thread_id: str, first: int, ending: Ending) -> list[str]:
    """End the answers at a place and after it, with what they have come to; the ids of the runs
    that ended. The caller holds the thread.
    """
    live = (*messages.live_of(tx, thread_id), *messages.live_of(tx, thread_id, hidden=True))
    after = [answer for answer in live if answer.position >= first]
    return [run_id for answer in after for run_id in _stop(tx, answer, ending)]


def say(tx: Tx, sending: Send, thread: Thread) -> Message:
    """Store a message at the end of what a thread shows, the pending answer and its run."""
    said = _said(tx, sending, thread, None)
    _answered(tx, sending, thread)
    return Message(**said)


def _stop_all(tx: Tx, thread_id: str, ending: Ending, *, keep: bool = True) -> list[str]:
    """``keep`` says whether what an answer has come to stays; that of a hidden one always does."""
    stopped = [
        run_id
        for answer in messages.live_of(tx, thread_id)
        for run_id in _stop(tx, answer, ending, keep=keep)
    ]
    for answer in messages.live_of(tx, thread_id, hidden=True):
        stopped += _stop(tx, answer, ending)
    return stopped


def _stop(tx: Tx, answer: Answer, ending: Ending, *, keep: bool = True) -> list[str]:
    stopped = []
    # Before the run is over, and the agents that it asked with it.
    for child in parts.children(tx, answer.message_id):
        stopped += _stop_all(tx, child.thread_id, ending)
    by, now = ending.by.name, ending.now
    written = messages.text_so_far(tx, answer.message_id)
    call = spendings.cut_off(tx, answer, text=bool(written))
    if answer.run_id and not ends.kill(tx, answer.run_id, by=by, now=now):
        return stopped
    _cut(tx, answer, call, written, ending, keep=keep)
    return [*stopped, answer.run_id] if answer.run_id else stopped


def _cut(
    tx: Tx, answer: Answer, call: CutOff | None, written: str, ending: Ending, *, keep: bool
) -> None:
    now = ending.now
    message = messages.find(tx, answer.message_id)
    if not keep:
        delete_subs(tx, answer, now=now)
        parts.delete_of(tx, answer)
        asks.delete_of(tx, answer.message_id, answer.thread_id)
        messages.steer(tx, answer, None)
    answers.settle(
        tx,
        answer,
        status=MessageStatus.STOPPED,
        text=None if keep else "",
        error_kind=None if keep else "replaced",
        now=now,
        stopped_by=ending.by.name,
    )
    if call is not None and message is not None:
        cut_calls.count(tx, answer, message, call, len(written), price=ending.price, now=now)
