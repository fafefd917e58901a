"""Runs migrations on the connection it is given, else on the configured database."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import agentchat.models  # noqa: F401  the tables register themselves when imported
from agentchat.columns import Instant, Value
from agentchat.store.schema import is_ours
from alembic import context


def _render(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write a migration in plain SQLAlchemy types: it must outlive today's models."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Value):
        return "sa.JSON().with_variant(sa.Text(), 'sqlite')"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Copying a table drops it: the rows that point at it must be let be meanwhile. And one
        # transaction for all, or a migration that fails leaves half of itself behind.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        # SQLite cannot alter a table in place; Alembic then copies it.
        render_as_batch=True,
        compare_type=True,
        include_object=is_ours,
        render_item=_render,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    from agentchat.settings import load_settings
    from agentchat.store.database import connect

    engine = connect(load_settings().database_url)
    with engine.connect() as own:
        _migrate(own)
        own.commit()
    engine.dispose()
