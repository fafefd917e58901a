"""Memories that PostgreSQL itself finds by meaning, where it has pgvector 0.8 or later.

It gets a column, ``embedding``, that it computes from the bytes in ``vector``, as it does
``words``: so nobody has to write it, and it is right whoever wrote the bytes. No migration makes
it, because the extension may come later: :func:`ensure` looks each time the schema is brought up
to date. Without it the process holds the vectors (``agents/memory/vectors.py``).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import UserDefinedType
from sqlmodel import Session

logger = logging.getLogger(__name__)

OLDEST = (0, 8)
"""The first pgvector whose index goes on looking when a filter takes away what it found."""
MANY = 200_000
"""Of so many vectors of one person, who gets an index, exact search takes a seventh of a second
of the server's processor (0.7 microseconds each, of 384 numbers)."""
MOST_DIM = 4000
"""The most numbers of a vector that pgvector's index takes."""

_MAY_NOT = ("42501", "58P01", "0A000")
"""PostgreSQL's codes: this user may not; or the extension is only half there."""


class HalfVector(UserDefinedType[Sequence[float]]):
    """Numbers of 16 bits: half the pages to read, near enough to choose candidates by."""

    cache_ok = True

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type."""
        return "halfvec" if self.dim is None else f"halfvec({self.dim})"

    def bind_processor(self, _dialect: Dialect) -> Callable[[Sequence[float] | None], str | None]:
        """Numbers as the server reads them."""
        return lambda numbers: None if numbers is None else f"[{','.join(map(repr, numbers))}]"


# Or reading what columns a table has would warn of a type that nobody knows.
ischema_names["halfvec"] = HalfVector

_COMPUTE = """
CREATE OR REPLACE FUNCTION agentchat_embedding(bytes bytea) RETURNS halfvec
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT CASE WHEN max(abs(number)) <= 65504 THEN array_agg(number ORDER BY place)::halfvec END
  FROM (
    SELECT place, sign(bits) * CASE
      WHEN exponent > 0 THEN (8388608 | fraction) * power(2::float8, exponent - 150)
      ELSE fraction * power(2::float8, -149)
    END AS number
    FROM (
      SELECT place, bits, (bits >> 23) & 255 AS exponent, bits & 8388607 AS fraction
      FROM (
        SELECT place, get_byte(whole, place) | (get_byte(whole, place + 1) << 8)
          | (get_byte(whole, place + 2) << 16) | (get_byte(whole, place + 3) << 24) AS bits
        FROM (SELECT bytes || ''::bytea AS whole OFFSET 0) AS read,
          generate_series(0, length(whole) - 4, 4) AS place
        WHERE length(whole) <= 64000 AND length(whole) % 4 = 0
        OFFSET 0
      ) AS four
    ) AS parts
  ) AS numbers
)
"""
"""Little-endian float32 as numbers; NULL for what is none, or too large: a memory is never
refused for it. Bound to its types when it is made (RETURN), so it also works in a restore, which
has no search path. The bytes are read once, not for each number."""


def ensure(connection: Connection) -> None:
    """Let the database find memories by meaning, if it can; else leave it as it is.

    Computing what is there takes about a fifth of a millisecond a memory, in which nobody can
    read or write them. A person with :data:`MANY` gets an index of their own.
    """
    if connection.dialect.name != "postgresql":
        return
    try:
        with connection.begin_nested():
            if _there(connection) or _made(connection):
                _index_many(connection)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") not in _MAY_NOT:
            raise
        logger.info("memories are searched without more of pgvector: %s", error.orig)


def searchable(session: Session) -> bool:
    """Whether this database finds memories by meaning."""
    return session.get_bind().dialect.name == "postgresql" and _there(session.connection())


def index_of(user_id: str, embedder: str, dim: int) -> str:
    """The name of the index of a person's vectors, if they have one."""
    mark = hashlib.sha256(f"{user_id}\n{embedder}\n{dim}".encode()).hexdigest()[:32]
    return f"memories_search_{mark}"


def _there(connection: Connection) -> bool:
    return bool(
        connection.scalar(
            text(
                "SELECT to_regtype('halfvec') IS NOT NULL AND EXISTS (SELECT FROM pg_attribute"
                " WHERE attrelid = to_regclass('memories') AND attname = 'embedding'"
                " AND NOT attisdropped)"
            )
        )
    )


def _made(connection: Connection) -> bool:
    """Whether the column could be made, and the extension, if it was not there."""
    held = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    offered = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
    version = connection.scalar(text(held)) or connection.scalar(text(offered))
    if version is None or tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
        return False
    if connection.dialect.server_version_info < (14,):  # type: ignore[operator]
        # It knows no function that is bound to its types.
        return False
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    if not connection.scalar(text("SELECT to_regtype('halfvec') IS NOT NULL")):
        # It is in a schema that this user does not look into.
        return False
    connection.exec_driver_sql(_COMPUTE, execution_options={"no_parameters": True})
    # In the row, as long as the page holds it: out of it, each would be fetched by itself.
    connection.execute(
        text(
            "ALTER TABLE memories ADD COLUMN embedding halfvec"
            " GENERATED ALWAYS AS (agentchat_embedding(vector)) STORED,"
            " ALTER COLUMN embedding SET STORAGE MAIN"
        )
    )
    return True


def _index_many(connection: Connection) -> None:
    many = text(
        "SELECT user_id, embedder, vector_dims(embedding),"
        " 'user_id = ' || quote_literal(user_id) || ' AND embedder = ' || quote_literal(embedder)"
        " || ' AND vector_dims(embedding) = ' || vector_dims(embedding) FROM memories"
        f" WHERE vector_dims(embedding) <= {MOST_DIM} GROUP BY 1, 2, 3 HAVING count(*) >= :many"
    )
    for user_id, embedder, dim, whose in connection.execute(many, {"many": MANY}).all():
        # The graph it makes has to fit into this, or it takes ten times as long.
        connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {index_of(user_id, embedder, dim)} ON memories"
            f" USING hnsw ((embedding::halfvec({dim})) halfvec_ip_ops)"
            f" WHERE {whose}",
            execution_options={"no_parameters": True},
        )
