"""Matching what a workflow asks for to what its run has done; and doing what is new."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Container
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import TypeAdapter

from agentchat.durable.action import Actions
from agentchat.durable.branches import branch
from agentchat.durable.hand import cleaning, failure
from agentchat.durable.journal import Journal, Key
from agentchat.durable.late import Late
from agentchat.durable.ledger import Ledger
from agentchat.durable.observer import UNOBSERVED, Observer
from agentchat.durable.start import unknown
from agentchat.durable.together import Together
from agentchat.durable.values import decoded
from agentchat.durable.waits import Waits
from agentchat.errors import (
    Cancelled,
    ControlFlow,
    InvalidInput,
    JournalMismatch,
    Pause,
    Suspend,
)
from agentchat.models import Run, RunStatus, StepStatus
from agentchat.store import events, journal
from agentchat.store.journal import History, Remembered
from agentchat.views import Actor

if TYPE_CHECKING:
    from agentchat.durable.workflow import Workflow

MOST_NAME = 200
_NUMBERED = re.compile(r"#\d+$")
MOST_BRANCH = 400

leaving: ContextVar[ControlFlow | None] = ContextVar("leaving", default=None)
"""How the code at hand was told to leave: what it still asks for, in a ``finally``, is not
begun."""


class Replay:
    """The inside of a :class:`~agentchat.durable.context.Context`."""

    def __init__(
        self,
        run: Run,
        ledger: Ledger,
        history: History,
        chance: random.Random,
        *,
        knows: Container[str] | None = None,
        observer: Observer = UNOBSERVED,
        late: Late | None = None,
    ) -> None:
        self.ended = False
        self.actor = Actor(run.user_id, run.started_by)
        """For whom the run acts, with what they could do when it was claimed."""
        self._observer = observer
        self._knows = knows
        self._run = run
        self._ledger = ledger
        self._clock = ledger.clock
        self._chance = chance
        self._journal = Journal(run.id, [*history.remembered, *history.begun])
        self._waits = Waits(list(history.events))
        self._together = Together(ledger.clock)
        self._actions = Actions(ledger, ledger.clock, self._stand_by, chance, late or Late())
        self._groups: Counter[tuple[str, str]] = Counter()
        self._logged: Counter[str] = Counter()
        self._logged_before = history.logged
        self._cancelling = self._actions.stopping = run.status == RunStatus.STOPPING
        self._pausing = False
        self._news = False
        self._listening: asyncio.Task[None] | None = None
        for step in history.begun:
            if step.status != StepStatus.DROPPED:
                ledger.begun.add(Key(step.branch, step.name, step.occurrence))

    # What the engine does with it

    @property
    def settled(self) -> asyncio.Event:
        """Set unless a step is under way that must not be done twice."""
        return self._actions.settled

    def cancel(self) -> None:
        """The run is cancelled: what is under way, or comes next, raises Cancelled."""
        self._cancelling = True
        self._actions.cancel()
        self._together.wake_all()

    def pause(self) -> None:
        """The run is to pause: what comes next raises Pause."""
        self._pausing = True
        self._together.wake_all()

    async def suspend(self) -> None:
        """Write down what the run waits for, and let go of it."""
        await self._ledger.write(self._waits.suspend, now=self._clock.now())

    async def stand_still(self, **values: object) -> None:
        """Write down what the run waits for, and let go of it until somebody resumes it."""
        now = self._clock.now()
        await self._ledger.write(self._waits.pause, now=now, retry_at=None, **values)

    @property
    def mismatch(self) -> JournalMismatch | None:
        """What of the journal did not fit the code."""
        return self._journal.mismatch

    def left_over(self) -> list[Remembered]:
        """The finished steps that the workflow did not ask for."""
        return self._journal.left_over()

    # Waiting

    async def _stand_by(self, key: Key, row: dict[str, Any], *, begun: bool) -> None:
        """Return when a wait may be over, while other branches go on; Suspend when all wait."""
        self._ledger.begun.add(key)
        self._waits.add(key, row, begun=begun)
        if not self._together.alone:
            if not begun:
                open_ = {"status": StepStatus.WAITING, **row, "finished_at": None}
                await self._ledger.write(journal.write, open_)
                self._waits.add(key, row, begun=True)
            if row["event"] is not None:
                # It may have come before anybody listened here.
                self.hear()
            if await self._together.wait(row["wake_at"], row["event"]):
                await self._beyond(waits=True)
                self._waits.close(key)
                return
        self._leave(Suspend())

    def hear(self) -> None:
        """An event may have been sent to the run."""
        self._news = True
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())

    def close(self) -> None:
        """Nothing is listened for any more."""
        if self._listening is not None:
            self._listening.cancel()

    async def _listen(self) -> None:
        while self._news and self._together.listens:
            self._news = False
            sent = await self._ledger.read(events.of_run)
            self._together.tell(self._waits.hear(sent))

    # Where the journal ends

    async def _beyond(self, *, waits: bool = False) -> None:
        """Called before what the journal does not hold is done."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # The worker lets go of the run, or the branch has lost its race.
            raise asyncio.CancelledError
        if (leave := leaving.get()) is not None:
            raise leave
        if self._cancelling and (waits or not cleaning.get()):
            self._clean_up()
        if self._pausing and not self._cancelling:
            self._leave(Pause())

    def _leave(self, how: ControlFlow) -> NoReturn:
        leaving.set(how)
        raise how

    def _clean_up(self) -> NoReturn:
        cleaning.set(True)
        raise Cancelled

    @property
    def _leaves(self) -> bool:
        task = asyncio.current_task()
        return leaving.get() is not None or (task is not None and task.cancelling() > 0)

    def _remembered(self, step: Remembered, adapter: TypeAdapter[Any]) -> Any:
        if step.status == StepStatus.FAILED:
            raise failure({"error": step.error, "error_kind": step.error_kind}, step.key)
        try:
            return decoded(adapter, step.result, step.key)
        except JournalMismatch as error:
            self._journal.mismatch = error
            raise

    def _check_known(self, workflow: Workflow[..., Any]) -> None:
        if self._knows is not None and workflow.name not in self._knows:
            raise unknown(workflow.name)

    def _key(self, name: str) -> Key:
        if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME:
            raise InvalidInput(f"A step's name is text of 1 to {MOST_NAME} characters.")
        if _NUMBERED.search(name):
            raise InvalidInput(f"A step's name cannot end like {name!r}: so are steps numbered.")
        return self._journal.key(branch.get(), name)

    def _place(self, name: str) -> str:
        """What the key of the next step of this name will be."""
        return str(self._journal.next(branch.get(), name))

    def _branches(self, name: str, count: int) -> list[str]:
        here = branch.get()
        self._groups[here, name] += 1
        number = self._groups[here, name]
        label = f"{here}/{name}" if here else name
        label = label if number == 1 else f"{label}#{number}"
        if len(label) > MOST_BRANCH - 10:
            raise InvalidInput(f"gather and race are within each other too deep: {label[:80]}…")
        return [f"{label}[{index}]" for index in range(count)]
