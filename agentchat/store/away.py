"""Whether a database cannot be used, or a statement is wrong."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError


def is_away(error: BaseException) -> bool:
    """Whether this is about the database as a whole, which may be back in a moment: locked,
    full, restarted.
    """
    if not isinstance(error, OperationalError | InterfaceError | InternalError):
        return False
    # SQLite says of wrong statements that they are a failed operation too.
    return getattr(error.orig, "sqlite_errorcode", 0) != sqlite3.SQLITE_ERROR
