"""Tools: typed functions that an agent may call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, Protocol, get_type_hints, overload

from docstring_parser import Docstring, parse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import to_json

from agentchat.durable.context import Context
from agentchat.durable.retry import NO_RETRY, RetryPolicy
from agentchat.errors import InvalidInput, ToolError
from agentchat.inputs import checked_json, problems_of, storable
from agentchat.llm.base import ToolSpec
from agentchat.store.writer import Tx
from agentchat.views import Actor

MOST_CHARACTERS = 40_000
"""How much of a result a model is told; the rest is cut, and it is told so."""
TIMEOUT = timedelta(minutes=1)
DEADLINE = timedelta(days=7)
"""How long an approval is waited for, unless a tool says otherwise."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """For whom, where and on whose behalf a tool is called.

    ``actor`` is the person whose message is answered: a tool must do nothing that this
    person may not do. ``agent`` is the name of the agent that calls; ``part`` the place of
    the call within the answer.

    A durable tool (one that takes a :class:`~agentchat.durable.context.Context`) may also
    ask a person or other agents, and wait for them for as long as it takes.
    """

    actor: Actor
    thread_id: str
    message_id: str
    agent: str
    part: int
    _run: Context = field(repr=False)
    _desk: Desk | None = field(default=None, repr=False)

    @property
    def run_id(self) -> str:
        """The id of the run that answers."""
        return self._run.run_id

    @property
    def idempotency_key(self) -> str:
        """A key that is the same each time this call is made: to be passed on to whoever can
        tell a repetition by it. A tool without a transaction may be called again after a crash.
        """
        return f"{self.run_id}:{self.part}"

    @property
    def tries(self) -> int:
        """Which try this is, from 1."""
        return self._run.tries

    def heartbeat(self) -> None:
        """Tell that a long call is alive, for the ``idle`` limit of its retry policy."""
        self._run.heartbeat()

    def log(self, text: str, *, level: str = "info", **fields: Any) -> None:
        """Write a line to the run's log."""
        self._run.log(text, level=level, **fields)

    async def ask_person(
        self, question: str, choices: Sequence[str] = (), *, deadline: timedelta | None = None
    ) -> str | None:
        """Ask in the thread, and wait for the answer of whoever comes first: one of the
        ``choices``, or other words. None if nobody answered by the deadline.

        Only in a durable tool; raises InvalidInput elsewhere.
        """
        return await self._at_desk.ask_person(self, question, choices, deadline)

    async def ask_agent(self, agent: str, task: str) -> str:
        """Let another agent of the app do something, in a run and a thread of its own, and
        return its answer. Raises :class:`~agentchat.errors.ToolError` if it failed.

        Only in a durable tool; raises InvalidInput elsewhere.
        """
        return await self._at_desk.ask_agent(self, agent, task)

    @property
    def _at_desk(self) -> Desk:
        if self._desk is None:
            raise InvalidInput("Only a durable tool, one that takes a Context, can ask and wait.")
        return self._desk


class Desk(Protocol):
    """Where durable tools ask: the answer that is being written."""

    async def ask_person(
        self,
        context: ToolContext,
        question: str,
        choices: Sequence[str],
        deadline: timedelta | None,
    ) -> str | None: ...

    async def ask_agent(self, context: ToolContext, agent: str, task: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was found: shown under the answer."""

    title: str
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a call came to: what the model is told, and what people are shown beside it."""

    text: str
    sources: tuple[Source, ...] = ()
    failed: bool = False


Approval = bool | Callable[..., bool]
"""Whether a person must approve a call: always, never, or as a predicate of its arguments by
name says. One that raises, or says anything but False, means yes."""
Call = Callable[..., Any]


@dataclass(frozen=True)
class Tool:
    """Something that an agent may call; made by :func:`tool`, which tells what its fields mean."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(repr=False)
    call: Call = field(repr=False)
    check: Callable[[Any], dict[str, Any]] = field(repr=False)
    """The arguments as JSON, defaults filled in; raises InvalidInput in words for the model."""
    approval: Approval = False
    deadline: timedelta | None = DEADLINE
    timeout: timedelta | None = TIMEOUT
    retry: RetryPolicy = NO_RETRY
    once: bool = False
    on_error: Literal["tell", "fail"] = "tell"
    read_only: bool = False
    kind: Literal["action", "transaction", "durable"] = "action"
    quiet: bool = False
    """Whether people are not shown the call itself, as what it does is shown already."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as a model is told of it."""
        return ToolSpec(self.name, self.description, self.schema)

    @property
    def policy(self) -> RetryPolicy:
        """How its step is tried: ``retry``, each try within ``timeout``."""
        if self.timeout is None or self.retry.timeout is not None:
            return self.retry
        return replace(self.retry, timeout=self.timeout)

    def needs_approval(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a person must approve a call with these arguments; it fails closed."""
        if isinstance(self.approval, bool):
            return self.approval
        try:
            return self.approval(**arguments) is not False
        except Exception:
            return True

    def with_approval(self, approval: Approval = True, **others: Any) -> Tool:
        """The same tool under another rule of approval."""
        return replace(self, approval=approval, **others)


@overload
def tool(function: Call, /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    approval: Approval = False,
    deadline: timedelta | None = DEADLINE,
    timeout: timedelta | None = TIMEOUT,
    retry: RetryPolicy = NO_RETRY,
    once: bool = False,
    on_error: Literal["tell", "fail"] = "tell",
    read_only: bool = False,
) -> Callable[[Call], Tool]: ...
def tool(
    function: Call | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    approval: Approval = False,
    deadline: timedelta | None = DEADLINE,
    timeout: timedelta | None = TIMEOUT,
    retry: RetryPolicy = NO_RETRY,
    once: bool = False,
    on_error: Literal["tell", "fail"] = "tell",
    read_only: bool = False,
) -> Any:
    """Declare a typed function as a tool: ``@tool def add(a: int, b: int) -> int``.

    Its name, docstring and annotations are what the model is told (an ``Args:`` section
    describes the arguments), and what its arguments are checked against. A parameter
    annotated :class:`ToolContext` is given the context. What it returns is told to the
    model: a text as it is, a :class:`ToolOutput`, anything else as JSON.

    An ``async def`` is awaited; a plain ``def`` runs in a thread. A plain ``def`` with a
    parameter annotated :class:`~agentchat.store.writer.Tx` is a transaction: what it writes
    and the fact that it was called are one commit, exactly once. Any other is called at
    least once, or with ``once`` at most once: then a call that was interrupted is told as such.

    Raise :class:`~agentchat.errors.ToolError` with words that help the model to go on. Any
    other error is tried again as ``retry`` says; when that is over the model is told only
    that the tool failed, or with ``on_error="fail"`` the answer fails.

    ``approval`` is whether a person must approve a call first: always, never, or by a
    predicate of the arguments; nobody having decided by the ``deadline`` is a no. ``read_only``
    says that a call changes nothing anywhere: only such tools are given to the small
    built-in model. A try may take ``timeout``.
    """

    def declare(function: Call) -> Tool:
        return _declared(
            function,
            name=name,
            description=description,
            approval=approval,
            deadline=deadline,
            timeout=timeout,
            retry=retry,
            once=once,
            on_error=on_error,
            read_only=read_only,
        )

    return declare if function is None else declare(function)


def _declared(function: Call, *, name: str | None, description: str | None, **options: Any) -> Tool:
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__} takes {parameter}: a model needs named arguments")
    special = {
        parameter.name: hints[parameter.name]
        for parameter in parameters
        if hints.get(parameter.name) in (ToolContext, Tx, Context)
    }
    told = parse(inspect.getdoc(function) or "")
    model = _model(
        function.__name__, [one for one in parameters if one.name not in special], hints, told
    )
    kind = _kind(function, set(special.values()))
    binding = _Binding(function, special, model)
    return Tool(
        name=name or function.__name__,
        description=description or _description(told),
        schema=_schema(model),
        call=binding.transact if kind == "transaction" else binding.call,
        check=binding.check,
        kind=kind,
        **options,
    )


def _kind(function: Call, special: set[Any]) -> Literal["action", "transaction", "durable"]:
    waits = inspect.iscoroutinefunction(function)
    if Tx in special:
        if waits or Context in special:
            raise TypeError(f"{function.__name__} is a transaction, so it cannot wait")
        return "transaction"
    if Context in special:
        if not waits:
            raise TypeError(f"{function.__name__} takes a Context, so it must be async")
        return "durable"
    return "action"


@dataclass(frozen=True)
class _Binding:
    """A function with the model of its arguments."""

    function: Call
    special: Mapping[str, Any]
    model: type[BaseModel]

    def check(self, arguments: Any) -> dict[str, Any]:
        try:
            checked = self.model.model_validate_json(to_json(arguments))
        except (ValidationError, ValueError) as error:
            words = problems_of(error) if isinstance(error, ValidationError) else str(error)
            raise InvalidInput(f"The arguments do not fit: {words}") from error
        found: dict[str, Any] = checked_json(
            checked.model_dump(mode="json", by_alias=True), "The arguments"
        )
        return found

    async def call(self, context: ToolContext, arguments: Mapping[str, Any]) -> ToolOutput:
        named = self._named(context, context._run, arguments)
        if inspect.iscoroutinefunction(self.function):
            return output_of(await self.function(**named))
        return output_of(await asyncio.to_thread(self.function, **named))

    def transact(self, tx: Tx, context: ToolContext, arguments: Mapping[str, Any]) -> ToolOutput:
        return output_of(self.function(**self._named(context, tx, arguments)))

    def _named(
        self, context: ToolContext, within: Tx | Context, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        checked = self.model.model_validate_json(to_json(arguments))
        named = {
            name.removeprefix(_FIELD): getattr(checked, name) for name in self.model.model_fields
        }
        for name, kind in self.special.items():
            named[name] = context if kind is ToolContext else within
        return named


def output_of(value: Any) -> ToolOutput:
    """What a function returned, as it is told to a model; raises InvalidInput if it cannot be."""
    output = value if isinstance(value, ToolOutput) else None
    if output is None:
        try:
            text = value if isinstance(value, str) else _json.dump_json(value, indent=1).decode()
        except ValueError as error:
            raise InvalidInput(f"The result cannot be told as JSON: {error}") from error
        output = ToolOutput(text)
    text = storable(output.text)
    if len(text) > MOST_CHARACTERS:
        cut = len(text) - MOST_CHARACTERS
        text = f"{text[:MOST_CHARACTERS]}\n[{cut:,} more characters are not shown]"
    return replace(output, text=text)


_json: TypeAdapter[Any] = TypeAdapter(Any)
_FIELD = "argument_"
"""Before the names of fields: an argument may be named as something that models have."""


def _model(
    name: str, parameters: list[inspect.Parameter], hints: Mapping[str, Any], told: Docstring
) -> type[BaseModel]:
    descriptions = {one.arg_name: one.description for one in told.params}
    fields: dict[str, Any] = {}
    for parameter in parameters:
        default = ... if parameter.default is parameter.empty else parameter.default
        told_of: dict[str, Any] = {"alias": parameter.name}
        if words := descriptions.get(parameter.name):
            told_of["description"] = words
        described = Field(default, **told_of)
        fields[_FIELD + parameter.name] = (hints.get(parameter.name, Any), described)
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema.pop("title", None)
    for one in schema.get("properties", {}).values():
        one.pop("title", None)
    return {"type": "object", "properties": {}, **schema}


def _description(told: Docstring) -> str:
    return "\n\n".join(filter(None, (told.short_description, told.long_description)))


__all__ = ["Desk", "Source", "Tool", "ToolContext", "ToolError", "ToolOutput", "output_of", "tool"]
