"""Sharing: with whom a thread is shared, as what, and links that let people in."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.accounts.names import spelled_name
from agentchat.accounts.tokens import digest, is_token, new_token
from agentchat.durable.clock import Clock
from agentchat.errors import InvalidInput, NotAllowed, NotFound, ThreadNotFound, WrongState
from agentchat.guard import Guard
from agentchat.inputs import checked_id, storable
from agentchat.models import MemberRole, Thread
from agentchat.rights import Right, gives, visitor
from agentchat.shown.shares import (
    SOMEBODY,
    LinkView,
    MemberView,
    Visit,
    link_view,
    links_of,
    members_of,
)
from agentchat.store import access, audits, members, presences, share_links, threads, users
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.verbs.losing import Losing
from agentchat.views import LOCAL, Actor

MOST_MEMBERS = 200
"""With how many people a thread may be shared."""
MOST_LINKS = 20
"""How many links may lead into a thread at a time."""
MOST_HOURS: Final = 24 * 3_660
_NO_PERSON = "Nobody of this name has an account here."
_NO_LINK = "This link is good for nothing any more: it was revoked, or is too old."
_NOT_PUBLIC = (
    "Links that anybody may read with are off here. Whoever runs the app can set"
    " AGENTCHAT_PUBLIC_LINKS=true."
)
_SUB = "Here an agent works for another thread. Share that one: whoever may read it reads this."


class _New(NamedTuple):
    """A link about to be made."""

    id: str
    token: str
    role: MemberRole
    public: bool
    expires_at: datetime | None


class Sharing:
    """With whom threads are shared: ``chat.sharing``.

    The owner shares, and administrators; whoever may read a thread sees with whom it is shared.
    Each verb takes effect in one transaction, in which it is written to the audits; pressed twice
    it has one effect; a person shares only so often a minute. All raise
    :class:`~agentchat.errors.ThreadNotFound` for whom the thread is not open to, and
    :class:`~agentchat.errors.NotAllowed` for whom it is, but not for this.
    Sub-agents' threads are open to whom the thread is that they work for.
    """

    def __init__(
        self, database: Database, clock: Clock, guard: Guard, losing: Losing, *, public_links: bool
    ) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard
        self._losing = losing
        self.public_links = public_links and not guard.everybody
        """Whether there are links with which anybody reads."""

    # People

    async def members(self, thread_id: str, *, actor: Actor = LOCAL) -> tuple[MemberView, ...]:
        """The owner of a thread, then with whom it is shared, in the order in which they came."""
        self._guard.person(actor)
        return await self._database.read(members_of, checked_id(thread_id), self._guard, actor)

    def follow_members(
        self, thread_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[MemberView, ...], None]:
        """Yield what :meth:`members` gives, now and whenever it changes; raises ThreadNotFound
        also when the thread is not open to the actor any more.
        """
        self._guard.person(actor)
        seen_as = self._guard.seen_as(actor)
        return self._database.live.follow(members_of, checked_id(thread_id), self._guard, seen_as)

    async def add(
        self, thread_id: str, who: str, role: MemberRole | str, *, actor: Actor = LOCAL
    ) -> None:
        """Share a thread with a person, by the name they log in with or their id, as a viewer or a
        member; with whom it is shared already, they become that.

        Raises NotFound in the same words for a person who is unknown and one who cannot log in,
        and InvalidInput for too many people.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "share")
        role = _checked_role(role)

        def add(tx: Tx, thread: Thread, now: datetime) -> None:
            user_id = _person(tx, who)
            if user_id == thread.owner_id:
                raise InvalidInput("The thread is theirs already.")
            if self._put(tx, thread.id, user_id, role, actor, now):
                self._note(tx, thread.id, "add member", actor, now, person=user_id, role=role)

        await self._change(thread_id, actor, add)

    async def change_role(
        self, thread_id: str, user_id: str, role: MemberRole | str, *, actor: Actor = LOCAL
    ) -> None:
        """Make a member a viewer, or a viewer a member; it counts at once, in all that is open.

        Raises NotFound for whom the thread is not shared with.
        """
        self._guard.person(actor)
        role = _checked_role(role)

        def change(tx: Tx, thread: Thread, now: datetime) -> None:
            known = members.role_of(tx, thread.id, user_id)
            if known is None:
                raise NotFound("The thread is not shared with this person.")
            if known != role:
                members.change(tx, thread.id, user_id, role)
                self._note(tx, thread.id, "change role", actor, now, person=user_id, role=role)

        await self._change(thread_id, actor, change)

    async def remove(self, thread_id: str, user_id: str, *, actor: Actor = LOCAL) -> None:
        """Share a thread with a person no more; what they have open of it ends at once, and so do
        the answers that are being written for them there.
        """
        self._guard.person(actor)

        def remove(tx: Tx, thread: Thread, now: datetime) -> None:
            if user_id == thread.owner_id:
                raise WrongState("The thread is theirs. Hand it over to somebody else first.")
            if _end(tx, thread.id, user_id):
                self._note(tx, thread.id, "remove member", actor, now, person=user_id)
                self._lost(tx, thread.id, user_id, actor, now)

        await self._change(thread_id, actor, remove)

    async def leave(self, thread_id: str, *, actor: Actor = LOCAL) -> None:
        """Have a thread shared with oneself no more: ends what :meth:`remove` does. Raises
        WrongState for its owner.
        """
        self._guard.person(actor)

        def leave(tx: Tx, thread: Thread, now: datetime) -> None:
            if actor.id == thread.owner_id:
                raise WrongState("The thread is yours. Hand it over to somebody else first.")
            if _end(tx, thread.id, actor.id):
                self._note(tx, thread.id, "leave", actor, now)
                self._lost(tx, thread.id, actor.id, actor, now)

        await self._change(thread_id, actor, leave, Right.READ)

    async def hand_over(self, thread_id: str, user_id: str, *, actor: Actor = LOCAL) -> None:
        """Make another person the owner; who was it is a member from then on.

        Raises NotFound for a person who is unknown or cannot log in.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "share")

        def hand_over(tx: Tx, thread: Thread, now: datetime) -> None:
            if user_id == thread.owner_id:
                return
            if access.account(tx, user_id) is None:
                raise NotFound(_NO_PERSON)
            members.remove(tx, thread.id, user_id)
            members.hand_over(tx, thread.id, user_id)
            owner = thread.owner_id
            members.add(tx, thread.id, owner, MemberRole.MEMBER, by=actor.id, now=now)
            self._note(tx, thread.id, "hand over", actor, now, person=user_id, before=owner)

        await self._change(thread_id, actor, hand_over)

    # Links

    async def make_link(
        self,
        thread_id: str,
        role: MemberRole | str,
        public: bool = False,
        hours: float | None = None,
        *,
        actor: Actor = LOCAL,
    ) -> str:
        """Make a link, and return the token that opens it, which nobody can read again. Whoever
        logs in and comes with it becomes a viewer or a member; with a ``public`` one anybody reads.
        It is good for so many ``hours``, without them for ever.

        Raises InvalidInput for a public link that lets write, and for too many links; NotAllowed
        where public links are off.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "share")
        role, now = _checked_role(role), self._clock.now()
        if public and role != MemberRole.VIEWER:
            raise InvalidInput("With a public link people can only read.")
        new = _New(uuid.uuid4().hex, new_token(), role, bool(public), _until(hours, now))

        def make(tx: Tx, thread: Thread, now: datetime) -> None:
            if public and not self.public_links:
                raise NotAllowed(_NOT_PUBLIC)
            if share_links.count(tx, thread.id, now=now) >= MOST_LINKS:
                raise InvalidInput(f"There are {MOST_LINKS} links already. Revoke one first.")
            share_links.add(
                tx,
                new.id,
                thread.id,
                token_hash=digest(new.token),
                role=role,
                public=new.public,
                by=actor.id,
                now=now,
                expires_at=new.expires_at,
            )
            about = {"link": new.id, "role": role, "public": new.public}
            self._note(tx, thread.id, "make link", actor, now, **about)

        await self._change(thread_id, actor, make)
        return new.token

    async def links(self, thread_id: str, *, actor: Actor = LOCAL) -> tuple[LinkView, ...]:
        """The links into a thread, oldest first; those that are over may be among them."""
        self._guard.person(actor)
        return await self._database.read(links_of, checked_id(thread_id), self._guard, actor)

    def follow_links(
        self, thread_id: str, *, actor: Actor = LOCAL
    ) -> AsyncGenerator[tuple[LinkView, ...], None]:
        """Yield what :meth:`links` gives, now and whenever it changes."""
        self._guard.person(actor)
        seen_as = self._guard.seen_as(actor)
        return self._database.live.follow(links_of, checked_id(thread_id), self._guard, seen_as)

    async def revoke_link(self, thread_id: str, link_id: str, *, actor: Actor = LOCAL) -> None:
        """Make a link good for nothing: who reads with it reads no more, members stay members."""
        self._guard.person(actor)

        def revoke(tx: Tx, thread: Thread, now: datetime) -> None:
            if share_links.remove(tx, thread.id, link_id):
                presences.remove_of(tx, thread.id, visitor(link_id).id)
                self._note(tx, thread.id, "revoke link", actor, now, link=link_id)

        await self._change(thread_id, actor, revoke)

    async def join(self, token: str, *, actor: Actor = LOCAL) -> str:
        """Become what a link makes people, or stay what one is if that is more; returns the id of
        the thread. Raises NotFound in the same words for a link that is unknown, revoked or over.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "share")
        now = self._clock.now()

        def join(tx: Tx) -> str:
            # What is lasting is not given to whoever has been deactivated meanwhile.
            self._guard.acting(tx, actor.id, actor.name)
            link = _good(tx, token, now)
            thread = _thread(tx, link.thread_id)
            # Again: it may have been revoked before the thread was held.
            link = _good(tx, token, now)
            role, known = MemberRole(link.role), members.role_of(tx, thread.id, actor.id)
            less = known is None or gives(known) < gives(role)
            if actor.id != thread.owner_id and less:
                self._put(tx, thread.id, actor.id, role, actor, now)
                self._note(tx, thread.id, "join", actor, now, link=link.id, role=role)
            return thread.id

        return await self._database.write(join)

    async def link(self, token: str, *, actor: Actor = LOCAL) -> LinkView:
        """The link that a token opens, to whoever holds it; raises NotFound as :meth:`join`."""
        self._guard.person(actor)
        return link_view(await self._database.read(_good, token, self._clock.now()))

    async def visit(self, token: str) -> Visit:
        """What a public link opens to whoever comes with it; nothing where nobody logs in, or
        public links are off. Raises NotFound as :meth:`join` does.
        """
        found = await self._database.read(_good, token, self._clock.now())
        if not (found.public and self.public_links):
            raise NotFound(_NO_LINK)
        by = found.name or SOMEBODY
        return Visit(visitor(found.id), found.thread_id, found.id, by)

    async def visitor(self, token: str) -> Actor:
        """The ``visitor`` of :meth:`visit`: see :func:`~agentchat.rights.visitor`."""
        return (await self.visit(token)).visitor

    # Inside

    async def _change(
        self, thread_id: str, actor: Actor, change: Any, right: Right = Right.OWN
    ) -> None:
        thread_id, now = checked_id(thread_id), self._clock.now()

        def changed(tx: Tx) -> None:
            # Held first, so that all who share it decide one after another.
            thread = _thread(tx, thread_id)
            self._guard.thread(tx, thread_id, actor, right)
            if thread.parent_id is not None:
                raise InvalidInput(_SUB)
            change(tx, thread, now)

        await self._database.write(changed)

    def _lost(self, tx: Tx, thread_id: str, user_id: str, by: Actor, now: datetime) -> None:
        """End what is written for somebody who has just lost a thread."""
        try:
            # An administrator has lost nothing.
            self._guard.acting_in(tx, thread_id, user_id, "")
        except NotAllowed:
            self._losing.end(tx, user_id, by, now, thread_id=thread_id)

    def _put(
        self, tx: Tx, thread_id: str, user_id: str, role: MemberRole, by: Actor, now: datetime
    ) -> bool:
        """Share a thread with somebody as this; whether they were something else."""
        known = members.role_of(tx, thread_id, user_id)
        if known is not None:
            if known != role:
                members.change(tx, thread_id, user_id, role)
            return known != role
        if members.count(tx, thread_id) >= MOST_MEMBERS:
            raise InvalidInput(f"A thread can be shared with {MOST_MEMBERS} people at most.")
        members.add(tx, thread_id, user_id, role, by=by.id, now=now)
        return True

    def _note(
        self, tx: Tx, thread_id: str, action: str, by: Actor, now: datetime, **detail: object
    ) -> None:
        audits.add(tx, Entry("thread", thread_id, action, by, detail), now=now)


def _checked_role(role: object) -> MemberRole:
    try:
        found = MemberRole(str(role))
    except ValueError:
        found = MemberRole.OWNER
    if found == MemberRole.OWNER:
        raise InvalidInput(f"{str(role)[:40]!r} is none of viewer, member.")
    return found


def _until(hours: float | None, now: datetime) -> datetime | None:
    if hours is None:
        return None
    if not isinstance(hours, int | float) or not 0 < hours <= MOST_HOURS:
        raise InvalidInput(f"A link is good for up to {MOST_HOURS:,} hours, or for ever.")
    return now + timedelta(hours=hours)


def _thread(tx: Tx, thread_id: str) -> Thread:
    thread = threads.lock(tx, thread_id)
    if thread is None:
        raise ThreadNotFound
    return thread


def _person(tx: Tx, who: object) -> str:
    typed = storable(who)[:200] if isinstance(who, str) else ""
    row = users.get(tx, typed) or users.named(tx, spelled_name(typed))
    if row is None or access.account(tx, row.id) is None:
        raise NotFound(_NO_PERSON)
    return str(row.id)


def _end(tx: Tx, thread_id: str, user_id: str) -> bool:
    presences.remove_of(tx, thread_id, user_id)
    return members.remove(tx, thread_id, user_id)


def _good(source: Session | Tx, token: object, now: datetime) -> Row[Any]:
    """The link that a token opens now; raises NotFound."""
    found = share_links.find(source, digest(str(token))) if is_token(token) else None
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        raise NotFound(_NO_LINK)
    return found
