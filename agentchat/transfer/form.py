"""What a file with a thread holds: :class:`ThreadFile`, of which ``format`` tells the version.

Nothing in a file is trusted: who somebody is, what they may do, and which thread this is, is
decided by whoever takes it in. Ids in it only tell its own messages apart. Times are ISO 8601.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from agentchat.inputs import checked_json
from agentchat.models import MessageStatus, PartKind, PartStatus, Role

FORMAT: Final = "agentchat.thread/1"
MOST_MESSAGES: Final = 10_000
MOST_TEXT: Final = 1_000_000
"""The most characters of a text."""

Short = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=MOST_TEXT)]
Number = Annotated[int, Field(ge=0, lt=1_000_000)]


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is beyond the calendar") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Json = Annotated[Any, AfterValidator(lambda value: checked_json(value, "What a tool was given"))]


class _Held(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FileHeld(_Held):
    """A file that was sent with a message; ``content`` in base64, or None if it was left out."""

    name: Short
    media_type: Short = ""
    size: int = 0
    content: Base64Bytes | None = None


class SourceHeld(_Held):
    """Where something that an answer says is from."""

    title: Text = ""
    url: Text = ""
    text: Text = ""


class Remarks(_Held):
    """What a part says about itself. The rest of its ``data`` is about other rows."""

    why: Text | None = None
    by: Text | None = None
    others: dict[Short, Annotated[float, Field(allow_inf_nan=False)] | None] = {}
    cost_usd: Annotated[float, Field(allow_inf_nan=False)] | None = None
    sources: Annotated[list[SourceHeld], Field(max_length=1_000)] = []
    quiet: bool = False
    given: Text | None = None
    asked_for: Json = None
    tell: bool = False
    told: Text = ""
    reason: Text | None = None
    decided_by: Text | None = None
    message_id: Text = ""


def _remarked(data: dict[str, Any]) -> dict[str, Any]:
    return data | Remarks.model_validate(data).model_dump(exclude_unset=True)


class PartHeld(_Held):
    """What was said or done on the way to an answer; the names are those of
    :class:`~agentchat.models.Part`.
    """

    kind: PartKind
    status: PartStatus = PartStatus.DONE
    agent: Short = ""
    name: Short = ""
    call_id: Short = ""
    text: Text = ""
    input: Json = None
    round: Annotated[int, Field(ge=-1, lt=1_000_000)] = 0
    data: Annotated[dict[str, Any], AfterValidator(_remarked)] = {}
    started_at: Moment | None = None
    finished_at: Moment | None = None


class MessageHeld(_Held):
    """A message, at a place of a branch. ``kept`` is the one of several answers that the thread
    goes on with; ``joins`` and ``joined`` tell of one that steered an answer.
    """

    id: Short
    position: Annotated[int, Field(ge=0, lt=MOST_MESSAGES)]
    variant: Number = 0
    branch: Number = 0
    kept: bool = True
    role: Role
    status: MessageStatus = MessageStatus.DONE
    text: Text = ""
    author: Short = ""
    model: Short = ""
    error_kind: Annotated[str, StringConstraints(max_length=64)] | None = None
    error: Text | None = None
    stopped_by: Short | None = None
    kept_by: Short | None = None
    kept_at: Moment | None = None
    joins: bool = False
    joined: bool = False
    created_at: Moment
    finished_at: Moment | None = None
    parts: Annotated[list[PartHeld], Field(max_length=5_000)] = []
    files: Annotated[list[FileHeld], Field(max_length=100)] = []


class BranchHeld(_Held):
    """A way that the thread went; the names are those of :class:`~agentchat.models.Branch`."""

    number: Annotated[Number, Field(ge=1)]
    parent: Number
    position: Annotated[int, Field(ge=0, lt=MOST_MESSAGES)]
    created_by: Short = ""
    created_at: Moment


class ThreadHeld(_Held):
    """The thread itself; ``branch`` is the one that is shown."""

    title: Short = ""
    agent: Short = ""
    branch: Number = 0
    created_at: Moment


class ThreadFile(_Held):
    """A whole thread."""

    format: Literal["agentchat.thread/1"]
    exported_at: datetime | None = None
    thread: ThreadHeld
    branches: Annotated[list[BranchHeld], Field(max_length=1_000)] = []
    messages: Annotated[list[MessageHeld], Field(max_length=5 * MOST_MESSAGES)] = []
