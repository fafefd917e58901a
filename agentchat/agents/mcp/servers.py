"""Which MCP servers there are: the file that other clients read too, checked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from agentchat.errors import ConfigError
from agentchat.inputs import problems_of

Approval = Literal["always", "unless_read_only", "never"]
Name = Annotated[str, StringConstraints(pattern=r"^[!-~](?:[ -~]{0,62}[!-~])?$")]
"""A name of 1 to 64 plain characters."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_SHORTEST_SECRET = 6
"""Shorter values, such as ``true`` or a port, are not looked for in words."""
_TRANSPORTS = {"stdio": "command", "http": "url", "streamable-http": "url", "streamableHttp": "url"}


class McpServer(BaseModel):
    """A server that offers tools: a ``command`` to be started, or the ``url`` of one that runs.

    ``tools`` names those that are wanted; without it, all are. A person approves each call
    ``"always"``, ``"never"``, or ``"unless_read_only"``: unless the server says that the tool
    only reads. What a server says of itself is a hint, not a promise: a server that is not
    trusted gets ``"always"``, and then its hints are not believed in any other respect
    either. A call may take ``timeout`` seconds.

    A started program is given ``env`` and the few variables that every program needs (PATH,
    HOME and the like), not the keys that this app has. Raises pydantic's ValidationError,
    which shows no values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name
    command: Annotated[str, Field(min_length=1)] | None = None
    args: tuple[str, ...] = Field((), repr=False)
    env: dict[str, str] = Field({}, repr=False)
    cwd: Path | None = None
    url: str | None = Field(None, repr=False)
    headers: dict[str, str] = Field({}, repr=False)
    tools: tuple[str, ...] | None = None
    approval: Approval = "unless_read_only"
    timeout: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 60

    _expanded: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give it either a command or a url")
        of_the_other = ("headers",) if self.url is None else ("args", "env", "cwd")
        for field in of_the_other:
            if getattr(self, field):
                raise ValueError(f"{field} is not for a server with a {self.kind}")
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("its url is not an http:// or https:// address")
        for header, value in self.headers.items():
            if not f"{header}{value}".isascii() or not f"{header}{value}".isprintable():
                raise ValueError(f"the header {header[:40]!r} has a character that none may have")
        return self

    @property
    def kind(self) -> Literal["command", "url"]:
        """How it is reached."""
        return "command" if self.url is None else "url"

    def without_secrets(self, text: str) -> str:
        """The text with what is in env, headers, the url and expanded variables starred out."""
        for secret in sorted(set(self._secrets()), key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def _secrets(self) -> Iterator[str]:
        yield from self._expanded
        yield from self.env.values()
        for value in self.headers.values():
            yield value
            # What comes after "Bearer" may be told alone.
            yield value.rpartition(" ")[2]
        if self.url is not None:
            parts = urlsplit(self.url)
            yield from (value for _, value in parse_qsl(parts.query))
            yield parts.query
            yield parts.password or ""


def load_servers(path: Path, environ: Mapping[str, str] | None = None) -> tuple[McpServer, ...]:
    """The servers in a file of the form that other clients use, in its order.

    ``{"mcpServers": {"NAME": {"command": …, "args": […], "env": {…}}, "OTHER": {"url": …}}}``;
    the fields are those of :class:`McpServer`. ``${VARIABLE}`` and ``${VARIABLE:-otherwise}``
    in a command, args, env, url or headers stand for variables of the environment. A server
    with ``"disabled": true`` is left out. Raises :class:`ConfigError` with the file, the
    server and what is wrong.
    """
    try:
        said = json.loads(path.expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path} cannot be read: {words}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    servers = said.get("mcpServers") if isinstance(said, dict) else None
    if not isinstance(servers, dict):
        raise ConfigError(f'{path} has no "mcpServers" with the servers by name in it.')
    known = os.environ if environ is None else environ
    loaded = (_loaded(path, name, entry, known) for name, entry in servers.items())
    return tuple(server for server in loaded if server is not None)


def _loaded(path: Path, name: str, entry: Any, environ: Mapping[str, str]) -> McpServer | None:
    def wrong(words: str) -> ConfigError:
        return ConfigError(f"{path}: the MCP server {name!r}: {words}")

    if not isinstance(entry, dict):
        raise wrong("it is not an object with a command or a url")
    fields = {"name": name, **entry}
    if fields.pop("disabled", False) is True:
        return None
    kind = fields.pop("type", None)
    if kind is not None and _TRANSPORTS.get(str(kind)) not in fields:
        raise wrong(f"type {str(kind)[:40]!r} with no such transport; use a command or a url")
    values: list[str] = []
    try:
        for field in ("command", "args", "env", "url", "headers"):
            if field in fields:
                fields[field] = _expanded(fields[field], environ, values)
        server = McpServer(**fields)
    except KeyError as missing:
        words = f"the environment variable {missing.args[0]} is not set"
        raise wrong(words) from None
    except ValidationError as error:
        raise wrong(problems_of(error).replace("Value error, ", "")) from None
    server._expanded = tuple(values)
    return server


def _expanded(value: Any, environ: Mapping[str, str], values: list[str]) -> Any:
    """The value with its variables filled in, which are noted too; KeyError for a missing one."""

    def filled(match: re.Match[str]) -> str:
        name, otherwise = match.groups()
        found = environ.get(name) or otherwise
        if found is None:
            raise KeyError(name)
        values.append(found)
        return found

    if isinstance(value, str):
        return _VARIABLE.sub(filled, value)
    if isinstance(value, list):
        return [_expanded(one, environ, values) for one in value]
    if isinstance(value, dict):
        return {key: _expanded(one, environ, values) for key, one in value.items()}
    return value
