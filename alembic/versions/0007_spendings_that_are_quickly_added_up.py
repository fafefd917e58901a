"""Spendings that are quickly added up: the indexes hold what is summed.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEYS = {"ix_spendings_user": ["user_id", "created_at"], "ix_spendings_thread": ["thread_id"]}
_SUMMED = ["input_tokens", "output_tokens", "cost_usd"]


def upgrade() -> None:
    _index_by(_SUMMED)


def downgrade() -> None:
    _index_by([])


def _index_by(more: list[str]) -> None:
    for name, key in _KEYS.items():
        op.drop_index(name, table_name="spendings")
        op.create_index(name, "spendings", [*key, *more], unique=False)
