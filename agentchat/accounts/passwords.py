"""Passwords: hashed with Argon2id, a few at once and never on the event loop."""

from __future__ import annotations

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from agentchat.errors import InvalidInput, TooManyTries

T = TypeVar("T")

TIME_COST = 3
MEMORY_KIB = 65_536
LANES = 1
"""Argon2id as RFC 9106 recommends it where memory is short, in one lane: a hash takes 64 MiB and
about 0.2 s of one core."""
AT_ONCE = 2
"""How many are hashed at once: a flood of logins takes no more memory and cores than these."""
MOST_WAITING = 50
"""How many may wait for that."""

LEAST_CHARACTERS = 8
MOST_BYTES = 1_000
LEAST_GUESSES = 1_000_000
"""After how many guesses, in the order in which people choose passwords, it may be found."""
_LOOKED_AT = 72
"""How many characters are looked at to tell how easily a password is guessed."""
_MADE = "abcdefghijkmnpqrstuvwxyz23456789"
"""What made passwords consist of: no two that look alike."""


class Passwords:
    """Hashes passwords, compares them with their hashes, and refuses those easily guessed.

    ``memory_kib`` is what one hash takes, ``at_once`` how many are hashed together.
    """

    def __init__(
        self,
        *,
        time_cost: int = TIME_COST,
        memory_kib: int = MEMORY_KIB,
        lanes: int = LANES,
        at_once: int = AT_ONCE,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._hasher = PasswordHasher(time_cost, memory_kib, lanes)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="agentchat-password")
        self._most = at_once + most_waiting
        self._asked = 0
        self._nobody = self._hash_of_nobody()

    async def checked(self, password: object, *names: str) -> str:
        """A password that may be used; raises InvalidInput that says what is wrong with it, such
        as that it is about one of the ``names``.
        """
        text = spelled(password)
        if len(text) < LEAST_CHARACTERS:
            raise InvalidInput(f"A password has at least {LEAST_CHARACTERS} characters.")
        if len(text.encode()) > MOST_BYTES:
            raise InvalidInput(f"A password has at most {MOST_BYTES:,} bytes.")
        if problem := await self._apart(lambda: _easily_guessed(text, names)):
            raise InvalidInput(problem)
        return text

    async def hashed(self, password: str) -> str:
        """The hash of a password that was checked; raises TooManyTries if too many wait."""
        return await self._apart(lambda: self._hasher.hash(password))

    async def rehashed(self, password: str) -> str:
        """Another hash of a password that has just matched."""
        return await self.hashed(spelled(password))

    async def matches(self, stored: str | None, password: object) -> bool:
        """Whether a password is that of a stored hash. For none the work is the same, and the
        answer no. Raises TooManyTries if too many wait.
        """
        try:
            text = spelled(password)
        except InvalidInput:
            text = ""
        fits = 0 < len(text.encode()) <= MOST_BYTES
        against = stored if fits and stored is not None else self._nobody
        same = await self._apart(lambda: self._verified(against, text if fits else ""))
        return same and fits and stored is not None

    def is_dated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than these."""
        return self._hasher.check_needs_rehash(stored)

    def _verified(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _apart(self, work: Callable[[], T]) -> T:
        if self._asked >= self._most:
            raise TooManyTries(
                "Too many people log in at this moment. Try again in a few seconds.",
                retry_after=timedelta(seconds=5),
            )
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._asked -= 1

    def _hash_of_nobody(self) -> str:
        """A hash that takes the usual work to compare, and that no password has."""
        cost = self._hasher
        salt, digest = secrets.token_bytes(cost.salt_len), secrets.token_bytes(cost.hash_len)
        parameters = f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}"
        return f"$argon2id$v=19${parameters}${_b64(salt)}${_b64(digest)}"


def spelled(password: object) -> str:
    """A password in the one spelling (NFKC) that keyboards of all systems come to; raises
    InvalidInput if it is no text.
    """
    if not isinstance(password, str):
        raise InvalidInput("A password is text.")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise InvalidInput("A password cannot hold halves of characters.") from None
    # What is longer is refused; nobody waits for it to be spelled.
    text = password[: MOST_BYTES + 1]
    return unicodedata.normalize("NFKC", text)


def made_password() -> str:
    """A password for somebody who is to change it: 80 random bits, easily read aloud."""
    letters = "".join(secrets.choice(_MADE) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def _easily_guessed(password: str, names: tuple[str, ...]) -> str:
    """Why a password is refused; empty if it is not."""
    # Its lists of words take 3 MB, and are wanted only where passwords are chosen.
    from zxcvbn import zxcvbn

    found = zxcvbn(password[:_LOOKED_AT], user_inputs=["agentchat", *filter(None, names)])
    if found["guesses"] >= LEAST_GUESSES:
        return ""
    why = found["feedback"]["warning"].rstrip(".")
    because = f" ({why[0].lower()}{why[1:]})" if why else ""
    return (
        f"This password is easily guessed{because}. Take a longer one: a few words that do not"
        " belong together, for example."
    )


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
