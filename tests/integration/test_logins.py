"""Logins: who holds a token, how often a password may be tried, and how a login ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta

import pytest
from sqlalchemy import event

from agentchat import LOCAL, Actor
from agentchat.accounts import Accounts
from agentchat.accounts.identity import AT_MOST, SEEN_EVERY
from agentchat.accounts.tokens import new_token
from agentchat.durable.clock import ManualClock
from agentchat.errors import NotFound, TooManyTries, WrongPassword
from agentchat.models import Login, LoginTry, User
from agentchat.store import users
from agentchat.store.database import Database
from tests.integration.accounts_stage import (
    ANN,
    AWAY,
    BOB,
    CAT,
    HOME,
    STRANGE,
    Counting,
    accounts_on,
    actor_of,
    another,
    audited,
    becomes_nobodys,
    rows,
)
from tests.waiting import eventually


@pytest.fixture
def passwords() -> Counting:
    return Counting()


@pytest.fixture
async def accounts(database: Database, clock: ManualClock, passwords: Counting) -> Accounts:
    """With ann, an admin, and bob."""
    accounts = accounts_on(database, clock, passwords)
    await accounts.add("ann", ANN, "Ann", admin=True, actor=LOCAL)
    await accounts.add("bob", BOB, "Bob", admin=False, actor=LOCAL)
    return accounts


@pytest.fixture
async def elsewhere(database: Database, clock: ManualClock) -> AsyncIterator[Accounts]:
    """The accounts of another process."""
    async with another(database.url) as other:
        yield accounts_on(other, clock)


async def id_of(accounts: Accounts, name: str) -> str:
    person = await accounts.person(name, LOCAL)
    assert person is not None
    return person.id


class Reads:
    """How many statements a database's readers were asked."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        event.listen(database._reading, "before_cursor_execute", self._note)

    def _note(self, *call: object) -> None:
        self.count += call[2] != "BEGIN"


# Logging in


async def test_a_login_is_a_new_token_each_time_in_place_of_the_old_one(
    accounts: Accounts, database: Database
) -> None:
    planted = new_token()
    first = await accounts.log_in("ann", ANN, replacing=planted)
    assert await accounts.who(planted) is None
    second = await accounts.log_in(" ANN ", ANN, replacing=first)
    assert len({planted, first, second}) == 3
    assert await accounts.who(first) is None
    assert (await actor_of(accounts, second)).name == "Ann"
    assert len(await rows(database, Login)) == 1


async def test_who_logs_in_as_another_in_a_browser_ends_the_login_there(
    accounts: Accounts, database: Database
) -> None:
    ann = await accounts.log_in("ann", ANN)
    bob = await accounts.log_in("bob", BOB, replacing=ann)
    assert await accounts.who(ann) is None
    assert (await actor_of(accounts, bob)).name == "Bob"


async def test_all_that_is_wrong_is_refused_in_the_same_words_after_the_same_work(
    accounts: Accounts, passwords: Counting, database: Database
) -> None:
    await accounts.add("gone", CAT, admin=False, actor=LOCAL)
    await accounts.set_active(await id_of(accounts, "gone"), False, LOCAL)
    told, work = set(), set()
    tries = [("nobody", ANN), ("ann", BOB), ("gone", CAT), ("", ""), ("a b", "x" * 5_000)]
    for n, (name, password) in enumerate(tries):
        before = passwords.compared, len(await rows(database, LoginTry))
        with pytest.raises(WrongPassword) as refused:
            await accounts.log_in(name, password, f"203.0.113.{n}")
        told.add(str(refused.value))
        work.add((passwords.compared - before[0], len(await rows(database, LoginTry)) - before[1]))
    assert told == {"The name or the password is wrong."}
    assert work == {(1, 1)}
    assert [one for one in await audited(database) if one[0] == "fail_login"] == [
        ("fail_login", "nobody"),
        ("fail_login", "ann"),
        ("fail_login", "gone"),
        ("fail_login", ""),
        ("fail_login", "a b"),
    ]


async def test_what_was_typed_for_a_password_stands_in_no_log(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(WrongPassword):
            await accounts.log_in("ann", "a very secret word")
        token = await accounts.log_in("ann", ANN)
        await accounts.who(token)
        await accounts.log_out(token)
    assert "secret word" not in caplog.text
    assert ANN not in caplog.text
    assert token not in caplog.text


async def test_who_was_deactivated_while_the_password_was_compared_is_not_let_in(
    database: Database, clock: ManualClock
) -> None:
    class Slow(Counting):
        meanwhile: Callable[[], Awaitable[None]]

        async def matches(self, stored: str | None, password: object) -> bool:
            found = await super().matches(stored, password)
            await self.meanwhile()
            return found

    slow = Slow()
    accounts = accounts_on(database, clock, slow)
    ann = await accounts.add("ann", ANN, admin=True, actor=LOCAL)
    bob = await accounts.add("bob", BOB, admin=False, actor=LOCAL)

    async def deactivate() -> None:
        await accounts.set_active(bob, False, LOCAL)

    async def change() -> None:
        await accounts.set_password(ann, CAT, LOCAL)

    for name, password, slow.meanwhile in (("bob", BOB, deactivate), ("ann", ANN, change)):
        with pytest.raises(WrongPassword):
            await accounts.log_in(name, password)
    assert await rows(database, Login) == []


# Limits


async def fail(accounts: Accounts, name: str, address: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            await accounts.log_in(name, "wrong", address)


async def test_after_five_wrong_passwords_an_address_waits_and_no_work_is_done_for_it(
    accounts: Accounts, passwords: Counting, clock: ManualClock, database: Database
) -> None:
    await fail(accounts, "ann", STRANGE, 4)
    clock.advance(timedelta(minutes=5))
    await fail(accounts, "ANN", STRANGE, 1)
    before = passwords.compared
    for password in ("wrong", ANN):
        with pytest.raises(TooManyTries, match="in 10 minutes") as refused:
            await accounts.log_in("ann", password, STRANGE)
        assert refused.value.retry_after == timedelta(minutes=10)
    assert passwords.compared == before
    # The person is not locked out, wherever they are.
    await accounts.log_in("ann", ANN, HOME)
    # Nor is another person there.
    await accounts.log_in("bob", BOB, STRANGE)
    clock.advance(timedelta(minutes=10))
    await accounts.log_in("ann", ANN, STRANGE)
    assert len(await rows(database, LoginTry)) == 0


async def test_limits_hold_in_all_processes_and_after_a_restart(
    accounts: Accounts, elsewhere: Accounts, database: Database, clock: ManualClock
) -> None:
    await fail(accounts, "ann", STRANGE, 3)
    await fail(elsewhere, "ann", STRANGE, 2)
    for one in (accounts, elsewhere, accounts_on(database, clock)):
        with pytest.raises(TooManyTries):
            await one.log_in("ann", ANN, STRANGE)


async def test_a_name_that_nobody_has_is_limited_just_the_same(accounts: Accounts) -> None:
    words = set()
    for name in ("ann", "nobody"):
        await fail(accounts, name, STRANGE, 5)
        with pytest.raises(TooManyTries) as refused:
            await accounts.log_in(name, "wrong", STRANGE)
        words.add(str(refused.value))
    assert len(words) == 1


async def test_many_tries_at_once_are_as_many_as_one_after_the_other(
    accounts: Accounts, elsewhere: Accounts, passwords: Counting
) -> None:
    both = (accounts, elsewhere)
    came = await asyncio.gather(
        *(both[n % 2].log_in("ann", f"guess {n}", STRANGE) for n in range(30)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, WrongPassword) for one in came) == 5
    assert sum(isinstance(one, TooManyTries) for one in came) == 25
    assert passwords.compared <= 5


async def test_an_address_that_tries_many_names_waits(
    accounts: Accounts, clock: ManualClock
) -> None:
    for n in range(20):
        await fail(accounts, f"name{n}", STRANGE, 1)
    with pytest.raises(TooManyTries):
        await accounts.log_in("bob", BOB, STRANGE)
    await accounts.log_in("bob", BOB, HOME)
    clock.advance(timedelta(minutes=15))
    await accounts.log_in("bob", BOB, STRANGE)


async def test_who_logged_in_there_before_is_not_held_back_by_others_at_their_address(
    accounts: Accounts,
) -> None:
    await accounts.log_in("bob", BOB, HOME)
    for n in range(20):
        await fail(accounts, f"name{n}", HOME, 1)
    await accounts.log_in("bob", BOB, HOME)
    with pytest.raises(TooManyTries):
        await accounts.log_in("ann", ANN, HOME)


async def test_who_guesses_from_very_many_addresses_is_stopped_and_the_person_is_not(
    accounts: Accounts, clock: ManualClock
) -> None:
    await accounts.log_out(await accounts.log_in("ann", ANN, HOME))
    for n in range(100):
        await fail(accounts, "ann", f"10.0.{n}.1", 1)
    with pytest.raises(TooManyTries):
        await accounts.log_in("ann", "wrong", "10.0.200.1")
    await accounts.log_in("ann", ANN, HOME)
    await accounts.log_in("bob", BOB, "10.0.200.1")
    clock.advance(timedelta(hours=1))
    await accounts.log_in("ann", ANN, AWAY)


async def test_a_network_of_ipv6_is_one_place(accounts: Accounts) -> None:
    for n in range(5):
        await fail(accounts, "ann", f"2001:db8::{n:x}", 1)
    with pytest.raises(TooManyTries):
        await accounts.log_in("ann", ANN, "2001:db8::ffff")
    await accounts.log_in("ann", ANN, "2001:db8:0:1::1")


async def test_a_right_password_forgives_only_the_persons_own_slips(accounts: Accounts) -> None:
    # Somebody with an account of their own cannot guess others' for ever between its logins.
    for n in range(4):
        await fail(accounts, f"name{n}", STRANGE, 4)
        await accounts.log_in("bob", BOB, STRANGE)
    await fail(accounts, "bob", STRANGE, 4)
    await accounts.log_in("bob", BOB, STRANGE)
    await fail(accounts, "bob", STRANGE, 4)
    with pytest.raises(TooManyTries):
        await accounts.log_in("ann", ANN, STRANGE)


async def test_a_busy_server_costs_nobody_a_try(database: Database, clock: ManualClock) -> None:
    class Busy(Counting):
        async def matches(self, stored: str | None, password: object) -> bool:
            raise TooManyTries("Busy.", retry_after=timedelta(seconds=5))

    accounts = accounts_on(database, clock, Busy())
    await accounts.add("ann", ANN, admin=True, actor=LOCAL)
    for _ in range(8):
        with pytest.raises(TooManyTries, match="Busy"):
            await accounts.log_in("ann", ANN, HOME)
    assert await rows(database, LoginTry) == []


# Who it is


async def test_an_event_of_a_page_reads_no_rows_until_some_have_changed(
    accounts: Accounts, database: Database
) -> None:
    token = await accounts.log_in("ann", ANN)
    ann = await actor_of(accounts, token)
    reads = Reads(database)
    for _ in range(50):
        assert await accounts.who(token) is ann
    assert reads.count == 0
    await accounts.rename(ann, "Ann Lee")
    assert (await actor_of(accounts, token)).name == "Ann Lee"
    assert reads.count == 2


async def test_what_is_no_token_is_nobodys_and_reads_nothing(
    accounts: Accounts, database: Database
) -> None:
    reads = Reads(database)
    for value in ("", "made up", "x" * 10_000, None, 5):
        assert await accounts.who(value) is None  # type: ignore[arg-type]
    assert reads.count == 0
    assert await accounts.who(new_token()) is None


async def test_a_login_ends_everywhere_at_once(
    accounts: Accounts, elsewhere: Accounts, clock: ManualClock
) -> None:
    async def over(end: Callable[[str], Awaitable[object]]) -> None:
        token = await accounts.log_in("bob", BOB)
        assert await accounts.who(token) is not None
        assert await elsewhere.who(token) is not None
        await end(token)
        assert await accounts.who(token) is None
        await becomes_nobodys(elsewhere, token)

    bob = await id_of(accounts, "bob")
    actor = Actor(bob, "Bob")

    async def revoke(token: str) -> None:
        [login] = await accounts.logins(actor, token)
        await accounts.revoke(login.id, actor)

    async def deactivate(_token: str) -> None:
        await accounts.set_active(bob, False, LOCAL)
        await accounts.set_active(bob, True, LOCAL)

    async def expire(_token: str) -> None:
        clock.advance(timedelta(days=30))

    for end in (accounts.log_out, revoke, deactivate, expire):
        await over(end)


async def test_a_change_whose_news_is_lost_is_seen_after_a_minute(
    accounts: Accounts, database: Database, clock: ManualClock
) -> None:
    token = await accounts.log_in("bob", BOB)
    assert await accounts.who(token) is not None
    database.live.unlisten(accounts._identities._forget)
    await accounts.log_out(token)
    assert await accounts.who(token) is not None
    clock.advance(AT_MOST)
    assert await accounts.who(token) is None


async def test_when_a_login_was_used_is_written_every_few_minutes_and_wakes_nobody(
    accounts: Accounts, database: Database, clock: ManualClock
) -> None:
    token = await accounts.log_in("bob", BOB)
    began = clock.now()

    async def seen() -> object:
        # What was posted before is written by then.
        await database.write(lambda _tx: None)
        [login] = await rows(database, Login)
        return login.seen_at

    async with aclosing(accounts.follow_login(token)) as followed:
        await anext(followed)
        clock.advance(SEEN_EVERY - timedelta(seconds=1))
        await accounts.who(token)
        assert await seen() == began
        clock.advance(timedelta(seconds=1))
        [before] = [query.runs for query in database.live.inspect()]
        await accounts.who(token)
        assert await seen() == clock.now()
        # It is known still who it is, and nobody looked again.
        reads = Reads(database)
        clock.advance(timedelta(seconds=30))
        await accounts.who(token)
        assert reads.count == 0
        [after] = [query.runs for query in database.live.inspect()]
        assert after == before
        assert await seen() == clock.now() - timedelta(seconds=30)


async def test_who_is_not_active_holds_no_login_whatever_rows_say(
    accounts: Accounts, database: Database
) -> None:
    token = await accounts.log_in("bob", BOB)
    await database.write(users.change, await id_of(accounts, "bob"), active=False)
    assert await accounts.who(token) is None
    assert len(await rows(database, Login)) == 1


# One's own logins


async def test_a_person_sees_their_logins_and_ends_them(
    accounts: Accounts, clock: ManualClock, database: Database
) -> None:
    phone = await accounts.log_in("bob", BOB, AWAY, "Phone\x00 " + "x" * 500)
    clock.advance(timedelta(hours=1))
    desk = await accounts.log_in("bob", BOB, HOME, "Desk")
    bob = await actor_of(accounts, desk)
    found = await accounts.logins(bob, desk)
    assert [(one.address, one.browser[:5], one.current) for one in found] == [
        (HOME, "Desk", True),
        (AWAY, "Phone", False),
    ]
    assert len(found[1].browser) == 200
    third = await accounts.log_in("bob", BOB)
    assert await accounts.revoke_others(bob, desk) == 2
    assert [await accounts.who(one) for one in (phone, third)] == [None, None]
    assert await accounts.who(desk) == bob
    clock.advance(timedelta(days=30))
    assert await accounts.logins(bob, desk) == ()


async def test_nobody_ends_a_login_of_another_but_an_admin(
    accounts: Accounts, clock: ManualClock
) -> None:
    ann = await actor_of(accounts, admins := await accounts.log_in("ann", ANN))
    bob = await actor_of(accounts, token := await accounts.log_in("bob", BOB))
    [hers], [his] = await accounts.logins(ann), await accounts.logins(bob)
    for login_id in (hers.id, "nothing" * 4):
        with pytest.raises(NotFound):
            await accounts.revoke(login_id, bob)
    # Nor does the token of another keep theirs.
    assert await accounts.revoke_others(bob, admins) == 1
    assert await accounts.who(token) is None
    token = await accounts.log_in("bob", BOB)
    [his] = await accounts.logins(bob)
    await accounts.revoke(his.id, ann)
    assert await accounts.who(token) is None
    assert await accounts.who(admins) == ann


async def test_logins_that_have_expired_are_taken_away(
    accounts: Accounts, database: Database, clock: ManualClock
) -> None:
    for _ in range(3):
        await accounts.log_in("bob", BOB)
    clock.advance(timedelta(days=30))
    await accounts.log_in("ann", ANN)
    assert len(await rows(database, Login)) == 1


# Followed by open sockets


async def test_a_followed_login_ends_within_a_second_whoever_ends_it(
    accounts: Accounts, elsewhere: Accounts, clock: ManualClock
) -> None:
    bob = await id_of(accounts, "bob")
    actor = Actor(bob, "Bob")

    async def revoke(one: Accounts, token: str) -> None:
        [login] = await one.logins(actor, token)
        await one.revoke(login.id, actor)

    async def deactivate(one: Accounts, _token: str) -> None:
        await one.set_active(bob, False, LOCAL)

    async def reset(one: Accounts, _token: str) -> None:
        await one.set_password(bob, BOB, LOCAL)

    async def log_out(one: Accounts, token: str) -> None:
        await one.log_out(token)

    async def expire(_one: Accounts, _token: str) -> None:
        clock.advance(timedelta(days=30))

    took: dict[Accounts, list[float]] = {accounts: [], elsewhere: []}
    for end in (revoke, deactivate, reset, log_out, expire):
        for one in took:
            await accounts.set_active(bob, True, LOCAL)
            token = await accounts.log_in("bob", BOB)
            async with aclosing(accounts.follow_login(token)) as followed:
                assert await anext(followed) == actor
                ended = asyncio.ensure_future(anext(followed, None))
                # It waits for its end, or for somebody to end it.
                await eventually(lambda: clock.sleeping)
                began = time.monotonic()
                await end(one, token)
                async with asyncio.timeout(30):
                    assert await ended is None, end.__name__
                took[one].append(time.monotonic() - began)
            assert clock.sleeping == 0
    # A busy machine may be late now and then; who only looks now and then is late each time.
    assert all(min(each) < 1 for each in took.values()), took


async def test_a_followed_login_tells_of_another_name_and_other_rights(
    accounts: Accounts, elsewhere: Accounts
) -> None:
    token = await accounts.log_in("bob", BOB)
    bob = await actor_of(accounts, token)
    async with asyncio.timeout(30), aclosing(accounts.follow_login(token)) as followed:
        assert await anext(followed) == bob
        await elsewhere.rename(bob, "Robert")
        assert await anext(followed) == Actor(bob.id, "Robert")
        await elsewhere.set_admin(bob.id, True, LOCAL)
        assert await anext(followed) == Actor(bob.id, "Robert", admin=True)


async def test_nobodys_token_is_followed_to_no_end(accounts: Accounts, database: Database) -> None:
    for token in ("", "made up", new_token()):
        assert [one async for one in accounts.follow_login(token)] == []
    assert len(database.live) == 0


async def test_logins_of_others_wake_nobody(accounts: Accounts, database: Database) -> None:
    token = await accounts.log_in("ann", ANN)
    async with aclosing(accounts.follow_login(token)) as followed:
        await anext(followed)
        [before] = [query.runs for query in database.live.inspect()]
        bob = await actor_of(accounts, other := await accounts.log_in("bob", BOB))
        await accounts.rename(bob, "Robert")
        await accounts.log_out(other)
        await accounts.set_active(bob.id, False, LOCAL)
        [after] = [query.runs for query in database.live.inspect()]
    assert after == before


async def test_a_guest_is_followed_as_long_as_the_browser_keeps_the_cookie(
    database: Database, clock: ManualClock
) -> None:
    accounts = accounts_on(database, clock, auth="open")
    token = new_token()
    async with asyncio.timeout(30), aclosing(accounts.follow_login(token)) as followed:
        assert await anext(followed) == LOCAL
        guest = accounts.guest(token)
        clock.advance(timedelta(days=400))
        await accounts.rename(guest, "Robin")
        assert await anext(followed) == Actor(guest.id, "Robin")
    assert len(await rows(database, User)) == 1
