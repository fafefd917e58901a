"""Messages that are found by their words: a full-text index of each database's own kind.

SQLite gets an FTS5 table that triggers keep: the text of a message is written in several places,
but only once, when it is sent or its answer ends. ``place`` holds the thread and the message as
one word each, so that the index itself finds them. Alembic copies a table to change it, and its
triggers are lost then: a migration that changes ``messages`` has to make these again.

PostgreSQL gets a column that it computes itself, and an index of it.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PUNCTUATION = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
"""As an SQL literal. Otherwise PostgreSQL would read ORD-4471 as ORD and minus 4471."""
_MOST = 100_000
"""How many characters of a message are looked through: more may not fit into PostgreSQL's index."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _in_sqlite()
    else:
        spaces = " " * (len(_PUNCTUATION) - 1)
        text = f"translate(left(text, {_MOST}), '{_PUNCTUATION}', '{spaces}')"
        op.get_bind().exec_driver_sql(
            "ALTER TABLE messages ADD COLUMN words tsvector GENERATED ALWAYS AS"
            f" (to_tsvector('pg_catalog.english', {text})) STORED",
            execution_options={"no_parameters": True},
        )
        op.execute("CREATE INDEX ix_messages_words ON messages USING gin (words)")


def _in_sqlite() -> None:
    run = op.get_bind().exec_driver_sql
    run(
        "CREATE VIRTUAL TABLE messages_search USING fts5("
        "place, id UNINDEXED, text, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    run("INSERT INTO messages_search(messages_search, rank) VALUES ('rank', 'bm25(0.0, 0.0, 1.0)')")
    row = "'t' || hex({0}.thread_id) || ' m' || hex({0}.id), {0}.id, substr({0}.text, 1, {1})"
    add = f"INSERT INTO messages_search(place, id, text) SELECT {row.format('new', _MOST)}"
    forget = (
        "DELETE FROM messages_search WHERE rowid IN (SELECT rowid FROM messages_search"
        " WHERE messages_search MATCH 'place : m' || hex(old.id))"
    )
    run(
        "CREATE TRIGGER messages_search_added AFTER INSERT ON messages"
        f" WHEN new.text <> '' BEGIN {add}; END"
    )
    run(
        "CREATE TRIGGER messages_search_changed AFTER UPDATE OF text ON messages"
        f" WHEN new.text <> old.text BEGIN {forget} AND old.text <> '';"
        f" {add} WHERE new.text <> ''; END"
    )
    run(
        "CREATE TRIGGER messages_search_removed AFTER DELETE ON messages"
        f" WHEN old.text <> '' BEGIN {forget}; END"
    )
    run(
        "INSERT INTO messages_search(place, id, text)"
        f" SELECT {row.format('messages', _MOST)} FROM messages WHERE text <> ''"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for what in ("added", "changed", "removed"):
            op.execute(f"DROP TRIGGER messages_search_{what}")
        op.execute("DROP TABLE messages_search")
    else:
        op.execute("DROP INDEX ix_messages_words")
        op.execute("ALTER TABLE messages DROP COLUMN words")
