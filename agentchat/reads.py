"""The queries that pages and scripts follow: rows in, views out, each in one snapshot."""

from __future__ import annotations

from sqlmodel import Session

from agentchat.errors import AgentChatError, ModelError
from agentchat.llm.base import ModelState
from agentchat.models import LIVE_MESSAGE, Message, MessageStatus, Model, Role, Run, RunStatus
from agentchat.store import messages, providers, threads
from agentchat.views import MessageView, ModelView, ThreadSummary, ThreadView

WINDOW = 50
"""How many messages a thread shows at first."""
MOST_THREADS = 500
"""How many threads the list shows."""


def thread_view(session: Session, thread_id: str, model_id: str, window: int) -> ThreadView:
    """A thread with its newest ``window`` messages and what is growing.

    Raises :class:`~agentchat.errors.ThreadNotFound`.
    """
    thread = threads.get(session, thread_id)
    found = messages.of_thread(session, thread_id, limit=window)
    first = next((n for n, message in enumerate(found) if message.status in LIVE_MESSAGE), None)
    settled, live = (found, []) if first is None else (found[:first], found[first:])
    runs = messages.live_runs(session, thread_id) if live else {}
    model = providers.get(session, model_id) if live else None
    return ThreadView(
        id=thread.id,
        title=thread.title,
        settled=tuple(_settled(message) for message in settled),
        live=tuple(
            _live(message, runs.get(message.run_id or ""), model, bool(place), session)
            if message.status in LIVE_MESSAGE
            else _settled(message)
            for place, message in enumerate(live)
        ),
        earlier=max(0, thread.length - len(found)),
    )


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


def message_view(message: Message, *, text: str | None = None, words: str = "") -> MessageView:
    """One message as a person sees it."""
    return MessageView(
        id=message.id,
        role=message.role,
        status=message.status,
        text=message.text if text is None else text,
        words=words,
        next_step=_next_step(message.error_kind) if message.status == "failed" else "",
        author=message.author,
        model=message.model,
        run_id=message.run_id or "",
        created_at=message.created_at.isoformat(),
    )


def _settled(message: Message) -> MessageView:
    words = ""
    if message.status == MessageStatus.STOPPED:
        words = f"Stopped by {message.stopped_by}"
    elif message.status == MessageStatus.FAILED:
        words = message.error or "The answer failed."
    elif message.error_kind == "length":
        words = "Cut off: the answer reached this model's length limit"
    elif message.role == Role.ASSISTANT and not message.text:
        words = "The model gave an empty answer"
    return message_view(message, words=words)


def _live(
    message: Message, run: Run | None, model: Model | None, behind: bool, session: Session
) -> MessageView:
    text = messages.text_so_far(session, message.id)
    return message_view(message, text=text, words=_words(run, model, behind, bool(text)))


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
