"""An answer that somebody is to give, and the run that will write it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agentchat.durable.start import new_run
from agentchat.durable.workflow import Workflow
from agentchat.inputs import checked_id
from agentchat.models import MessageStatus, Role, Run
from agentchat.store import branches, messages, runs, threads
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.views import Actor

EMPTY: dict[str, Any] = {
    "text": "",
    "model": "",
    "joins": None,
    "run_id": None,
    "finished_at": None,
    "variant": 0,
    "branch": 0,
    "hidden": False,
    "shelved": False,
}


def said(
    message_id: str,
    thread_id: str,
    position: int,
    text: str,
    *,
    author: str,
    user_id: str,
    now: datetime,
) -> dict[str, Any]:
    """The row of a message of a person, or of an agent that asks another one."""
    return {
        **EMPTY,
        "id": message_id,
        "thread_id": thread_id,
        "position": position,
        "role": Role.USER,
        "status": MessageStatus.DONE,
        "text": text,
        "author": author,
        "user_id": user_id,
        "created_at": now,
        "finished_at": now,
    }


def to_come(
    answer: Answer, *, author: str, user_id: str, now: datetime, run_id: str | None
) -> dict[str, Any]:
    """The row of an answer that waits to be written."""
    return {
        **EMPTY,
        "id": answer.message_id,
        "thread_id": answer.thread_id,
        "position": answer.position,
        "role": Role.ASSISTANT,
        "status": MessageStatus.PENDING,
        "author": author,
        "user_id": user_id,
        "created_at": now,
        "run_id": run_id,
    }


def queue(
    tx: Tx,
    answer: Answer,
    workflow: Workflow[..., Any],
    *,
    agent: str,
    by: Actor,
    now: datetime,
    author: str = "",
    key: str = "",
    model: str = "",
) -> None:
    """Queue the run that writes an answer, after those of its thread that came before, or of
    the ``key`` that is given.

    ``author`` is who is going to answer, as far as that is known; ``model`` the one that was
    chosen for it, empty for the agent's own. Of a choice the run knows from its beginning: it
    stays with that, however often it is resumed.
    """
    data = {
        "thread_id": answer.thread_id,
        "message_id": answer.message_id,
        "position": answer.position,
        "agent": agent,
        **chosen(model),
    }
    in_order = workflow.options(key=key or answer.thread_id)
    run = new_run(answer.run_id, in_order, data, now, by)
    run.thread_id, run.agent = answer.thread_id, agent or author
    runs.add(tx, run)


def chosen(model: str) -> dict[str, str]:
    """What a run that answers is given of the model that was chosen, if one was."""
    return {"model": model} if model else {}


def answer_of(run: Run) -> Answer:
    """Where a run that writes an answer does so, by the arguments it was started with."""
    data = run.data
    return Answer(data["message_id"], data["thread_id"], run.id, data["position"])


def queue_late(
    tx: Tx, answer: Answer, workflow: Workflow[..., Any], *, by: str, now: datetime
) -> None:
    """A message that was to join an answer, but came after its last step, gets an answer of
    its own: so in the transaction in which the first one ends.
    """
    late = messages.joining(tx, answer)
    if not late:
        return
    messages.steer(tx, answer, None, taken=False)
    # Whose message it is, for them it is answered.
    said = messages.find(tx, late[-1][0])
    before = messages.find(tx, answer.message_id)
    thread = threads.lock(tx, answer.thread_id)
    assert thread is not None, "a thread is there while it is answered"
    assert before is not None, "messages go with their thread"
    assert said is not None, "messages go with their thread"
    there = Answer(checked_id(None), thread.id, checked_id(None), thread.length)
    threads.grow(tx, thread, by=1, title="", now=now)
    user_id, author = said.user_id, thread.agent or before.author
    row = to_come(there, author=author, user_id=user_id, now=now, run_id=there.run_id)
    branches.add_at_end(tx, thread, row)
    whose = Actor(user_id, said.author or by)
    queue(tx, there, workflow, agent=thread.agent, by=whose, now=now, model=thread.model)
