"""A real MCP server for tests: ``python -m tests.mcp_server stdio`` or ``http --port N``.

``--kind hostile`` lists what no friend would; ``--legacy`` speaks as servers did before 2026.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import sys
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server import Server
from mcp.server.lowlevel import NotificationOptions
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server

READS = types.ToolAnnotations(read_only_hint=True)
LARGE = 10 * 1024 * 1024


def friendly() -> MCPServer:
    """A server whose tools do what the tests ask for."""
    server = MCPServer("friendly")
    inside: list[int] = []
    full = asyncio.Event()

    @server.tool(annotations=READS)
    def echo(text: str) -> str:
        """Say the text again."""
        return text

    @server.tool()
    def add(a: int, b: int = 1) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def fail(words: str) -> str:
        """Fail in these words."""
        raise ToolError(words)

    async def lasting(seconds: float, notes: str) -> str:
        note = Path(notes).write_text
        note("begun")
        try:
            await asyncio.sleep(seconds)
        except BaseException:
            note("cancelled")
            raise
        return "done"

    @server.tool()
    async def write_slowly(seconds: float, notes: str) -> str:
        """Take so long; what becomes of it is in the file."""
        return await lasting(seconds, notes)

    @server.tool(annotations=READS)
    async def read_slowly(seconds: float, notes: str) -> str:
        """Take so long; what becomes of it is in the file."""
        return await lasting(seconds, notes)

    @server.tool(annotations=READS)
    def pid() -> str:
        """The server's process, and that of a child which it has just started."""
        child = os.posix_spawnp("sleep", ["sleep", "600"], dict(os.environ))
        return f"{os.getpid()} {child}"

    @server.tool()
    def key(context: Context) -> str:
        """The idempotency key of the call."""
        meta = context.request_context.meta
        return str(meta and meta.get("agentchat/idempotency_key"))

    @server.tool(annotations=READS)
    async def meet(number: int) -> str:
        """Return once so many calls are here at once."""
        inside.append(1)
        if len(inside) == number:
            full.set()
        await full.wait()
        return "met"

    @server.tool()
    async def grow(context: Context) -> str:
        """Have one more tool."""
        server.add_tool(lambda: "late", name="late", description="Came late.")
        await context.notify_tools_changed()
        await context.session.send_tool_list_changed()
        return "grown"

    @server.tool(annotations=READS)
    def large() -> str:
        """A very long text."""
        return "x" * LARGE

    @server.tool(structured_output=False)
    def rich() -> list[Any]:
        """Everything that a result can hold."""
        image = base64.b64encode(b"image").decode()
        return [
            types.TextContent(text="first"),
            types.ResourceLink(
                name="paper", uri="https://example.org/paper", description="About it."
            ),
            types.ResourceLink(name="trap", uri="javascript:alert(1)"),
            types.EmbeddedResource(
                resource=types.TextResourceContents(uri="file:///notes.txt", text="noted")
            ),
            types.EmbeddedResource(
                resource=types.BlobResourceContents(
                    uri="file:///a.bin", blob=image, mime_type="application/zip"
                )
            ),
            types.ImageContent(data=image, mime_type="image/png"),
            types.AudioContent(data=image, mime_type="audio/wav"),
            types.TextContent(text="last"),
        ]

    @server.tool()
    def variable(name: str) -> str:
        """A variable of the server's environment."""
        return os.environ.get(name, "(none)")

    @server.tool()
    def say(words: str, times: int = 1) -> str:
        """Say the words on standard error."""
        for _ in range(times):
            print(words, file=sys.stderr, flush=True)
        return "said"

    return server


def hostile() -> Server[Any]:
    """A server that lists what no friend would."""
    fine = {"type": "object"}
    tools = [
        types.Tool(
            name="loud", description="\x1b[31mIgnore\u202e this\x00. " * 500_000, input_schema=fine
        ),
        types.Tool(name="a/b", input_schema=fine),
        types.Tool(name="a b", input_schema=fine),
        types.Tool(name="n" * 500, input_schema=fine),
        types.Tool(name="twice", description="the first", input_schema=fine),
        types.Tool(name="twice", description="the second", input_schema=fine),
        types.Tool(
            name="nonsense", input_schema={**fine, "required": ["a"], "minProperties": "many"}
        ),
        types.Tool(name="elsewhere", input_schema={**fine, "$ref": "http://127.0.0.1:1/schema"}),
        types.Tool(name="huge", input_schema={**fine, "description": "x" * 100_000}),
        types.Tool(
            name="pattern",
            input_schema={**fine, "properties": {"text": {"type": "string", "pattern": "^(a+)+$"}}},
        ),
        types.Tool(
            name="endless", input_schema={**fine, "properties": {"a": {"$ref": "#/properties/a"}}}
        ),
        types.Tool(
            name="nowhere", input_schema={**fine, "properties": {"a": {"$ref": "#/$defs/no"}}}
        ),
        types.Tool(
            name="liar",
            input_schema=fine,
            output_schema={"type": "object", "required": ["promised"]},
        ),
    ]

    async def listed(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def called(_context: Any, _params: Any) -> types.CallToolResult:
        return types.CallToolResult(content=[], structured_content={"other": 1})

    return Server("hostile", on_list_tools=listed, on_call_tool=called)


async def serve_stdio(server: Server[Any], *, legacy: bool) -> None:
    """Serve the process that started this one, until it goes."""
    options = server.create_initialization_options(NotificationOptions(tools_changed=True))
    async with stdio_server() as (read, write):
        if not legacy:
            await server.run(read, write, options)
            return
        async with server.lifespan(server) as state:
            await serve_loop(server, read, write, lifespan_state=state, init_options=options)


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["stdio", "http"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kind", choices=["friendly", "hostile"], default="friendly")
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--key", help="the Authorization header that is asked for")
    said = parser.parse_args()
    high = friendly() if said.kind == "friendly" else None
    server = hostile() if high is None else high._lowlevel_server
    if said.transport == "stdio":
        asyncio.run(serve_stdio(server, legacy=said.legacy))
        return
    app: Any = server.streamable_http_app() if high is None else high.streamable_http_app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        status = 0
        if scope["type"] == "http" and said.key:
            status = 0 if headers.get(b"authorization", b"").decode() == said.key else 401
        if said.legacy and headers.get(b"mcp-protocol-version", b"").startswith(b"2026"):
            status = 400
        if not status:
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    uvicorn.run(guarded, host="127.0.0.1", port=said.port, log_level="warning")


if __name__ == "__main__":
    main()
