"""Runs that people look at: their agent, lists newest first, what people did, saved views.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_workflows_newest": ["created_at", "id"],
    "ix_workflows_newest_of_status": ["status", "created_at", "id"],
    "ix_workflows_newest_of_workflow": ["workflow", "created_at", "id"],
    "ix_workflows_origin_id": ["origin_id"],
}


def upgrade() -> None:
    agent = sa.Column("agent", sa.String(64), nullable=False, server_default="")
    with op.batch_alter_table("workflows") as table:
        table.add_column(agent)
    declared: sa.Column[bool] = sa.Column(
        "declared", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    with op.batch_alter_table("schedules") as table:
        table.add_column(declared)
    # Answers tell who gave them.
    op.execute(
        "UPDATE workflows SET agent = m.author FROM messages AS m"
        " WHERE m.run_id = workflows.id AND length(m.author) <= 64"
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "workflows", columns, unique=False)
    op.create_index("ix_spendings_newest", "spendings", ["created_at"], unique=False)
    steps = ["run_id", "id", "status", "started_at"]
    op.create_index("ix_steps_run", "steps", steps, unique=False)
    op.create_index("ix_logs_run", "logs", ["run_id", "id"], unique=False)
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audits",
        sa.Column("id", number, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(200), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_audits_subject", "audits", ["kind", "subject_id", "id"], unique=False)
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("query", sa.String(2_000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("user_id", "name"),
    )


def downgrade() -> None:
    with op.batch_alter_table("schedules") as table:
        table.drop_column("declared")
    op.drop_table("saved_views")
    op.drop_table("audits")
    op.drop_index("ix_logs_run", table_name="logs")
    op.drop_index("ix_steps_run", table_name="steps")
    op.drop_index("ix_spendings_newest", table_name="spendings")
    for name in _INDEXES:
        op.drop_index(name, table_name="workflows")
    with op.batch_alter_table("workflows") as table:
        table.drop_column("agent")
