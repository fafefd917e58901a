"""Tools: typed functions that an agent may call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, get_type_hints, overload

from docstring_parser import Docstring, parse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import to_json

from agentchat.agents.threads import in_thread
from agentchat.agents.tool_context import Desk, Source, ToolContext, ToolOutput
from agentchat.durable.context import Context
from agentchat.durable.retry import NO_RETRY, RetryPolicy
from agentchat.errors import InvalidInput, ToolError
from agentchat.inputs import checked_json, problems_of, storable
from agentchat.llm.base import ToolSpec
from agentchat.store.writer import Tx

MOST_CHARACTERS = 40_000
"""How much of a result a model is told; the rest is cut, and it is told so."""
TIMEOUT = timedelta(minutes=1)
DEADLINE = timedelta(days=7)
"""How long an approval is waited for, unless a tool says otherwise."""


UNTRUSTED: Literal["untrusted"] = "untrusted"
Approval = bool | Literal["untrusted"] | Callable[..., bool]
"""Whether a person must approve a call: always, never, where text from outside may have led to
it, or as a predicate of its arguments by name says. One that raises, or says anything but False,
means yes."""
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
    values: Callable[[Mapping[str, Any]], dict[str, Any]] = field(default=dict, repr=False)
    """Checked arguments of the function's types, by name."""
    approval: Approval = False
    deadline: timedelta | None = DEADLINE
    timeout: timedelta | None = TIMEOUT
    retry: RetryPolicy = NO_RETRY
    once: bool = False
    on_error: Literal["tell", "fail"] = "tell"
    read_only: bool = False
    kind: Literal["action", "transaction", "durable"] = "action"
    interruptible: bool = True
    """Whether a call ends when it is cut off."""
    quiet: bool = False
    """Whether people are not shown the call itself, as what it does is shown already."""
    personal: bool = False
    """Whether only the person who is answered may approve a call."""
    server: str = ""
    """The MCP server that offers it, if one does."""

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

    def needs_approval(self, arguments: Mapping[str, Any], *, untrusted: bool = True) -> bool:
        """Whether a person must approve a call with these arguments; it fails closed.
        ``untrusted`` is whether text from outside may have led to it.
        """
        if isinstance(self.approval, bool):
            return self.approval
        if self.approval == UNTRUSTED:
            return untrusted
        try:
            return self.approval(**self.values(arguments)) is not False
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
    personal: bool = False,
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
    personal: bool = False,
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
    An ``async def`` with a parameter annotated :class:`~agentchat.durable.context.Context` is
    durable: it is part of the workflow, does everything that has an effect in steps, and may
    sleep, wait for events, ask people and other agents for as long as it takes.

    Raise :class:`~agentchat.errors.ToolError` with words that help the model to go on. Any
    other error is tried again as ``retry`` says; when that is over the model is told only
    that the tool failed, or with ``on_error="fail"`` the answer fails.

    ``approval`` is whether a person must approve a call first: always, never, by a predicate of
    the arguments, or with "untrusted" once a tool has told text from outside in the conversation
    (what :mod:`agentchat.agents.untrusted` frames: pages, hits, what MCP servers say; not the
    files that people send). Nobody having decided by the ``deadline`` is a no. A ``personal``
    tool is about the person who is answered: nobody else may approve it. ``read_only`` says that
    a call changes nothing anywhere: only such tools are given to the small built-in model.

    A try may take ``timeout``, then it is cut off: but for a plain ``def``, which goes on in its
    thread though nobody waits for it any more, so prefer ``async def``. A transaction cannot be
    cut off, and nothing else is written while it runs: keep it short. A durable tool has no
    limit in all; its steps have.

    Raises TypeError for what does not fit together.
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
            personal=personal,
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
    _check_options(function.__name__, kind, options)
    binding = _Binding(function, special, model)
    return Tool(
        name=name or function.__name__,
        description=description or _description(told),
        schema=_schema(model),
        call=binding.transact if kind == "transaction" else binding.call,
        check=binding.check,
        values=binding.values,
        kind=kind,
        interruptible=inspect.iscoroutinefunction(function),
        **options,
    )


def _check_options(name: str, kind: str, options: dict[str, Any]) -> None:
    if options["once"] and options["retry"].attempts > 1:
        raise TypeError(f"{name} is to be called once, so it cannot be tried again")
    if kind != "action":
        if options["timeout"] not in (None, TIMEOUT):
            raise TypeError(f"{name} is {_KINDS[kind]}, which has no timeout")
        options["timeout"] = None


_KINDS = {"transaction": "a transaction", "durable": "durable"}


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
        return output_of(await in_thread(self.function, **named))

    def transact(self, tx: Tx, context: ToolContext, arguments: Mapping[str, Any]) -> ToolOutput:
        return output_of(self.function(**self._named(context, tx, arguments)))

    def values(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the function's types, by name."""
        checked = self.model.model_validate_json(to_json(arguments))
        return {
            name.removeprefix(_FIELD): getattr(checked, name) for name in self.model.model_fields
        }

    def _named(
        self, context: ToolContext, within: Tx | Context, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        named = self.values(arguments)
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
