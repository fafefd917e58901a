"""Going back to code that knows no branches: what it cannot show is gone, and it works."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from agentchat.store import schema
from alembic import command
from tests.integration.test_migration import AT, first_url, move, on
from tests.integration.test_variants_migration import found

__all__ = ["first_url"]

MESSAGE = (
    "INSERT INTO messages (id, thread_id, position, variant, branch, hidden, shelved, role, status,"
    " text, author, user_id, model, created_at) VALUES (:id, :thread, :position, :variant, :branch,"
    " :hidden, :shelved, :role, 'done', :text, '', '', '', :at)"
)
DELETED = (
    "UPDATE threads SET deleted_at = created_at, emptied_at = NULL, title = 'Plans'"
    " WHERE id = 'id-2'"
)


def add(
    connection: Connection, message_id: str, branch: int, place: tuple[int, int], **more: Any
) -> None:
    position, variant = place
    values = {"id": message_id, "thread": "id-1", "position": position, "variant": variant}
    values |= {"branch": branch, "hidden": False, "shelved": False, "at": AT}
    values |= {"role": "assistant" if position % 2 else "user", "text": f"the {message_id} plovers"}
    connection.execute(text(MESSAGE), values | more)
    part = (
        "INSERT INTO parts (message_id, thread_id, run_id, position, kind, status, agent, name,"
        " call_id, text, round, data, step, started_at) VALUES (:id, 'id-1', 'r', 0, 'note',"
        " 'done', '', '', '', '', 0, '{}', '', :at)"
    )
    connection.execute(text(part), {"id": message_id, "at": AT})
    rating = (
        "INSERT INTO ratings (message_id, user_id, thread_id, good, reason, created_at)"
        " VALUES (:id, 'ann', 'id-1', TRUE, '', :at)"
    )
    connection.execute(text(rating), {"id": message_id, "at": AT})


def one_with_branches(connection: Connection) -> None:
    """A thread that was edited at its first place, with answers side by side on both ways."""
    connection.execute(text("DELETE FROM deltas"))
    connection.execute(text("DELETE FROM messages WHERE thread_id = 'id-1'"))
    off = {"hidden": True}
    add(connection, "old-said", 0, (0, 0), shelved=True, **off)
    add(connection, "old-kept", 0, (1, 0), shelved=True, **off)
    add(connection, "old-other", 0, (1, 1), **off)
    add(connection, "old-more", 0, (2, 0), shelved=True, **off)
    add(connection, "new-said", 1, (0, 1))
    add(connection, "new-kept", 1, (1, 2))
    add(connection, "new-other", 1, (1, 3), **off)
    branch = (
        "INSERT INTO branches (thread_id, number, parent, position, created_by, created_at)"
        " VALUES ('id-1', 1, 0, 0, 'Ann', :at)"
    )
    connection.execute(text(branch), {"at": AT})
    connection.execute(text("UPDATE threads SET branch = 1, length = 2 WHERE id = 'id-1'"))
    connection.execute(text(DELETED))


def ids(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT id FROM messages ORDER BY id")).scalars())


async def test_going_back_leaves_what_is_shown(first_url: str) -> None:
    schema.upgrade(first_url)
    on(first_url, one_with_branches)
    before = on(first_url, ids)
    deleted = on(
        first_url,
        lambda c: set(
            c.execute(text("SELECT id FROM messages WHERE thread_id = 'id-2'")).scalars()
        ),
    )
    assert deleted
    assert deleted <= set(before)
    move(first_url, command.downgrade, "0012")
    left = on(first_url, ids)
    gone = {"old-said", "old-kept", "old-other", "old-more"} | deleted
    assert left == [one for one in before if one not in gone]
    title = on(
        first_url,
        lambda c: c.execute(text("SELECT title FROM threads WHERE id = 'id-2'")).scalar_one(),
    )
    assert title == ""
    # The places are free for what older code says next.
    free = (
        "INSERT INTO messages (id, thread_id, position, variant, hidden, role, status, text,"
        " author, user_id, model, created_at) SELECT 'next', thread_id, 2, 0, FALSE, role, status,"
        " 'more plovers', author, user_id, model, created_at FROM messages WHERE id = 'new-said'"
    )
    on(first_url, lambda c: c.execute(text(free)))
    move(first_url, command.upgrade, "head")
    # Words are found throughout: also those that were said in between.
    assert set(await found(first_url, "plovers")) == {"new-said", "new-kept", "next"}
