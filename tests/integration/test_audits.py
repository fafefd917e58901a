"""What people did, as those see it who look after the app."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from agentchat.errors import InvalidInput, NotAllowed
from agentchat.operations.audits import PAGE, Audits
from agentchat.operations.redact import HIDDEN
from agentchat.store import audits
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.views import LOCAL, Actor
from tests.guards import NOBODY, by_rows

ANN, BOB = Actor("ann", "Ann", admin=True), Actor("bob", "Bob")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def seen(database: Database) -> Audits:
    return Audits(database, by_rows())


async def did(database: Database, number: int, **values: object) -> None:
    for n in range(number):
        about = {"kind": "run", "action": "cancel", "by": BOB, **values}
        entry = Entry(subject_id=f"subject-{n}", **about)  # type: ignore[arg-type]
        await database.write(audits.add, entry, now=NOW)


async def test_pages_go_back_to_the_first_without_a_gap(database: Database, seen: Audits) -> None:
    await did(database, 2 * PAGE + 5)
    found, before = [], 0
    while True:
        page = await seen.page(before=before)
        found += [entry.id for entry in page.entries]
        before = page.earlier
        if not before:
            break
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 2 * PAGE + 5


async def test_a_kind_and_a_person_are_picked(database: Database, seen: Audits) -> None:
    await did(database, 2)
    await did(database, 1, kind="account", action="log in", by=ANN)
    assert [one.action for one in (await seen.page(kind="account")).entries] == ["log in"]
    assert [one.by for one in (await seen.page(by_id="bob")).entries] == ["Bob", "Bob"]
    assert (await seen.page(kind="account", by_id="bob")).entries == ()
    with pytest.raises(InvalidInput, match="'nothing' is none of run"):
        await seen.page(kind="nothing")


async def test_secrets_in_what_an_action_was_given_are_not_shown(
    database: Database, seen: Audits
) -> None:
    await did(database, 1, detail={"data": {"password": "hunter2 and more"}, "step": "pay"})
    [entry] = (await seen.page()).entries
    assert json.loads(entry.detail) == {"data": {"password": HIDDEN}, "step": "pay"}


async def test_the_export_holds_everything_a_line_each(database: Database, seen: Audits) -> None:
    await did(database, PAGE + 1, detail={"step": "pay"})
    lines = [json.loads(line) async for line in seen.exported()]
    assert len(lines) == PAGE + 1
    assert lines[-1] | {"id": 0} == {
        "id": 0,
        "kind": "run",
        "subject": "subject-0",
        "action": "cancel",
        "by": "Bob",
        "by_id": "bob",
        "at": "2026-01-01T00:00:00+00:00",
        "detail": {"step": "pay"},
    }


async def test_what_is_done_is_seen_at_once(database: Database, seen: Audits) -> None:
    following = seen.follow()
    assert (await anext(following)).entries == ()
    await did(database, 1)
    assert len((await anext(following)).entries) == 1
    await following.aclose()


@pytest.mark.parametrize("actor", [BOB, NOBODY])
async def test_only_administrators_see_it(seen: Audits, actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        await seen.page(actor=actor)
    with pytest.raises(NotAllowed):
        seen.follow(actor=actor)
    with pytest.raises(NotAllowed):
        await anext(seen.exported(actor=actor))
    assert await seen.page(actor=ANN) == await seen.page(actor=LOCAL)
