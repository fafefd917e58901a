"""The queries that pages and scripts follow: rows in, views out, each in one snapshot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.llm.base import ModelState
from agentchat.models import (
    LIVE_MESSAGE,
    OPEN_PART,
    Model,
    PartKind,
    Role,
    Run,
    Thread,
)
from agentchat.shown import variants as variant_views
from agentchat.shown.messages import live_view, settled_view
from agentchat.shown.parts import ask_view, file_view, part_view, part_with
from agentchat.store import attachments, branches, by_message, messages, providers, threads
from agentchat.store.messages import Growth
from agentchat.views import (
    AskView,
    FileView,
    MessageView,
    ModelView,
    PartView,
    ThreadView,
)

WINDOW = 50
"""How many messages a thread shows at first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A thread as it was last shown, and what of it need not be read again.

    By the ids of all messages that are shown, those of sub-agents too.
    """

    view: ThreadView
    messages: dict[str, MessageView] = field(default_factory=dict, compare=False)
    heads: dict[str, Row[Any]] = field(default_factory=dict, compare=False)
    """Their rows, without their texts."""
    parts: dict[str, list[_Part]] = field(default_factory=dict, compare=False)
    """Their parts, of those that were read: what is final of them is not read again."""
    growing: dict[str, Growth] = field(default_factory=dict, compare=False)
    """How far the growing ones were."""
    taken: dict[str, int] = field(default_factory=dict, compare=False)
    """How often the text of a growing one had become a part, and begun anew."""


class _Part(NamedTuple):
    """A part without what may be long, and as it is shown."""

    head: Row[Any]
    view: PartView


def thread_view(
    session: Session,
    last: Shown | None,
    thread_id: str,
    model_id: str,
    window: int,
    far: range = range(0),
) -> Shown:
    """A thread with its newest ``window`` messages and what is growing, and with those at the
    places that are ``far`` back. What is in ``last`` and cannot have changed is not read again.

    Raises :class:`~agentchat.errors.ThreadNotFound`.
    """
    thread, forks = branches.thread_with(session, thread_id)
    first = max(0, thread.length - window)
    heads = {row.id: row for row in branches.since(session, thread_id, first, far)}
    live = [row for row in heads.values() if row.status in LIVE_MESSAGE]
    model = providers.get(session, model_id) if live else None
    reading = _Reading(session, last or Shown(ThreadView(thread_id, "")), thread, model)
    reading.foremost = next((row.id for row in live if not row.hidden), "")
    found = reading.read(heads, dict.fromkeys(heads, thread_id))
    kept = variant_views.kept(heads.values(), found, forks, thread.branch)
    newest = next((n for n, one in enumerate(kept) if one.position >= first), len(kept))
    back, kept = kept[:newest], kept[newest:]
    unsettled = {row.id for row in live}
    settled = next((n for n, one in enumerate(kept) if one.id in unsettled), len(kept))
    hidden = max(0, thread.length - len(back) - len(kept))
    earlier = min(back[0].position, hidden) if back else hidden
    view = ThreadView(
        id=thread.id,
        title=thread.title,
        settled=kept[:settled],
        live=kept[settled:],
        others=variant_views.others(heads.values(), found),
        earlier=earlier,
        far=back,
        between=hidden - earlier,
        agent=thread.agent,
        model=thread.model,
        second_message=thread.second_message,
        parent_id=thread.parent_id or "",
    )
    return replace(reading.shown, view=view)


class _Reading:
    """Reads messages with all that belongs to them: those of the thread, then those of all
    sub-agents whom they asked, then those whom these asked, each in a few statements.
    """

    def __init__(self, session: Session, last: Shown, thread: Thread, model: Model | None) -> None:
        self.shown = Shown(last.view)
        self.foremost = ""
        """The message of the thread that is the first to be answered."""
        self._session = session
        self._last = last
        self._thread = thread
        self._model = model

    def read(
        self, heads: Mapping[str, Row[Any]], thread_of: Mapping[str, str]
    ) -> dict[str, MessageView]:
        """The messages with these heads; ``thread_of`` holds the threads that they are in."""
        kept = {
            message_id: self._last.messages[message_id]
            for message_id, row in heads.items()
            if row.status not in LIVE_MESSAGE and self._last.heads.get(message_id) == row
        }
        new = {message_id: thread_of[message_id] for message_id in heads if message_id not in kept}
        live = {message_id for message_id in new if heads[message_id].status in LIVE_MESSAGE}
        of = set(new.values())
        parts = self._parts(new)
        self.shown.heads.update(heads)
        self.shown.parts.update(parts)
        self._grow([heads[message_id] for message_id in live], of)
        texts = messages.texts(self._session, of, new.keys() - live)
        files = self._files([one for one in new if heads[one].role == Role.USER])
        answers = self._answers(kept, parts)
        whole = self._whole(parts, answers, of)
        for message_id, row in heads.items():
            done = whole.get(message_id, ())
            if message_id in kept:
                view = _with_answers(kept[message_id], answers)
            elif message_id in live:
                view = self._live(row, done, inner=thread_of[message_id] != self._thread.id)
            else:
                view = settled_view(row, texts[message_id], done, files.get(message_id, ()))
            self.shown.messages[message_id] = view
        return {message_id: self.shown.messages[message_id] for message_id in heads}

    def _whole(
        self,
        parts: Mapping[str, Collection[_Part]],
        answers: Mapping[str, MessageView],
        of: Collection[str],
    ) -> dict[str, tuple[PartView, ...]]:
        """The parts with what was asked in them and what sub-agents answered."""
        asks: dict[tuple[str, int], list[AskView]] = {}
        for rows in by_message.read(self._session, by_message.ASKS, of, parts.keys()).values():
            for row in rows:
                asks.setdefault((row.message_id, row.part), []).append(ask_view(row))
        return {
            message_id: tuple(
                part_with(
                    view,
                    tuple(asks.get((message_id, head.position), ())),
                    answers.get(head.child_id),
                )
                for head, view in rows
            )
            for message_id, rows in parts.items()
        }

    def _parts(self, thread_of: Mapping[str, str]) -> dict[str, list[_Part]]:
        """The parts of these messages, without asks and answers but for those they had."""
        session, of = self._session, set(thread_of.values())
        heads = by_message.read(session, by_message.PART_HEADS, of, thread_of.keys())
        known = {
            part.head: part.view
            for message_id in heads
            for part in self._last.parts.get(message_id, ())
            if part.head.status not in OPEN_PART
        }
        new = [head.id for rows in heads.values() for head in rows if head not in known]
        read = {
            row.id: part_view(row) for row in by_message.find(session, by_message.PARTS, of, new)
        }
        return {
            message_id: [_Part(head, known.get(head) or read[head.id]) for head in rows]
            for message_id, rows in heads.items()
        }

    def _grow(self, live: Collection[Row[Any]], of: Collection[str]) -> None:
        """Read how far the growing messages are."""
        before = {}
        for row in live:
            parts = self.shown.parts.get(row.id, ())
            self.shown.taken[row.id] = sum(one.head.kind == PartKind.TEXT for one in parts)
            before[row.id] = self._before(row)
        self.shown.growing.update(messages.growths(self._session, of, before))

    def _before(self, row: Row[Any]) -> Growth:
        """How far a message was, unless its text has begun anew since, or another run writes it."""
        last = self._last
        if row.id not in last.growing or last.heads[row.id].run_id != row.run_id:
            return Growth()
        if last.taken[row.id] != self.shown.taken[row.id]:
            return Growth()
        return last.growing[row.id]

    def _files(self, ids: Collection[str]) -> dict[str, tuple[FileView, ...]]:
        found = attachments.heads_of_messages(self._session, self._thread.id, ids)
        return {message_id: tuple(map(file_view, rows)) for message_id, rows in found.items()}

    def _answers(
        self, kept: Mapping[str, MessageView], parts: Mapping[str, Collection[_Part]]
    ) -> dict[str, MessageView]:
        """The answers of the sub-agents that these messages are about, by id. What they did for
        a message that is settled may be tried again or taken away.
        """
        inner = {
            part.answer.id: part.thread_id
            for message in kept.values()
            for part in message.parts
            if part.answer is not None
        }
        inner |= {
            part.head.child_id: part.view.thread_id
            for rows in parts.values()
            for part in rows
            if part.head.child_id is not None
        }
        if not inner:
            return {}
        heads = messages.heads(self._session, set(inner.values()), inner.keys())
        return self.read(heads, inner)

    def _live(self, row: Row[Any], parts: tuple[PartView, ...], *, inner: bool) -> MessageView:
        """A message that waits or grows; ``inner`` is that of a sub-agent."""
        growth, taken = self.shown.growing[row.id], self.shown.taken[row.id]
        run, model = self._runs.get(row.run_id or ""), None if inner else self._model
        behind = not inner and not row.hidden and row.id != self.foremost
        return live_view(row, growth, run, model, parts, taken, behind=behind)

    @cached_property
    def _runs(self) -> dict[str, Run]:
        """What is under way in the thread. Runs of sub-agents are those of the thread that they
        work for.
        """
        thread = self._thread
        while thread.parent_id:
            thread = threads.get(self._session, thread.parent_id)
        found: dict[str, Run] = {}
        for thread_id in {self._thread.id, thread.id}:
            found |= messages.live_runs(self._session, thread_id)
        return found


def _with_answers(message: MessageView, answers: Mapping[str, MessageView]) -> MessageView:
    """A settled message with the answers of sub-agents as they are now."""
    parts = tuple(
        part if part.answer is None else part_with(part, part.asks, answers.get(part.answer.id))
        for part in message.parts
    )
    same = all(now is before for now, before in zip(parts, message.parts, strict=True))
    return message if same else replace(message, parts=parts)


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
