"""What the verbs on messages change: each function is one transaction's work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agentchat.agents import pending
from agentchat.durable.workflow import Workflow
from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound, WrongState
from agentchat.files import NewFile, check_room
from agentchat.inputs import title_of
from agentchat.llm.base import Usage
from agentchat.llm.tokens import tokens
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
    ends,
    members,
    memory_texts,
    messages,
    notes,
    parts,
    presences,
    repairs,
    runs,
    share_links,
    spendings,
    summaries,
    threads,
)
from agentchat.store.messages import Answer
from agentchat.store.runs import Hold
from agentchat.store.spendings import CutOff
from agentchat.store.writer import Tx
from agentchat.views import Actor

Price = Callable[[str, Usage], tuple[str, float | None]]
"""The model that an agent asks, and what so many tokens of it cost; None if nobody knows."""


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
    the router decides. ``second`` is what it does if the thread is being answered, None if
    that of the thread decides.
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
    second: SecondMessage | None = None
    files: tuple[NewFile, ...] = ()
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
    joins = _steered(tx, sending, live) if second == SecondMessage.STEER else None
    said = _said(tx, sending, thread, joins)
    if joins is None:
        _answered(tx, sending, thread)
    return Sent(Message(**said), tuple(stopped))


def _steered(tx: Tx, sending: Send, live: list[Answer]) -> str | None:
    """The run that a message steers; None if it waits its turn instead.

    Nobody's words are carried out with the rights of somebody else, nor by another agent than
    the one that they are for. An answer whose run is not there yet takes nothing in.
    """
    if not live or not live[0].run_id or sending.agent:
        return None
    answer = messages.find(tx, live[0].message_id)
    # Of old answers nobody knows for whom they are.
    if answer is None or answer.user_id not in ("", sending.actor.id):
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
    messages.add(tx, said)
    if sending.files:
        held = attachments.bytes_of(tx, sending.actor.id)
        check_room(held, sending.files, most_bytes=sending.most_held)
        about = {
            "thread_id": thread.id,
            "message_id": sending.message_id,
            "created_at": sending.now,
        }
        files = [{**about, "position": n, **one.row()} for n, one in enumerate(sending.files)]
        attachments.add(tx, *files)
    return said


def _answered(tx: Tx, sending: Send, thread: Thread) -> None:
    answer = replace(sending.answer, position=thread.length + 1)
    agent = sending.agent or thread.agent
    about = {"author": agent or sending.first_agent, "user_id": sending.actor.id}
    row = pending.to_come(answer, now=sending.now, run_id=answer.run_id, **about)
    messages.add(tx, row)
    by, author = sending.actor, about["author"]
    pending.queue(tx, answer, sending.workflow, agent=agent, by=by, now=sending.now, author=author)


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
    if message.status in LIVE_MESSAGE:
        return
    if message.status not in (MessageStatus.FAILED, MessageStatus.STOPPED):
        raise InvalidInput("Only an answer that failed or was stopped can be tried again.")
    answer = Answer(message.id, message.thread_id, run_id, message.position)
    delete_subs(tx, answer, now=now)
    if message.run_id:
        messages.steer(tx, replace(answer, run_id=message.run_id), run_id)
    answers.reopen(tx, answer, user_id=by.id)
    agent = runs.data_of(tx, message.run_id or "").get("agent", "")
    about = {"author": message.author, "key": message.id if message.hidden else ""}
    pending.queue(tx, answer, workflow, agent=agent, by=by, now=now, **about)


def stop(tx: Tx, thread_id: str, ending: Ending) -> list[str]:
    """End every answer of a thread that waits or grows; return the ids of their runs.

    Run and answer are final in this commit, with the text so far: whatever their worker
    still writes changes no row. Raises ThreadNotFound.
    """
    if threads.lock(tx, thread_id) is None:
        raise ThreadNotFound
    return _stop_all(tx, thread_id, ending)


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
    if message.status not in LIVE_MESSAGE:
        answers.go_on(tx, answer, message, attempt=run.attempt, now=now)
    for child in repairs.waited_for(tx, run.id):
        # Here and not when the run comes to it: what was asked in it is asked again at once.
        repairs.revive(tx, child.id, now=now)
        if child.workflow == run.workflow:
            go_on(tx, child, now)


def delete_thread(tx: Tx, thread_id: str, ending: Ending) -> list[str]:
    """Take a thread away with all that was said and done in it; return the ids of the runs
    that were under way. Only its id stays, so that it is not made again.

    Raises ThreadNotFound.
    """
    now = ending.now
    threads.delete(tx, thread_id, now=now)
    stopped = _stop_all(tx, thread_id, ending)
    for inner in (*threads.within(tx, thread_id), thread_id):
        _empty(tx, inner, now)
    return stopped


def delete_subs(tx: Tx, answer: Answer, *, now: datetime) -> None:
    """Take away what sub-agents did for an answer that is begun anew, unless another one beside
    it has taken that over.
    """
    for child in parts.children(tx, answer.message_id, shared=False):
        for inner in (*threads.within(tx, child.thread_id), child.thread_id):
            _empty(tx, inner, now)


def _empty(tx: Tx, thread_id: str, now: datetime) -> None:
    for rows in (asks, parts, attachments, notes, summaries, members, share_links, presences):
        rows.delete_of_thread(tx, thread_id)
    memory_texts.forget_thread(tx, thread_id)
    messages.delete_of(tx, thread_id)
    runs.delete_of(tx, thread_id)
    threads.bury(tx, thread_id, now=now)


def _thread(tx: Tx, sending: Send) -> Thread:
    thread_id = sending.answer.thread_id
    thread = threads.lock(tx, thread_id)
    if thread is None and sending.create_thread:
        threads.create(tx, thread_id, owner_id=sending.actor.id, title="", now=sending.now)
        thread = threads.lock(tx, thread_id)
    if thread is None:
        raise ThreadNotFound
    return thread


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
        _count(tx, answer, message, call, len(written), ending)


def _count(
    tx: Tx, answer: Answer, message: Message, call: CutOff, written: int, ending: Ending
) -> None:
    """Count a call that was cut. If it was over, it said what it took; else the provider will
    not say, and it is counted by the length of what it wrote, and of what it was told: by the
    call before it, or without one by the messages before it. Reasoning and the beginnings of
    calls of tools are nowhere by then, and not in it.
    """
    spent = call.told or {}
    asked = max(call.input_tokens, tokens(messages.characters_before(tx, answer)))
    usage = Usage(asked, tokens(written), True)
    model, cost = ending.price(message.author, usage)
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
            "created_at": ending.now,
        },
    )
