"""The model that a thread asks, and messages that were taken back before they were answered.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threads", sa.Column("model", sa.String(200), nullable=False, server_default=""))
    op.create_table(
        "returned",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("thread_id", sa.String(64), sa.ForeignKey("threads.id"), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("taken_by", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_returned_thread_id", "returned", ["thread_id"])


def downgrade() -> None:
    op.drop_table("returned")
    # Not in a batch: a copied table has lost the triggers that find words.
    op.drop_column("threads", "model")
