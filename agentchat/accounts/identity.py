"""Who holds a token: looked up once, and again when rows of people or logins have changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from agentchat.accounts.tokens import digest, guest_id, is_token
from agentchat.durable.alarm import again_at
from agentchat.durable.clock import Clock
from agentchat.store import logins, users
from agentchat.store.changes import EVERYTHING, Rows
from agentchat.store.database import Database
from agentchat.views import LOCAL, Actor

SEEN_EVERY = timedelta(minutes=5)
"""How late a login's ``seen_at`` may be."""
AT_MOST = timedelta(minutes=1)
"""How long something looked up is believed, should news of a change be lost on their way."""
MOST_KNOWN = 10_000
_TABLES = frozenset({"users", "logins", EVERYTHING})


@dataclass(frozen=True, slots=True)
class Held:
    """Whose a token is, and until when; guests' tokens are theirs as long as they keep them."""

    actor: Actor
    login_id: str = ""
    seen_at: datetime | None = None
    expires_at: datetime | None = None


class Identities:
    """Tells whose a token is. In an ``open_to_all`` app a token that is no login's is a guest's,
    who is ``LOCAL`` until they pick a name, and a person of their own from then on.
    """

    def __init__(self, database: Database, clock: Clock, *, open_to_all: bool) -> None:
        self._database = database
        self._clock = clock
        self._open = open_to_all
        self._known: dict[str, tuple[Held, datetime]] = {}
        self._changes = 0
        database.live.listen(self._forget)

    async def who(self, token: object) -> Actor | None:
        """Whose a token is; None if it is nobody's. It reads nothing if it was asked before and
        nothing has changed.
        """
        if not is_token(token):
            return None
        assert isinstance(token, str)
        now = self._clock.now()
        key = digest(token)
        known = self._known.get(key)
        if known is not None and known[1] > now:
            held: Held | None = known[0]
        else:
            before = self._changes
            held = await self._database.read(_held, key, self._guest(token))
            if held is not None and before == self._changes:
                self._keep(key, held, now + AT_MOST)
        if held is None or _is_over(held, now):
            return None
        self._note_seen(key, held, now)
        return held.actor

    async def follow(self, token: object) -> AsyncGenerator[Actor, None]:
        """Yield whose a token is, again when their name or rights change; ends when it is
        nobody's any more.
        """
        if not is_token(token):
            return
        assert isinstance(token, str)
        found = self._database.live.follow(_held, digest(token), self._guest(token))
        lasting = again_at(found, _ends_at, self._clock)
        async with aclosing(lasting):
            told: Actor | None = None
            async for held in lasting:
                if held is None or _is_over(held, self._clock.now()):
                    return
                if held.actor != told:
                    told = held.actor
                    yield told

    def _guest(self, token: str) -> str:
        return guest_id(token) if self._open else ""

    def _keep(self, key: str, held: Held, until: datetime) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[key] = held, until

    def _forget(self, changes: list[Rows]) -> None:
        if any(change.table in _TABLES for change in changes):
            self._changes += 1
            self._known.clear()

    def _note_seen(self, key: str, held: Held, now: datetime) -> None:
        if held.seen_at is None or now - held.seen_at < SEEN_EVERY:
            return
        known = self._known.get(key)
        if known is None:
            return
        seen = Held(held.actor, held.login_id, now, held.expires_at)
        self._known[key] = seen, known[1]
        self._database.post(logins.seen, held.login_id, now=now)


def _ends_at(held: Held | None) -> datetime | None:
    return None if held is None else held.expires_at


def _is_over(held: Held, now: datetime) -> bool:
    return held.expires_at is not None and held.expires_at <= now


def _held(session: Session, token_hash: str, guest: str) -> Held | None:
    """Whose a token is, whenever its login expires; ``guest`` is the id of whoever it is if it
    is no login's, empty where guests are not let in.
    """
    login = logins.of_token(session, token_hash)
    if login is not None:
        user = users.get(session, login.user_id)
        if user is None or not user.active:
            return None
        actor = Actor(user.id, user.display_name, user.admin)
        return Held(actor, login.id, login.seen_at, login.expires_at)
    if not guest:
        return None
    row = users.get(session, guest)
    # Who has picked no name is whoever has the machine, as where there are no guests.
    return Held(LOCAL if row is None else Actor(guest, row.display_name))
