"""The queries that pages and scripts follow: rows in, views out, each in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.errors import AgentChatError, ModelError
from agentchat.llm.base import ModelState
from agentchat.models import LIVE_MESSAGE, Message, MessageStatus, Model, Role, Run, RunStatus
from agentchat.store import messages, providers, threads
from agentchat.store.messages import Growth
from agentchat.views import MessageView, ModelView, ThreadSummary, ThreadView

WINDOW = 50
"""How many messages a thread shows at first."""
MOST_THREADS = 500
"""How many threads the list shows."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A thread as it was last shown, and what of it need not be read again."""

    view: ThreadView
    heads: dict[str, Row[Any]] = field(compare=False)
    """The rows of the messages in the view, without their text, by id."""
    growing: dict[str, Growth] = field(compare=False)
    """How far the growing ones were, by id."""


def thread_view(
    session: Session, last: Shown | None, thread_id: str, model_id: str, window: int
) -> Shown:
    """A thread with its newest ``window`` messages and what is growing. Texts that are in
    ``last`` are not read again.

    Raises :class:`~agentchat.errors.ThreadNotFound`.
    """
    thread = threads.get(session, thread_id)
    heads = {row.id: row for row in reversed(messages.newest(session, thread_id, limit=window))}
    known = {} if last is None else {message.id: message for message in last.view.messages}
    before = {} if last is None else last.heads
    kept = {
        message_id: known[message_id]
        for message_id, row in heads.items()
        if row.status not in LIVE_MESSAGE and before.get(message_id) == row
    }
    live_ids = [row.id for row in heads.values() if row.status in LIVE_MESSAGE]
    texts = messages.texts(session, heads.keys() - kept.keys() - set(live_ids))
    growing = {
        message_id: messages.growth(session, message_id, _before(last, heads[message_id]))
        for message_id in live_ids
    }
    runs = messages.live_runs(session, thread_id) if live_ids else {}
    model = providers.get(session, model_id) if live_ids else None
    found = [
        kept.get(row.id)
        or (
            _live(row, growing[row.id], runs.get(row.run_id or ""), model, row.id != live_ids[0])
            if row.id in growing
            else _settled(row, texts[row.id])
        )
        for row in heads.values()
    ]
    first = next((n for n, message in enumerate(found) if message.id in growing), len(found))
    view = ThreadView(
        id=thread.id,
        title=thread.title,
        settled=tuple(found[:first]),
        live=tuple(found[first:]),
        earlier=max(0, thread.length - len(found)),
    )
    return Shown(view, heads, growing)


def _before(last: Shown | None, row: Row[Any]) -> Growth:
    """How far a message was, unless another run has begun to write it since."""
    if last is None or row.id not in last.growing or last.heads[row.id].run_id != row.run_id:
        return Growth()
    return last.growing[row.id]


def thread_list(session: Session) -> tuple[ThreadSummary, ...]:
    """The threads, most recently used first."""
    running = threads.running(session)
    return tuple(
        ThreadSummary(thread.id, thread.title, thread.updated_at, thread.id in running)
        for thread in threads.newest(session, limit=MOST_THREADS)
    )


def model_view(session: Session, model_id: str, label: str) -> ModelView:
    """The model that answers and how far it is."""
    model = providers.get(session, model_id)
    if model is None:
        return ModelView(id=model_id, label=label, state=ModelState.LOADING)
    return ModelView(
        id=model.id,
        label=model.label,
        embedded=model.embedded,
        state=model.state,
        detail=model.detail,
        progress=-1.0 if model.progress is None else model.progress,
    )


def message_view(
    message: Message | Row[Any], text: str, *, words: str = "", revision: int = 0
) -> MessageView:
    """One message as a person sees it."""
    return MessageView(
        id=message.id,
        role=message.role,
        status=message.status,
        text=text,
        position=message.position,
        revision=revision,
        words=words,
        next_step=_next_step(message.error_kind) if message.status == "failed" else "",
        author=message.author,
        model=message.model,
        run_id=message.run_id or "",
        created_at=message.created_at.isoformat(),
    )


def _settled(message: Row[Any], text: str) -> MessageView:
    words = ""
    if message.status == MessageStatus.STOPPED:
        words = f"Stopped by {message.stopped_by}"
    elif message.status == MessageStatus.FAILED:
        words = message.error or "The answer failed."
    elif message.error_kind == "length":
        words = "Cut off: the answer reached this model's length limit"
    elif message.role == Role.ASSISTANT and not text:
        words = "The model gave an empty answer"
    return message_view(message, text, words=words)


def _live(
    message: Row[Any], growth: Growth, run: Run | None, model: Model | None, behind: bool
) -> MessageView:
    words = _words(run, model, behind, bool(growth.text))
    return message_view(message, growth.text, words=words, revision=growth.revision)


def _words(run: Run | None, model: Model | None, behind: bool, has_text: bool) -> str:
    if run is None or run.status == RunStatus.QUEUED:
        return "Queued behind the answer above" if behind else "Queued"
    if run.status == RunStatus.PAUSED:
        return f"Paused by {run.paused_by}" if run.paused_by else f"Paused: {run.error}"
    if run.retry_at is not None:
        at = run.retry_at.astimezone().strftime("%H:%M:%S")
        error = (run.error or "").rstrip(".")
        return f"{error}. Retrying ({run.tries} of {run.max_tries}) at {at}"
    if run.tries > 1:
        return f"Retrying ({run.tries} of {run.max_tries}): {'writing' if has_text else 'asking'}"
    if model is not None and model.state != ModelState.READY:
        return f"Waiting for the model: {model.detail or model.state}"
    return "Writing" if has_text else "Thinking"


def _next_step(kind: str | None) -> str:
    return _NEXT_STEPS.get(kind or "", "Try again.")


def _family(error: type[AgentChatError]) -> list[type[AgentChatError]]:
    return [error, *(kin for child in error.__subclasses__() for kin in _family(child))]


_NEXT_STEPS = {
    error.kind: error.next_step for error in _family(ModelError) if issubclass(error, ModelError)
}
