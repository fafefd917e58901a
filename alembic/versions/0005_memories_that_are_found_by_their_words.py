"""Memories that are found by their words: a full-text index of each database's own kind.

SQLite gets an FTS5 table, written by ``store/memories.py`` in the transaction of the memory
(not by triggers: they would be lost when Alembic copies the table). PostgreSQL gets a column that
it computes itself, and an index of it.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import hashlib

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PUNCTUATION = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
"""As an SQL literal. Otherwise PostgreSQL would read ORD-4471 as ORD and minus 4471."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE memories_search USING fts5("
            "owner, id UNINDEXED, text, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        # A word counts where it is said, not where it names whose memory this is.
        op.execute(
            "INSERT INTO memories_search(memories_search, rank)"
            " VALUES ('rank', 'bm25(0.0, 0.0, 1.0)')"
        )
        _index_all()
    else:
        spaces = " " * (len(_PUNCTUATION) - 1)
        op.get_bind().exec_driver_sql(
            "ALTER TABLE memories ADD COLUMN words tsvector GENERATED ALWAYS AS"
            f" (to_tsvector('pg_catalog.english', translate(text, '{_PUNCTUATION}', '{spaces}')))"
            " STORED",
            execution_options={"no_parameters": True},
        )
        op.execute("CREATE INDEX ix_memories_words ON memories USING gin (words)")


def _index_all() -> None:
    """The words of the memories that are there, as ``store/memory_words.py`` writes them."""
    connection = op.get_bind()
    there = connection.exec_driver_sql("SELECT id, user_id, agent, text FROM memories").all()
    for memory_id, user_id, agent, text in there:
        owner = "u" + hashlib.sha256(f"{user_id}\n{agent}".encode()).hexdigest()[:32]
        place = int.from_bytes(hashlib.sha256(memory_id.encode()).digest()[:8], "big") >> 1
        connection.exec_driver_sql(
            "INSERT INTO memories_search (rowid, owner, id, text) VALUES (?, ?, ?, ?)",
            (place, owner, memory_id, text),
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE memories_search")
    else:
        op.execute("DROP INDEX ix_memories_words")
        op.execute("ALTER TABLE memories DROP COLUMN words")
