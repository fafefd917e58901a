"""A file of threads as rows of this app: checked, and with ids, people and rights of this one."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from agentchat.errors import InvalidInput
from agentchat.inputs import problems_of, storable
from agentchat.models import (
    LIVE_MESSAGE,
    OPEN_PART,
    MessageStatus,
    PartStatus,
    Role,
    SecondMessage,
)
from agentchat.store import memory_texts
from agentchat.store.transfers import Made
from agentchat.transfer.foreign import threads_of
from agentchat.transfer.form import FORMAT, MessageHeld, PartHeld, Remarks, ThreadFile
from agentchat.verbs.branch_paths import FIRST, Fork, Stretch, path
from agentchat.verbs.files import NewFile
from agentchat.views import Actor

MOST_BYTES: Final = 100_000_000
"""The most bytes of a file that is taken in."""
MOST_THREADS: Final = 2_000
MOST_IN_ALL: Final = 100_000
"""The most messages of all threads of a file."""
JOINED: Final = "imported"
"""Stands for the run that a message joined: it is not here."""
_DAMAGED: Final = "This file is damaged: {}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Threads that are to be made, and what of the file has no place in them, counted."""

    threads: Sequence[ThreadFile]
    left_out: Counter[str] = field(default_factory=Counter)


def read_file(content: bytes, now: datetime) -> Wanted:
    """The threads in a file of this app, or in one that ChatGPT or Claude exported. All of it is
    looked at before anything is made; raises :class:`~agentchat.errors.InvalidInput`.
    """
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"A file of threads has {MOST_BYTES / 1e6:,.0f} MB at most.")
    try:
        found = _storable(json.loads(content))
    except (ValueError, RecursionError):
        raise InvalidInput("This is no file of threads: it is not JSON.") from None
    left_out: Counter[str] = Counter()
    if isinstance(found, dict) and "format" in found:
        threads = [_of_ours(found)]
    elif isinstance(found, list):
        if len(found) > MOST_THREADS:
            raise InvalidInput(f"A file holds {MOST_THREADS:,} threads at most. Split it.")
        threads = [one for one in threads_of(found, now, left_out) if one.messages]
        left_out["empty conversations"] = len(found) - len(threads)
    else:
        raise InvalidInput("This is no file of threads that is known here.")
    if sum(len(one.messages) for one in threads) > MOST_IN_ALL:
        raise InvalidInput(f"A file holds {MOST_IN_ALL:,} messages at most. Split it.")
    for one in threads:
        _check(one)
    return Wanted(threads, +left_out)


def _of_ours(found: dict[str, Any]) -> ThreadFile:
    if found["format"] != FORMAT:
        raise InvalidInput(f"This file is {str(found['format'])[:60]!r}; {FORMAT} is known here.")
    try:
        return ThreadFile.model_validate(found)
    except ValidationError as error:
        raise InvalidInput(_DAMAGED.format(problems_of(error)[:300])) from None
    except RecursionError:
        raise InvalidInput(_DAMAGED.format("it is nested too deep.")) from None


def _check(file: ThreadFile) -> None:
    """Raise InvalidInput unless each way through the thread is whole."""
    forks = _forks(file)
    if file.thread.branch != FIRST and file.thread.branch not in forks:
        raise InvalidInput(_DAMAGED.format("the version that it shows is not in it."))
    kept: Counter[tuple[int, int]] = Counter()
    for one in file.messages:
        if one.branch != FIRST and one.branch not in forks:
            raise InvalidInput(_DAMAGED.format(f"message {one.id!r} is of no version of it."))
        kept[one.branch, one.position] += one.kept
    for name in ("id", "place"):
        found = [one.id if name == "id" else (one.position, one.variant) for one in file.messages]
        if len(set(found)) != len(found):
            raise InvalidInput(_DAMAGED.format(f"two messages have the same {name}."))
    if any(number != 1 for number in kept.values()):
        raise InvalidInput(_DAMAGED.format("of several answers one has to be kept."))
    for branch in (FIRST, *forks):
        _check_whole(path(forks, branch), set(kept))


def _forks(file: ThreadFile) -> dict[int, Fork]:
    forks = {one.number: Fork(one.parent, one.position) for one in file.branches}
    if len(forks) != len(file.branches):
        raise InvalidInput(_DAMAGED.format("two versions have the same number."))
    for number, fork in forks.items():
        # Older ones have lower numbers: so there is no circle.
        known = fork.parent == FIRST or (fork.parent in forks and fork.parent < number)
        if not known or (fork.parent and forks[fork.parent].position >= fork.position):
            raise InvalidInput(_DAMAGED.format(f"version {number} begins nowhere."))
    return forks


def _check_whole(stretches: Sequence[Stretch], places: set[tuple[int, int]]) -> None:
    *before, last = stretches
    for stretch in before:
        end = stretch.first if stretch.end is None else stretch.end
        if any((stretch.branch, at) not in places for at in range(stretch.first, end)):
            raise InvalidInput(_DAMAGED.format("messages are missing in it."))
    own = sorted(at for branch, at in places if branch == last.branch)
    if own != list(range(last.first, last.first + len(own))):
        raise InvalidInput(_DAMAGED.format("messages are missing in it."))


def made_of(
    file: ThreadFile,
    files: dict[str, tuple[NewFile, ...]],
    by: Actor,
    agents: Sequence[str],
    now: datetime,
) -> Made:
    """The rows of a new thread of this person's; ``files`` are those of its messages, checked, by
    the ids in the file. What this person said is theirs by the name under which it was said.
    """
    thread_id = uuid.uuid4().hex
    new_ids = {one.id: uuid.uuid4().hex for one in file.messages}
    forks, parts, sent = _forks(file), [], []
    shown = path(forks, file.thread.branch)
    said = []
    for one in file.messages:
        on_path = any(
            stretch.branch == one.branch
            and stretch.first <= one.position
            and (stretch.end is None or one.position < stretch.end)
            for stretch in shown
        )
        own = {"id": new_ids[one.id], "thread_id": thread_id}
        said.append(_message(one, by, now) | own | _seen(one.kept, on_path))
        about = {"message_id": new_ids[one.id], "thread_id": thread_id}
        parts += [
            _part(part, new_ids, now) | about | {"position": at}
            for at, part in enumerate(_told(one.parts))
        ]
        sent += [
            {**one_file.row(), **about, "position": at, "created_at": now}
            for at, one_file in enumerate(files.get(one.id, ()))
        ]
    length = 1 + max((row["position"] for row in said if not row["hidden"]), default=-1)
    branches = [
        one.model_dump() | {"thread_id": thread_id, "created_at": _past(one.created_at, now)}
        for one in file.branches
    ]
    thread = {
        **{"id": thread_id, "owner_id": by.id, "title": file.thread.title[:120]},
        **{"titled_by": "person" if file.thread.title else "", "length": length, "state": {}},
        **{"branch": file.thread.branch, "second_message": SecondMessage.QUEUE},
        "agent": file.thread.agent if file.thread.agent in agents else "",
        # Among the others it stands where it was used last.
        **{"created_at": (began := _past(file.thread.created_at, now))},
        "updated_at": max([began, *(row["created_at"] for row in said if not row["hidden"])]),
    }
    return Made(thread, branches, said, parts, sent)


def _seen(kept: bool, on_path: bool) -> dict[str, bool]:
    return {"hidden": not (kept and on_path), "shelved": kept and not on_path}


def _message(one: MessageHeld, by: Actor, now: datetime) -> dict[str, Any]:
    mine = one.role == Role.USER and one.author in ("", by.name)
    person = one.role == Role.USER
    status = MessageStatus.STOPPED if one.status in LIVE_MESSAGE else one.status
    at = _past(one.created_at, now)
    return {
        "position": one.position,
        "variant": one.variant,
        "branch": one.branch,
        "kept_at": None if one.kept_at is None else _past(one.kept_at, now),
        "kept_by": one.kept_by,
        "role": one.role,
        "status": MessageStatus.DONE if person else status,
        "text": one.text,
        "author": by.name if mine else one.author,
        "user_id": by.id if mine else "",
        "joins": JOINED if one.joins and person else None,
        "joined_at": at if one.joined and one.joins and person else None,
        "model": one.model,
        "run_id": None,
        "error_kind": one.error_kind,
        "error": one.error,
        "stopped_by": one.stopped_by,
        "created_at": at,
        "finished_at": at if one.finished_at is None else _past(one.finished_at, now),
    }


def _told(parts: Sequence[PartHeld]) -> list[PartHeld]:
    """Without what says that something was remembered: it could not be forgotten any more."""
    return [one for one in parts if not memory_texts.tells(one.kind, one.name, one.data)]


def _part(one: PartHeld, new_ids: dict[str, str], now: datetime) -> dict[str, Any]:
    data = {name: value for name, value in one.data.items() if name in Remarks.model_fields}
    if "message_id" in data:
        data["message_id"] = new_ids.get(data["message_id"], "")
    began = now if one.started_at is None else _past(one.started_at, now)
    return {
        "run_id": "",
        "kind": one.kind,
        "status": PartStatus.INTERRUPTED if one.status in OPEN_PART else one.status,
        "agent": one.agent[:64],
        "name": one.name,
        "call_id": one.call_id,
        "text": one.text,
        "input": one.input,
        "round": one.round,
        "data": data,
        "child_id": None,
        "step": "",
        "started_at": began,
        "finished_at": None if one.finished_at is None else _past(one.finished_at, now),
    }


def _storable(value: Any) -> Any:
    """A value of JSON with every text as databases can store it."""
    match value:
        case str():
            return storable(value)
        case list():
            return [_storable(one) for one in value]
        case dict():
            return {storable(name): _storable(one) for name, one in value.items()}
    return value


def _past(at: datetime, now: datetime) -> datetime:
    return min(at, now)
