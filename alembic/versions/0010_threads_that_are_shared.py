"""Threads that are shared: their members, links into them, and whose run a run is.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("workflows", "schedules"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("user_id", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_workflows_newest_of_user", "workflows", ["user_id", "created_at", "id"])
    op.create_index("ix_threads_owner_id", "threads", ["owner_id"])
    op.create_table(
        "thread_members",
        sa.Column("thread_id", sa.String(64), sa.ForeignKey("threads.id"), primary_key=True),
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_thread_members_user_id", "thread_members", ["user_id"])
    op.create_table(
        "share_links",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("thread_id", sa.String(64), sa.ForeignKey("threads.id"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_share_links_thread_id", "share_links", ["thread_id"])


def downgrade() -> None:
    op.drop_table("share_links")
    op.drop_table("thread_members")
    op.drop_index("ix_threads_owner_id", table_name="threads")
    op.drop_index("ix_workflows_newest_of_user", table_name="workflows")
    for name in ("schedules", "workflows"):
        with op.batch_alter_table(name) as table:
            table.drop_column("user_id")
