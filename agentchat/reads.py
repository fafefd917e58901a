"""The queries that pages and scripts follow: rows in, views out, each in one snapshot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.errors import AgentChatError, ModelError
from agentchat.llm.base import ModelState
from agentchat.models import (
    LIVE_MESSAGE,
    Message,
    MessageStatus,
    Model,
    PartKind,
    Role,
    Run,
    RunStatus,
    Thread,
)
from agentchat.part_views import ask_view, file_view, part_view, words_of
from agentchat.store import asks, attachments, messages, parts, providers, threads
from agentchat.store.messages import Growth
from agentchat.views import (
    AskView,
    FileView,
    MessageView,
    ModelView,
    PartView,
    ThreadSummary,
    ThreadView,
)

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
    taken: dict[str, int] = field(compare=False)
    """How often the text of a growing one had become a part, and begun anew, by id."""


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
    new = heads.keys() - kept.keys()
    texts = messages.texts(session, new - set(live_ids))
    more = _More(session, last, thread_id, new)
    more.works_for(_root(session, thread))
    for message_id in live_ids:
        more.grow(heads[message_id])
    model = providers.get(session, model_id) if live_ids else None
    found = [
        kept.get(row.id)
        or (
            more.live(row, model, behind=row.id != live_ids[0])
            if row.id in more.growing
            else more.settled(row, texts[row.id])
        )
        for row in heads.values()
    ]
    first = next((n for n, message in enumerate(found) if message.id in more.growing), len(found))
    view = ThreadView(
        id=thread.id,
        title=thread.title,
        settled=tuple(found[:first]),
        live=tuple(found[first:]),
        earlier=max(0, thread.length - len(found)),
        agent=thread.agent,
        second_message=thread.second_message,
        parent_id=thread.parent_id or "",
    )
    return Shown(view, heads | more.heads, more.growing, more.taken)


class _More:
    """What belongs to messages of a thread beside their text."""

    def __init__(
        self, session: Session, last: Shown | None, thread_id: str, ids: Collection[str]
    ) -> None:
        self.growing: dict[str, Growth] = {}
        """How far the growing messages are, those of sub-agents too, by id."""
        self.taken: dict[str, int] = {}
        """How often their texts have become parts, by id."""
        self.heads: dict[str, Row[Any]] = {}
        """The rows of the messages of sub-agents, by id."""
        self._session = session
        self._last = last
        self._runs: dict[str, Run] | None = None
        self._threads = {thread_id}
        self._parts = parts.of_messages(session, thread_id, ids)
        self._asks = asks.of_messages(session, thread_id, list(self._parts))
        self._files = attachments.heads_of_messages(session, thread_id, ids)

    def works_for(self, root_id: str) -> None:
        """Sub-agents' runs are those of the thread that they work for."""
        self._threads.add(root_id)

    def grow(self, row: Row[Any]) -> None:
        """Read how far a growing message is."""
        texts = [one for one in self._parts.get(row.id, ()) if one.kind == PartKind.TEXT]
        self.taken[row.id] = len(texts)
        before = _before(self._last, row, len(texts))
        self.growing[row.id] = messages.growth(self._session, row.id, before)

    def settled(self, row: Row[Any], text: str) -> MessageView:
        """A message that will not change any more."""
        return _settled(row, text, self._views(row.id), self._file_views(row.id))

    def live(self, row: Row[Any], model: Model | None, *, behind: bool = False) -> MessageView:
        """A message that waits or grows."""
        if self._runs is None:
            self._runs = {}
            for thread_id in self._threads:
                self._runs |= messages.live_runs(self._session, thread_id)
        run, views = self._runs.get(row.run_id or ""), self._views(row.id)
        growth, taken = self.growing[row.id], self.taken[row.id]
        return _live(row, growth, run, model, views, taken, behind=behind)

    def _file_views(self, message_id: str) -> tuple[FileView, ...]:
        return tuple(file_view(row) for row in self._files.get(message_id, ()))

    def _views(self, message_id: str) -> tuple[PartView, ...]:
        asked: dict[int, AskView] = {
            row.part: ask_view(row) for row in self._asks.get(message_id, ())
        }
        return tuple(
            part_view(row, asked.get(row.position), self._child(row))
            for row in self._parts.get(message_id, ())
        )

    def _child(self, part: Row[Any]) -> MessageView | None:
        """The answer of the sub-agent that a part is about."""
        if part.kind != PartKind.AGENT or part.child_id is None:
            return None
        session, thread_id = self._session, part.data["thread_id"]
        row = messages.head(session, thread_id, part.child_id)
        if row is None:
            return None
        self.heads[row.id] = row
        inner = _More(session, self._last, thread_id, [row.id])
        inner._threads, inner._runs = self._threads, self._runs
        if row.status in LIVE_MESSAGE:
            inner.grow(row)
            view = inner.live(row, None)
            self._runs = inner._runs
        else:
            view = inner.settled(row, messages.texts(session, [row.id])[row.id])
        self.growing |= inner.growing
        self.taken |= inner.taken
        self.heads |= inner.heads
        return view


def _root(session: Session, thread: Thread) -> str:
    while thread.parent_id:
        thread = threads.get(session, thread.parent_id)
    return thread.id


def _before(last: Shown | None, row: Row[Any], taken: int) -> Growth:
    """How far a message was, unless its text has begun anew since, or another run writes it."""
    if last is None or row.id not in last.growing or last.heads[row.id].run_id != row.run_id:
        return Growth()
    if last.taken[row.id] != taken:
        return Growth()
    return last.growing[row.id]


def thread_list(session: Session) -> tuple[ThreadSummary, ...]:
    """The threads, most recently used first."""
    running, asking = threads.running(session), threads.asking(session)
    return tuple(
        ThreadSummary(
            thread.id, thread.title, thread.updated_at, thread.id in running, thread.id in asking
        )
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
    message: Message | Row[Any],
    text: str,
    *,
    words: str = "",
    revision: int = 0,
    parts: tuple[PartView, ...] = (),
    files: tuple[FileView, ...] = (),
) -> MessageView:
    """One message as a person sees it."""
    return MessageView(
        id=message.id,
        role=message.role,
        status=message.status,
        text=text,
        position=message.position,
        revision=revision,
        parts=parts,
        files=files,
        joins=message.joins is not None,
        words=words,
        next_step=_next_step(message.error_kind) if message.status == "failed" else "",
        author=message.author,
        model=message.model,
        run_id=message.run_id or "",
        created_at=message.created_at.isoformat(),
    )


def _settled(
    message: Row[Any],
    text: str,
    parts: tuple[PartView, ...],
    files: tuple[FileView, ...],
) -> MessageView:
    words = ""
    if message.error_kind == "replaced":
        words = f"{message.stopped_by} sent another message instead"
    elif message.status == MessageStatus.STOPPED:
        words = f"Stopped by {message.stopped_by}"
    elif message.status == MessageStatus.FAILED:
        words = message.error or "The answer failed."
    elif message.error_kind == "length":
        words = "Cut off: the answer reached this model's length limit"
    elif message.role == Role.ASSISTANT and not text:
        words = "The model gave an empty answer"
    return message_view(message, text, words=words, parts=parts, files=files)


def _live(
    message: Row[Any],
    growth: Growth,
    run: Run | None,
    model: Model | None,
    parts: tuple[PartView, ...],
    taken: int,
    *,
    behind: bool,
) -> MessageView:
    words = _words(run, model, behind, bool(growth.text), words_of(parts))
    # What was said before a call is a part of its own.
    revision = taken * 1_000_000 + growth.revision
    return message_view(message, growth.text, words=words, revision=revision, parts=parts)


def _words(run: Run | None, model: Model | None, behind: bool, has_text: bool, doing: str) -> str:
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
    if doing:
        return doing
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
