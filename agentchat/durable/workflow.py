"""Declaring a workflow."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from agentchat.durable.context import Context
from agentchat.models import Run
from agentchat.store.writer import Tx

P = ParamSpec("P")
T = TypeVar("T")

OnFailure = Callable[[Tx, Run, Exception, datetime], None]
"""Told in the same transaction that a run has failed, with why and when."""


@dataclass(frozen=True)
class Workflow(Generic[P, T]):
    """A function whose steps are remembered; made by :func:`workflow`.

    ``name`` is stored with every run: renaming it orphans those under way.
    """

    name: str
    function: Callable[Concatenate[Context, P], Awaitable[T]]
    on_failure: OnFailure | None = None

    async def __call__(self, ctx: Context, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function itself, as a plain call within another workflow would."""
        return await self.function(ctx, *args, **kwargs)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """The arguments by name, as they are stored with a run.

        Raises TypeError if they do not fit the function.
        """
        signature = inspect.signature(self.function)
        _, *parameters = signature.parameters.values()
        bound = signature.replace(parameters=parameters).bind(*args, **kwargs)
        return dict(bound.arguments)


@overload
def workflow(function: Callable[Concatenate[Context, P], Awaitable[T]], /) -> Workflow[P, T]: ...
@overload
def workflow(
    *, name: str | None = None, on_failure: OnFailure | None = None
) -> Callable[[Callable[Concatenate[Context, P], Awaitable[T]]], Workflow[P, T]]: ...
def workflow(
    function: Callable[Concatenate[Context, P], Awaitable[T]] | None = None,
    /,
    *,
    name: str | None = None,
    on_failure: OnFailure | None = None,
) -> Any:
    """Declare an async function ``(ctx, ...)`` as a workflow.

    Code outside steps may run many times, whenever a run is resumed: it must do nothing
    but decide. What has an effect goes into ``ctx.step`` or ``ctx.transaction``.
    Arguments must be JSON values.
    """

    def declare(function: Callable[Concatenate[Context, P], Awaitable[T]]) -> Workflow[P, T]:
        return Workflow(name or function.__name__, function, on_failure)

    return declare if function is None else declare(function)
