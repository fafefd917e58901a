"""The verbs on people and their logins: ``chat.accounts``."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from agentchat.accounts import limits, names, reads, units, units_oidc
from agentchat.accounts.identity import Identities
from agentchat.accounts.oidc import Flow, IdentityProvider
from agentchat.accounts.passwords import Passwords
from agentchat.accounts.tokens import guest_id, is_guest_id, is_token, new_token
from agentchat.accounts.units import Arrival, NewPerson
from agentchat.accounts.views import Beginning, InvitationView, Link, LoginView, PersonView
from agentchat.durable.clock import Clock
from agentchat.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    TooManyTries,
    WrongPassword,
    WrongState,
)
from agentchat.settings import Settings
from agentchat.store import users
from agentchat.store.database import Database
from agentchat.verbs.losing import Losing
from agentchat.views import LOCAL, Actor

INVITED_FOR, RESET_FOR = timedelta(days=7), timedelta(days=1)
"""How long links are good."""
OPEN = (
    "This app is open to whoever reaches it: nobody logs in. Set AGENTCHAT_AUTH=password and"
    " start again for people to have accounts."
)


class Accounts:
    """People, their logins, and links that let them in: ``chat.accounts``.

    Tokens are what cookies and links hold. They are returned once and kept nowhere: rows hold
    their SHA-256. All that is done is written to the audits. Verbs raise
    :class:`~agentchat.errors.NotAllowed` for what only admins may do, which is looked up as it is
    done, and :class:`~agentchat.errors.InvalidInput` for what cannot be used.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        passwords: Passwords | None = None,
        losing: Losing | None = None,
    ) -> None:
        self._database, self._losing = database, losing or Losing()
        self._clock = clock
        self._settings = settings
        self._passwords = passwords or Passwords()
        self._open = settings.auth == "open"
        self._anybody = settings.sign_up == "open"
        self._identities = Identities(database, clock, open_to_all=self._open)
        self._guests: set[str] = set()
        self._provider = None if settings.oidc_issuer is None else IdentityProvider(settings)

    # Coming in

    async def beginning(self) -> Beginning:
        """What a page has to know before anybody is logged in."""
        some = self._open or await self._database.read(users.any_account)
        return Beginning(
            self._settings.auth,
            not some,
            not self._open and (self._anybody or not some),
            urlsplit(self._settings.oidc_issuer or "").netloc,
        )

    async def sign_up(
        self,
        name: str,
        password: str,
        display_name: str = "",
        invitation: str = "",
        *,
        address: str = "",
        browser: str = "",
        replacing: str = "",
    ) -> str:
        """Make an account and log in; returns the token. The first person becomes an admin,
        others need an invitation unless anybody may come.

        Raises NotFound for a link that is good for nothing, and TooManyTries.
        """
        self._need_passwords()
        name = names.checked_name(name)
        shown = names.checked_display_name(display_name or name)
        invitation, now, anybody = _token(invitation), self._clock.now(), self._anybody
        await self._database.read(units.check_sign_up, invitation, now, anybody=anybody)
        password = await self._passwords.checked(password, name, shown)
        if not invitation:
            await self._database.write(limits.count, "sign_up", name, address, now=now)
        person = NewPerson(name, shown, await self._passwords.hashed(password))
        arrival = self._arrival(address, browser, replacing)
        await self._database.write(units.sign_up, person, invitation, arrival, anybody=anybody)
        return arrival.token

    async def log_in(
        self, name: str, password: str, address: str = "", browser: str = "", *, replacing: str = ""
    ) -> str:
        """Log in; returns a new token, in place of the one that the browser had (``replacing``).

        Raises WrongPassword in the same words, after the same work, if nobody has this name, it
        is not their password, or they were deactivated; and TooManyTries.
        """
        self._need_passwords()
        name, now = names.spelled_name(name), self._clock.now()
        user = await self._database.read(reads.who_tries, name, address, now)
        try_id = await self._try(name, address, now)
        right = await self._matches(user, password, try_id)
        if user is None or not right or not user.active:
            await self._database.write(units.fail, name, address, now)
            raise WrongPassword
        rehashed = ""
        if self._passwords.is_dated(user.password_hash):
            rehashed = await self._passwords.rehashed(password)
        arrival = self._arrival(address, browser, replacing)
        await self._database.write(units.log_in, user, try_id, arrival, rehashed)
        return arrival.token

    async def use_reset(
        self,
        token: str,
        password: str,
        *,
        address: str = "",
        browser: str = "",
        replacing: str = "",
    ) -> str:
        """Choose another password with a link that an admin made, end all logins, and log in;
        returns the new token. Raises NotFound for a link that is good for nothing.
        """
        self._need_passwords()
        token = _token(token)
        name = await self._database.read(reads.name_of_reset, token, self._clock.now())
        password = await self._passwords.checked(password, name)
        hashed = await self._passwords.hashed(password)
        arrival = self._arrival(address, browser, replacing)
        await self._database.write(units.use_reset, token, hashed, arrival)
        return arrival.token

    async def begin_with_provider(self, next_path: str, invitation: str = "") -> tuple[str, Flow]:
        """Where to send somebody who logs in with the identity provider, and what their browser
        is to keep until it comes back. Raises ProviderFailed, and NotFound if there is none.
        """
        return await self._known_provider().begin(next_path, invitation)

    async def log_in_with_provider(
        self,
        flow: Flow,
        query: Mapping[str, str],
        *,
        address: str = "",
        browser: str = "",
        replacing: str = "",
    ) -> str:
        """Log in whom the identity provider sends back with this query; returns the token.

        Raises NotAllowed for who is not invited, or was deactivated, InvalidInput for what does
        not belong to the flow, ProviderFailed, and TooManyTries.
        """
        provider, now = self._known_provider(), self._clock.now()
        try_id = await self._try("", address, now)
        claimed = await provider.finish(flow, query)
        arrival = self._arrival(address, browser, replacing)
        await self._database.write(
            units_oidc.come_in,
            claimed,
            _token(flow.invitation),
            arrival,
            anybody=self._anybody,
            named=provider.has_admins,
        )
        await self._database.write(limits.uncount, try_id)
        return arrival.token

    async def link(self, token: str) -> InvitationView:
        """What a link is for; raises NotFound if it is good for nothing."""
        return await self._database.read(reads.link_view, _token(token), self._clock.now())

    # Who it is

    async def who(self, token: str) -> Actor | None:
        """Whose a token is, None if it is nobody's. It is cheap: rows are read again only when
        some have changed, or after a minute.
        """
        return await self._identities.who(token)

    def follow_login(self, token: str) -> AsyncGenerator[Actor, None]:
        """Yield whose a token is, again when their name or rights change; ends within a second
        when the login is over, whichever process ended it.
        """
        return self._identities.follow(token)

    def guest(self, token: str) -> Actor:
        """The guest whose browser holds this token, in an app that is open to all. Nothing is
        written for them: see :meth:`enrol`. Raises NotAllowed where people log in.
        """
        if not self._open or not is_token(token):
            raise NotAllowed("Log in first.")
        found = guest_id(token)
        return Actor(found, names.guest_display_name(found))

    async def enrol(self, actor: Actor) -> None:
        """Write a guest down who is about to do something; once, and nothing for others."""
        if not self._open or not is_guest_id(actor.id) or actor.id in self._guests:
            return
        await self._database.write(units.add_guest, actor, self._clock.now())
        self._guests.add(actor.id)

    # One's own

    async def log_out(self, token: str) -> None:
        """End the login of a token; nothing if it is over."""
        if is_token(token):
            await self._database.write(units.log_out, token, self._clock.now())

    async def logins(self, actor: Actor, token: str = "") -> tuple[LoginView, ...]:
        """Where a person is logged in, the login used last first."""
        return await self._database.read(reads.logins, actor, _token(token), self._clock.now())

    async def revoke(self, login_id: str, actor: Actor) -> None:
        """End a login of one's own, or as an admin anybody's; raises NotFound."""
        await self._database.write(units.revoke, login_id, actor, self._clock.now())

    async def revoke_others(self, actor: Actor, token: str) -> int:
        """End all one's logins but that of this token; returns how many there were."""
        now = self._clock.now()
        return await self._database.write(units.revoke_others, actor, _token(token), now)

    async def change_password(
        self, actor: Actor, old: str, new: str, *, token: str = "", address: str = ""
    ) -> None:
        """Change one's password; all logins end at once but that of this token.

        Raises WrongPassword if the ``old`` one is wrong, and TooManyTries.
        """
        self._need_passwords()
        user, now = await self._database.read(users.get, actor.id), self._clock.now()
        if user is None:
            raise NotAllowed("This person has no password here.")
        new = await self._passwords.checked(new, user.name, user.display_name)
        try_id = await self._try(user.name, address, now)
        if not await self._matches(user, old, try_id):
            await self._database.write(units.fail_change, user, address, now)
            raise WrongPassword("The old password is wrong.")
        hashed = await self._passwords.hashed(new)
        await self._database.write(
            units.change_password, user, hashed, _token(token), try_id, address, self._clock.now()
        )

    async def rename(self, actor: Actor, display_name: str) -> None:
        """Be seen under another name from now on."""
        if actor.id == LOCAL.id:
            raise InvalidInput("You have no account to give a name to.")
        shown, guest = names.checked_display_name(display_name), self._open
        await self._database.write(units.rename, actor, shown, self._clock.now(), guest=guest)

    # Admins

    async def people(self, actor: Actor) -> tuple[PersonView, ...]:
        """All who have an account."""
        return await self._database.read(reads.people, actor)

    async def person(self, name: str, actor: Actor) -> PersonView | None:
        """Who has this name, in whatever spelling; None if nobody has."""
        wanted = names.spelled_name(name)
        return next((one for one in await self.people(actor) if one.name == wanted), None)

    def follow_people(self, actor: Actor) -> AsyncGenerator[tuple[PersonView, ...], None]:
        """Yield all who have an account, now and whenever that changes; raises NotAllowed also
        when the actor is an admin no more.
        """
        return self._database.live.follow(reads.people, actor)

    async def invitations(self, actor: Actor) -> tuple[InvitationView, ...]:
        """The links that are still good, newest first."""
        return await self._database.read(reads.open_links, actor, self._clock.now())

    async def invite(self, actor: Actor, *, admin: bool = False) -> Link:
        """Make a link with which somebody may make an account, within a week."""
        link, now = self._link("invite", INVITED_FOR), self._clock.now()
        await self._database.write(
            units.invite, link.id, link.token, actor, admin=admin, now=now, until=link.expires_at
        )
        return link

    async def reset_link(self, user_id: str, actor: Actor) -> Link:
        """Make a link with which a person may choose another password, within a day."""
        link, now = self._link("reset", RESET_FOR), self._clock.now()
        await self._database.write(
            units.make_reset, link.id, link.token, user_id, actor, now=now, until=link.expires_at
        )
        return link

    async def revoke_invitation(self, link_id: str, actor: Actor) -> None:
        """Make a link good for nothing; raises NotFound if it is already."""
        await self._database.write(units.revoke_invitation, link_id, actor, self._clock.now())

    async def set_active(self, user_id: str, active: bool, actor: Actor) -> None:
        """Let a person log in, or no more: then their logins and links end at once, and the
        answers that are being written for them.

        Raises NotFound, and WrongState for the last admin.
        """
        now, losing = self._clock.now(), self._losing
        await self._database.write(units.set_active, user_id, active, actor, now, losing)

    async def set_admin(self, user_id: str, admin: bool, actor: Actor) -> None:
        """Make a person an admin, or one no more. Raises NotFound, and WrongState for the last
        admin.
        """
        await self._database.write(units.set_admin, user_id, admin, actor, self._clock.now())

    # Whoever has the machine

    async def add(
        self, name: str, password: str, display_name: str = "", *, admin: bool, actor: Actor
    ) -> str:
        """Make an account as the operator of this machine; returns the person's id."""
        _need_operator(actor)
        name = names.checked_name(name)
        shown = names.checked_display_name(display_name or name)
        password = await self._passwords.checked(password, name, shown)
        person = NewPerson(name, shown, await self._passwords.hashed(password))
        now = self._clock.now()
        return await self._database.write(units.add_person, person, admin=admin, by=actor, now=now)

    async def set_password(self, user_id: str, password: str, actor: Actor) -> None:
        """Give a person another password as the operator of this machine; their logins end.

        Raises NotFound.
        """
        _need_operator(actor)
        user = await self._database.read(users.get, user_id)
        if user is None:
            raise NotFound("This person has no account here.")
        password = await self._passwords.checked(password, user.name, user.display_name)
        hashed = await self._passwords.hashed(password)
        await self._database.write(units.set_password, user_id, hashed, actor, self._clock.now())

    # Inside

    def _need_passwords(self) -> None:
        if self._open:
            raise WrongState(OPEN)

    def _known_provider(self) -> IdentityProvider:
        if self._provider is None:
            raise NotFound("There is no identity provider: see AGENTCHAT_OIDC_ISSUER.")
        return self._provider

    def _arrival(self, address: str, browser: str, replacing: str) -> Arrival:
        now = self._clock.now()
        until = now + timedelta(days=self._settings.login_days)
        return Arrival(new_token(), _token(replacing), address, browser, now, until)

    def _link(self, path: str, good_for: timedelta) -> Link:
        token = new_token()
        url = f"{self._settings.base_url}/{path}#{token}"
        return Link(uuid.uuid4().hex, token, url, self._clock.now() + good_for)

    async def _try(self, name: str, address: str, now: datetime) -> int:
        return await self._database.write(limits.count, "login", name, address, now=now)

    async def _matches(self, user: Row[Any] | None, password: str, try_id: int) -> bool:
        stored = None if user is None else user.password_hash
        try:
            return await self._passwords.matches(stored, password)
        except TooManyTries:
            # Others keep us busy: that is not their try.
            await self._database.write(limits.uncount, try_id)
            raise


def _need_operator(actor: Actor) -> None:
    if actor.id != LOCAL.id or not actor.admin:
        raise NotAllowed("Only the operator of this machine may do this.")


def _token(value: object) -> str:
    """A token that may be looked up; one that nobody has for all else, empty for nothing."""
    if not value:
        return ""
    return value if is_token(value) and isinstance(value, str) else "-"
