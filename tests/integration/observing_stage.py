"""Who looks from outside: a server on a port, and a receiver of traces."""

from __future__ import annotations

import asyncio
import gzip
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from agentchat import AgentChat
from agentchat.endpoints import with_endpoints
from agentchat.frontend import listen
from tests.acceptance.server import free_port
from tests.waiting import eventually_now


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Message
    text: str


def ask(url: str, method: str = "GET", **headers: str) -> Answer:
    """Ask a server; blocks."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read().decode())


class Site:
    """A server of one chat, in this process."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask it over its port."""
        return await asyncio.to_thread(
            ask, f"http://127.0.0.1:{self.port}{path}", method, **headers
        )

    async def samples(self, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """The samples of its metrics, by name and labels, as Prometheus' own parser reads them."""
        answer = await self.ask("/metrics", **headers)
        assert answer.status == 200, answer.text
        return parsed(answer.text)


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Samples by name and labels, as Prometheus' own parser reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """How a sample is looked up."""
    return f"agentchat_{name}", frozenset(labels.items())


@asynccontextmanager
async def serving(chat: AgentChat) -> AsyncIterator[Site]:
    """Serve what machines ask of a chat, in front of an app with a page."""
    pages = Starlette(routes=[Route("/", lambda _: PlainTextResponse("a page"))])
    port = free_port()
    config = uvicorn.Config(with_endpoints(pages, chat), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    listener = listen("127.0.0.1", port)
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield Site(port)
    finally:
        server.should_exit = True
        await task
        listener.close()


@dataclass
class Receiver:
    """What an OTLP/HTTP receiver was sent."""

    url: str
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """All spans so far."""
        return [
            span
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def of(self, name: str) -> list[Span]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]

    def wait_for(self, name: str) -> Span:
        """The only span of this name, once it is there; blocks."""
        eventually_now(lambda: self.of(name))
        [span] = self.of(name)
        return span


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            receiver.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attributes(span: Span | Span.Event) -> dict[str, Any]:
    """The attributes of a span or event."""
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in span.attributes
    }
