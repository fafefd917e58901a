"""Several things at once within one run, each in a branch of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from agentchat.durable.together import Fork, Together
from agentchat.errors import Cancelled, ControlFlow, LeaseLost, Pause

T = TypeVar("T")

_Task = asyncio.Task[Any]
_CANCELLED = "a branch of the workflow cancelled itself"

branch: ContextVar[str] = ContextVar("branch", default="")
"""Where within gather and race the code at hand is."""


async def _within(name: str, awaitable: Awaitable[T], fork: Fork, *, race: bool) -> T:
    """Await something as the branch of this name."""
    branch.set(name)
    decides = race
    try:
        return await awaitable
    except BaseException as error:
        decides = race and isinstance(error, Exception)
        raise
    finally:
        fork.over(decides=decides)


def _begin(
    names: Sequence[str],
    branches: Sequence[Awaitable[Any]],
    together: Together,
    *,
    race: bool,
) -> list[_Task]:
    fork = together.fork(len(branches))
    return [
        asyncio.create_task(_within(name, one, fork, race=race))
        for name, one in zip(names, branches, strict=True)
    ]


async def gather(
    names: Sequence[str], branches: Sequence[Awaitable[Any]], together: Together
) -> tuple[Any, ...]:
    """Do several things at once, and return their results in the order given.

    All are let finish; then the error of the first that failed is raised.
    """
    if not branches:
        return ()
    tasks = _begin(names, branches, together, race=False)
    await _wait(tasks, asyncio.ALL_COMPLETED)
    if (error := _most_urgent(tasks)) is not None:
        raise error
    return tuple(task.result() for task in tasks)


async def first(
    names: Sequence[str], branches: Sequence[Awaitable[Any]], together: Together
) -> tuple[int, _Task]:
    """Do several things at once until one has a result or an error: which, and it.

    The others are cancelled. If all wait, the wait is raised.
    """
    tasks = _begin(names, branches, together, race=True)
    pending = set(tasks)
    while pending:
        _, pending = await _wait(tasks, asyncio.FIRST_COMPLETED, pending)
        over = [task for task in tasks if task.done()]
        # Lost or cancelled, nothing that a branch came to counts any more.
        stopped = _most_urgent(over)
        if isinstance(stopped, LeaseLost | Cancelled):
            await _end(pending)
            raise stopped
        for index, task in enumerate(tasks):
            if task.done() and (task.cancelled() or not _leaves(task)):
                await _end(pending)
                return index, task
    waits = _most_urgent(tasks)
    assert waits is not None, "a race is among two or more"
    raise waits


def dismiss(branches: Sequence[Awaitable[Any]]) -> None:
    """Let go of things that will not be awaited."""
    for one in branches:
        if isinstance(one, Coroutine):
            one.close()
        elif isinstance(one, asyncio.Future):
            one.cancel()


async def _wait(
    tasks: Sequence[_Task],
    when: str,
    pending: set[_Task] | None = None,
) -> tuple[set[_Task], set[_Task]]:
    try:
        return await asyncio.wait(pending or tasks, return_when=when)
    except asyncio.CancelledError:
        await _end(tasks)
        raise


async def _end(tasks: Sequence[_Task] | set[_Task]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def result_of(task: _Task) -> Any:
    """What a branch came to; raises its error."""
    if task.cancelled():
        raise RuntimeError(_CANCELLED)
    return task.result()


def _leaves(task: _Task) -> bool:
    error = task.exception()
    return error is not None and not isinstance(error, Exception)


def _most_urgent(tasks: Sequence[_Task]) -> BaseException | None:
    """What ends a gather: that the run is lost or cancelled before others; a wait before an
    error, so that it is the same error whenever the run is resumed.
    """
    errors: list[BaseException] = []
    for task in tasks:
        if task.cancelled():
            # A branch that cancelled itself did not do what it was asked for.
            errors.append(RuntimeError(_CANCELLED))
        elif (error := task.exception()) is not None:
            errors.append(error)
    for kind in (LeaseLost, Cancelled, Pause, ControlFlow, BaseException):
        for error in errors:
            if isinstance(error, kind):
                return error
    return None
