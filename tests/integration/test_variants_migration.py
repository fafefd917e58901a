"""The migration that lets a place of a thread hold several answers."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from agentchat.store import message_words, schema
from agentchat.store.database import Database
from agentchat.store.message_words import Where
from alembic import command
from tests.integration.test_migration import AT, first_url, move, on

__all__ = ["first_url"]

ANSWER = (
    "INSERT INTO messages (id, thread_id, position, variant, hidden, role, status, text, author,"
    " user_id, model, created_at) VALUES ('{id}', 'id-1', 1, {variant}, {hidden}, 'assistant',"
    " 'done', '{text}', '', '', '', '" + AT + "')"
)


def add(connection: Connection, message_id: str, *, variant: int, hidden: bool) -> None:
    values = {"id": message_id, "variant": variant, "hidden": str(hidden).upper()}
    connection.execute(text(ANSWER.format(text="plovers", **values)))


def ids(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT id FROM messages ORDER BY id")).scalars())


async def found(url: str, query: str) -> list[str]:
    database = Database(url)
    database.open()
    try:
        hits = await database.read(message_words.search, query, Where("o"), limit=9)
        return [one.id for one in hits]
    finally:
        await database.close()


async def test_a_place_holds_several_answers_and_searches_go_on(first_url: str) -> None:
    schema.upgrade(first_url)
    on(first_url, lambda c: add(c, "other", variant=1, hidden=True))
    with pytest.raises(IntegrityError):
        on(first_url, lambda c: add(c, "another", variant=1, hidden=True))
    # What finds words still hears of each message that is added, changed or removed.
    assert await found(first_url, "plovers") == []
    on(
        first_url,
        lambda c: c.execute(text("UPDATE messages SET hidden = FALSE WHERE id = 'other'")),
    )
    assert await found(first_url, "plovers") == ["other"]
    on(
        first_url,
        lambda c: c.execute(text("UPDATE messages SET text = 'terns' WHERE id = 'other'")),
    )
    assert (await found(first_url, "plovers"), await found(first_url, "terns")) == ([], ["other"])
    on(first_url, lambda c: c.execute(text("DELETE FROM messages WHERE id = 'other'")))
    assert await found(first_url, "terns") == []


def test_going_back_leaves_the_answers_that_are_kept(first_url: str) -> None:
    schema.upgrade(first_url)
    on(first_url, lambda c: add(c, "other", variant=1, hidden=True))
    before = on(first_url, ids)
    move(first_url, command.downgrade, "0008")
    assert on(first_url, ids) == [one for one in before if one != "other"]
    columns = "thread_id, position, role, status, text, author, user_id, model, created_at"
    again = f"INSERT INTO messages (id, {columns}) SELECT 'another', {columns} FROM messages"
    with pytest.raises(IntegrityError):
        on(first_url, lambda c: c.execute(text(f"{again} WHERE id = 'id-1'")))
