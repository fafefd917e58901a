"""Branches: the ways that a thread went. One is shown; the messages of the others are hidden."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.errors import ThreadNotFound, WrongState
from agentchat.models import LIVE_MESSAGE, Branch, Message, Thread, ThreadMark
from agentchat.store import by_message, messages, summaries
from agentchat.store.changes import rows
from agentchat.store.writer import Tx
from agentchat.verbs.branch_paths import Fork, Forks, parting, path

_BRANCHES, _MESSAGES, _THREADS = table_of(Branch), table_of(Message), table_of(Thread)
_MARKS = table_of(ThreadMark)
NOT_SHOWN = (
    "This is in a version of the thread that is not shown now. Go back to that version first."
)


def of_thread(source: Session | Tx, thread_id: str) -> Forks:
    """The branches of a thread."""
    query = select(_BRANCHES.c.number, _BRANCHES.c.parent, _BRANCHES.c.position)
    found = source.execute(query.where(_BRANCHES.c.thread_id == thread_id)).all()
    return {number: Fork(parent, position) for number, parent, position in found}


def thread_with(session: Session, thread_id: str) -> tuple[Thread, Forks]:
    """A thread with its branches, in one statement; raises ThreadNotFound."""
    reads = rows("threads", {"id": thread_id}), rows("branches", {"thread_id": thread_id})
    with by_message.telling(session, reads):
        found = session.execute(_WITH_BRANCHES, {"thread_id": thread_id}).all()
    if not found or found[0].deleted_at is not None:
        raise ThreadNotFound
    thread = Thread(**{name: getattr(found[0], name) for name in _SHOWN})
    forks = {row.number: Fork(row.fork_parent, row.fork_position) for row in found}
    forks.pop(None, None)
    return thread, forks


_SHOWN = (
    *("id", "owner_id", "title", "length", "branch", "agent", "model", "second_message"),
    *("parent_id", "parent_message_id", "created_at", "updated_at", "deleted_at"),
)
_WITH_BRANCHES = (
    select(
        *(_THREADS.c[name] for name in _SHOWN),
        _BRANCHES.c.number,
        _BRANCHES.c.parent.label("fork_parent"),
        _BRANCHES.c.position.label("fork_position"),
    )
    .outerjoin_from(_THREADS, _BRANCHES, _BRANCHES.c.thread_id == _THREADS.c.id)
    .where(_THREADS.c.id == bindparam("thread_id"))
)


def add_at_end(tx: Tx, thread: Thread, *rows_: dict[str, Any]) -> None:
    """Add messages, given by column, to the end of what a thread shows; the caller holds it.

    The places may be taken already, by messages of branches that are not shown: each has a number
    of its own.
    """
    there = select(_MESSAGES.c.position, func.max(_MESSAGES.c.variant)).where(
        _MESSAGES.c.thread_id == thread.id, _MESSAGES.c.position >= thread.length
    )
    last = {position: number for position, number in tx.execute(there.group_by("position"))}
    own = [{"branch": thread.branch, "variant": last.get(row["position"], -1) + 1} for row in rows_]
    messages.add(tx, *(row | more for row, more in zip(rows_, own, strict=True)))


def begin(tx: Tx, thread: Thread, fork: Fork, number: int, *, by: str, now: datetime) -> None:
    """Add a branch, on which nothing is said as yet; the caller holds the thread."""
    row = {"number": number, "parent": fork.parent, "position": fork.position}
    about = {"thread_id": thread.id, "created_by": by, "created_at": now}
    tx.execute(insert(_BRANCHES), row | about)


def show(tx: Tx, thread: Thread, forks: Forks, branch: int, *, now: datetime) -> None:
    """Let a thread show a branch instead of the one that it shows. The caller holds the thread,
    and nothing is under way that is hidden by it.
    """
    there = path(forks, branch)
    first = parting(path(forks, thread.branch), there)
    if first is None:
        return
    mine = _MESSAGES.c.thread_id == thread.id
    about = rows("messages", {"thread_id": thread.id})
    change = update(_MESSAGES).where(mine, _MESSAGES.c.position >= first)
    seen = change.where(_MESSAGES.c.hidden.is_(False))
    # What waits to steer an answer further up is not what anybody says any more.
    waiting = seen.where(_MESSAGES.c.joins.is_not(None), _MESSAGES.c.joined_at.is_(None))
    tx.execute(waiting.values(joins=None), about=about)
    tx.execute(seen.values(hidden=True, shelved=True), about=about)
    for stretch in there:
        own = change.where(
            _MESSAGES.c.branch == stretch.branch,
            _MESSAGES.c.position >= stretch.first,
            _MESSAGES.c.shelved,
        )
        if stretch.end is not None:
            own = own.where(_MESSAGES.c.position < stretch.end)
        tx.execute(own.values(hidden=False, shelved=False), about=about)
    last = select(func.max(_MESSAGES.c.position)).where(mine, _MESSAGES.c.hidden.is_(False))
    length = tx.execute(last).scalar()
    thread.branch, thread.length = branch, 0 if length is None else length + 1
    values = {"branch": branch, "length": thread.length, "updated_at": now}
    tx.execute(update(_THREADS).where(_THREADS.c.id == thread.id).values(values))
    # They tell of what was shown before.
    summaries.delete_from(tx, thread.id, first)
    unread = update(_MARKS).where(_MARKS.c.thread_id == thread.id, _MARKS.c.read_to > first)
    tx.execute(unread.values(read_to=first))


def under_way(tx: Tx, thread_id: str, first: int) -> bool:
    """Whether an answer waits or grows at this place, or after it."""
    live = select(_MESSAGES.c.id).where(
        _MESSAGES.c.thread_id == thread_id,
        _MESSAGES.c.position >= first,
        _MESSAGES.c.status.in_(LIVE_MESSAGE),
    )
    return tx.execute(live.limit(1)).first() is not None


def check_shown(tx: Tx, message: Message) -> None:
    """Raise :class:`~agentchat.errors.WrongState` for a message of a branch that is not shown;
    the caller holds the thread.
    """
    seen = select(_MESSAGES.c.id).where(
        _MESSAGES.c.thread_id == message.thread_id,
        _MESSAGES.c.position == message.position,
        _MESSAGES.c.branch == message.branch,
        _MESSAGES.c.hidden.is_(False),
    )
    if tx.execute(seen.limit(1)).first() is None:
        raise WrongState(NOT_SHOWN)


def since(session: Session, thread_id: str, position: int, far: range = range(0)) -> list[Any]:
    """The messages that a thread shows from a position on without their text, oldest first, with
    those beside them that are not kept; before them those that are ``far`` back. What is settled
    has another text only if something else here is another, too. Messages of branches that are not
    shown are not read.
    """
    about = {"thread_id": thread_id, "first": position}
    end = min(far.stop, position)
    stretch = {"thread_id": thread_id, "first": far.start, "end": end}
    with by_message.telling(session, [rows("messages", {"thread_id": thread_id})]):
        before = session.execute(_BETWEEN, stretch).all() if far.start < end else ()
        return [*before, *session.execute(_SINCE, about).all()]


_KEPT = _MESSAGES.alias("kept")
_SINCE = (
    select(*messages.HEADS)
    .join_from(
        _KEPT,
        _MESSAGES,
        and_(
            _MESSAGES.c.thread_id == _KEPT.c.thread_id,
            _MESSAGES.c.position == _KEPT.c.position,
            _MESSAGES.c.branch == _KEPT.c.branch,
        ),
    )
    .where(
        _KEPT.c.thread_id == bindparam("thread_id"),
        _KEPT.c.position >= bindparam("first"),
        _KEPT.c.hidden.is_(False),
    )
    .order_by(_MESSAGES.c.position, _MESSAGES.c.variant)
)

_BETWEEN = _SINCE.where(_KEPT.c.position < bindparam("end"))


def of_message(session: Session, message_id: str) -> tuple[str, int, bool, int] | None:
    """In which thread a message is, how many places come after its own, whether that is shown, and
    its place; None if there is no such message.
    """
    beside = (
        (_KEPT.c.thread_id == _MESSAGES.c.thread_id)
        & (_KEPT.c.position == _MESSAGES.c.position)
        & (_KEPT.c.branch == _MESSAGES.c.branch)
    )
    seen = select(_KEPT.c.id).where(beside, _KEPT.c.hidden.is_(False)).exists()
    after = _THREADS.c.length - 1 - _MESSAGES.c.position
    query = select(_MESSAGES.c.thread_id, after, seen, _MESSAGES.c.position).join_from(
        _MESSAGES, _THREADS, _THREADS.c.id == _MESSAGES.c.thread_id
    )
    found = session.execute(query.where(_MESSAGES.c.id == message_id)).first()
    return None if found is None else (found[0], found[1], bool(found[2]), found[3])


def delete_of_thread(tx: Tx, thread_id: str) -> None:
    """Remove those of a thread."""
    tx.execute(_BRANCHES.delete().where(_BRANCHES.c.thread_id == thread_id))
