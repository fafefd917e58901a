"""The log of a process: for people, or as JSON lines that tell which run each is about."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Literal

from agentchat.agents.memory.secrets import SHAPES
from agentchat.durable.hand import at_hand, kind_of, run_at_hand
from agentchat.errors import AgentChatError

TEXT = "%(levelname)s %(name)s: %(message)s"
HIDDEN = "[redacted]"
MOST_FRAMES = 20
"""How many of the innermost frames of an error are told."""
_ABOUT = ("run_id", "workflow", "thread_id", "step")


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and ``run_id``, ``workflow``,
    ``thread_id`` and ``step`` where the code at hand carries a run on, or the record was given
    them as ``extra``.

    ``secrets`` are hidden wherever they stand, and so is what has the shape of a key. Of an
    error its kind and where it was are told, not its words: they may hold contents, which are
    for those who may see the run. Our own errors' words are told, as they are for people.
    """

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted(secrets, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """See :class:`logging.Formatter`."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._hidden(_message(record)),
            **_about(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return SHAPES.sub(HIDDEN, text)


def set_up(
    form: Literal["text", "json"], level: str = "warning", secrets: Collection[str] = ()
) -> None:
    """Write the log of this process to standard error, from ``level`` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(secrets) if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def _message(record: logging.LogRecord) -> str:
    args = record.args
    if isinstance(args, tuple) and any(isinstance(one, BaseException) for one in args):
        try:
            return record.msg % tuple(_words(one) for one in args)
        except (TypeError, ValueError):
            return str(record.msg)
    return record.getMessage()


def _words(value: object) -> object:
    if isinstance(value, BaseException) and not isinstance(value, AgentChatError):
        return kind_of(value)
    return value


def _about(record: logging.LogRecord) -> dict[str, str]:
    found: dict[str, str] = {}
    if (run := run_at_hand.get()) is not None:
        found = {"run_id": run.id, "workflow": run.workflow}
        if run.thread_id is not None:
            found["thread_id"] = run.thread_id
        if (hand := at_hand.get()) is not None:
            found["step"] = hand.key
    for name in _ABOUT:
        if isinstance(given := getattr(record, name, None), str):
            found[name] = given
    return found


def _error(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    told: dict[str, Any] = {
        "kind": kind_of(error),
        "at": [f"{one.filename}:{one.lineno} in {one.name}" for one in frames],
    }
    if (cause := error.__cause__ or error.__context__) is not None:
        told["cause"] = kind_of(cause)
    return told
