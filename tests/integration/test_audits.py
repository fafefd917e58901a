"""What people did, as those see it who look after the app."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentchat.durable.clock import SystemClock
from agentchat.errors import InvalidInput, NotAllowed
from agentchat.operations import audits as module
from agentchat.operations.audits import PAGE, AuditEntry, Audits
from agentchat.operations.redact import HIDDEN
from agentchat.store import audits
from agentchat.store.audits import Entry, Wanted
from agentchat.store.database import Database
from agentchat.store.writer import Tx
from agentchat.views import LOCAL, Actor
from tests.guards import NOBODY, by_rows

ANN, BOB = Actor("ann", "Ann", admin=True), Actor("bob", "Bob")
NOW, NEVER = datetime(2026, 1, 1, tzinfo=UTC), timedelta()


@pytest.fixture
def seen(database: Database) -> Audits:
    return Audits(database, SystemClock(), by_rows())


async def did(
    database: Database, number: int, *, at: datetime = NOW, every: timedelta = NEVER, **values: Any
) -> None:
    """So many things, one after the other."""

    def add(tx: Tx) -> None:
        for n in range(number):
            about = {"kind": "run", "action": "cancel", "by": BOB, "subject_id": f"subject-{n}"}
            audits.add(tx, Entry(**{**about, **values}), now=at + n * every)

    await database.write(add)


async def found(seen: Audits, **wanted: Any) -> list[AuditEntry]:
    """The first page of what is wanted."""
    return list((await seen.page(Wanted(**wanted))).entries)


async def test_pages_go_back_to_the_first_without_a_gap(database: Database, seen: Audits) -> None:
    await did(database, 2 * PAGE + 5)
    ids, before = [], 0
    while True:
        page = await seen.page(before=before)
        ids += [entry.id for entry in page.entries]
        before = page.earlier
        if not before:
            break
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 2 * PAGE + 5


async def test_a_kind_and_a_person_are_picked(database: Database, seen: Audits) -> None:
    await did(database, 2)
    await did(database, 1, kind="account", action="log in", by=ANN)
    assert [one.action for one in await found(seen, kind="account")] == ["log in"]
    assert [one.by for one in await found(seen, who="bob")] == ["Bob", "Bob"]
    # An id is the person's; of a name a part is enough, however it is written.
    assert [one.by for one in await found(seen, who="ANN")] == ["Ann"]
    assert [one.by for one in await found(seen, who="n")] == ["Ann"]
    assert await found(seen, who="%") == []
    assert await found(seen, kind="account", who="bob") == []
    assert await found(seen, action="log in", who="ann") != []
    with pytest.raises(InvalidInput, match="'nothing' is none of run"):
        await seen.page(Wanted(kind="nothing"))


@pytest.mark.parametrize("kind", ["", "run"])
async def test_what_was_done_to_one_thing_is_found_however_long_ago(
    database: Database, seen: Audits, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 5)
    await did(database, 20)
    assert [one.subject for one in await found(seen, kind=kind, subject="subject-0")] == [
        "subject-0"
    ]


async def test_only_so_many_are_looked_at_for_a_page_and_it_says_where_to_look_further(
    database: Database, seen: Audits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 10)
    await did(database, 1, kind="account", action="log in", by=ANN)
    await did(database, 24)
    pages, before, wanted = [], 0, Wanted(kind="account")
    while True:
        page = await seen.page(wanted, before=before)
        pages.append((len(page.entries), page.looked_at))
        before = page.earlier
        if not before:
            break
    assert pages == [(0, 10), (0, 10), (1, 0)]


async def test_a_time_is_found_among_many_and_ends_before_its_end(
    database: Database, seen: Audits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 60)
    # A thing each minute: those of the hour are further back than is looked.
    await did(database, 300, every=timedelta(minutes=1))
    since, until = NOW + timedelta(minutes=60), NOW + timedelta(minutes=90)
    page = await seen.page(Wanted(since=since, until=until))
    assert len(page.entries) == 30
    assert page.entries[-1].at == since.isoformat()
    assert page.entries[0].at == (until - timedelta(minutes=1)).isoformat()
    assert page.earlier == 0
    assert await found(seen, since=NOW + timedelta(days=1)) == []
    assert await found(seen, until=NOW) == []


async def test_clocks_that_differ_a_little_hide_nothing(database: Database, seen: Audits) -> None:
    for minutes in (0, 5, 3, 9, 8, 4):
        await did(database, 1, at=NOW + timedelta(minutes=minutes))
    since, until = NOW + timedelta(minutes=4), NOW + timedelta(minutes=9)
    times = [one.at[14:16] for one in await found(seen, since=since, until=until)]
    assert times == ["04", "08", "05"]


async def test_secrets_in_what_an_action_was_given_are_not_shown(
    database: Database, seen: Audits
) -> None:
    await did(database, 1, detail={"data": {"password": "hunter2 and more"}, "step": "pay"})
    [entry] = (await seen.page()).entries
    assert json.loads(entry.detail) == {"data": {"password": HIDDEN}, "step": "pay"}


async def test_the_export_holds_everything_a_line_each(database: Database, seen: Audits) -> None:
    await did(database, PAGE + 1, detail={"step": "pay"})
    text = "".join([piece async for piece in seen.exported()])
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == PAGE + 2
    # That it was exported is there, too.
    assert (lines[0]["action"], lines[0]["subject"], lines[0]["by"]) == ("export", "audits", "you")
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


async def test_a_table_holds_what_was_asked_for_and_carries_nothing_out(
    database: Database, seen: Audits
) -> None:
    formula = '=HYPERLINK("http://evil.example","me")'
    await did(database, 1, kind="account", action="fail", subject_id=formula)
    await did(database, 3)
    pieces = seen.exported(Wanted(kind="account"), form="csv", actor=ANN)
    [names, *lines] = csv.reader(io.StringIO("".join([piece async for piece in pieces])))
    assert names == ["id", "kind", "subject", "action", "by", "by_id", "at", "detail"]
    assert [(line[2], line[3]) for line in lines] == [(f"'{formula}", "fail")]
    [exported] = await found(seen, kind="app")
    assert (exported.by, exported.action) == ("Ann", "export")
    assert json.loads(exported.detail) == {"form": "csv", "kind": "account"}


async def test_a_large_export_is_read_a_part_at_a_time(
    database: Database, seen: Audits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXPORTED", 10)
    await did(database, 34)
    pieces = [piece async for piece in seen.exported()]
    assert [piece.count("\n") for piece in pieces] == [10, 10, 10, 5]


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
