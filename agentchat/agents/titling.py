"""The run that gives a thread its title, queued with an answer that has ended well."""

from __future__ import annotations

import uuid
from datetime import datetime

from agentchat.agents.team import Team
from agentchat.durable.start import new_run
from agentchat.inputs import title_of
from agentchat.store import messages, runs, threads
from agentchat.store.messages import Answer
from agentchat.store.writer import Tx
from agentchat.views import Actor

LAST = 3
"""The place of the last answer that a thread is named after: by then its first words will do."""
_TITLES = uuid.UUID("7f0c0f0e-6e0b-4b0e-9d53-0d6a3f5d8e21")
"""The namespace of the ids of runs that give titles."""


def entitle(tx: Tx, team: Team, answer: Answer, actor: Actor, now: datetime) -> None:
    """Queue the run in the transaction that ends an answer. It is none of the thread's own, which
    is free for the next message meanwhile.
    """
    if team.title is None or answer.position > LAST or not actor.id:
        return
    called = threads.untitled(tx, answer.thread_id)
    # A tool may have given it another name, or it was brought from elsewhere.
    if called is None or called[0] != title_of(called[1]):
        return
    message = messages.find(tx, answer.message_id)
    if message is None or message.hidden:
        return
    data = {
        "thread_id": answer.thread_id,
        "message_id": answer.message_id,
        "user_id": actor.id,
    }
    run_id = uuid.uuid5(_TITLES, answer.run_id).hex
    runs.add_once(tx, new_run(run_id, team.title.options(priority=-1), data, now, actor))
