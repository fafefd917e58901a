"""The migration that has both databases index the same words (0016)."""

from __future__ import annotations

from sqlalchemy import Connection, text

from agentchat.store import schema
from agentchat.store.asked import asked_of
from agentchat.store.database import Database
from agentchat.store.thread_words import Hits
from alembic import command
from tests.integration.test_migration import AT, first_url, move, on

__all__ = ["first_url"]

SAID = ("Un café", "To be, or not to be", "全文搜索", "x", "")


def write(connection: Connection, start: int) -> None:
    for place, said in enumerate(SAID, start):
        connection.execute(
            text(
                "INSERT INTO messages (id, thread_id, position, role, status, text, author,"
                " user_id, model, created_at) VALUES (:id, 'id-1', :place, 'user', 'done', :said,"
                " '', '', '', :at)"
            ),
            {"id": f"said-{place}", "place": place, "said": said, "at": AT},
        )


def found(url: str, query: str) -> list[str]:
    database = Database(url)
    try:
        read = database._read_now(
            lambda session: [one for one, _ in Hits(session, asked_of(query), None, most=9)], None
        )
    finally:
        database._threads.shutdown()
        database._reading.dispose()
        database._writing.dispose()
    return read


def held(connection: Connection, word: str) -> int:
    """How many messages the index of the version before has for a word."""
    sqlite = connection.dialect.name == "sqlite"
    query = (
        "SELECT count(*) FROM messages_search WHERE messages_search MATCH :word"
        if sqlite
        else "SELECT count(*) FROM messages WHERE words @@ to_tsquery('english', :word)"
    )
    return int(connection.execute(text(query), {"word": word}).scalar() or 0)


def test_what_was_written_before_and_after_it_is_found_alike(first_url: str) -> None:
    move(first_url, command.upgrade, "0015")
    on(first_url, lambda connection: write(connection, 100))
    schema.upgrade(first_url)
    # All of one moment.
    on(first_url, lambda connection: write(connection, 200))
    for query, number in (("cafe", 0), ("to be or not to be", 1), ("文搜", 2)):
        assert found(first_url, query) == [f"said-{200 + number}", f"said-{100 + number}"]
    on(first_url, lambda c: c.execute(text("UPDATE messages SET text = 'tern' WHERE text = 'x'")))
    on(first_url, lambda c: c.execute(text("DELETE FROM messages WHERE id = 'said-200'")))
    assert found(first_url, "terns") == ["said-203", "said-103"]
    assert found(first_url, "cafe") == ["said-100"]


def test_going_back_leaves_the_index_of_before_and_forward_again_all_is_found(
    first_url: str,
) -> None:
    schema.upgrade(first_url)
    on(first_url, lambda connection: write(connection, 100))
    move(first_url, command.downgrade, "0015")
    # Stemmed, as it was.
    on(first_url, lambda c: c.execute(text("UPDATE messages SET text = 'terns' WHERE text = 'x'")))
    assert on(first_url, lambda connection: held(connection, "tern")) == 1
    schema.upgrade(first_url)
    assert found(first_url, "tern") == ["said-103"]
    assert found(first_url, "cafe") == ["said-100"]
