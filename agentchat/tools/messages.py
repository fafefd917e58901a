"""Searching what was said before."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field
from sqlmodel import Session

from agentchat.agents.subs import root_of
from agentchat.agents.tools import Source, Tool, ToolContext, ToolOutput, tool
from agentchat.agents.untrusted import framed, visible
from agentchat.errors import ToolError
from agentchat.inputs import storable
from agentchat.store import message_words
from agentchat.store.database import Database
from agentchat.store.memory_words import terms_of
from agentchat.store.message_words import Found, Where

MOST_FOUND = 20
MOST_QUERY = 400
EXCERPT = 300
"""How many characters of a message are shown, around the first word that was found."""


def search_messages_tool(database: Database, *, open_to_all: bool = False) -> Tool:
    """``search_messages`` as a tool. It finds only messages of threads that the person whose
    message is answered owns or wrote in, and may still read; ``open_to_all`` is an app where
    everybody may read every thread.
    """

    @tool(name="search_messages", read_only=True)
    async def search(
        context: ToolContext,
        query: str,
        everywhere: bool = False,
        limit: Annotated[int, Field(ge=1, le=MOST_FOUND)] = 8,
    ) -> ToolOutput:
        """Search what was said before, in this conversation or in all conversations of the person.

        Use it for what you are not told any more, or what was said elsewhere.

        Args:
            query: A few words that were said; names and ids as they were written.
            everywhere: Whether to look in all conversations of the person, not only in this one.
            limit: How many messages at most.
        """
        query = " ".join(storable(query).split())
        if not query or len(query) > MOST_QUERY:
            raise ToolError(f"The query must have 1 to {MOST_QUERY} characters.")
        thread_id = "" if everywhere else root_of(context)

        def look(session: Session) -> list[Found]:
            thread, position = message_words.position_of(session, context.message_id)
            # From the question on: it would be found first, and is known.
            before = (thread, position - 1)
            where = Where(context.actor.id, thread_id, before, open_to_all=open_to_all)
            return message_words.search(session, query, where, limit=limit)

        return told(await database.read(look), query)

    return search


def told(found: list[Found], query: str) -> ToolOutput:
    """What a model is told of messages that were found."""
    if not found:
        return ToolOutput("Nothing was found. Try other words.")
    blocks, sources = [], []
    for number, one in enumerate(found, 1):
        who = one.author or one.role
        head = f"{number}. {one.created_at:%Y-%m-%d %H:%M} UTC, {who}, in “{one.title}”"
        text = excerpt(one.text, query)
        blocks.append(f"{head} (/t/{one.thread_id})\n{text}")
        sources.append(Source(f"{one.title}: {who}", f"/t/{one.thread_id}", text))
    return ToolOutput(framed("\n\n".join(blocks), "earlier messages"), tuple(sources))


def excerpt(text: str, query: str) -> str:
    """So much of a text as is around the first word of the query that is in it."""
    text = " ".join(visible(text).split())
    if len(text) <= EXCERPT:
        return text
    start = max(0, _first(text, query) - EXCERPT // 3)
    part = text[start : start + EXCERPT]
    before, after = "…" if start else "", "…" if start + EXCERPT < len(text) else ""
    return f"{before}{part}{after}"


def _first(text: str, query: str) -> int:
    """Where the first of the query's words is, or one of the same stem, as far as that is easy."""
    for term in sorted(terms_of(query), key=lambda term: -sum(map(len, term))):
        stems = [re.escape(word if len(word) < 6 else word[:-2]) for word in term]
        if found := re.search(r"\b" + r"\w*[\W_]+".join(stems), text, re.IGNORECASE):
            return found.start()
    return 0
