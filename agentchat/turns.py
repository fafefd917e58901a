"""What the verbs on messages change: each function is one transaction's work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agentchat.durable.start import new_run
from agentchat.durable.workflow import Workflow
from agentchat.errors import InvalidInput, MessageNotFound, ThreadNotFound
from agentchat.inputs import title_of
from agentchat.llm.tokens import tokens
from agentchat.models import LIVE_MESSAGE, Message, MessageStatus, Role, Thread
from agentchat.store import ends, messages, runs, threads
from agentchat.store.messages import Answer
from agentchat.store.runs import Hold
from agentchat.store.writer import Tx
from agentchat.views import Actor


@dataclass(frozen=True, slots=True)
class Send:
    """A message that somebody sends, and where its answer will be.

    ``workflow`` is the one that answers; ``agent`` who does.
    """

    message_id: str
    text: str
    actor: Actor
    answer: Answer
    workflow: Workflow[..., Any]
    agent: str
    now: datetime
    create_thread: bool = False


def send(tx: Tx, sending: Send) -> Message:
    """Store the message, the pending answer and its run; return the message.

    Sent before, it is returned as it is. Raises InvalidInput and ThreadNotFound.
    """
    thread = _thread(tx, sending)
    sent = messages.find(tx, sending.message_id)
    if sent is not None:
        if sent.thread_id != thread.id or sent.role != Role.USER:
            raise InvalidInput("This message id is already used for another message.")
        return sent
    answer = replace(sending.answer, position=thread.length + 1)
    said: dict[str, Any] = {
        "id": sending.message_id,
        "thread_id": thread.id,
        "position": thread.length,
        "role": Role.USER,
        "status": MessageStatus.DONE,
        "text": sending.text,
        "author": sending.actor.name,
        "created_at": sending.now,
        "finished_at": sending.now,
        "run_id": None,
    }
    pending = {
        **said,
        "id": answer.message_id,
        "position": answer.position,
        "role": Role.ASSISTANT,
        "status": MessageStatus.PENDING,
        "text": "",
        "author": sending.agent,
        "finished_at": None,
        "run_id": answer.run_id,
    }
    threads.grow(tx, thread, by=2, title=title_of(sending.text), now=sending.now)
    messages.add(tx, said, pending)
    _queue(tx, answer, sending.workflow, sending.actor, sending.now)
    return Message(**said)


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
    messages.reopen(tx, answer)
    _queue(tx, answer, workflow, by, now)


def stop(tx: Tx, thread_id: str, *, by: Actor, now: datetime) -> list[str]:
    """End every answer of a thread that waits or grows; return the ids of their runs.

    Run and answer are final in this commit, with the text so far: whatever their worker
    still writes changes no row. Raises ThreadNotFound.
    """
    if threads.lock(tx, thread_id) is None:
        raise ThreadNotFound
    return _stop_all(tx, thread_id, by, now)


def delete_thread(tx: Tx, thread_id: str, *, by: Actor, now: datetime) -> list[str]:
    """Take a thread away with all that was said and done in it; return the ids of the runs
    that were under way. Only its id stays, so that it is not made again.

    Raises ThreadNotFound.
    """
    threads.delete(tx, thread_id, now=now)
    stopped = _stop_all(tx, thread_id, by, now)
    messages.delete_of(tx, thread_id)
    runs.delete_of(tx, thread_id)
    return stopped


def _thread(tx: Tx, sending: Send) -> Thread:
    thread_id = sending.answer.thread_id
    thread = threads.lock(tx, thread_id)
    if thread is None and sending.create_thread:
        threads.create(tx, thread_id, owner_id=sending.actor.id, title="", now=sending.now)
        thread = threads.lock(tx, thread_id)
    if thread is None:
        raise ThreadNotFound
    return thread


def _queue(tx: Tx, answer: Answer, workflow: Workflow[..., Any], by: Actor, now: datetime) -> None:
    data = {
        "thread_id": answer.thread_id,
        "message_id": answer.message_id,
        "position": answer.position,
    }
    in_order = workflow.options(key=answer.thread_id)
    run = new_run(answer.run_id, in_order, data, now, by.name)
    run.thread_id = answer.thread_id
    runs.add(tx, run)


def _stop_all(tx: Tx, thread_id: str, by: Actor, now: datetime) -> list[str]:
    stopped = []
    for answer in messages.live_of(tx, thread_id):
        if not ends.kill(tx, answer.run_id, by=by.name, now=now):
            continue
        status = MessageStatus.STOPPED
        text = messages.settle(tx, answer, status=status, now=now, stopped_by=by.name)
        if text:
            # The provider will not say what a cut call cost: count it by its length.
            runs.spend(
                tx,
                Hold(answer.run_id, 0, thread_id),
                input_tokens=tokens(messages.characters_before(tx, answer)),
                output_tokens=tokens(len(text)),
                estimated=True,
            )
        stopped.append(answer.run_id)
    return stopped
