"""Passwords: which may be used, what is kept of them, and how many are hashed at once."""

from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from agentchat.accounts import passwords
from agentchat.accounts.passwords import Passwords, made_password, spelled
from agentchat.errors import InvalidInput, TooManyTries
from tests.waiting import eventually

GOOD = "herons fly at dusk"


def cheap(**more: int) -> Passwords:
    return Passwords(time_cost=1, memory_kib=8, **more)


async def test_a_password_matches_its_own_hash_and_no_other() -> None:
    some = cheap()
    stored = await some.hashed(GOOD)
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    assert stored != await some.hashed(GOOD)
    assert await some.matches(stored, GOOD)
    assert not await some.matches(stored, GOOD + " ")
    assert not await some.matches(None, GOOD)
    assert not await some.matches("not a hash", GOOD)


async def test_hashes_are_made_as_the_parameters_say() -> None:
    usual = extract_parameters(await Passwords().hashed(GOOD))
    assert (usual.time_cost, usual.memory_cost) == (passwords.TIME_COST, passwords.MEMORY_KIB)
    assert usual.memory_cost >= 19_456  # the least that OWASP advises


async def test_a_hash_of_other_parameters_matches_and_is_dated() -> None:
    before, now = cheap(), Passwords(time_cost=2, memory_kib=16)
    stored = await before.hashed(GOOD)
    assert not before.is_dated(stored)
    assert now.is_dated(stored)
    assert await now.matches(stored, GOOD)


async def test_the_same_letters_from_another_keyboard_are_the_same_password() -> None:
    some = cheap()
    stored = await some.hashed(await some.checked("Gr\u00fc\u00dfe vom Berg"))
    assert await some.matches(stored, "Gru\u0308\u00dfe vom Berg")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short12", "at least 8 characters"),
        ("", "at least 8 characters"),
        ("x9" * 501, "at most 1,000 bytes"),
        ("ü" * 501, "at most 1,000 bytes"),
        ("password1234", "easily guessed"),
        ("12345678", "easily guessed"),
        ("qwertyuiop", "easily guessed"),
        ("aaaaaaaaaaaaaaaa", "easily guessed"),
        ("iloveyou1", "easily guessed"),
        ("annabelle", "easily guessed"),
        ("agentchat1", "easily guessed"),
        ("half \ud800 a letter", "halves of characters"),
        (None, "is text"),
        (12345678, "is text"),
    ],
)
async def test_a_password_that_is_no_good_says_why(password: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        await cheap().checked(password, "annabelle")


@pytest.mark.parametrize("password", [GOOD, "kx8#mQ2p", "пароль моей собаки", ""])
async def test_a_good_password_is_taken(password: str) -> None:
    password = password or made_password()
    assert await cheap().checked(password, "annabelle") == password


async def test_what_cannot_be_a_password_matches_nothing_after_the_same_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work: list[str] = []
    real = PasswordHasher.verify

    def counted(hasher: PasswordHasher, stored: str, password: str) -> bool:
        work.append(stored)
        return real(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    some = cheap()
    stored = await some.hashed(GOOD)
    wrong: list[object] = [None, 5, "", "\ud800", "x" * 1_001, "wrong"]
    for password in wrong:
        assert not await some.matches(stored, password)
        assert not await some.matches(None, password)
    assert len(work) == 2 * len(wrong)
    assert {extract_parameters(one).memory_cost for one in work} == {8}


async def test_no_more_are_hashed_at_once_than_allowed_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = cheap(at_once=2, most_waiting=10)
    at_work, most, lock, go_on = 0, 0, threading.Lock(), threading.Event()

    def slow(*_: object) -> str:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        go_on.wait(30)
        with lock:
            at_work -= 1
        return "hash"

    monkeypatch.setattr(PasswordHasher, "hash", slow)
    asked = [asyncio.ensure_future(some.hashed(GOOD)) for _ in range(12)]
    # They hold up nothing but each other.
    await eventually(lambda: at_work == 2)
    with pytest.raises(TooManyTries) as refused:
        await some.hashed(GOOD)
    assert refused.value.retry_after.total_seconds() > 0
    go_on.set()
    assert await asyncio.gather(*asked) == ["hash"] * 12
    assert most == 2
    assert await some.hashed(GOOD) == "hash"


def test_made_passwords_differ_and_are_long() -> None:
    made = {made_password() for _ in range(100)}
    assert len(made) == 100
    assert {len(one.replace("-", "")) for one in made} == {16}


def test_a_long_password_is_not_normalised_in_whole() -> None:
    assert len(spelled("x" * 10_000_000)) <= passwords.MOST_BYTES + 1
