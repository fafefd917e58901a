"""The fault panel: an operator switches faults on, and each ends by itself."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from agentchat.durable.clock import Clock
from agentchat.errors import InvalidInput, NotAllowed, StorageUnavailable, WrongState
from agentchat.faults.kinds import (
    FaultKind,
    FaultView,
    checked_amount,
    checked_kind,
    checked_seconds,
)
from agentchat.faults.switches import Switch, Switches
from agentchat.guard import Guard
from agentchat.store import audits
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.store.write_lock import WriteLock
from agentchat.views import LOCAL, Actor

logger = logging.getLogger(__name__)

AGAIN = 0.5
"""Seconds until what could not be written down is tried again."""
PATIENCE = 3.0
"""For how many seconds faults may take to end when the app closes."""
OFF = (
    "The fault panel is off. Set AGENTCHAT_FAULT_PANEL=true and start again; it is only for an"
    " app that listens on this machine alone."
)


class Faults:
    """Switch faults on and off, and follow what is on: ``chat.faults``.

    They are those of this process: its worker, its calls of models, and its database, which
    it locks for every process that uses it. Each ends by itself, whatever becomes of the tab
    in which it was switched on, and with the process. All verbs raise
    :class:`~agentchat.errors.NotAllowed` where faults are off, which is without ``switches``.
    ``kill`` ends the worker as if it was killed, ``start`` starts another.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        switches: Switches | None,
        *,
        guard: Guard,
        kill: Callable[[], Awaitable[None]],
        start: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._switches = switches
        self._guard = guard
        self._kill = kill
        self._start = start
        self._switching = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        for switch in () if self._switches is None else self._switches.all:
            switch.end("app")
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()

    @property
    def allowed(self) -> bool:
        """Whether faults may be switched on here at all."""
        return self._switches is not None

    async def switch_on(
        self,
        kind: FaultKind | str,
        seconds: int,
        amount: int | None = None,
        *,
        actor: Actor = LOCAL,
    ) -> FaultView:
        """Let something go wrong for so many seconds, 60 at most; ``amount`` is what
        :data:`~agentchat.faults.kinds.AMOUNTS` says for its kind.

        Who does it is written down first. Raises InvalidInput, WrongState if such a fault is
        on or the database is locked, and StorageUnavailable.
        """
        switches = self._allowed(actor)
        kind = checked_kind(kind)
        seconds, amount = checked_seconds(seconds), checked_amount(kind, amount)
        async with self._switching:
            on = {switch.view.kind for switch in switches.all}
            if self._closing:
                raise WrongState("The app is being closed.")
            if kind in on:
                raise WrongState("That fault is on already.")
            if FaultKind.LOCK in on:
                raise WrongState(
                    "The database is locked, so that nothing can be written down. End that first."
                )
            until = self._clock.now() + timedelta(seconds=seconds)
            view = FaultView(uuid.uuid4().hex, kind, seconds, amount, actor.name, until)
            await self._database.write(audits.add, _entry("on", view, actor), now=self._clock.now())
            begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            # A task of its own: it ends also if the tab is gone.
            task = asyncio.create_task(self._last(Switch(view), actor, begun), name="fault")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.shield(begun)
        return view

    async def end(self, fault_id: str, *, actor: Actor = LOCAL) -> bool:
        """End a fault now, and return when nothing of it is left; False if it was over."""
        if not isinstance(fault_id, str):
            raise InvalidInput("That is no fault.")
        for switch in self._allowed(actor).all:
            if switch.view.id == fault_id:
                switch.end("person", actor)
                await switch.off.wait()
                return True
        return False

    async def follow(self, *, actor: Actor = LOCAL) -> AsyncGenerator[tuple[FaultView, ...], None]:
        """Yield what is on, the oldest first, now and whenever that changes."""
        async for on in self._allowed(actor).follow():
            yield on

    def _allowed(self, actor: Actor) -> Switches:
        self._guard.operator(actor)
        if self._switches is None:
            raise NotAllowed(OFF)
        return self._switches

    async def _last(self, switch: Switch, actor: Actor, begun: asyncio.Future[None]) -> None:
        assert self._switches is not None
        try:
            async with self._effect(switch):
                self._switches.put_on(switch)
                begun.set_result(None)
                with suppress(TimeoutError):
                    async with asyncio.timeout(switch.view.seconds):
                        await switch.over.wait()
                switch.end("time")
        except Exception as error:
            if begun.done():
                logger.exception("The fault %s could not be ended in order", switch.view.kind)
            else:
                switch.end("failed")
                begun.set_exception(error)
        finally:
            self._switches.take_off(switch)
        await self._write_down(_entry("end", switch.view, switch.ended_by or actor, switch.why))

    @asynccontextmanager
    async def _effect(self, switch: Switch) -> AsyncGenerator[None, None]:
        """What is done beside the models, which look at the switches."""
        if switch.view.kind == FaultKind.WORKER:
            await self._kill()
            try:
                yield
            finally:
                if not self._closing:
                    await self._start()
        elif switch.view.kind == FaultKind.LOCK:
            lock = WriteLock(self._database.url)
            try:
                await asyncio.to_thread(lock.hold, timedelta(seconds=switch.view.seconds))
                yield
            finally:
                await asyncio.to_thread(lock.release)
        else:
            yield

    async def _write_down(self, entry: Entry) -> None:
        while True:
            try:
                await self._database.write(audits.add, entry, now=self._clock.now())
                return
            except StorageUnavailable:
                await asyncio.sleep(AGAIN)


def _entry(action: str, fault: FaultView, by: Actor, why: str = "") -> Entry:
    detail: dict[str, object] = {"fault": fault.id, "seconds": fault.seconds}
    if fault.amount:
        detail["amount"] = fault.amount
    if why:
        detail["why"] = why
    return Entry("fault", fault.kind, action, by, detail)
