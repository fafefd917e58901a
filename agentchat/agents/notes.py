"""What agents keep in a thread: notes, each agent its own, and a state that they share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from agentchat.agents.subs import root_of
from agentchat.agents.tools import ToolContext, tool
from agentchat.errors import InvalidInput, ThreadNotFound, ToolError
from agentchat.inputs import checked_json, problems_of, storable
from agentchat.store import notes, threads
from agentchat.store.writer import Tx

MOST_NOTES = 30
MOST_NAME = 100
MOST_TEXT = 4_000
MOST_TOLD = 12_000
"""How many characters of its notes an agent is told unasked; it may read the others."""
MOST_STATE = 100_000

S = TypeVar("S", bound=BaseModel)


@tool
def write_note(tx: Tx, context: ToolContext, name: str, text: str) -> str:
    """Write a note to yourself, for your later answers in this conversation: a plan, what is
    done and what is left, what you found out. Nobody else reads it. A note of the same name
    is replaced; an empty text removes it.

    Args:
        name: A short name, such as "plan".
        text: What to keep.
    """
    name, text = " ".join(storable(name).split()), storable(text).strip()
    if not 0 < len(name) <= MOST_NAME:
        raise ToolError(f"A note needs a name of at most {MOST_NAME} characters.")
    if len(text) > MOST_TEXT:
        raise ToolError(f"A note has at most {MOST_TEXT:,} characters; this has {len(text):,}.")
    if not text:
        notes.remove(tx, context.thread_id, context.agent, name)
        return "Removed."
    names = {one for one, _ in notes.of_agent(tx, context.thread_id, context.agent)}
    if len(names | {name}) > MOST_NOTES:
        raise ToolError(f"You have {MOST_NOTES} notes, which is the most. Remove one first.")
    notes.put(tx, context.thread_id, context.agent, name, text, now=datetime.now(UTC))
    return "Written."


@tool(read_only=True)
def read_notes(tx: Tx, context: ToolContext) -> str:
    """Read all the notes that you wrote to yourself in this conversation."""
    found = notes.of_agent(tx, context.thread_id, context.agent)
    return _listed(found) if found else "You have written no notes."


NOTE_TOOLS = (write_note, read_notes)
"""The tools by which an agent keeps notes of its own in a thread."""


def told(session: Session, thread_id: str, agent: str, tools: Collection[str]) -> str:
    """What an agent is told of its own notes, if it can write any; empty if there are none."""
    if write_note.name not in tools:
        return ""
    found = notes.of_agent(session, thread_id, agent)
    if not found:
        return ""
    text = _listed(found)
    if len(text) > MOST_TOLD:
        text = f"{text[:MOST_TOLD]}\n[There is more: {read_notes.name} shows all.]"
    return f"(Your own notes from earlier in this conversation:\n{text})"


def _listed(found: list[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {text}" for name, text in found)


# What they share


def thread_state(tx: Tx, context: ToolContext, model: type[S]) -> S:
    """The state that all agents at work for a conversation share, sub-agents too, in a tool that
    is a transaction: nobody else changes it before that is over.

    Raises :class:`~agentchat.errors.ToolError` in words if what is stored does not fit
    ``model``; as long as nothing is, its defaults must do.
    """
    thread = threads.lock(tx, root_of(context))
    if thread is None:
        raise ThreadNotFound
    try:
        return model.model_validate(thread.state)
    except ValidationError as error:
        what = "does not fit" if thread.state else "is not there yet"
        words = f"The shared state of this conversation {what}: {problems_of(error)}"
        raise ToolError(words) from error


def set_thread_state(tx: Tx, context: ToolContext, value: BaseModel) -> None:
    """Let the shared state be this, in the transaction of the tool.

    Raises :class:`~agentchat.errors.ToolError` if it does not fit its own model.
    """
    try:
        data = type(value).model_validate(value.model_dump()).model_dump(mode="json")
        stored = checked_json(data, "The state")
    except (ValidationError, InvalidInput) as error:
        words = problems_of(error) if isinstance(error, ValidationError) else str(error)
        raise ToolError(f"This cannot be the shared state: {words}") from error
    if len(str(stored)) > MOST_STATE:
        raise ToolError(f"The shared state may have {MOST_STATE:,} characters at most.")
    threads.choose(tx, root_of(context), state=stored)
