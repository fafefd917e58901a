"""What is shown of people, logins and links: frozen values, made from rows. No secret is in them
but the address of a link, once, for whoever made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class PersonView:
    """A person as an admin sees them. ``name`` is what they log in with."""

    id: str
    name: str
    display_name: str
    admin: bool
    active: bool
    created_at: datetime


@dataclass(frozen=True)
class LoginView:
    """A browser in which a person is logged in; ``current`` is the one that asks.

    ``seen_at`` is when it was last used, up to a few minutes late.
    """

    id: str
    address: str
    browser: str
    current: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class InvitationView:
    """A link that is still good. ``kind`` is invite or reset; ``name`` whose password a reset
    changes, and ``admin`` whether who is invited becomes an admin.
    """

    id: str
    kind: str
    name: str
    admin: bool
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Link:
    """A link just made: good for one use until ``expires_at``. Nobody can read it again.

    ``url`` holds the token after a #, where browsers keep it to themselves.
    """

    id: str
    token: str = field(repr=False)
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Beginning:
    """What a page has to know before anybody is logged in: ``mode`` is open or password, whether
    the app has ``no_accounts`` yet (who makes the first becomes an admin), whether anybody
    ``may_sign_up``, and the host of the identity ``provider`` with which people log in too, empty
    if there is none.
    """

    mode: str
    no_accounts: bool
    may_sign_up: bool
    provider: str = ""
