"""values of JSON exactly, and what was done to clean up

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = {"workflows": "result", "steps": "result", "events": "payload"}


def upgrade() -> None:
    op.add_column(
        "steps", sa.Column("cleanup", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _alter(sa.Text())


def downgrade() -> None:
    _alter(sa.JSON())
    with op.batch_alter_table("steps") as batch_op:
        batch_op.drop_column("cleanup")


def _alter(kind: sa.Text | sa.JSON) -> None:
    if op.get_context().dialect.name != "sqlite":
        return
    for table, column in COLUMNS.items():
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(column, type_=kind)
