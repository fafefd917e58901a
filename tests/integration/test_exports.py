"""What people did, as a file: for those who may have it, and nobody else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import insert
from starlette.responses import PlainTextResponse

from agentchat import Actor, Agent, AgentChat
from agentchat.accounts.tokens import digest, new_token
from agentchat.columns import table_of
from agentchat.models import Audit, Login
from agentchat.operations import audits as module
from agentchat.store.writer import Tx
from agentchat.ui.exports import with_exports
from tests.integration.agents_stage import AgentStage, settled
from tests.integration.people_stage import ADA, ANN, add_person, rows

CLERK = Agent("clerk", "Answer.")


@dataclass
class Site:
    """An app in which people log in, and browsers of theirs."""

    chat: AgentChat

    async def ask(
        self, path: str, actor: Actor | None = None, method: str = "GET"
    ) -> httpx.Response:
        token, headers = new_token(), dict[str, str]()
        if actor is not None:
            now = datetime.now(UTC)
            login = Login(
                id=token[:20],
                user_id=actor.id,
                token_hash=digest(token),
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(days=1),
            )

            def add(tx: Tx) -> None:
                tx.execute(insert(table_of(Login)), login.model_dump())

            await self.chat._database.write(add)
            headers["Cookie"] = f"agentchat={token}"
        app = with_exports(PlainTextResponse("the page"), self.chat)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers)

    async def exports(self) -> list[tuple[str, str, str]]:
        """Who is written down to have taken what."""
        found: list[Audit] = await rows(self.chat._database, Audit)
        return [(one.kind, one.subject_id, one.by) for one in found if one.action == "export"]


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        stage = AgentStage(database_url, stack)
        stage.settings = stage.settings.model_copy(update={"auth": "password"})
        chat = await stage.open(CLERK)
        for person in (ANN, ADA):
            await add_person(chat._database, person)
        yield Site(chat)


async def test_an_administrator_gets_a_line_for_each_thing_the_newest_first_and_so_is_that_written(
    site: Site,
) -> None:
    await site.chat.runs.by(ADA).pause_workflow("reply")
    answer = await site.ask("/export/audits.jsonl", ADA)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-disposition"] == 'attachment; filename="audits.jsonl"'
    assert answer.headers["cache-control"] == "no-store"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(one["kind"], one["action"], one["by"]) for one in lines] == [
        ("app", "export", "Ada"),
        ("workflow", "pause", "Ada"),
        ("app", "change", "the environment"),
    ]
    assert await site.exports() == [("app", "audits", "Ada")]


async def test_the_file_holds_what_the_address_asks_for_and_nothing_else(site: Site) -> None:
    await site.chat.runs.by(ADA).pause_workflow("reply")
    await site.chat.runs.by(ADA).resume_workflow("reply")
    answer = await site.ask("/export/audits.csv?action=pause&who=ada", ADA)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audits.csv"'
    [names, *lines] = csv.reader(io.StringIO(answer.text))
    assert [line[names.index("action")] for line in lines] == ["pause"]
    # One that cannot be read is no filter at all: then nothing is sent.
    wrong = await site.ask("/export/audits.csv?kind=nothing", ADA)
    assert wrong.status_code == 400
    assert "kind=nothing was ignored" in wrong.json()["error"]


@pytest.mark.parametrize("path", ["/export/audits.jsonl", "/export/audits.csv"])
async def test_nobody_else_gets_anything_and_nothing_is_written(site: Site, path: str) -> None:
    await site.chat.runs.by(ADA).pause_workflow("reply")
    for actor in (None, ANN):
        answer = await site.ask(path, actor)
        assert answer.status_code == 403
        assert "pause" not in answer.text
        assert [*answer.json()] == ["error"]
    for method in ("POST", "HEAD", "DELETE"):
        assert (await site.ask(path, ADA, method)).headers["content-length"] == "8"
    assert await site.exports() == []


async def test_a_large_file_is_sent_while_it_is_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXPORTED", 10)
    for _ in range(12):
        await site.chat.runs.by(ADA).pause_workflow("reply")
        await site.chat.runs.by(ADA).resume_workflow("reply")
    pieces = site.chat.by(ADA).operations.audits.exported()
    assert [piece.count("\n") async for piece in pieces] == [10, 10, 6]
    answer = await site.ask("/export/audits.jsonl", ADA)
    assert "content-length" not in answer.headers
    assert len(answer.text.splitlines()) == 27


async def test_who_takes_a_run_is_written_down_and_who_only_looks_is_not(site: Site) -> None:
    thread = await site.chat.create_thread(actor=ANN)
    await site.chat.send_message(thread.id, "hello", actor=ANN)
    message = await settled(site.chat, thread.id)
    run_id = message.run_id
    assert run_id
    stranger = Actor("user-zoe", "Zoe")
    await add_person(site.chat._database, stranger)
    assert (await site.ask(f"/export/runs/{run_id}.json", stranger)).status_code == 404
    assert "agentchat.run" in await site.chat.by(ANN).operations.details.raw(run_id)
    assert await site.exports() == []
    answer = await site.ask(f"/export/runs/{run_id}.json", ANN)
    assert answer.status_code == 200
    assert [one["action"] for one in answer.json()["audits"]] == ["export"]
    assert await site.exports() == [("run", run_id, "Ann")]
