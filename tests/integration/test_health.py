"""Whether a process is alive, and whether it can do its work."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import create_engine, text

from agentchat import AgentChat, Settings
from agentchat.llm.scripted import ScriptedProvider
from agentchat.store import gauges, schema
from tests.conftest import fresh_postgres
from tests.integration.observing_stage import Answer, Site, serving


def chat_of(url: str) -> AgentChat:
    return AgentChat(Settings(db_url=url), provider=ScriptedProvider("instant"))


async def opened(site: Site) -> Answer:
    """Its first word that it is ready: a worker has just begun to give signs of life."""
    async with asyncio.timeout(30):
        while (answer := await site.ask("/ready")).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return answer


async def test_a_server_says_that_it_is_alive_and_ready(database_url: str) -> None:
    async with chat_of(database_url) as chat, serving(chat) as site:
        ready, health = await opened(site), await site.ask("/health")

    assert (health.status, ready.status) == (200, 200)
    alive = json.loads(health.text)
    assert alive["status"] == "alive"
    assert alive["uptime_seconds"] >= 0
    found = json.loads(ready.text)
    assert found["status"] == "ready"
    assert {name: check["ok"] for name, check in found["checks"].items()} == {
        "database": True,
        "schema": True,
        "worker": True,
        "model": True,
    }
    assert "Scripted" in found["checks"]["model"]["words"]
    assert ready.headers["Cache-Control"] == "no-store"


async def test_a_server_that_is_not_open_is_neither(database_url: str) -> None:
    chat = chat_of(database_url)
    async with serving(chat) as site:
        for path in ("/health", "/ready", "/metrics"):
            assert (await site.ask(path)).status == 503
        async with chat:
            await opened(site)
        assert (await site.ask("/ready")).status == 503


async def test_a_schema_of_another_version_makes_it_not_ready(own_database_url: str) -> None:
    async with chat_of(own_database_url) as chat, serving(chat) as site:
        await opened(site)
        engine = create_engine(own_database_url)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE notes RENAME TO notes_of_before"))
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        ready = await site.ask("/ready")
        assert ready.status == 503
        told = json.loads(ready.text)
        assert not told["checks"]["schema"]["ok"]
        assert "table 'notes' is missing" in told["words"]
        assert (await site.ask("/health")).status == 200


async def test_a_worker_that_gives_no_sign_of_life_makes_it_not_ready(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat_of(database_url) as chat, serving(chat) as site:
        await opened(site)
        # As if it had been silent for longer than that.
        monkeypatch.setattr(gauges, "SILENT", timedelta(seconds=-1))
        ready = await site.ask("/ready")
    assert ready.status == 503
    assert "sign of life" in json.loads(ready.text)["words"]


async def test_a_database_that_does_not_answer_makes_it_not_ready_in_time(postgres: str) -> None:
    url = fresh_postgres(postgres)
    schema.upgrade(url)
    plain = url.replace("+psycopg", "")
    async with chat_of(url) as chat, serving(chat) as site:
        await opened(site)
        with psycopg.connect(plain) as connection:
            # What a probe reads is locked away from it.
            connection.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
            answers = [await site.ask("/ready") for _ in range(2)]
            assert [answer.status for answer in answers] == [503, 503]
            assert "has not answered" in json.loads(answers[0].text)["words"]
            assert (await site.ask("/health")).status == 200
        assert (await site.ask("/ready")).status == 200
