"""The schema: migrated, compared with the code, refused when it does not fit."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from agentchat.chat import AgentChat
from agentchat.errors import SchemaMismatch
from agentchat.llm.scripted import ScriptedProvider
from agentchat.settings import Settings
from agentchat.store import schema
from tests.conftest import fresh_postgres

ROOT = Path(__file__).resolve().parents[2]


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


def test_the_last_file_of_a_migration_is_the_head_of_all() -> None:
    assert ScriptDirectory(str(ROOT / "alembic")).get_heads() == [schema.newest()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_up_to_date_does_not_wait_for_those_who_write(database_url: str) -> None:
    writer = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    writer.execute("BEGIN IMMEDIATE")
    schema.upgrade(database_url)
    writer.close()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    schema.upgrade(database_url)
    schema.check(database_url)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (["DROP TABLE deltas"], "table 'deltas' is missing"),
        (["ALTER TABLE messages DROP COLUMN author"], r"column messages\.author is missing"),
        # SQLite neither adds such a column nor lets one be empty: it makes another table.
        (
            ["DROP TABLE deltas", "CREATE TABLE deltas (x TEXT NOT NULL)"],
            r"column deltas\.x is not known to this code but must be filled",
        ),
        (
            ["DROP TABLE deltas", "CREATE TABLE deltas (text TEXT)"],
            r"column deltas\.text allows NULL but must not",
        ),
    ],
)
def test_a_schema_that_does_not_fit_names_the_table_and_column(
    own_database_url: str, damage: list[str], words: str
) -> None:
    for statement in damage:
        run(own_database_url, statement)
    with pytest.raises(SchemaMismatch, match=words):
        schema.check(own_database_url)


def test_columns_that_the_database_fills_by_itself_fit(own_database_url: str) -> None:
    run(own_database_url, "ALTER TABLE threads ADD COLUMN x TEXT NOT NULL DEFAULT ''")
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
