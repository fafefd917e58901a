"""A clock that stands still, and workers that can die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from agentchat.durable import worker as workers_module
from agentchat.durable.clock import ManualClock
from agentchat.store.database import Database
from tests.integration.stage import Stage
from tests.integration.workers import Workers


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers learn of nothing by looking now and then, only by being told."""
    for name in ("LEASE", "RENEW", "LOOK"):
        monkeypatch.setattr(workers_module, name, timedelta(hours=1))


@pytest.fixture
async def workers(database: Database, clock: ManualClock) -> AsyncIterator[Workers]:
    workers = Workers(database, clock)
    yield workers
    for worker in workers.alive:
        await worker.close()


@pytest.fixture
def stage(database: Database, workers: Workers, clock: ManualClock) -> Stage:
    return Stage(database, workers, clock)
