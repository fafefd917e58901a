"""Plain functions of tools, each in a thread that nothing else depends on."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from agentchat.errors import ToolError

T = TypeVar("T")

MOST = 64
"""How many may run at once. One that was cut off runs on, and counts until it ends."""
MOST_ASKED = 32
"""How many may at once that say who may do what: apart, so that neither takes the others' room."""

_room = threading.BoundedSemaphore(MOST)
_asked = threading.BoundedSemaphore(MOST_ASKED)


async def in_thread(function: Callable[..., T], /, **arguments: Any) -> T:
    """What a function returns, called in a thread of its own.

    Not in asyncio's pool: a few tools that hang would keep all of it, and with it whatever else
    of the app needs a thread; and the process could not end. Raises
    :class:`~agentchat.errors.ToolError` when too many are at work.
    """
    return await _within(_room, function, arguments)


async def asked_in_thread(function: Callable[..., T], /, **arguments: Any) -> T:
    """As :func:`in_thread`, for what is asked of the app's own code about a call or a person."""
    return await _within(_asked, function, arguments)


async def _within(
    room: threading.BoundedSemaphore, function: Callable[..., T], arguments: dict[str, Any]
) -> T:
    if not room.acquire(blocking=False):
        raise ToolError("Too many tools are at work just now. Try it again later.")
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = context.run(function, **arguments)
        except StopIteration as error:
            # A future takes none.
            tell(None, RuntimeError(f"it raised {error!r}"))
        except BaseException as error:
            tell(None, error)
        else:
            tell(result, None)
        finally:
            room.release()

    def tell(result: Any, error: BaseException | None) -> None:
        def settle() -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)

        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            return

    threading.Thread(target=run, name="agentchat-tool", daemon=True).start()
    return await done
