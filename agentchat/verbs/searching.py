"""Searching threads, by their titles and by what is said in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.errors import InvalidInput
from agentchat.inputs import storable
from agentchat.shown.search import (
    Marks,
    MessageHit,
    SearchView,
    ThreadHit,
    marked,
    snippet,
)
from agentchat.store import thread_words
from agentchat.store.asked import AROUND, Asked, asked_of
from agentchat.store.words import MOST, folded, spaced
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor

MOST_ASKED: Final = 200
"""The longest query, in characters."""
MOST_PAGE: Final = 50
MOST_SKIPPED: Final = 1_000
SHOWN: Final = 3
"""How many messages of a thread are shown."""
_LOOKED_AT: Final = 5_000
"""How many of the newest messages that hold the words, and how many of the newest titles."""


class Searching(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside search."""

    async def search(
        self, text: str, *, actor: Actor = LOCAL, skip: int = 0, limit: int = 20
    ) -> SearchView:
        """The threads that this person has or that were shared with them, in whose title, or in
        one message of which, all words of ``text`` are: first those whose titles hold them, then
        those in which they were said last. The last word may be unfinished. An empty text finds
        the threads that were used last.

        A page of at most ``limit`` threads: go on with the ``skip`` of the one before. Raises
        InvalidInput for more than 200 characters, and TooManyTries.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "search")
        if not isinstance(text, str) or len(text) > MOST_ASKED:
            raise InvalidInput(f"Search for at most {MOST_ASKED} characters.")
        skip, limit = max(0, min(skip, MOST_SKIPPED)), max(1, min(limit, MOST_PAGE))
        reader_id = None if self._guard.everybody else actor.id
        return await self._database.read(
            found, storable(text), reader_id, skip, limit, user_id=actor.id
        )


def found(
    session: Session,
    text: str,
    reader_id: str | None,
    skip: int,
    limit: int,
    *,
    user_id: str = "",
) -> SearchView:
    words = [word.strip(AROUND) or word for word in folded(text).split()]
    asked = asked_of(text)
    threads = thread_words.open_threads(session, reader_id, most=_LOOKED_AT)
    titled = [one.id for one in threads if (one.length or one.title) and _all_in(words, one.title)]
    said = _Said({}, [], False, bool(words) and len(threads) >= _LOOKED_AT)
    if asked and threads and len(titled) <= skip + limit:
        within = thread_words.few(threads)
        said = _said(session, asked, reader_id, within, titled, skip + limit, said.cut)
    shown = [*titled, *said.threads][skip : skip + limit]
    is_more = len(titled) + len(said.threads) > skip + limit
    can_go_on = skip + limit <= MOST_SKIPPED
    messages = _messages(session, asked, reader_id, shown, said)
    named = thread_words.named(session, shown)
    archived = thread_words.archived(session, user_id, shown)
    in_title = _in_title(words, asked)
    hits = (
        _hit(named[one], messages.get(one, []), in_title, asked.marks, one in archived)
        for one in shown
        if one in named
    )
    if is_more and can_go_on:
        return SearchView(tuple(hits), skip + limit)
    return SearchView(tuple(hits), cut=is_more or said.cut)


class _Said(NamedTuple):
    """The newest messages that hold what is asked for, by their threads; the threads that are not
    found by their titles; whether these are all; and whether older ones were not looked at.
    """

    messages: dict[str, list[str]]
    threads: list[str]
    is_all: bool
    cut: bool


def _said(
    session: Session,
    asked: Asked,
    reader_id: str | None,
    within: list[str],
    titled: list[str],
    most: int,
    cut: bool,
) -> _Said:
    hits = thread_words.Hits(
        session, asked, reader_id, most=_LOOKED_AT, each=SHOWN + 1, within=within
    )
    messages: dict[str, list[str]] = {one: [] for one in titled}
    for message_id, thread_id in hits:
        if thread_id not in messages and len(messages) > most:
            break
        messages.setdefault(thread_id, []).append(message_id)
    else:
        return _Said(messages, list(messages)[len(titled) :], not hits.cut, cut or hits.cut)
    return _Said(messages, list(messages)[len(titled) :], False, cut)


def _all_in(words: Iterable[str], title: str) -> bool:
    title = folded(title)
    return all(word in title for word in words)


def _in_title(words: Iterable[str], asked: Asked) -> Marks:
    """Of titles, also what is in the middle of words."""
    found = [asked.marks.pattern] if asked.marks else []
    found += sorted((_spaced(word) for word in words), key=len, reverse=True)
    return re.compile("|".join(found)) if found else None


def _spaced(word: str) -> str:
    return " +".join(map(re.escape, spaced(word).split())) or "(?!)"


def _messages(
    session: Session, asked: Asked, reader_id: str | None, shown: list[str], said: _Said
) -> dict[str, list[Row[Any]]]:
    """Of each thread the newest messages that hold what is asked for, up to one more than are
    shown.
    """
    if not asked or not shown:
        return {}
    found = {thread_id: said.messages.get(thread_id, []) for thread_id in shown}
    short = [] if said.is_all else [one for one in shown if len(found[one]) <= SHOWN]
    if short:
        hits = thread_words.Hits(
            session, asked, reader_id, most=_LOOKED_AT // 5, each=SHOWN + 1, within=short
        )
        for message_id, thread_id in hits:
            ids = found[thread_id]
            if len(ids) <= SHOWN and message_id not in ids:
                ids.append(message_id)
    read = thread_words.texts(session, [one for ids in found.values() for one in ids], MOST)
    return {thread_id: [read[one] for one in ids] for thread_id, ids in found.items()}


def _hit(
    thread: Row[Any],
    messages: list[Row[Any]],
    in_title: Marks,
    marks: Marks,
    archived: bool,
) -> ThreadHit:
    return ThreadHit(
        thread.id,
        marked(thread.title, in_title),
        thread.updated_at,
        tuple(
            MessageHit(one.id, one.role, one.author, one.created_at, snippet(one.text, marks))
            for one in messages[:SHOWN]
        ),
        len(messages) > SHOWN,
        archived,
    )
