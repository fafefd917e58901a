"""Accounts: who may make one, who is an admin, and what happens when two act at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import pytest

from agentchat import LOCAL, Actor
from agentchat.accounts import Accounts
from agentchat.accounts.passwords import Passwords
from agentchat.accounts.tokens import new_token
from agentchat.durable.clock import ManualClock
from agentchat.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    TooManyTries,
    WrongPassword,
    WrongState,
)
from agentchat.models import Audit, Invitation, Login, LoginTry, User
from agentchat.store.database import Database
from tests.integration.accounts_stage import (
    ANN,
    BOB,
    CAT,
    HOME,
    STRANGE,
    Counting,
    accounts_on,
    actor_of,
    another,
    audited,
    rows,
)


@pytest.fixture
def accounts(database: Database, clock: ManualClock) -> Accounts:
    return accounts_on(database, clock)


@pytest.fixture
async def ann(accounts: Accounts) -> Actor:
    """The first person, who is an admin."""
    return await actor_of(accounts, await accounts.sign_up("ann", ANN, "Ann"))


@pytest.fixture
async def bob(accounts: Accounts, ann: Actor) -> Actor:
    """A second person, who was invited."""
    link = await accounts.invite(ann)
    return await actor_of(accounts, await accounts.sign_up("bob", BOB, "Bob", link.token))


@pytest.fixture
async def elsewhere(database: Database, clock: ManualClock) -> AsyncIterator[Accounts]:
    """The accounts of another process."""
    async with another(database.url) as other:
        yield accounts_on(other, clock)


# Signing up


async def test_the_first_person_becomes_an_admin_and_the_next_ones_need_an_invitation(
    accounts: Accounts, database: Database
) -> None:
    assert (await accounts.beginning()).no_accounts
    ann = await actor_of(accounts, await accounts.sign_up("Ann", ANN, "Ann Lee"))
    assert (ann.name, ann.admin) == ("Ann Lee", True)
    beginning = await accounts.beginning()
    assert (beginning.no_accounts, beginning.may_sign_up) == (False, False)

    with pytest.raises(NotAllowed, match="invitation"):
        await accounts.sign_up("bob", BOB)
    with pytest.raises(NotFound, match="good for nothing"):
        await accounts.sign_up("bob", BOB, invitation=new_token())
    link = await accounts.invite(ann)
    bob = await actor_of(accounts, await accounts.sign_up("bob", BOB, invitation=link.token))
    assert (bob.name, bob.admin) == ("bob", False)
    assert await audited(database) == [
        ("sign_up", "Ann Lee"),
        ("invite", "Ann Lee"),
        ("sign_up", "bob"),
    ]


async def test_with_open_sign_up_anybody_may_come_and_is_no_admin(
    database: Database, clock: ManualClock
) -> None:
    accounts = accounts_on(database, clock, sign_up="open")
    await accounts.sign_up("ann", ANN)
    assert (await accounts.beginning()).may_sign_up
    assert not (await actor_of(accounts, await accounts.sign_up("bob", BOB))).admin


async def test_of_many_first_people_at_once_one_becomes_an_admin(
    database: Database, clock: ManualClock
) -> None:
    async with another(database.url) as other:
        both = [accounts_on(one, clock, sign_up="open") for one in (database, other)]
        tokens = await asyncio.gather(
            *(both[n % 2].sign_up(f"person{n}", ANN) for n in range(6)),
        )
        admins = [(await actor_of(both[0], token)).admin for token in tokens]
    assert sum(admins) == 1


async def test_of_many_first_people_at_once_the_others_are_not_let_in_uninvited(
    accounts: Accounts, elsewhere: Accounts, database: Database
) -> None:
    both = (accounts, elsewhere)
    came = await asyncio.gather(
        *(both[n % 2].sign_up(f"person{n}", ANN) for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in came) == 1
    assert sum(isinstance(one, NotAllowed) for one in came) == 5
    assert len(await rows(database, User)) == 1


async def test_a_name_is_taken_in_whatever_spelling(accounts: Accounts, ann: Actor) -> None:
    link = await accounts.invite(ann)
    with pytest.raises(InvalidInput, match="taken"):
        await accounts.sign_up(" ANN ", BOB, "Another", link.token)
    # Nothing was used up.
    assert (await accounts.link(link.token)).kind == "invite"


async def test_one_name_at_once_is_given_to_one(database: Database, clock: ManualClock) -> None:
    async with another(database.url) as other:
        both = [accounts_on(one, clock, sign_up="open") for one in (database, other)]
        came = await asyncio.gather(
            *(both[n % 2].sign_up("ann", ANN) for n in range(4)), return_exceptions=True
        )
    assert sum(isinstance(one, str) for one in came) == 1
    assert sum(isinstance(one, InvalidInput) for one in came) == 3


async def test_who_is_not_invited_costs_no_hash_and_learns_no_names(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = accounts_on(database, clock)
    await accounts.sign_up("ann", ANN)
    hashed: list[str] = []

    async def noted(_self: Passwords, password: str) -> str:
        hashed.append(password)
        return ""

    monkeypatch.setattr(Passwords, "hashed", noted)
    refusals = set()
    for name in ("ann", "nobody"):
        with pytest.raises(NotAllowed) as refused:
            await accounts.sign_up(name, BOB)
        refusals.add(str(refused.value))
    assert hashed == []
    assert len(refusals) == 1


async def test_one_address_makes_few_accounts_in_an_hour(
    database: Database, clock: ManualClock
) -> None:
    accounts = accounts_on(database, clock, sign_up="open")
    for n in range(10):
        await accounts.sign_up(f"person{n}", ANN, address=STRANGE)
    with pytest.raises(TooManyTries):
        await accounts.sign_up("person10", ANN, address=STRANGE)
    await accounts.sign_up("person11", ANN, address=HOME)
    clock.advance(timedelta(hours=1))
    await accounts.sign_up("person10", ANN, address=STRANGE)


# Invitations


async def test_an_invitation_used_twice_at_once_lets_one_in(
    accounts: Accounts, elsewhere: Accounts, ann: Actor, database: Database
) -> None:
    link = await accounts.invite(ann)
    both = (accounts, elsewhere)
    came = await asyncio.gather(
        *(both[n % 2].sign_up(f"person{n}", BOB, "", link.token) for n in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, str) for one in came) == 1
    assert sum(isinstance(one, NotFound) for one in came) == 5
    assert len(await rows(database, User)) == 2


async def test_an_invitation_may_make_an_admin(accounts: Accounts, ann: Actor) -> None:
    link = await accounts.invite(ann, admin=True)
    bob = await actor_of(accounts, await accounts.sign_up("bob", BOB, "", link.token))
    assert bob.admin
    await accounts.invite(bob)


async def test_an_invitation_is_good_for_a_week_or_until_it_is_revoked(
    accounts: Accounts, ann: Actor, clock: ManualClock
) -> None:
    revoked, old = await accounts.invite(ann), await accounts.invite(ann)
    assert {one.id for one in await accounts.invitations(ann)} == {revoked.id, old.id}
    await accounts.revoke_invitation(revoked.id, ann)
    with pytest.raises(NotFound):
        await accounts.sign_up("bob", BOB, "", revoked.token)
    with pytest.raises(NotFound):
        await accounts.revoke_invitation(revoked.id, ann)
    clock.advance(timedelta(days=7))
    assert await accounts.invitations(ann) == ()
    with pytest.raises(NotFound):
        await accounts.sign_up("bob", BOB, "", old.token)


async def test_links_lead_to_where_people_reach_the_app_and_hide_their_token_from_servers(
    database: Database, clock: ManualClock
) -> None:
    accounts = accounts_on(database, clock, public_url="https://chat.example.org")
    link = await accounts.invite(LOCAL)
    assert link.url == f"https://chat.example.org/invite#{link.token}"
    assert link.token not in repr(link)
    user_id = await accounts.add("ann", ANN, admin=True, actor=LOCAL)
    reset = await accounts.reset_link(user_id, LOCAL)
    assert reset.url == f"https://chat.example.org/reset#{reset.token}"


async def test_a_link_to_reset_makes_no_account_and_an_invitation_resets_nothing(
    accounts: Accounts, ann: Actor, bob: Actor
) -> None:
    reset, invite = await accounts.reset_link(bob.id, ann), await accounts.invite(ann)
    with pytest.raises(NotFound):
        await accounts.sign_up("cat", CAT, "", reset.token)
    with pytest.raises(NotFound):
        await accounts.use_reset(invite.token, CAT)
    assert (await accounts.link(reset.token)).name == "bob"


async def test_a_reset_gives_another_password_once_and_ends_all_logins(
    accounts: Accounts, ann: Actor, bob: Actor, database: Database
) -> None:
    before = await accounts.log_in("bob", BOB)
    first = await accounts.reset_link(bob.id, ann)
    link = await accounts.reset_link(bob.id, ann)
    with pytest.raises(NotFound):
        await accounts.use_reset(first.token, CAT)
    with pytest.raises(InvalidInput):
        await accounts.use_reset(link.token, "short")
    token = await accounts.use_reset(link.token, CAT, address=HOME)
    assert await accounts.who(before) is None
    assert await accounts.who(token) == bob
    with pytest.raises(NotFound):
        await accounts.use_reset(link.token, ANN)
    with pytest.raises(WrongPassword):
        await accounts.log_in("bob", BOB)
    await accounts.log_in("bob", CAT)
    assert ("use_reset", "Bob") in await audited(database)


async def test_a_link_to_reset_is_good_for_a_day_and_until_the_password_is_changed(
    accounts: Accounts, ann: Actor, bob: Actor, clock: ManualClock
) -> None:
    link = await accounts.reset_link(bob.id, ann)
    await accounts.change_password(bob, BOB, CAT)
    with pytest.raises(NotFound):
        await accounts.use_reset(link.token, ANN)
    link = await accounts.reset_link(bob.id, ann)
    clock.advance(timedelta(days=1))
    with pytest.raises(NotFound):
        await accounts.use_reset(link.token, ANN)


# Admins


async def test_only_admins_do_what_is_an_admins(accounts: Accounts, ann: Actor, bob: Actor) -> None:
    for refused in (
        accounts.people(bob),
        accounts.invitations(bob),
        accounts.invite(bob),
        accounts.reset_link(ann.id, bob),
        accounts.set_active(ann.id, False, bob),
        accounts.set_admin(bob.id, True, bob),
        accounts.revoke_invitation("x" * 32, bob),
        accounts.add("eve", CAT, admin=True, actor=ann),
        accounts.set_password(bob.id, CAT, ann),
    ):
        with pytest.raises(NotAllowed, match="Only "):
            await refused
    async with aclosing(accounts.follow_people(bob)) as followed:
        with pytest.raises(NotAllowed):
            await anext(followed)


async def test_an_actor_that_only_says_that_it_is_an_admin_is_none(
    accounts: Accounts, ann: Actor, bob: Actor
) -> None:
    for liar in (Actor(bob.id, "Bob", admin=True), Actor("nobody" * 4, "Eve", admin=True)):
        with pytest.raises(NotAllowed):
            await accounts.set_admin(bob.id, True, liar)
        with pytest.raises(NotAllowed):
            await accounts.people(liar)
    # Nor is one who was an admin when the page was opened.
    await accounts.set_admin(bob.id, True, ann)
    await accounts.set_admin(ann.id, False, ann)
    with pytest.raises(NotAllowed):
        await accounts.invite(ann)


async def test_the_last_admin_stays_one(accounts: Accounts, ann: Actor, bob: Actor) -> None:
    for refused in (
        accounts.set_admin(ann.id, False, ann),
        accounts.set_active(ann.id, False, ann),
        accounts.set_active(ann.id, False, LOCAL),
    ):
        with pytest.raises(WrongState, match="last admin"):
            await refused
    await accounts.set_admin(bob.id, True, ann)
    await accounts.set_active(bob.id, False, ann)
    # One who cannot log in looks after nothing.
    with pytest.raises(WrongState):
        await accounts.set_admin(ann.id, False, ann)


async def test_of_two_last_admins_who_step_down_at_once_one_stays(
    accounts: Accounts, elsewhere: Accounts, ann: Actor, bob: Actor
) -> None:
    for _ in range(5):
        await accounts.set_admin(bob.id, True, LOCAL)
        await accounts.set_admin(ann.id, True, LOCAL)
        came = await asyncio.gather(
            accounts.set_admin(ann.id, False, LOCAL),
            elsewhere.set_admin(bob.id, False, LOCAL),
            return_exceptions=True,
        )
        assert sum(isinstance(one, WrongState) for one in came) == 1
        assert sum(one.admin for one in await accounts.people(LOCAL)) == 1


async def test_links_of_somebody_who_is_an_admin_no_more_are_good_for_nothing(
    accounts: Accounts, ann: Actor, bob: Actor
) -> None:
    await accounts.set_admin(bob.id, True, ann)
    bob = Actor(bob.id, bob.name, admin=True)
    link = await accounts.invite(bob, admin=True)
    await accounts.set_admin(bob.id, False, ann)
    with pytest.raises(NotFound):
        await accounts.sign_up("cat", CAT, "", link.token)


async def test_people_are_followed_as_they_come_and_change(
    accounts: Accounts, elsewhere: Accounts, ann: Actor, bob: Actor
) -> None:
    async with asyncio.timeout(30), aclosing(accounts.follow_people(ann)) as followed:
        assert [one.name for one in await anext(followed)] == ["ann", "bob"]
        await elsewhere.set_active(bob.id, False, ann)
        while [one.active for one in await anext(followed)] != [True, False]:
            pass
        await accounts.set_active(bob.id, True, ann)
        await accounts.set_admin(bob.id, True, ann)
        await elsewhere.set_admin(ann.id, False, LOCAL)
        with pytest.raises(NotAllowed):
            await _all(followed)


async def _all(followed: AsyncGenerator[object, None]) -> None:
    async for _ in followed:
        pass


async def test_whoever_has_the_machine_adds_people_and_gives_them_passwords(
    accounts: Accounts, database: Database
) -> None:
    user_id = await accounts.add("Ann", ANN, admin=True, actor=LOCAL)
    token = await accounts.log_in("ann", ANN)
    await accounts.set_password(user_id, BOB, LOCAL)
    assert await accounts.who(token) is None
    assert (await actor_of(accounts, await accounts.log_in("ann", BOB))).admin
    assert (await audited(database))[:3] == [
        ("add", "you"),
        ("log_in", "ann"),
        ("set_password", "you"),
    ]


# Passwords


async def test_changing_a_password_ends_all_other_logins_at_once(
    accounts: Accounts, elsewhere: Accounts, ann: Actor
) -> None:
    here, there = [await accounts.log_in("ann", ANN) for _ in range(2)]
    assert await elsewhere.who(there) == ann
    with pytest.raises(WrongPassword, match="old password"):
        await accounts.change_password(ann, BOB, CAT, token=here)
    assert await accounts.who(there) == ann
    with pytest.raises(InvalidInput):
        await accounts.change_password(ann, ANN, "password1", token=here)
    await accounts.change_password(ann, ANN, CAT, token=here)
    assert await accounts.who(here) == ann
    assert await accounts.who(there) is None
    with pytest.raises(WrongPassword):
        await accounts.log_in("ann", ANN)


async def test_the_old_password_cannot_be_guessed_by_who_is_logged_in(
    accounts: Accounts, ann: Actor, bob: Actor
) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await accounts.change_password(bob, ANN, CAT, address=HOME)
    with pytest.raises(TooManyTries):
        await accounts.change_password(bob, BOB, CAT, address=HOME)


async def test_a_password_is_hashed_anew_when_the_parameters_change(
    accounts: Accounts, ann: Actor, database: Database, clock: ManualClock
) -> None:
    [before] = [one.password_hash for one in await rows(database, User)]
    later = accounts_on(database, clock, Passwords(time_cost=2, memory_kib=16))
    with pytest.raises(WrongPassword):
        await later.log_in("ann", BOB)
    [same] = [one.password_hash for one in await rows(database, User)]
    assert same == before
    await later.log_in("ann", ANN)
    [after] = [one.password_hash for one in await rows(database, User)]
    assert "m=16,t=2" in after
    await later.log_in("ann", ANN)
    [still] = [one.password_hash for one in await rows(database, User)]
    assert still == after


async def test_no_row_holds_a_token_or_a_password(
    accounts: Accounts, database: Database, ann: Actor, bob: Actor
) -> None:
    secrets = [ANN, BOB, CAT, await accounts.log_in("ann", ANN, HOME, "Browser")]
    secrets.append((await accounts.invite(ann)).token)
    secrets.append((await accounts.reset_link(bob.id, ann)).token)
    with pytest.raises(WrongPassword):
        await accounts.log_in("bob", CAT)
    tables = (User, Login, Invitation, LoginTry, Audit)
    held = "\n".join([repr(row) for table in tables for row in await rows(database, table)])
    assert "argon2id" in held
    assert not [secret for secret in secrets if secret in held]


# Apps that are open to all


async def test_in_an_open_app_nobody_logs_in(database: Database, clock: ManualClock) -> None:
    accounts = accounts_on(database, clock, auth="open")
    for refused in (
        accounts.sign_up("ann", ANN),
        accounts.log_in("ann", ANN),
        accounts.use_reset(new_token(), ANN),
    ):
        with pytest.raises(WrongState, match="AGENTCHAT_AUTH"):
            await refused
    assert await rows(database, User) == []


async def test_browsers_are_one_person_until_they_pick_a_name_and_then_people_of_their_own(
    database: Database, clock: ManualClock
) -> None:
    accounts = accounts_on(database, clock, auth="open")
    one, other = new_token(), new_token()
    first, second = accounts.guest(one), accounts.guest(other)
    assert first.id != second.id
    assert not first.admin
    assert await actor_of(accounts, one) == await actor_of(accounts, other) == LOCAL
    assert await rows(database, User) == []

    await accounts.enrol(first)
    await accounts.enrol(first)
    await accounts.enrol(LOCAL)
    [row] = await rows(database, User)
    assert (row.id, row.name, row.display_name) == (first.id, f"guest-{first.id[:4]}", first.name)
    assert row.password_hash is None

    assert await actor_of(accounts, one) == first
    assert await actor_of(accounts, other) == LOCAL
    await accounts.rename(second, "Robin")
    assert await actor_of(accounts, other) == Actor(second.id, "Robin")
    assert await actor_of(accounts, one) == first


async def test_guests_whose_ids_begin_alike_have_names_of_their_own(
    database: Database, clock: ManualClock
) -> None:
    accounts = accounts_on(database, clock, auth="open")
    ids = ["abcd" + str(n) * 28 for n in range(3)]
    async with another(database.url) as other:
        both = (accounts, accounts_on(other, clock, auth="open"))
        await asyncio.gather(*(both[n % 2].enrol(Actor(one, "Same")) for n, one in enumerate(ids)))
    names = {row.name for row in await rows(database, User)}
    assert len(names) == 3
    assert "guest-abcd" in names


async def test_guests_are_nobody_once_people_have_to_log_in(
    database: Database, clock: ManualClock
) -> None:
    open_ = accounts_on(database, clock, auth="open")
    token = new_token()
    await open_.rename(open_.guest(token), "Robin")
    guest = await actor_of(open_, token)
    for refused in (open_.invite(guest, admin=True), open_.set_admin(guest.id, True, LOCAL)):
        with pytest.raises((NotAllowed, NotFound)):
            await refused
    closed = accounts_on(database, clock)
    assert await closed.who(token) is None
    with pytest.raises(NotAllowed):
        closed.guest(token)
    # Nor do they count as the first person.
    assert (await closed.beginning()).no_accounts
    assert (await actor_of(closed, await closed.sign_up("ann", ANN))).admin
    with pytest.raises(WrongPassword):
        await closed.log_in(f"guest-{guest.id[:4]}", "")
    assert [one.name for one in await closed.people(LOCAL)] == ["ann"]


async def test_a_name_that_others_see_can_be_changed(
    accounts: Accounts, ann: Actor, database: Database
) -> None:
    token = await accounts.log_in("ann", ANN)
    await accounts.rename(ann, "Ann  Lee")
    assert await accounts.who(token) == Actor(ann.id, "Ann Lee", admin=True)
    with pytest.raises(InvalidInput):
        await accounts.rename(ann, " ")
    with pytest.raises(InvalidInput):
        await accounts.rename(LOCAL, "Me")
    assert ("rename", "Ann") in await audited(database)


async def test_nothing_is_hashed_for_a_name_that_cannot_be(
    database: Database, clock: ManualClock
) -> None:
    passwords = Counting()
    accounts = accounts_on(database, clock, passwords)
    with pytest.raises(InvalidInput):
        await accounts.sign_up("a b", ANN)
    assert passwords.compared == 0
    assert await rows(database, User) == []
