"""Threads that are shared: people, their roles, and links."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from agentchat import Actor, AgentChat
from agentchat.accounts.tokens import new_token
from agentchat.durable.clock import ManualClock
from agentchat.errors import (
    AgentChatError,
    InvalidInput,
    NotAllowed,
    NotFound,
    ThreadNotFound,
    TooManyTries,
    WrongState,
)
from agentchat.models import MemberRole, Presence, ShareLink, ThreadMember
from agentchat.rights import is_visitor
from agentchat.store import members, threads, users
from agentchat.store.writer import Tx
from agentchat.verbs.sharing import MOST_LINKS, MOST_MEMBERS
from tests.integration.people_stage import (
    ADA,
    ANN,
    BOB,
    SAM,
    SECRET,
    THREAD,
    VERA,
    People,
    add_person,
    audited,
    people_on,
    rows,
)
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


@pytest.fixture
async def chat(people: People) -> AgentChat:
    return await people.shared(public_links=True)


async def roles(chat: AgentChat) -> list[tuple[str, str]]:
    return [(one.name, one.role) for one in await chat.sharing.members(THREAD, actor=ANN)]


async def refused(error: type[AgentChatError], *attempts: object) -> list[str]:
    """The words with which all of these were refused."""
    words = []
    for attempt in attempts:
        with pytest.raises(error) as raised:
            await attempt  # type: ignore[misc]
        words.append(str(raised.value))
    return words


async def test_an_owner_shares_a_thread_and_takes_it_away_again(chat: AgentChat) -> None:
    assert await roles(chat) == [("Ann", "owner"), ("Bob", "member"), ("Vera", "viewer")]
    assert (await chat.sharing.members(THREAD, actor=VERA))[0].id == ANN.id
    await chat.sharing.change_role(THREAD, VERA.id, "member", actor=ANN)
    await chat.sharing.change_role(THREAD, VERA.id, "member", actor=ANN)
    await chat.send_message(THREAD, "I may write now", actor=VERA)
    await chat.sharing.remove(THREAD, VERA.id, actor=ANN)
    await chat.sharing.remove(THREAD, VERA.id, actor=ANN)
    await chat.sharing.leave(THREAD, actor=BOB)
    assert await roles(chat) == [("Ann", "owner")]
    await refused(ThreadNotFound, chat.stop(THREAD, actor=VERA), chat.stop(THREAD, actor=BOB))
    assert await audited(chat) == [
        ("add member", "Ann"),
        ("add member", "Ann"),
        ("change role", "Ann"),
        ("remove member", "Ann"),
        ("leave", "Bob"),
    ]


async def test_only_the_owner_and_admins_share(chat: AgentChat) -> None:
    sharing = chat.sharing
    for actor, error in ((BOB, NotAllowed), (VERA, NotAllowed), (SAM, ThreadNotFound)):
        await refused(
            error,
            sharing.add(THREAD, "sam", "member", actor=actor),
            sharing.change_role(THREAD, VERA.id, "member", actor=actor),
            sharing.remove(THREAD, VERA.id, actor=actor),
            sharing.hand_over(THREAD, actor.id, actor=actor),
            sharing.make_link(THREAD, "viewer", actor=actor),
            sharing.links(THREAD, actor=actor),
            sharing.revoke_link(THREAD, "some-link", actor=actor),
        )
    await sharing.add(THREAD, "sam", "viewer", actor=ADA)
    assert ("Sam", "viewer") in await roles(chat)


async def test_who_is_unknown_inactive_or_a_guest_is_not_there_in_the_same_words(
    chat: AgentChat,
) -> None:
    await add_person(chat._database, Actor("user-gus", "Gus"), account=False)
    await chat._database.write(users.change, SAM.id, active=False)
    add = chat.sharing.add
    words = await refused(
        NotFound,
        *(add(THREAD, who, "viewer", actor=ANN) for who in ("sam", SAM.id, "gus", "zoe", "", "\0")),
        *(chat.sharing.hand_over(THREAD, who, actor=ANN) for who in (SAM.id, "user-gus", "zoe")),
    )
    assert len(set(words)) == 1
    assert await roles(chat) == [("Ann", "owner"), ("Bob", "member"), ("Vera", "viewer")]


async def test_what_makes_no_sense_is_refused_with_words(chat: AgentChat) -> None:
    sharing = chat.sharing
    await refused(
        InvalidInput,
        sharing.add(THREAD, "sam", "owner", actor=ANN),
        sharing.add(THREAD, "sam", "king", actor=ANN),
        sharing.add(THREAD, "ann", "viewer", actor=ADA),
        sharing.make_link(THREAD, "owner", actor=ANN),
        sharing.make_link(THREAD, "member", public=True, actor=ANN),
        *(
            sharing.make_link(THREAD, "viewer", hours=hours, actor=ANN)
            for hours in (0, -1, float("nan"), float("inf"), 1e9)
        ),
    )
    await refused(NotFound, sharing.change_role(THREAD, SAM.id, "viewer", actor=ANN))
    await refused(
        WrongState, sharing.remove(THREAD, ANN.id, actor=ADA), sharing.leave(THREAD, actor=ANN)
    )
    await refused(ThreadNotFound, sharing.members("no-such-thread", actor=ADA))


async def test_a_thread_that_is_handed_over_has_one_owner_also_when_two_press_at_once(
    people: People, chat: AgentChat
) -> None:
    other = await people.open()
    results = await asyncio.gather(
        chat.sharing.hand_over(THREAD, BOB.id, actor=ANN),
        other.sharing.hand_over(THREAD, VERA.id, actor=ANN),
        return_exceptions=True,
    )
    # Whoever comes second owns it no more.
    assert [type(one) for one in results if one is not None] == [NotAllowed]
    first = BOB if results[0] is None else VERA
    found = dict(await roles(chat))
    assert found[first.name] == "owner"
    assert sorted(found.values()).count("owner") == 1
    assert found["Ann"] == "member"
    await chat.sharing.hand_over(THREAD, first.id, actor=first)
    assert [action for action, _ in await audited(chat)].count("hand over") == 1
    await refused(NotAllowed, chat.delete_thread(THREAD, actor=ANN))
    await chat.sharing.leave(THREAD, actor=ANN)
    await chat.delete_thread(THREAD, actor=first)


async def test_two_who_add_the_same_person_at_once_add_one(people: People, chat: AgentChat) -> None:
    other = await people.open()
    await asyncio.gather(
        *(one.sharing.add(THREAD, "sam", "member", actor=ANN) for one in (chat, other) * 4)
    )
    assert [name for name, _ in await roles(chat)].count("Sam") == 1
    assert len(await audited(chat)) == 3


async def test_no_more_people_and_links_than_somebody_can_look_through(chat: AgentChat) -> None:
    def fill(tx: Tx) -> None:
        for number in range(MOST_MEMBERS - 2):
            who, now = f"filler-{number}", datetime.now(UTC)
            members.add(tx, THREAD, who, MemberRole.VIEWER, by=ANN.id, now=now)

    await chat._database.write(fill)
    await refused(InvalidInput, chat.sharing.add(THREAD, "sam", "viewer", actor=ANN))
    await chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
    tokens = [await chat.sharing.make_link(THREAD, "member", actor=ANN) for _ in range(MOST_LINKS)]
    await refused(InvalidInput, chat.sharing.make_link(THREAD, "member", actor=ANN))
    await refused(InvalidInput, chat.sharing.join(tokens[0], actor=SAM))
    await chat.sharing.remove(THREAD, "filler-0", actor=ANN)
    assert await chat.sharing.join(tokens[0], actor=SAM) == THREAD


async def test_a_link_makes_people_members_and_never_less_than_they_are(chat: AgentChat) -> None:
    writes = await chat.sharing.make_link(THREAD, "member", hours=1, actor=ANN)
    reads = await chat.sharing.make_link(THREAD, "viewer", actor=ANN)
    links = await chat.sharing.links(THREAD, actor=ANN)
    assert [await chat.sharing.link(one, actor=SAM) for one in (writes, reads)] == list(links)
    await refused(NotAllowed, chat.sharing.link(reads, actor=Actor("", "")))
    assert "Sam" not in dict(await roles(chat))
    for actor in (SAM, BOB, ANN):
        assert await chat.sharing.join(reads, actor=actor) == THREAD
    assert dict(await roles(chat)) == {
        "Ann": "owner",
        "Bob": "member",
        "Vera": "viewer",
        "Sam": "viewer",
    }
    await asyncio.gather(*(chat.sharing.join(writes, actor=VERA) for _ in range(4)))
    assert dict(await roles(chat))["Vera"] == "member"
    assert [one for one in await audited(chat) if one[0] == "join"] == [
        ("join", "Sam"),
        ("join", "Vera"),
    ]
    links = await chat.sharing.links(THREAD, actor=ANN)
    assert [(one.role, one.public, one.by) for one in links] == [
        ("member", False, "Ann"),
        ("viewer", False, "Ann"),
    ]
    assert all(token not in repr(links) for token in (writes, reads))

    def everything(session: Session) -> str:
        tables = ("share_links", "thread_members", "audits")
        return repr([session.execute(text(f"SELECT * FROM {one}")).all() for one in tables])

    stored = await chat._database.read(everything)
    assert "join" in stored
    assert all(token not in stored for token in (writes, reads))


async def test_links_that_are_unknown_revoked_or_over_are_refused_in_the_same_words(
    chat: AgentChat,
) -> None:
    sharing = chat.sharing
    revoked = await sharing.make_link(THREAD, "viewer", public=True, actor=ANN)
    [link] = await sharing.links(THREAD, actor=ANN)
    await sharing.revoke_link(THREAD, link.id, actor=ANN)
    await sharing.revoke_link(THREAD, link.id, actor=ANN)
    over = await sharing.make_link(THREAD, "viewer", public=True, hours=1e-9, actor=ANN)
    tokens = [revoked, over, new_token(), "", "x" * 10_000, None]
    words = await refused(
        NotFound,
        *(sharing.visitor(token) for token in tokens),  # type: ignore[arg-type]
        *(sharing.join(token, actor=SAM) for token in tokens),  # type: ignore[arg-type]
        *(sharing.link(token, actor=SAM) for token in tokens),  # type: ignore[arg-type]
    )
    private = await sharing.make_link(THREAD, "viewer", actor=ANN)
    words += await refused(NotFound, sharing.visitor(private))
    assert len(set(words)) == 1
    await refused(ThreadNotFound, sharing.members(THREAD, actor=SAM))
    done = [action for action, _ in await audited(chat)]
    assert done.count("revoke link") == 1


async def test_whoever_was_deactivated_meanwhile_does_not_join(chat: AgentChat) -> None:
    token = await chat.sharing.make_link(THREAD, "member", actor=ANN)
    await chat._database.write(users.change, SAM.id, active=False)
    await refused(NotAllowed, chat.sharing.join(token, actor=SAM))


async def test_nobody_tries_names_and_links_for_ever(people: People) -> None:
    chat = await people.shared(minute_most=4)
    # Two were used up to share the thread.
    await refused(NotFound, *(chat.sharing.add(THREAD, "zoe", "viewer", actor=ANN) for _ in "12"))
    await refused(TooManyTries, chat.sharing.add(THREAD, "zoe", "viewer", actor=ANN))
    await refused(NotFound, *(chat.sharing.join(new_token(), actor=SAM) for _ in "1234"))
    await refused(TooManyTries, chat.sharing.join(new_token(), actor=SAM))


async def test_public_links_are_off_unless_a_setting_says_otherwise(people: People) -> None:
    chat = await people.shared()
    await refused(NotAllowed, chat.sharing.make_link(THREAD, "viewer", public=True, actor=ANN))
    token = await (await people.open(public_links=True)).sharing.make_link(
        THREAD, "viewer", public=True, actor=ANN
    )
    # Made while they were on, it is good for nothing now.
    await refused(NotFound, chat.sharing.visitor(token))


async def test_a_visitor_reads_as_long_as_the_link_holds_and_does_nothing_else(
    people: People, clock: ManualClock
) -> None:
    chat = await people.shared(public_links=True, clock=clock)
    token = await chat.sharing.make_link(THREAD, "viewer", public=True, hours=1, actor=ANN)
    visitor = await chat.sharing.visitor(token)
    assert is_visitor(visitor)
    await refused(
        NotAllowed,
        chat.send_message(THREAD, "hello", actor=visitor),
        chat.sharing.members(THREAD, actor=visitor),
        chat.create_thread("mine", actor=visitor),
        chat.sharing.join(token, actor=visitor),
    )
    async with asyncio.timeout(30), aclosing(chat.follow(THREAD, actor=visitor)) as views:
        view = await anext(views)
        assert (view.title, view.role) == (f"About {SECRET}", "viewer")
        # No row changes: time alone ends it.
        coming = asyncio.ensure_future(anext(views))
        clock.advance(timedelta(minutes=59))
        await asyncio.sleep(0.05)
        assert not coming.done()
        clock.advance(timedelta(minutes=1))
        with pytest.raises(ThreadNotFound):
            await coming
    # Also for whoever comes while others follow what was read before the end.
    async with aclosing(chat.follow(THREAD, actor=BOB)) as others:
        await anext(others)
        with pytest.raises(ThreadNotFound):
            await anext(chat.follow(THREAD, actor=visitor))


async def test_what_a_visitor_follows_ends_when_the_link_is_revoked(chat: AgentChat) -> None:
    token = await chat.sharing.make_link(THREAD, "viewer", public=True, actor=ANN)
    visitor = await chat.sharing.visitor(token)
    async with aclosing(chat.follow(THREAD, actor=visitor)) as views:
        await anext(views)
        [link] = await chat.sharing.links(THREAD, actor=ANN)
        await chat.sharing.revoke_link(THREAD, link.id, actor=ANN)
        async with asyncio.timeout(30):
            with pytest.raises(ThreadNotFound):
                await anext(views)


async def test_lists_of_members_and_links_are_live_and_end_with_the_right(
    chat: AgentChat,
) -> None:
    seen = chat.sharing.follow_members(THREAD, actor=VERA)
    links = chat.sharing.follow_links(THREAD, actor=ANN)
    async with aclosing(seen), aclosing(links), asyncio.timeout(30):
        assert len(await anext(seen)) == 3
        assert await anext(links) == ()
        await chat.sharing.add(THREAD, "sam", "viewer", actor=ANN)
        await chat.sharing.make_link(THREAD, "viewer", actor=ANN)
        assert [one.name for one in await anext(seen)] == ["Ann", "Bob", "Vera", "Sam"]
        assert len(await anext(links)) == 1
        await chat.sharing.remove(THREAD, VERA.id, actor=ANN)
        await chat.sharing.hand_over(THREAD, BOB.id, actor=ANN)
        with pytest.raises(ThreadNotFound):
            await anext(seen)
        with pytest.raises(NotAllowed):
            await anext(links)


async def test_a_thread_comes_into_the_list_of_whom_it_is_shared_with_and_goes(
    chat: AgentChat,
) -> None:
    async with aclosing(chat.follow_threads(actor=SAM)) as lists, asyncio.timeout(30):
        assert await anext(lists) == ()
        await chat.sharing.add(THREAD, "sam", "viewer", actor=ANN)
        assert [one.id for one in await anext(lists)] == [THREAD]
        await chat.sharing.leave(THREAD, actor=SAM)
        assert await anext(lists) == ()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_role_counts_at_once_in_what_another_process_shows(
    people: People, chat: AgentChat
) -> None:
    other = await people.open()
    async with aclosing(other.follow(THREAD, actor=BOB)) as views:
        assert (await anext(views)).role == "member"
        await chat.sharing.change_role(THREAD, BOB.id, "viewer", actor=ANN)
        async with asyncio.timeout(30):
            assert (await anext(views)).role == "viewer"
        await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
        async with asyncio.timeout(30):
            with pytest.raises(ThreadNotFound):
                await anext(views)


async def test_a_deleted_thread_leaves_no_members_links_or_tabs(chat: AgentChat) -> None:
    token = await chat.sharing.make_link(THREAD, "member", actor=ANN)
    async with chat.presence.here(THREAD, "tab-of-bob", actor=BOB):
        await chat.delete_thread(THREAD, actor=ANN)
        await refused(NotFound, chat.sharing.link(token, actor=SAM))
        await chat.empty_thread(THREAD, actor=ANN)
        for table in (ThreadMember, ShareLink, Presence):
            assert await rows(chat._database, table) == []
    await refused(NotFound, chat.sharing.join(token, actor=SAM))
    await refused(
        ThreadNotFound,
        chat.sharing.members(THREAD, actor=ANN),
        chat.sharing.add(THREAD, "sam", "viewer", actor=ANN),
    )


async def test_the_thread_of_a_sub_agent_is_open_to_whom_its_first_one_is_and_not_shared_itself(
    chat: AgentChat,
) -> None:
    await chat._database.write(
        threads.create,
        "thread-of-a-sub",
        owner_id=BOB.id,
        title="Part",
        now=datetime.now(UTC),
        parent_id=THREAD,
    )
    found = await chat.sharing.members("thread-of-a-sub", actor=VERA)
    assert [one.name for one in found] == ["Ann", "Bob", "Vera"]
    await refused(
        InvalidInput,
        chat.sharing.add("thread-of-a-sub", "sam", "viewer", actor=ANN),
        chat.sharing.make_link("thread-of-a-sub", "viewer", actor=ANN),
        chat.sharing.leave("thread-of-a-sub", actor=BOB),
    )
    # Whose run it was counts for nothing once the first thread is not theirs any more.
    await chat.sharing.remove(THREAD, BOB.id, actor=ANN)
    await refused(ThreadNotFound, chat.sharing.members("thread-of-a-sub", actor=BOB))
    with pytest.raises(ThreadNotFound):
        await anext(chat.follow("thread-of-a-sub", actor=BOB))
