"""Declaring a workflow."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from pydantic import TypeAdapter

from agentchat.durable.context import Context
from agentchat.durable.event_type import EventType
from agentchat.durable.results import Arguments, arguments_of, code_of, result_of
from agentchat.models import Run
from agentchat.store.writer import Tx

P = ParamSpec("P")
T = TypeVar("T")

OnFailure = Callable[[Tx, Run, Exception, datetime], None]
"""Told in the same transaction that a run has failed, with why and when."""

CLEANUP = timedelta(seconds=30)
"""How long a cancelled run may clean up."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``most`` runs begin within any time as long as ``per``."""

    most: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.most < 1 or self.per <= timedelta():
            raise ValueError("a rate is at least 1 run in a time longer than nothing")


@dataclass(frozen=True, slots=True)
class Options:
    """How one run is started; made by :meth:`Workflow.options`."""

    key: str | None = None
    priority: int = 0
    delay: timedelta = timedelta()


@dataclass(frozen=True)
class Workflow(Generic[P, T]):
    """A function whose steps are remembered; made by :func:`workflow`, which tells what its
    fields mean.
    """

    name: str
    function: Callable[Concatenate[Context, P], Awaitable[T]]
    version: str = "1"
    events: tuple[EventType[Any], ...] = ()
    concurrency: int | None = None
    concurrency_per_key: int = 1
    rate: Rate | None = None
    cleanup: timedelta = CLEANUP
    on_failure: OnFailure | None = None
    start: Options = field(default=Options())

    async def __call__(self, ctx: Context, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function itself, as a plain call within another workflow would."""
        return await self.function(ctx, *args, **kwargs)

    def options(
        self, *, key: str | None = None, priority: int = 0, delay: timedelta = timedelta()
    ) -> Workflow[P, T]:
        """This workflow, to be started in another way.

        Runs with the same ``key`` go one after another in the order they were started (or
        as many at once as ``concurrency_per_key`` says). A higher ``priority`` goes first
        when there are more runs than may run at once. ``delay`` is how long to wait before.
        """
        return replace(self, start=Options(key, priority, delay))

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """The arguments by name, as JSON, as they are stored with a run.

        Raises TypeError if they do not fit the function's signature, and
        :class:`~agentchat.errors.InvalidInput` if one is not of its annotated type.
        """
        return self._arguments.stored(f"workflow {self.name!r}", args, kwargs)

    def unbind(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a stored run, of the function's types; raises InvalidInput."""
        return self._arguments.loaded(f"workflow {self.name!r}", stored)

    @cached_property
    def code(self) -> str:
        """A mark of the function's code: another when what it does may differ."""
        return code_of(self.function)

    @cached_property
    def result(self) -> TypeAdapter[Any]:
        """How the result is stored and read."""
        return result_of(self.function)

    @cached_property
    def _arguments(self) -> Arguments:
        return arguments_of(self.function)


@overload
def workflow(function: Callable[Concatenate[Context, P], Awaitable[T]], /) -> Workflow[P, T]: ...
@overload
def workflow(
    *,
    name: str | None = None,
    version: str = "1",
    events: Collection[EventType[Any]] = (),
    concurrency: int | None = None,
    concurrency_per_key: int = 1,
    rate: Rate | None = None,
    cleanup: timedelta = CLEANUP,
    on_failure: OnFailure | None = None,
) -> Callable[[Callable[Concatenate[Context, P], Awaitable[T]]], Workflow[P, T]]: ...
def workflow(
    function: Callable[Concatenate[Context, P], Awaitable[T]] | None = None,
    /,
    *,
    name: str | None = None,
    version: str = "1",
    events: Collection[EventType[Any]] = (),
    concurrency: int | None = None,
    concurrency_per_key: int = 1,
    rate: Rate | None = None,
    cleanup: timedelta = CLEANUP,
    on_failure: OnFailure | None = None,
) -> Any:
    """Declare an async function ``(ctx, ...)`` as a workflow.

    Code outside steps may run many times, whenever a run is resumed: it must do nothing
    but decide, and only by what its steps gave it. What has an effect goes into
    ``ctx.step`` or ``ctx.transaction``. Arguments and result are stored as JSON and
    checked against their annotations, with the limits that ``Annotated`` gives.

    ``name`` is stored with every run: renaming it orphans those under way. ``version`` is
    stamped on new runs; give the app several workflows of one name and each run goes on
    with its own, or with the last one given if its own is gone. ``events`` are those that
    it waits for: then a payload that does not fit is refused when it is sent.

    ``concurrency`` is how many of its runs may run at once in all processes together,
    ``concurrency_per_key`` how many of one key; waiting ones do not count. ``rate`` is how
    often one may begin. ``cleanup`` is how long a cancelled run may take to clean up.
    """

    def declare(function: Callable[Concatenate[Context, P], Awaitable[T]]) -> Workflow[P, T]:
        if concurrency is not None and concurrency < 1:
            raise ValueError("concurrency is at least 1; to let none begin, pause the workflow")
        if concurrency_per_key < 1:
            raise ValueError("concurrency_per_key is at least 1")
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(
                    f"{function.__name__} takes {parameter}: the arguments of a workflow are"
                    " stored by name"
                )
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"a workflow is an async function, which {function!r} is not")
        return Workflow(
            name or function.__name__,
            function,
            version=version,
            events=tuple(events),
            concurrency=concurrency,
            concurrency_per_key=concurrency_per_key,
            rate=rate,
            cleanup=cleanup,
            on_failure=on_failure,
        )

    return declare if function is None else declare(function)
