"""Very many runs, written at once: as they would stand after months of work."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, insert, text

from agentchat.columns import json_text, table_of
from agentchat.models import Run, RunStatus, Spending, Step, Thread

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When the newest of them was started."""
STATUSES = {
    RunStatus.DONE: 88.0,
    RunStatus.FAILED: 5.0,
    RunStatus.STOPPED: 3.0,
    RunStatus.WAITING: 2.0,
    RunStatus.PAUSED: 1.0,
    RunStatus.QUEUED: 0.8,
    RunStatus.RUNNING: 0.2,
}
WORKFLOWS = {"reply": 70.0, "digest": 20.0, "import_orders": 8.0, "remember": 2.0}
AGENTS = ("assistant", "researcher", "writer")
MODELS = ("anthropic:large", "openai:small", "local:tiny")
PEOPLE = ("Ann", "Bob", "Cleo")
THREADS = 100
EACH = 2_000


def fill(url: str, number: int, *, seed: int = 7) -> None:
    """Add so many runs to a migrated database, a tenth of a minute apart, with their threads."""
    engine = create_engine(url, json_serializer=json_text)
    threads = [_thread(place) for place in range(THREADS)]
    with engine.begin() as connection:
        connection.execute(insert(table_of(Thread)), threads)
        rows: list[dict[str, Any]] = []
        for row in _runs(number, random.Random(seed)):
            rows.append(row)
            if len(rows) == EACH:
                _add(connection, rows)
                rows = []
        if rows:
            _add(connection, rows)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # As its autovacuum does within a minute.
            connection.execute(text("VACUUM ANALYZE workflows"))
            connection.execute(text("VACUUM ANALYZE spendings"))
    engine.dispose()


def _add(connection: Any, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(table_of(Run)), rows)
    calls = [call for row in rows for call in _calls(row)]
    if calls:
        connection.execute(insert(table_of(Spending)), calls)
    waiting = [row for row in rows if row["status"] == RunStatus.WAITING]
    if waiting:
        connection.execute(insert(table_of(Step)), [_sleep(row) for row in waiting])


def models_of(run_id: str) -> tuple[str, ...]:
    """The models that an answer of this id has called: one, or two."""
    number = int(run_id, 16)
    first = MODELS[number % 3]
    return (first,) if number % 8 else (first, MODELS[(number + 1) % 3])


def _calls(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The last call took all that the run knows of."""
    if row["workflow"] != "reply" or row["attempt"] == 0:
        return
    models = models_of(row["id"])
    for place, model in enumerate(models):
        last = place == len(models) - 1
        yield {
            "run_id": row["id"],
            "thread_id": row["thread_id"],
            "message_id": row["id"],
            "user_id": "ann",
            "agent": row["agent"],
            "model": model,
            "step": "generate",
            "outcome": "done" if last else "failed",
            "input_tokens": row["input_tokens"] if last else 0,
            "output_tokens": row["output_tokens"] if last else 0,
            "cached_tokens": 0,
            "cost_usd": row["cost_usd"] if last else 0.0,
            "estimated": False,
            "created_at": row["created_at"],
        }


def _thread(place: int) -> dict[str, Any]:
    return {
        "id": f"thread-{place:04}",
        "owner_id": "ann",
        "title": f"About subject number {place}",
        "length": 0,
        "agent": "",
        "second_message": "queue",
        "state": {},
        "created_at": NOW,
        "updated_at": NOW,
    }


def _runs(number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    names = {column.name: None for column in table_of(Run).columns}
    for place in range(number):
        created = NOW - timedelta(seconds=6 * place)
        [status] = chance.choices(list(STATUSES), list(STATUSES.values()))
        [workflow] = chance.choices(list(WORKFLOWS), list(WORKFLOWS.values()))
        begun = status != RunStatus.QUEUED
        over = status in (RunStatus.DONE, RunStatus.FAILED, RunStatus.STOPPED)
        lasted = timedelta(milliseconds=chance.randint(50, 60_000))
        replies = workflow == "reply"
        failed = status == RunStatus.FAILED
        error = f"The server said {chance.choice(['no', 'perhaps', 'later'])}." * 3
        yield {
            **names,
            "id": f"{chance.getrandbits(128):032x}",
            "workflow": workflow,
            "version": "1",
            "code": "c0de",
            "status": status,
            "step": "generate" if begun else "",
            "data": {"text": "x" * 120, "user_id": "ann" if workflow == "remember" else ""},
            "result": {"text": "y" * 80} if status == RunStatus.DONE else None,
            "priority": 0,
            "thread_id": f"thread-{chance.randrange(THREADS):04}" if replies else None,
            "awaited": False,
            "started_by": chance.choice(PEOPLE),
            "user_id": "",
            "agent": chance.choice(AGENTS) if replies else "",
            "attempt": int(begun),
            "crashes": 0,
            "due_at": created + timedelta(days=900) if status == RunStatus.WAITING else created,
            "tries": 0,
            "max_tries": 0,
            "pausing": False,
            "paused_by": "Ann" if status == RunStatus.PAUSED else None,
            "stopped_by": "Bob" if status == RunStatus.STOPPED else None,
            "failed_step": "generate" if failed else None,
            "error_kind": "ModelUnavailable" if failed else None,
            "error": error if failed else None,
            "input_tokens": chance.randint(0, 9_000) if replies else 0,
            "output_tokens": chance.randint(0, 900) if replies else 0,
            "tokens_estimated": False,
            "cost_usd": chance.random() / 100 if replies else None,
            "queue_ms": chance.randint(0, 500),
            "created_at": created,
            "started_at": created if begun else None,
            "finished_at": created + lasted if over else None,
        }


def _sleep(row: dict[str, Any]) -> dict[str, Any]:
    names = {column.name: None for column in table_of(Step).columns if column.name != "id"}
    return {
        **names,
        "run_id": row["id"],
        "branch": "",
        "name": row["step"],
        "occurrence": 0,
        "kind": "sleep",
        "status": "waiting",
        "wake_at": row["due_at"],
        "args_hash": "",
        "attempt": 1,
        "tries": 1,
        "worker": "w",
        "cleanup": False,
        "started_at": row["created_at"],
    }
