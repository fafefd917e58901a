"""Something of everything that belongs to somebody, in a thread of Ann's and beside it, with words
planted in it by which it is found in what others are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, insert, text
from sqlmodel import Session, SQLModel

from agentchat.accounts.tokens import digest
from agentchat.agents.asking import hash_of
from agentchat.columns import table_of
from agentchat.durable.schedule_views import mark_of
from agentchat.models import (
    Ask,
    AskKind,
    AskStatus,
    Attachment,
    Audit,
    Branch,
    Delta,
    Event,
    Firing,
    Invitation,
    Log,
    Login,
    MemberRole,
    Memory,
    Message,
    MessageStatus,
    Part,
    PartKind,
    PartStatus,
    Presence,
    Rating,
    Returned,
    Role,
    Run,
    RunStatus,
    SavedView,
    Schedule,
    ShareLink,
    Spending,
    Step,
    Thread,
    ThreadMember,
    Upload,
    User,
)
from agentchat.store.memories import text_hash
from agentchat.store.writer import Tx
from tests.integration.people_stage import ANN, BOB, SECRET, VERA

ANNS = "quokka"
"""A word of what is Ann's, but in no thread: she and admins see it."""
PRIVATE = "axolotl"
"""A word of what nobody but Ann sees."""
WORDS = (SECRET, ANNS, PRIVATE)
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class World:
    """Names everything that is in it by ``number``; with ``written`` it is there."""

    number: int

    def __getattr__(self, name: str) -> str:
        return f"{name}-{self.number:05}"

    @property
    def token(self) -> str:
        """What opens the link that makes members."""
        return f"{self.number:05}".ljust(43, "t")

    @property
    def mark(self) -> str:
        """What the content of the schedule is known by."""
        return mark_of(self._schedule())

    def _schedule(self) -> Schedule:
        return Schedule(
            id=self.schedule,
            name=f"{ANNS} {self.number}",
            workflow="errand",
            data={},
            trigger="interval",
            spec="86400",
            jitter=0.0,
            created_by="Ann",
            user_id=ANN.id,
            next_at=NOW + timedelta(days=400),
            created_at=NOW,
        )

    def write(self, tx: Tx) -> None:
        """Make it."""
        # Nobody may have many of these.
        tx.execute(delete(SavedView))
        rows: defaultdict[Table, list[dict[str, Any]]] = defaultdict(list)
        for row in self._rows():
            table = table_of(type(row))
            values = {column.key: getattr(row, column.key) for column in table.columns}
            rows[table].append({k: v for k, v in values.items() if k != "id" or v is not None})
        for table in SQLModel.metadata.sorted_tables:
            if table in rows:
                tx.execute(insert(table), rows[table])

    def _rows(self) -> Iterable[SQLModel]:
        here = {"thread_id": self.thread}
        yield made(
            Thread,
            id=self.thread,
            owner_id=ANN.id,
            title=f"About {SECRET}",
            length=4,
            created_at=NOW,
            updated_at=NOW,
        )
        for person, role in ((BOB, MemberRole.MEMBER), (VERA, MemberRole.VIEWER)):
            about = {"user_id": person.id, "added_by": ANN.id, "added_at": NOW}
            yield made(ThreadMember, **here, role=role, **about)
        for link, public in ((self.link, False), (self.public, True)):
            yield made(
                ShareLink,
                **here,
                id=link,
                token_hash=digest(link if public else self.token),
                role=MemberRole.VIEWER if public else MemberRole.MEMBER,
                public=public,
                created_by=ANN.id,
                created_at=NOW,
            )
        yield made(
            Thread,
            id=self.sub,
            owner_id=ANN.id,
            title=SECRET,
            parent_id=self.thread,
            created_at=NOW,
            updated_at=NOW,
        )
        yield made(
            Thread,
            id=self.deleted,
            owner_id=ANN.id,
            title=ANNS,
            length=1,
            created_at=NOW,
            updated_at=NOW,
            deleted_at=NOW,
        )
        yield made(
            Presence,
            **here,
            id=self.tab,
            tab_id=self.tab,
            user_id=ANN.id,
            name=f"Ann {SECRET}",
            since=NOW,
            process="elsewhere:1:a",
        )
        yield from self._waiting()
        version = {"number": 1, "parent": 0, "position": 4}
        yield made(Branch, **here, **version, created_by="Ann", created_at=NOW)
        yield from self._messages(here)
        yield from self._runs(here)
        yield from self._own()

    def _waiting(self) -> Iterable[SQLModel]:
        """A thread in which a message of Ann's waits, and from which one was taken back."""
        about: dict[str, Any] = {"created_at": NOW, "updated_at": NOW}
        yield made(Thread, id=self.line, owner_id=ANN.id, title=SECRET, length=2, **about)
        here, own = {"thread_id": self.line}, {"user_id": ANN.id, "created_at": NOW}
        for person, role in ((BOB, MemberRole.MEMBER), (VERA, MemberRole.VIEWER)):
            about = {"user_id": person.id, "added_by": ANN.id, "added_at": NOW}
            yield made(ThreadMember, **here, role=role, **about)
        said = {"role": Role.USER, "status": MessageStatus.DONE, "text": SECRET}
        yield made(Message, id=self.queued, position=0, author="Ann", **said, **here, **own)
        answer = {"role": Role.ASSISTANT, "status": MessageStatus.PENDING, "author": "clerk"}
        run = {"run_id": self.next, **here}
        yield made(Message, id=self.pending, position=1, **answer, **run, **own)
        data = {**here, "message_id": self.pending, "position": 1, "agent": ""}
        queued = {"status": RunStatus.QUEUED, "key": self.line, "due_at": NOW}
        yield self._run(self.next, SECRET, workflow="reply", data=data, **here, **queued)
        words = {"text": PRIVATE, "taken_by": "Ann", "files": []}
        yield made(Returned, id=self.returned, **words, **here, **own)

    def _messages(self, here: dict[str, Any]) -> Iterable[SQLModel]:
        said = {**here, "role": Role.USER, "status": MessageStatus.DONE, "author": "Ann"}
        answer = {**here, "role": Role.ASSISTANT, "author": "clerk", "model": SECRET}
        over = {"text": SECRET, "user_id": ANN.id, "created_at": NOW, "finished_at": NOW}
        failed = {"status": MessageStatus.FAILED, "error": SECRET, "error_kind": "error"}
        done, running = {"status": MessageStatus.DONE}, {"status": MessageStatus.RUNNING}
        yield made(Message, id=self.said, position=0, **said, **over)
        yield made(Message, id=self.answer, position=1, run_id=self.run, **answer, **failed, **over)
        other = {"variant": 1, "hidden": True, **done}
        yield made(Message, id=self.other, position=1, run_id=self.old, **answer, **other, **over)
        yield made(Message, id=self.asked, position=2, **said, **over)
        over = {"user_id": ANN.id, "created_at": NOW}
        yield made(
            Message, id=self.live, position=3, run_id=self.asking, **answer, **running, **over
        )
        about = {**here, "message_id": self.live}
        yield made(
            Part,
            **about,
            run_id=self.asking,
            position=0,
            kind=PartKind.TOOL,
            status=PartStatus.ASKED,
            agent="clerk",
            name="pay",
            text=SECRET,
            input={"to": SECRET},
            started_at=NOW,
        )
        yield made(
            Ask,
            **about,
            id=self.ask,
            kind=AskKind.APPROVAL,
            status=AskStatus.OPEN,
            run_id=self.asking,
            part=0,
            agent="clerk",
            text=SECRET,
            tool="pay",
            input={"to": SECRET},
            input_hash=hash_of({"to": SECRET}),
            created_at=NOW,
        )
        yield made(
            Rating,
            **here,
            message_id=self.answer,
            user_id=ANN.id,
            good=False,
            reason=ANNS,
            created_at=NOW,
        )
        yield made(Delta, **about, attempt=1, text=SECRET, created_at=NOW)
        yield made(
            Attachment,
            **here,
            id=self.file,
            message_id=self.said,
            name=f"{SECRET}.txt",
            media_type="text/plain",
            size=8,
            content=SECRET.encode(),
            text=SECRET,
            created_at=NOW,
        )
        yield made(
            Upload,
            id=self.upload,
            user_id=ANN.id,
            name=f"{PRIVATE}.txt",
            media_type="text/plain",
            size=7,
            content=PRIVATE.encode(),
            text=PRIVATE,
            created_at=NOW,
        )
        yield made(
            Spending,
            **here,
            run_id=self.run,
            message_id=self.answer,
            user_id=ANN.id,
            agent="clerk",
            model=SECRET,
            outcome="done",
            input_tokens=7,
            created_at=NOW,
        )

    def _runs(self, here: dict[str, Any]) -> Iterable[SQLModel]:
        answers = {**here, "workflow": "reply", "agent": "clerk"}
        failed = {"status": RunStatus.FAILED, "error": SECRET, "finished_at": NOW}
        done = {"status": RunStatus.DONE, "finished_at": NOW}
        ids: dict[str, tuple[str, int, dict[str, Any]]] = {
            self.run: (self.answer, 1, failed),
            self.old: (self.other, 1, done),
            self.asking: (self.live, 3, {"status": RunStatus.WAITING}),
        }
        for run_id, (message_id, position, status) in ids.items():
            data = {**here, "message_id": message_id, "position": position, "agent": ""}
            yield self._run(run_id, SECRET, data=data, key=self.thread, **answers, **status)
        errand: dict[str, Any] = {"workflow": "errand", "data": {}}
        paused = {"status": RunStatus.PAUSED, "paused_by": "Ann"}
        yield self._run(self.paused, SECRET, **here, **errand, **paused)
        yield self._run(self.broken, SECRET, **here, **errand, **failed)
        yield self._run(self.errand, ANNS, **errand, **done)
        data = {"user_id": ANN.id, **here, "message_id": self.answer, "agent": ""}
        yield self._run(self.remembering, PRIVATE, workflow="remember", data=data, **done)
        data = {"action": "cancel", "run_ids": [self.errand], "user_id": ANN.id, "user": ANNS}
        data["since"] = NOW.isoformat()
        queued = {"status": RunStatus.QUEUED, "due_at": NOW}
        yield self._run(self.bulk, ANNS, workflow="bulk", data=data, **queued)

    def _run(self, run_id: str, word: str, **values: Any) -> Run:
        given: dict[str, Any] = {
            "user_id": ANN.id,
            "started_by": "Ann",
            "created_at": NOW,
            "due_at": None,
        }
        return Run(id=run_id, result={"told": word}, **(given | values))

    def _own(self) -> Iterable[SQLModel]:
        words = {self.run: SECRET, self.errand: ANNS, self.remembering: PRIVATE}
        for run_id, word in words.items():
            about = {"run_id": run_id, "attempt": 1}
            yield made(
                Step,
                **about,
                name="look",
                occurrence=0,
                args_hash="h",
                input=[word],
                result=word,
                worker="w",
                started_at=NOW,
                finished_at=NOW,
            )
            yield made(Log, **about, level="info", text=word, created_at=NOW)
            event = {"name": "heard", "key": run_id, "payload": word, "sent_by": word}
            yield made(Event, run_id=run_id, **event, created_at=NOW)
        # Admins see all that was done; nothing of it holds what is private.
        by = {"by_id": ANN.id, "created_at": NOW}
        yield made(Audit, kind="run", subject_id=self.run, action=SECRET, by="Ann", **by)
        for kind, subject in ("run", self.errand), ("schedule", self.schedule):
            yield made(Audit, kind=kind, subject_id=subject, action=ANNS, by="Ann", **by)
        yield self._schedule()
        fired = {"fired_at": NOW, "outcome": "asked", "run_id": self.errand, "asked_by": ANNS}
        yield made(Firing, schedule_id=self.schedule, due_at=NOW, **fired)
        yield made(
            Memory,
            id=self.memory,
            user_id=ANN.id,
            kind="fact",
            text=f"{PRIVATE} {self.number}",
            text_hash=text_hash(f"{PRIVATE} {self.number}"),
            thread_id=self.thread,
            created_at=NOW,
            updated_at=NOW,
        )
        name = f"{PRIVATE} {self.number}"
        yield made(SavedView, id=self.view, user_id=ANN.id, name=name, query="", created_at=NOW)
        yield made(
            Login,
            id=self.login,
            user_id=ANN.id,
            token_hash=digest(f"login {self.number}"),
            browser=PRIVATE,
            created_at=NOW,
            seen_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )
        yield made(
            User,
            id=self.person,
            name=self.person,
            display_name="Somebody else",
            password_hash="not a hash",
            created_at=NOW,
        )
        yield made(
            Invitation,
            id=self.invitation,
            token_hash=digest(f"invitation {self.number}"),
            kind="invite",
            created_by="user-ada",
            created_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )


def made(table: type[SQLModel], /, **values: Any) -> SQLModel:
    """A row."""
    return table(**values)


MOVING = ("audits", "login_tries", "processes", "models")
"""Tables that a refusal may add to, or that live by themselves."""


def everything(session: Session) -> dict[str, list[str]]:
    """All that is in the database, by table."""
    return {
        table.name: sorted(
            repr(tuple(row)) for row in session.execute(text(f"SELECT * FROM {table.name}"))
        )
        for table in SQLModel.metadata.sorted_tables
        if table.name not in MOVING
    }
