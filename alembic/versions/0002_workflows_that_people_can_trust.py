"""workflows that people can trust

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAMES = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}
"""What PostgreSQL calls a unique constraint; SQLite keeps no name."""
READY = sa.text("coalesce(status, '') IN ('queued', 'waiting')")


def upgrade() -> None:
    op.create_table(
        "paused_workflows",
        sa.Column("workflow", sa.String(length=200), nullable=False),
        sa.Column("paused_by", sa.String(length=200), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workflow"),
    )
    op.create_table(
        "processes",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("lag_ms", sa.Integer(), nullable=False),
        sa.Column("stuck_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stuck_in", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("spec", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("jitter", sa.Float(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed", sa.String(length=20), nullable=False),
        sa.Column("most_missed", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.String(length=20), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.String(length=200), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schedules_next_at"), ["next_at"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("branch", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["workflows.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_run_id"), ["run_id"], unique=False)

    op.create_table(
        "firings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("schedule_id", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("asked_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedules.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("schedule_id", "due_at"),
    )
    op.create_table(
        "logs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("branch", sa.String(length=400), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(length=400), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["workflows.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "branch", "occurrence"),
    )
    with op.batch_alter_table("steps", naming_convention=NAMES) as batch_op:
        batch_op.drop_constraint("steps_run_id_name_occurrence_key", type_="unique")
        batch_op.add_column(
            sa.Column("branch", sa.String(length=400), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'step'"))
        )
        batch_op.add_column(sa.Column("child_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("input", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("error_kind", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("error", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("input_tokens", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("output_tokens", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("cost_usd", sa.Float(), nullable=True))
        batch_op.create_unique_constraint(
            "steps_run_id_branch_name_occurrence_key", ["run_id", "branch", "name", "occurrence"]
        )

    with op.batch_alter_table("workflows", schema=None) as batch_op:
        batch_op.alter_column("step", type_=sa.String(length=400))
        batch_op.alter_column("key", type_=sa.String(length=200))
        batch_op.add_column(
            sa.Column("version", sa.String(length=64), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("code", sa.String(length=64), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.add_column(sa.Column("parent_id", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column("awaited", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("origin_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("origin_step", sa.String(length=400), nullable=True))
        batch_op.add_column(sa.Column("schedule_id", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column(
                "started_by", sa.String(length=200), nullable=False, server_default=sa.text("''")
            )
        )
        batch_op.add_column(
            sa.Column("pausing", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("paused_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("stop_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("failed_step", sa.String(length=400), nullable=True))
        batch_op.add_column(sa.Column("cost_usd", sa.Float(), nullable=True))
        batch_op.add_column(
            sa.Column("queue_ms", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.create_index(batch_op.f("ix_workflows_finished_at"), ["finished_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_workflows_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_workflows_schedule_id"), ["schedule_id"], unique=False)
        batch_op.create_index(
            "ix_workflows_ready",
            ["priority", "due_at", "id", "workflow"],
            sqlite_where=READY,
            postgresql_where=READY,
        )
        batch_op.drop_index("ix_workflows_key")
        batch_op.create_index("ix_workflows_key", ["key", "status", "created_at", "id"])
        batch_op.create_index("ix_workflows_started", ["workflow", "started_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("workflows", schema=None) as batch_op:
        batch_op.drop_index("ix_workflows_ready")
        batch_op.drop_index("ix_workflows_key")
        batch_op.create_index("ix_workflows_key", ["key", "status"])
        batch_op.drop_index("ix_workflows_started")
        batch_op.drop_index(batch_op.f("ix_workflows_schedule_id"))
        batch_op.drop_index(batch_op.f("ix_workflows_parent_id"))
        batch_op.drop_index(batch_op.f("ix_workflows_finished_at"))
        batch_op.alter_column("key", type_=sa.String(length=64))
        batch_op.alter_column("step", type_=sa.String(length=200))
        batch_op.drop_column("queue_ms")
        batch_op.drop_column("cost_usd")
        batch_op.drop_column("failed_step")
        batch_op.drop_column("stop_by")
        batch_op.drop_column("paused_by")
        batch_op.drop_column("pausing")
        batch_op.drop_column("started_by")
        batch_op.drop_column("schedule_id")
        batch_op.drop_column("origin_step")
        batch_op.drop_column("origin_id")
        batch_op.drop_column("awaited")
        batch_op.drop_column("parent_id")
        batch_op.drop_column("priority")
        batch_op.drop_column("code")
        batch_op.drop_column("version")

    with op.batch_alter_table("steps", naming_convention=NAMES) as batch_op:
        batch_op.drop_constraint("steps_run_id_branch_name_occurrence_key", type_="unique")
        batch_op.drop_column("cost_usd")
        batch_op.drop_column("output_tokens")
        batch_op.drop_column("input_tokens")
        batch_op.drop_column("error")
        batch_op.drop_column("error_kind")
        batch_op.drop_column("input")
        batch_op.drop_column("child_id")
        batch_op.drop_column("kind")
        batch_op.drop_column("branch")
        batch_op.create_unique_constraint(
            "steps_run_id_name_occurrence_key", ["run_id", "name", "occurrence"]
        )

    op.drop_table("logs")
    op.drop_table("firings")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempts_run_id"))

    op.drop_table("attempts")
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_schedules_next_at"))

    op.drop_table("schedules")
    op.drop_table("processes")
    op.drop_table("paused_workflows")
