"""How much one address may ask of this process: sockets, events and requests.

Whoever asks for more waits, or is refused; others do not feel it. The addresses are those of
:func:`~agentchat.accounts.limits.place_of`: of IPv6 a network counts.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from agentchat.accounts.limits import place_of
from agentchat.login.requests import client_address
from agentchat.settings import is_loopback

logger = logging.getLogger(__name__)

OPENING, OPENING_BURST = 5.0, 2
"""How many sockets an address may open each second, and at once. A page that loads is as much
work as a hundred that are open."""
EVENTS, EVENTS_BURST = 50.0, 100
"""How many events all its sockets may send together."""
REQUESTS, REQUESTS_BURST = 30.0, 60
"""How many pages and files it may ask for, and how often log in."""
MOST_WAIT = 5.0
"""For how many seconds a socket or a request waits for its turn before it is refused: after a
restart all tabs of an office come back at once."""
GENEROUS: Final = 10
"""How many times as much is let through from this machine itself, where the app has no accounts."""
MOST_ADDRESSES: Final = 10_000
"""Of how many addresses it is remembered what they did, besides those with open sockets; whoever
was least lately here begins anew."""
RESTED: Final = 0.25
"""Which part of a bucket has to be full again before who emptied it counts as having paused."""
HELD: Final = 2.0
"""For how many seconds a refusal is held back."""
MOST_HELD: Final = 50
"""How many refusals to one address are held back at once."""
TOLD_EVERY: Final = 60.0
"""After how many seconds it is said again in the log that an address asks for too much."""


class Bucket:
    """A bucket of tokens: how long to wait so that no more than ``per_second`` go on for ever,
    and ``burst`` at once.
    """

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst, self._per_second = float(burst), per_second
        self._left, self._at = self._burst, -math.inf

    def delay(self, now: float, cost: float = 1.0, *, most: float = math.inf) -> float:
        """The seconds that one more of this cost, come at ``now``, has to wait; 0 if none. If that
        is more than ``most`` it does not count: it is not let through.
        """
        if now > self._at:
            came = (now - self._at) * self._per_second
            self._left = min(self._burst, self._left + came)
            self._at = now
        wait = max(0.0, (cost - self._left) / self._per_second)
        if wait <= most:
            self._left -= cost
        return wait

    @property
    def rested(self) -> bool:
        """Whether as much has come in again since it was empty as takes a pause to come."""
        return self._left >= self._burst * RESTED

    def turn(self, now: float, cost: float = 1.0) -> float | None:
        """As :meth:`delay`; None if it would take longer than anybody waits."""
        wait = self.delay(now, cost, most=MOST_WAIT)
        return wait if wait <= MOST_WAIT else None


class Address:
    """What one address has done, and has open."""

    def __init__(self, name: str, most_sockets: float, times: int) -> None:
        self.name = name
        self.sockets = 0
        self.opening = Bucket(OPENING_BURST * times, OPENING * times)
        self.events = Bucket(EVENTS_BURST * times, EVENTS * times)
        self.requests = Bucket(REQUESTS_BURST * times, REQUESTS * times)
        self.held = 0
        self.refused = 0
        self.told_at = -math.inf
        self._most_sockets = most_sockets

    def wait_to_open(self, now: float) -> float | None:
        """The seconds that one more socket has to wait before it opens; None if it may not."""
        if self.sockets >= self._most_sockets:
            return None
        return self.opening.turn(now)


class Addresses:
    """What each address has done. ``most_sockets`` may be open at once from one, 0 is no limit;
    ``hops`` are the proxies that tell the address of who asks, and ``open_to_all`` whether there
    are no accounts, and so nobody but who sits at this machine. ``sleep`` waits by the clock that
    ``now`` reads.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        most_sockets: int,
        hops: int,
        open_to_all: bool,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.now, self.sleep = now, sleep
        self._most_sockets = most_sockets or math.inf
        self._hops = hops
        self._open_to_all = open_to_all
        self._known: OrderedDict[str, Address] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, scope: Scope) -> Address:
        """The address that a request or a socket comes from."""
        peer = scope["client"][0] if scope.get("client") else ""
        asked = client_address(peer, Headers(scope=scope), self._hops)
        name = place_of(asked)
        known = self._known.get(name)
        if known is None:
            times = GENEROUS if self._open_to_all and is_loopback(asked) else 1
            known = self._known[name] = Address(name, self._most_sockets * times, times)
            self._forget()
        self._known.move_to_end(name)
        return known

    async def refuse(self, address: Address, what: str) -> None:
        """Note that something of an address is refused, and let it wait for that, too: whoever
        asks again at once does not ask as often. The log is told once a minute.
        """
        self._note(address, what)
        if address.held < MOST_HELD:
            address.held += 1
            try:
                await self.sleep(HELD)
            finally:
                address.held -= 1

    def _note(self, address: Address, what: str) -> None:
        address.refused += 1
        now = self.now()
        if now - address.told_at >= TOLD_EVERY:
            logger.warning(
                "%s of %s were refused: it asks for too much (%d times since this was said last)."
                " If it is a proxy of yours, set AGENTCHAT_TRUSTED_PROXY_HOPS",
                *(what, address.name, address.refused),
            )
            address.told_at, address.refused = now, 0

    def _forget(self) -> None:
        for name in list(self._known)[: max(0, len(self._known) - MOST_ADDRESSES)]:
            # One with sockets is known as long as they are open, or its count would be wrong.
            if not self._known[name].sockets and not self._known[name].held:
                del self._known[name]
