"""How often somebody may try to log in or to make an account.

A stranger's tries hold back the stranger: their address, and that address for one name. A name
as a whole is held back only for addresses from which its person never logged in, and only after
very many tries: whoever guesses from thousands of addresses gets nowhere, and the person is let
in where they were before. The tries are rows, and hold for all processes and over restarts.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from agentchat.errors import TooManyTries
from agentchat.store import audits, login_tries, users
from agentchat.store.login_tries import Kind, Rule
from agentchat.store.writer import Tx

SHORT, LONG = timedelta(minutes=15), timedelta(hours=1)
PAIR: Final = Rule(5, SHORT, name=True, place=True)
"""A person mistypes a few times."""
PLACE: Final = Rule(20, SHORT, place=True)
"""An office behind one address mistypes more often."""
NAME: Final = Rule(100, LONG, name=True, unknown=True)
SIGN_UPS: Final = Rule(10, LONG, place=True)
LOOKED_BACK: Final = 200
"""How many of the newest things that happened to an account are looked at for addresses."""
CAME_IN: Final = frozenset({"log_in", "sign_up", "use_reset"})
"""What somebody does who is logged in by it."""


def place_of(address: str) -> str:
    """What of an address is counted: of IPv6 the network, of which a household has one whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def check(found: Session | Tx, kind: Kind, name: str, address: str, *, now: datetime) -> bool:
    """Raise TooManyTries unless this may be tried now; returns whether the person of that name
    has logged in from there before.
    """
    place = place_of(address)
    known = kind == "login" and _known(found, name, place)
    rules = _rules(kind, known)
    until = login_tries.held_until(found, rules, kind, name, place, now=now)
    if until is not None:
        wait = until - now
        minutes = max(1, -(-wait // timedelta(minutes=1)))
        unit = "minute" if minutes == 1 else "minutes"
        raise TooManyTries(
            f"That was tried too often. Try again in {minutes} {unit}.", retry_after=wait
        )
    return known


def count(tx: Tx, kind: Kind, name: str, address: str, *, now: datetime) -> int:
    """Count a try that begins, and say which it is; raises TooManyTries.

    It is counted before its outcome is known: many at once are as many as one after the other.
    """
    users.lock(tx)
    login_tries.clean(tx, before=now - LONG)
    known = check(tx, kind, name, address, now=now)
    return login_tries.add(tx, kind, name, place_of(address), known=known, now=now)


def uncount(tx: Tx, try_id: int) -> None:
    """Forget a try of which nothing came because others were busy."""
    login_tries.remove(tx, try_id)


def forgive(tx: Tx, try_id: int, name: str, address: str) -> None:
    """Forget a try that was right, and those before it that the same person got wrong."""
    login_tries.forgive(tx, try_id, name, place_of(address))


def _rules(kind: Kind, known: bool) -> tuple[Rule, ...]:
    if kind == "sign_up":
        return (SIGN_UPS,)
    # Who was there before shares the address with whoever guesses there, not their limits.
    return (PAIR,) if known else (PAIR, PLACE, NAME)


def _known(found: Session | Tx, name: str, place: str) -> bool:
    user = users.named(found, name)
    # The same is read for a name that nobody has.
    user_id = "" if user is None else user.id
    done = audits.of(found, "account", user_id, limit=LOOKED_BACK)
    return any(
        one.action in CAME_IN and place_of(str(one.detail.get("address", ""))) == place
        for one in done
    )
