"""The guard: what a person may do. Every verb, live query, route and file asks it; what is not
allowed is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlmodel import Session

from agentchat.errors import (
    AskNotFound,
    MessageNotFound,
    NotAllowed,
    NotFound,
    RunNotFound,
    ThreadNotFound,
)
from agentchat.models import Ask, MemberRole, Run
from agentchat.paces import Deed, Paces
from agentchat.rights import Access, Right, is_visitor, may, role_of
from agentchat.store import access
from agentchat.store.access import Owned
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor

P = ParamSpec("P")
T = TypeVar("T")

_REFUSED: Final = {
    Right.WRITE: "You may read this thread, but not write in it. Ask its owner to let you.",
    Right.OWN: "Only the owner of this thread may do that.",
}
_GONE: Final = "{} has no account here any more, so this was not done."
_REVOKED: Final = "{} may not write in this thread any more, so this was not answered."
NOBODY: Final = "Log in first."
PRIVATE: Final = ("remember", "follow_up")
"""The workflows whose runs only the person they are for may look at: ``user_id`` in what they
were started with says who that is.
"""
OPERATOR: Final = "Only an administrator may do this."


class Guard:
    """Decides by rows, in the transaction or snapshot in which they count.

    ``everybody`` is an app that listens to its own machine alone and has no accounts: whoever
    reaches it may do everything, under a name. In others a person may do what costs something
    ``minute_most`` times a minute; 0 is no limit. Whoever may not even read something is told
    that it does not exist.
    """

    def __init__(
        self, now: Callable[[], datetime], *, everybody: bool, minute_most: int = 0
    ) -> None:
        self.everybody = everybody
        self._now = now
        self._paces = Paces(now, minute_most)

    def seen_as(self, actor: Actor) -> Actor:
        """By whom something is read for this person: all who may see everything share one."""
        return LOCAL if self.sees_all(actor) else actor

    def sees_all(self, actor: Actor) -> bool:
        """Whether this person may see and do everything."""
        return self.everybody or actor.admin

    def person(self, actor: Actor) -> None:
        """Raise NotAllowed unless this is somebody."""
        if not actor.id or not actor.name or is_visitor(actor):
            raise NotAllowed(NOBODY)

    def reader(self, actor: Actor) -> None:
        """Raise NotAllowed unless this is somebody, or came with a public link; those are of use
        only where people log in.
        """
        if self.everybody or not is_visitor(actor):
            self.person(actor)

    def operator(self, actor: Actor) -> None:
        """Raise NotAllowed unless this person looks after the app."""
        self.person(actor)
        if not self.sees_all(actor):
            raise NotAllowed(OPERATOR)

    def pace(self, actor: Actor, deed: Deed) -> None:
        """Count what costs money or others' attention; raises TooManyTries. Code that runs as the
        app itself, and an app without accounts, may do it as often as they like.
        """
        if not self.everybody and actor.id != LOCAL.id:
            self._paces.take(actor.id, deed)

    def own(self, actor: Actor, user_id: str, missing: Exception) -> None:
        """Raise ``missing`` unless something of ``user_id`` is this person's to see and change."""
        self.person(actor)
        if not (self.sees_all(actor) or actor.id == user_id):
            raise missing

    def access(self, source: Session | Tx, thread_id: str) -> Access:
        """Whom a thread is open to; raises ThreadNotFound."""
        return access.of_thread(source, thread_id)

    def role(self, found: Access, actor: Actor) -> MemberRole | None:
        """What this person is in a thread."""
        return MemberRole.OWNER if self.sees_all(actor) else role_of(found, actor, self._now())

    def thread(self, source: Session | Tx, thread_id: str, actor: Actor, right: Right) -> None:
        """Raise ThreadNotFound, or NotAllowed if the person may only read. What is deleted is there
        for nobody, though it can be had back.
        """
        if self._may_all(actor, right):
            access.check_not_deleted(source, thread_id)
            return
        found, now = self.access(source, thread_id), self._now()
        if may(found, actor, right, now):
            return
        if may(found, actor, Right.READ, now):
            raise NotAllowed(_REFUSED[right])
        raise ThreadNotFound

    def in_thread(
        self, unit: Callable[Concatenate[Tx, str, P], T], actor: Actor, right: Right
    ) -> Callable[Concatenate[Tx, str, P], T]:
        """``unit(tx, thread_id, ...)``, done only by whom the thread gives this right."""

        def checked(tx: Tx, thread_id: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self.thread(tx, thread_id, actor, right)
            return unit(tx, thread_id, *args, **kwargs)

        return checked

    def of_message(
        self, unit: Callable[Concatenate[Tx, str, P], T], actor: Actor, right: Right
    ) -> Callable[Concatenate[Tx, str, P], T]:
        """``unit(tx, message_id, ...)``, done only by whom its thread gives this right."""

        def checked(tx: Tx, message_id: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self.message(tx, message_id, actor, right)
            return unit(tx, message_id, *args, **kwargs)

        return checked

    def message(self, source: Session | Tx, message_id: str, actor: Actor, right: Right) -> None:
        """The same for the thread of a message; raises MessageNotFound."""
        may_all = self._may_all(actor, right)
        thread_id = access.thread_of_message(source, message_id)
        if thread_id is None and may_all:
            return
        if thread_id is None:
            raise MessageNotFound
        with _as(MessageNotFound):
            self.thread(source, thread_id, actor, right)

    def ask(self, source: Session | Tx, ask: Ask, actor: Actor) -> None:
        """Raise AskNotFound unless the person may see what is asked, and NotAllowed if they may
        not decide it.
        """
        with _as(AskNotFound):
            self.thread(source, ask.thread_id, actor, Right.WRITE)

    def run(self, source: Session | Tx, run: Run | Owned, actor: Actor, right: Right) -> None:
        """The same for a run, which belongs to its thread, else to whoever started it; raises
        RunNotFound. What is about what a person said is shown to nobody else.
        """
        if run.thread_id is not None:
            with _as(RunNotFound):
                self.thread(source, run.thread_id, actor, right)
        elif not self._may_all(actor, right) and actor.id != run.user_id:
            raise RunNotFound
        about = run.about if isinstance(run, Owned) else run.data.get("user_id", "")
        if run.workflow in PRIVATE and about not in ("", actor.id):
            raise NotAllowed

    def run_id(self, source: Session | Tx, run_id: str, actor: Actor, right: Right) -> None:
        """The same for the run of this id."""
        run = access.run_of(source, run_id)
        if self._may_all(actor, right) and self.everybody:
            if run is not None and run.thread_id is not None:
                with _as(RunNotFound):
                    access.check_not_deleted(source, run.thread_id)
            return
        if run is None:
            raise RunNotFound
        self.run(source, run, actor, right)

    def acting(self, source: Session | Tx, user_id: str, name: str) -> Actor:
        """The person for whom a run acts, with what they may do now; raises NotAllowed if they
        have no account any more.
        """
        if self.everybody:
            return Actor(user_id, name)
        if user_id == LOCAL.id:
            return Actor(user_id, name, admin=True)
        found = access.account(source, user_id)
        if found is None:
            raise NotAllowed(_GONE.format(name or "Whoever this is for"))
        return Actor(user_id, found.display_name, found.admin)

    def acting_in(self, source: Session | Tx, thread_id: str, user_id: str, name: str) -> Actor:
        """The same for what is done in a thread, in which they must be able to write."""
        actor = self.acting(source, user_id, name)
        try:
            if not self.everybody:
                self.thread(source, thread_id, actor, Right.WRITE)
        except (NotAllowed, ThreadNotFound):
            raise NotAllowed(_REVOKED.format(actor.name)) from None
        return actor

    def acting_for(self, source: Session | Tx, run: Run) -> Actor:
        """The person for whom this run acts; raises NotAllowed if it must not go on."""
        if run.thread_id is None:
            return self.acting(source, run.user_id, run.started_by)
        return self.acting_in(source, run.thread_id, run.user_id, run.started_by)

    def _may_all(self, actor: Actor, right: Right) -> bool:
        if right > Right.READ or not is_visitor(actor):
            self.person(actor)
        return self.sees_all(actor)


@contextmanager
def _as(error: type[NotFound]) -> Iterator[None]:
    """Say that something is missing by the name under which it was asked for."""
    try:
        yield
    except ThreadNotFound:
        raise error from None
