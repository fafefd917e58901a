"""The schema: migrated, compared with the code, refused when it does not fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from agentchat.chat import AgentChat
from agentchat.errors import SchemaMismatch
from agentchat.llm.scripted import ScriptedProvider
from agentchat.settings import Settings
from agentchat.store import schema
from tests.conftest import fresh_postgres


def run(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_the_migrations_make_exactly_the_schema_of_the_code(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        opts = {"compare_type": True, "include_object": schema.is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    schema.upgrade(database_url)
    schema.check(database_url)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DROP TABLE deltas", "table 'deltas' is missing"),
        ("ALTER TABLE messages DROP COLUMN author", r"column messages\.author is missing"),
        ("ALTER TABLE threads ADD COLUMN x TEXT NOT NULL", r"column threads\.x is not known"),
    ],
)
def test_a_schema_that_does_not_fit_names_the_table_and_column(
    own_database_url: str, damage: str, words: str
) -> None:
    if "ADD COLUMN" in damage and own_database_url.startswith("sqlite"):
        # SQLite adds such a column only with a default.
        run(own_database_url, "DROP TABLE deltas")
        run(own_database_url, "CREATE TABLE deltas (x TEXT NOT NULL)")
        words = r"column deltas\.x is not known"
    else:
        run(own_database_url, damage)
    with pytest.raises(SchemaMismatch, match=words):
        schema.check(own_database_url)


async def test_the_app_does_not_start_on_a_schema_that_does_not_fit(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    schema.upgrade(settings.database_url)
    run(settings.database_url, "ALTER TABLE messages DROP COLUMN author")
    with pytest.raises(SchemaMismatch, match=r"messages\.author"):
        async with AgentChat(settings, provider=ScriptedProvider("instant")):
            pass


def test_processes_that_start_at_once_on_an_empty_folder_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'agentchat.db'}"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(schema.upgrade, [url] * 4))
    schema.check(url)


def test_a_database_of_a_newer_version_is_left_alone(own_database_url: str) -> None:
    run(own_database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer agentchat"):
        schema.upgrade(own_database_url)


async def test_an_empty_postgres_says_how_to_go_on(postgres: str) -> None:
    url = fresh_postgres(postgres)
    with pytest.raises(SchemaMismatch, match="agentchat db upgrade"):
        async with AgentChat(Settings(db_url=url), provider=ScriptedProvider("instant")):
            pass
