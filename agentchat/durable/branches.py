"""Several things at once within one run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from agentchat.errors import LeaseLost


async def gather(branches: Sequence[Awaitable[Any]]) -> tuple[Any, ...]:
    """Do several things at once, and return their results in the order given.

    All are let finish; then the error of the first that failed is raised. The steps of a
    branch get their keys as they are asked for, in any finish order.
    """
    tasks = [asyncio.ensure_future(branch) for branch in branches]
    if not tasks:
        return ()
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
    errors = [error for task in tasks if (error := task.exception()) is not None]
    # A run that was lost ends here; an error goes before a wait.
    for kind in (LeaseLost, Exception, BaseException):
        for error in errors:
            if isinstance(error, kind):
                raise error
    return tuple(task.result() for task in tasks)
