"""What a person does to the run on the page. What came of it comes with the run."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from agentchat.errors import AgentChatError, InvalidInput
from agentchat.operations.redact import HIDDEN
from agentchat.ui import words
from agentchat.ui import words_run as run_words
from agentchat.ui.visits import acting

logger = logging.getLogger(__name__)

MOST_TEXT = 400_000


@dataclass(frozen=True)
class Acted:
    """What came of an attempt: ``done``, or the ``words`` why not. ``run_id`` is the run that
    came of it, if one did. ``field`` is what is to be mended.
    """

    attempt: int = 0
    done: bool = False
    words: str = ""
    run_id: str = ""
    field: str = ""


class _Unfit(Exception):
    """What a person wrote cannot be read."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class RunActionsState(rx.State):
    """The verbs on one run. ``acted`` answers the newest attempt of this tab."""

    acted: Acted = Acted()

    @rx.event
    async def act(self, run_id: str, action: str, attempt: int):
        """Cancel, kill, pause, resume or retry."""

        async def act() -> str:
            runs = (await acting(self)).runs
            verbs: dict[str, Callable[[str], Awaitable[Any]]] = {
                "cancel": runs.cancel,
                "kill": runs.kill,
                "pause": runs.pause,
                "resume": runs.resume,
                "retry": runs.retry,
            }
            if action not in verbs:
                raise InvalidInput(run_words.NO_SUCH_ACTION)
            if await verbs[action](run_id) is False:
                raise InvalidInput(await _too_late(runs, run_id))
            return ""

        await self._do(attempt, act)

    @rx.event
    async def rerun(self, run_id: str, data: str, new_id: str, attempt: int):
        """Start a new run with the same arguments, or with those that were written."""

        async def rerun() -> str:
            changed = _object("data", data) if _text(data) else {}
            # What is hidden from the page stays as it was.
            changed = {name: one for name, one in changed.items() if not _hidden(one)}
            runs = (await acting(self)).runs
            return await runs.rerun(run_id, changed, new_id=new_id)

        await self._do(attempt, rerun, field="data")

    @rx.event
    async def fork(self, run_id: str, step: str, mode: str, value: str, new_id: str, attempt: int):
        """Start a new run from a step: as it was, with another ``input`` or another ``result``."""

        async def fork() -> str:
            runs, of = (await acting(self)).runs, _text(step) or None
            if mode == "input":
                written = _shown("value", value)
                if not isinstance(written, list):
                    raise _Unfit("value", run_words.NOT_LIST)
                return await runs.fork(run_id, of, input=written, new_id=new_id)
            if mode == "result":
                return await runs.fork(run_id, of, result=_shown("value", value), new_id=new_id)
            return await runs.fork(run_id, of, new_id=new_id)

        await self._do(attempt, fork, field="" if mode not in ("input", "result") else "value")

    @rx.event
    async def send(self, run_id: str, name: str, payload: str, key: str, attempt: int):
        """Send the run an event."""

        async def send() -> str:
            if not _text(name).strip():
                raise _Unfit("name", run_words.NO_NAME)
            value = _json("payload", payload) if _text(payload).strip() else None
            runs = (await acting(self)).runs
            if not await runs.send_event(run_id, name.strip(), value, key=key):
                raise InvalidInput(await _too_late(runs, run_id))
            return ""

        await self._do(attempt, send, field="payload")

    async def _do(self, attempt: int, do: Callable[[], Awaitable[str]], *, field: str = "") -> None:
        number = attempt if isinstance(attempt, int) else 0
        try:
            self.acted = Acted(number, done=True, run_id=await do())
        except _Unfit as error:
            self.acted = Acted(number, words=str(error), field=error.field)
        except InvalidInput as error:
            self.acted = Acted(number, words=str(error), field=field)
        except (AgentChatError, TypeError) as error:
            self.acted = Acted(number, words=str(error))
        except Exception:
            logger.exception("An action on a run could not be taken")
            self.acted = Acted(number, words=words.WENT_WRONG)


async def _too_late(runs: Any, run_id: str) -> str:
    """Why a verb had no effect: somebody was quicker."""
    run = await runs.get(run_id)
    if run.stopped_by and run.status != "done":
        return run_words.TOO_LATE_BY.format(status=run.status, by=run.stopped_by)
    return run_words.TOO_LATE.format(status=run.status)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(words.NOT_TEXT)
    if len(value) > MOST_TEXT:
        raise InvalidInput(run_words.TOO_LONG)
    return value


def _json(field: str, text: object) -> Any:
    try:
        return json.loads(_text(text))
    except (ValueError, RecursionError) as error:
        raise _Unfit(field, f"{run_words.NOT_JSON} {error}") from None


def _shown(field: str, text: object) -> Any:
    value = _json(field, text)
    if _hidden(value):
        raise _Unfit(field, run_words.ACTIONS["redacted"])
    return value


def _hidden(value: Any) -> bool:
    return HIDDEN in json.dumps(value, ensure_ascii=False)


def _object(field: str, text: object) -> dict[str, Any]:
    value = _json(field, text)
    if not isinstance(value, dict):
        raise _Unfit(field, run_words.NOT_OBJECT)
    return value
