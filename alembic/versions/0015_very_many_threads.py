"""Lists of very many threads, read in order as far as they are shown; what answers quoted of
threads that are deleted, for as long as those can be had back; ratings by when they were made.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEPT = sa.text("pinned_at IS NOT NULL OR folder != ''")
ARCHIVED = sa.text("archived_at IS NOT NULL")
MARKS = (("ix_thread_marks_kept", KEPT), ("ix_thread_marks_archived", ARCHIVED))


def upgrade() -> None:
    # Its threads in the order of the list; whose they are is found by it as well.
    op.create_index("ix_threads_owner", "threads", ["owner_id", "updated_at"])
    op.drop_index("ix_threads_owner_id", "threads")
    for name, which in MARKS:
        op.create_index(
            name, "thread_marks", ["user_id"], sqlite_where=which, postgresql_where=which
        )
    op.create_index("ix_ratings_created_at", "ratings", ["created_at"])
    # SQLite's JSON values are texts: see Value.
    value = sa.JSON().with_variant(sa.Text(), "sqlite")
    op.create_table(
        "unquoted",
        sa.Column(
            "part_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("thread_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("input", value, nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    for name in ("thread_id", "user_id"):
        op.create_index(f"ix_unquoted_{name}", "unquoted", [name])


def downgrade() -> None:
    op.drop_table("unquoted")
    op.drop_index("ix_ratings_created_at", "ratings")
    for name, _ in MARKS:
        op.drop_index(name, "thread_marks")
    op.create_index("ix_threads_owner_id", "threads", ["owner_id"])
    op.drop_index("ix_threads_owner", "threads")
