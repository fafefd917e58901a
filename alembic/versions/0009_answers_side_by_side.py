"""Answers side by side: several at one place of a thread, of which one is kept.

SQLite cannot change a constraint: the table of messages is copied once, and the triggers of its
full-text index (see 0006) are made again. PostgreSQL builds one index.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOST = 100_000
_NAMES = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}
_BEFORE, _AFTER = ["thread_id", "position"], ["thread_id", "position", "variant"]


def upgrade() -> None:
    with op.batch_alter_table("messages", naming_convention=_NAMES) as table:
        number = sa.Column("variant", sa.Integer(), nullable=False, server_default="0")
        table.add_column(number)
        hidden: sa.Column[bool] = sa.Column(
            "hidden", sa.Boolean(), nullable=False, server_default=sa.false()
        )
        table.add_column(hidden)
        table.add_column(sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("kept_by", sa.String(200), nullable=True))
        table.drop_constraint("messages_thread_id_position_key", type_="unique")
        table.create_unique_constraint("messages_thread_id_position_variant_key", _AFTER)
    _find_words()


def _find_words() -> None:
    """The triggers of 0006, which went with the table that was copied."""
    if op.get_bind().dialect.name != "sqlite":
        return
    run = op.get_bind().exec_driver_sql
    row = f"'t' || hex(new.thread_id) || ' m' || hex(new.id), new.id, substr(new.text, 1, {_MOST})"
    add = f"INSERT INTO messages_search(place, id, text) SELECT {row}"
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


def downgrade() -> None:
    # There is one place for each: what was not kept goes.
    gone = "SELECT id FROM messages WHERE hidden"
    for name in ("asks", "parts", "deltas", "attachments"):
        op.execute(f"DELETE FROM {name} WHERE message_id IN ({gone})")
    op.execute("DELETE FROM messages WHERE hidden")
    with op.batch_alter_table("messages", naming_convention=_NAMES) as table:
        table.drop_constraint("messages_thread_id_position_variant_key", type_="unique")
        table.create_unique_constraint("messages_thread_id_position_key", _BEFORE)
        for name in ("kept_by", "kept_at", "hidden", "variant"):
            table.drop_column(name)
    _find_words()
