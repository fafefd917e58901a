"""What a server lists, as tools: clean names, words of bearable length, arguments checked."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from agentchat.agents.mcp.connection import MOST_TOOLS, START_TIMEOUT
from agentchat.agents.mcp.results import told
from agentchat.agents.mcp.servers import McpServer
from agentchat.agents.mcp.words import line, origin_of, plain
from agentchat.agents.tools import Tool, ToolContext, ToolOutput
from agentchat.agents.untrusted import framed
from agentchat.durable.retry import NO_RETRY, RetryPolicy
from agentchat.errors import InvalidInput, ToolError
from agentchat.inputs import checked_json

if TYPE_CHECKING:
    import mcp_types as types

log = logging.getLogger(__name__)

MOST_DESCRIPTION = 1_024
MOST_SCHEMA = 32_000
"""Characters of a schema: it goes to a model with every question."""
MOST_ERROR = 2_500
"""Characters of the words of a call that failed: with their frame they must not be cut again."""
READS = RetryPolicy(attempts=3)
IDEMPOTENCY_KEY = "agentchat/idempotency_key"
_PROBLEMS = 5
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Host(Protocol):
    """Where calls go."""

    async def call(
        self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any], *, repeatable: bool
    ) -> types.CallToolResult:
        """What the server answers."""
        ...


def tool_name(server: str, tool: str) -> str:
    """``server__tool``, as models accept it, the same each time. What had to be cleaned or cut
    to that, or could be another's, ends in a hash of both.
    """
    name = f"{server}__{tool}"
    if _NAME.fullmatch(name) and "__" not in server and not server.endswith("_"):
        return name
    digest = hashlib.sha256(f"{server}\0{tool}".encode(errors="replace")).hexdigest()[:8]
    return f"{re.sub('[^a-zA-Z0-9_-]+', '_', name)[:55]}_{digest}"


def tools_of(server: McpServer, listed: tuple[types.Tool, ...], host: Host) -> tuple[Tool, ...]:
    """Those of the listed tools that are wanted and can be used; of others, the log tells."""
    found: dict[str, Tool] = {}
    if len(listed) > MOST_TOOLS:
        log.warning("MCP server %s has over %d tools; others are left out", server.name, MOST_TOOLS)
    for one in listed[:MOST_TOOLS]:
        if server.tools is not None and one.name not in server.tools:
            continue
        name = tool_name(server.name, one.name)
        wrong = "it is listed twice" if name in found else _wrong_with(one.input_schema)
        if wrong:
            log.warning("MCP server %s: tool %r is left out: %s", server.name, one.name[:64], wrong)
        else:
            found[name] = _tool(server, one, name, host)
    missing = set(server.tools or ()) - {one.name for one in listed}
    if missing:
        log.warning("MCP server %s has no tool %s", server.name, ", ".join(sorted(missing)))
    return tuple(found.values())


def _tool(server: McpServer, listed: types.Tool, name: str, host: Host) -> Tool:
    hints = listed.annotations
    reads = hints is not None and hints.read_only_hint is True and server.approval != "always"
    bound = _Bound(server.name, listed.name, dict(listed.input_schema), reads, host)
    title = listed.title or (hints.title if hints else None) or listed.name
    return Tool(
        name=name,
        description=plain(listed.description or title, MOST_DESCRIPTION),
        schema={"properties": {}, **listed.input_schema},
        call=bound.call,
        check=bound.check,
        approval={"always": True, "never": False, "unless_read_only": not reads}[server.approval],
        # The call has a limit of its own, which tells more; this one is for what hangs beyond it.
        timeout=timedelta(seconds=server.timeout + START_TIMEOUT + 10),
        retry=READS if reads else NO_RETRY,
        once=not reads,
        read_only=reads,
        server=server.name,
    )


@dataclass(frozen=True)
class _Bound:
    """A tool with its server."""

    server: str
    name: str
    schema: dict[str, Any]
    reads: bool
    host: Host

    def check(self, arguments: Any) -> dict[str, Any]:
        from referencing.exceptions import Unresolvable

        checked = checked_json(arguments, "The arguments")
        if not isinstance(checked, dict):
            raise InvalidInput("The arguments do not fit: they are not an object.")
        try:
            problems = list(_problems(self.schema, checked))
        except (Unresolvable, RecursionError) as error:
            raise InvalidInput("This tool cannot be used: its schema is broken.") from error
        if problems:
            raise InvalidInput(f"The arguments do not fit: {'; '.join(problems)}")
        return checked

    async def call(self, context: ToolContext, arguments: Mapping[str, Any]) -> ToolOutput:
        meta = {IDEMPOTENCY_KEY: context.idempotency_key}
        result = await self.host.call(self.name, arguments, meta, repeatable=self.reads)
        output, origin = told(result), origin_of(self.server)
        if result.is_error:
            raise ToolError(framed(plain(output.text, MOST_ERROR), origin))
        return replace(output, text=framed(output.text, origin))


def _problems(schema: dict[str, Any], arguments: dict[str, Any]) -> Iterator[str]:
    validator = _dialect(schema)
    for _, problem in zip(range(_PROBLEMS), validator.iter_errors(arguments), strict=False):
        place = ".".join(map(str, problem.absolute_path))
        yield line(f"{place}: {problem.message}" if place else problem.message, 300)


def _dialect(schema: dict[str, Any]) -> Any:
    from jsonschema import validators  # type: ignore[import-untyped]
    from referencing import Registry

    kind = validators.validator_for(schema, default=validators.Draft202012Validator)
    others = kind.VALIDATORS.get("additionalProperties")

    def additional(one: Any, value: Any, instance: Any, within: Any) -> Any:
        return () if "patternProperties" in within else others(one, value, instance, within)

    # A stranger's patterns are left to the stranger: one can be made to take for ever.
    without: dict[str, Callable[..., Any]] = {"pattern": _nothing, "patternProperties": _nothing}
    if others is not None:
        without["additionalProperties"] = additional
    # An empty registry: nothing that a schema names is fetched from anywhere.
    registry: Registry[Any] = Registry()
    return validators.extend(kind, without)(schema, registry=registry)


def _nothing(*_: Any) -> tuple[()]:
    return ()


def _wrong_with(schema: Mapping[str, Any]) -> str:
    """Why a schema cannot be used, if it cannot."""
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]

    try:
        size = len(json.dumps(schema, ensure_ascii=False).encode())
        if size > MOST_SCHEMA:
            return f"its schema has {size:,} bytes, more than {MOST_SCHEMA:,}"
        if schema.get("type") != "object":
            return "its schema is not of an object"
        if any(not where.startswith("#") for where in _references(schema)):
            return "its schema is in several files"
        _dialect(dict(schema)).check_schema(schema)
    except SchemaError as error:
        return f"its schema is not one: {line(error.message, 200)}"
    except (ValueError, RecursionError) as error:
        return f"its schema is not one: {line(str(error), 200)}"
    return ""


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
