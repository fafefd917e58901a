"""Threads as each person keeps them, branches, files on their way, what people think of answers.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Each with a constant default: neither database touches the rows that are there.
    op.add_column(
        "threads", sa.Column("titled_by", sa.String(20), nullable=False, server_default="")
    )
    op.add_column("threads", sa.Column("branch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("threads", sa.Column("emptied_at", INSTANT, nullable=True))
    op.execute("UPDATE threads SET emptied_at = deleted_at WHERE deleted_at IS NOT NULL")
    op.add_column("messages", sa.Column("branch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "messages", sa.Column("shelved", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "thread_marks",
        sa.Column("thread_id", sa.String(64), sa.ForeignKey("threads.id"), primary_key=True),
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("pinned_at", INSTANT, nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
        sa.Column("folder", sa.String(80), nullable=False),
        sa.Column("read_to", sa.Integer(), nullable=False),
    )
    op.create_index("ix_thread_marks_user_id", "thread_marks", ["user_id"])
    op.create_table(
        "branches",
        sa.Column("thread_id", sa.String(64), sa.ForeignKey("threads.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("parent", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_uploads_user_id", "uploads", ["user_id"])
    op.create_index("ix_uploads_created_at", "uploads", ["created_at"])
    op.create_table(
        "ratings",
        sa.Column("message_id", sa.String(64), sa.ForeignKey("messages.id"), primary_key=True),
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("thread_id", sa.String(64), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_ratings_thread_id", "ratings", ["thread_id"])


def downgrade() -> None:
    _drop_what_is_not_shown()
    _drop_what_could_be_had_back()
    for table in ("ratings", "uploads", "branches", "thread_marks"):
        op.drop_table(table)
    for table, columns in (
        ("messages", ("shelved", "branch")),
        ("threads", ("emptied_at", "branch", "titled_by")),
    ):
        for column in columns:
            # Not in a batch: a copied table has lost the triggers that find words.
            op.drop_column(table, column)


def _drop_what_is_not_shown() -> None:
    """Messages of branches that are not shown: older code takes what is hidden for an answer
    beside the one that is kept, and puts its own at places that these have.
    """
    _drop(
        "SELECT id FROM messages WHERE hidden AND NOT EXISTS (SELECT 1 FROM messages AS shown"
        " WHERE shown.thread_id = messages.thread_id AND shown.position = messages.position"
        " AND shown.branch = messages.branch AND NOT shown.hidden)"
    )


def _drop_what_could_be_had_back() -> None:
    """What was said in deleted threads: older code neither gives it back nor ever removes it."""
    gone = "SELECT id FROM threads WHERE deleted_at IS NOT NULL AND emptied_at IS NULL"
    _drop(f"SELECT id FROM messages WHERE thread_id IN ({gone})")
    for name in ("summaries", "notes", "memories", "thread_members", "share_links"):
        op.execute(f"DELETE FROM {name} WHERE thread_id IN ({gone})")
    op.execute(f"UPDATE threads SET title = '' WHERE id IN ({gone})")


def _drop(messages: str) -> None:
    for name in ("asks", "parts", "deltas", "attachments", "ratings"):
        op.execute(f"DELETE FROM {name} WHERE message_id IN ({messages})")
    op.execute(f"DELETE FROM messages WHERE id IN ({messages})")
