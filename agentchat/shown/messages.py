"""Messages as people see them: rows in, views out. Pure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from agentchat.errors import AgentChatError, ModelError
from agentchat.llm.base import ModelState
from agentchat.models import Message, MessageStatus, Model, Role, Run, RunStatus
from agentchat.shown.parts import words_of
from agentchat.store.messages import Growth
from agentchat.views import FileView, MessageView, PartView


def message_view(
    message: Message | Row[Any],
    text: str,
    *,
    words: str = "",
    revision: int = 0,
    parts: tuple[PartView, ...] = (),
    files: tuple[FileView, ...] = (),
) -> MessageView:
    """One message as a person sees it."""
    return MessageView(
        id=message.id,
        role=message.role,
        status=message.status,
        text=text,
        position=message.position,
        revision=revision,
        parts=parts,
        files=files,
        joins=message.joins is not None,
        words=words,
        next_step=_next_step(message.error_kind) if message.status == "failed" else "",
        author=message.author,
        model=message.model,
        cut=message.error_kind == "length" and message.status == MessageStatus.DONE,
        variant=message.variant,
        hidden=message.hidden,
        run_id=message.run_id or "",
        created_at=message.created_at.isoformat(),
        user_id=message.user_id,
    )


def settled_view(
    message: Row[Any],
    text: str,
    parts: tuple[PartView, ...],
    files: tuple[FileView, ...],
) -> MessageView:
    """A message that is over."""
    words = ""
    if message.error_kind == "replaced":
        words = f"{message.stopped_by} sent another message instead"
    elif message.status == MessageStatus.STOPPED:
        words = f"Stopped by {message.stopped_by}"
    elif message.status == MessageStatus.FAILED:
        words = message.error or "The answer failed."
    elif message.error_kind == "refused":
        words = "The model declined to go on"
    elif message.error_kind == "length":
        words = "Cut off: the answer reached this model's length limit"
    elif message.role == Role.ASSISTANT and not text:
        words = "The model gave an empty answer"
    return message_view(message, text, words=words, parts=parts, files=files)


def live_view(
    message: Row[Any],
    growth: Growth,
    run: Run | None,
    model: Model | None,
    parts: tuple[PartView, ...],
    taken: int,
    *,
    behind: bool,
) -> MessageView:
    """A message that waits or grows; one that is ``behind`` waits for another."""
    words = _words(run, model, behind, bool(growth.text), words_of(parts))
    # What was said before a call is a part of its own.
    revision = taken * 1_000_000 + growth.revision
    return message_view(message, growth.text, words=words, revision=revision, parts=parts)


def _words(run: Run | None, model: Model | None, behind: bool, has_text: bool, doing: str) -> str:
    if run is None or run.status == RunStatus.QUEUED:
        return "Queued behind the answer above" if behind else "Queued"
    if run.status == RunStatus.PAUSED:
        return f"Paused by {run.paused_by}" if run.paused_by else f"Paused: {run.error}"
    if run.retry_at is not None:
        at = run.retry_at.astimezone().strftime("%H:%M:%S")
        error = (run.error or "").rstrip(".")
        return f"{error}. Retrying ({run.tries} of {run.max_tries}) at {at}"
    if run.tries > 1:
        return f"Retrying ({run.tries} of {run.max_tries}): {'writing' if has_text else 'asking'}"
    if doing:
        return doing
    if model is not None and model.state != ModelState.READY:
        return f"Waiting for the model: {model.detail or model.state}"
    return "Writing" if has_text else "Thinking"


def _next_step(kind: str | None) -> str:
    return _NEXT_STEPS.get(kind or "", "Try again.")


def _family(error: type[AgentChatError]) -> list[type[AgentChatError]]:
    return [error, *(kin for child in error.__subclasses__() for kin in _family(child))]


_NEXT_STEPS = {
    error.kind: error.next_step for error in _family(ModelError) if issubclass(error, ModelError)
}
