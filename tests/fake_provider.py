"""A model server of our own on 127.0.0.1, scripted per request, for both wire formats.

It does what ``llmock`` cannot: error events inside a stream, request ids, answers held
open, and a record of when the client closed the connection.

    with FakeProvider().running() as fake:            # or: async with FakeProvider() as fake:
        fake.enqueue(Reply(status=529), Reply("One. Two. Three.", cut_after=2))
        ...                                           # point OPENAI_BASE_URL at fake.openai_url
        fake.wait_for(lambda: fake.requests[1].closed_by_client)

It refuses what the real servers refuse, with their words and status 400: a history with a call
that has no result, for example. ``rejected`` holds what was refused, so that a test can assert
that nothing was. Such a request uses up no reply.

It runs in a thread with its own event loop, so that a blocked test cannot hold it up.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tests.fake_wire import WIRES, Wire

MODELS = "/v1/models"


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request is answered.

    ``status`` other than 200: an error with ``body`` (a default one in the wire format
    of the request). Status 200 with a ``body``: that body, as it is. Otherwise ``text``
    is streamed, a word every ``pace`` seconds, and then the ``calls``, each a name and its
    arguments as JSON text, which come in several pieces.

    ``cut_after``: after so many sentences the stream is cut, in the way ``cut`` says:
    ``drop`` breaks the connection, ``end`` ends it politely but too soon, ``hold`` keeps
    it open and silent until the client leaves, ``garbage`` sends something unreadable,
    ``error`` sends an error event with ``error`` as the wire format's error object.
    ``drop_when_done`` needs no ``cut_after``: the model says that it is done, and then
    the connection breaks.
    """

    text: str = "Hello from the fake provider. It works."
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    delay: float = 0.0
    """Seconds before the first byte."""
    pace: float = 0.0
    cut_after: int | None = None
    cut: Literal["drop", "end", "hold", "garbage", "error", "drop_when_done"] = "drop"
    until: threading.Event | None = None
    """After its last word the stream stands still until this is set."""
    error: Mapping[str, object] = field(default_factory=dict)
    finish: str | None = None
    """The wire format's own word; by default its word for a natural end."""
    usage: bool = True
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    cached: int = 0
    """How many of the prompt's tokens were in the cache."""


@dataclass(slots=True)
class Request:
    """What a client asked, and how the connection ended. Times are ``time.monotonic()``."""

    path: str
    headers: Mapping[str, str]
    json: Any
    request_id: str
    opened_at: float
    pieces_sent: int = 0
    closed_at: float | None = None
    closed_by_client: bool = False


class FakeProvider:
    """The server; see the module. ``requests`` and ``rejected`` are in order of arrival.
    ``models`` are those it says it has; without any it knows no such list.
    """

    def __init__(self, default: Reply | None = None, models: tuple[str, ...] = ()) -> None:
        self.default = default or Reply()
        self.models = models
        self.requests: list[Request] = []
        self.rejected: list[str] = []
        self._replies: deque[Reply] = deque()
        self._changed = threading.Condition()
        self._tasks: set[asyncio.Task[object]] = set()
        self._port = 0

    @property
    def openai_url(self) -> str:
        """What OPENAI_BASE_URL has to be."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def anthropic_url(self) -> str:
        """What ANTHROPIC_BASE_URL has to be."""
        return f"http://127.0.0.1:{self._port}"

    def enqueue(self, *replies: Reply) -> None:
        """Answer the next requests with these, in order; then again with ``default``."""
        self._replies.extend(replies)

    def forget(self) -> None:
        """Forget what was asked and what was queued, for the next test."""
        with self._changed:
            self.requests.clear()
            self.rejected.clear()
            self._replies.clear()

    def wait_for(self, condition: Callable[[], object], timeout: float = 30.0) -> None:
        """Block until ``condition()`` is true; it is asked again when anything happens here.

        Raises ``TimeoutError``.
        """

        def holds() -> bool:
            try:
                return bool(condition())
            except IndexError:  # fake.requests[1] before it came
                return False

        with self._changed:
            if not self._changed.wait_for(holds, timeout):
                raise TimeoutError(f"still not true after {timeout} s; requests: {self.requests}")

    async def until(self, condition: Callable[[], object], timeout: float = 30.0) -> None:  # noqa: ASYNC109
        """As :meth:`wait_for`, without blocking the event loop."""
        await asyncio.to_thread(self.wait_for, condition, timeout)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve from a thread until the block ends."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="fake-provider", daemon=True)
        thread.start()
        try:
            server = asyncio.run_coroutine_threadsafe(
                asyncio.start_server(self._accept, "127.0.0.1", 0), loop
            ).result(10)
            self._port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                asyncio.run_coroutine_threadsafe(self._stop(server), loop).result(10)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    async def __aenter__(self) -> Self:
        self._running = self.running()
        return await asyncio.to_thread(self._running.__enter__)

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self._running.__exit__, None, None, None)

    def _note(self, request: Request | None = None, **changes: object) -> None:
        with self._changed:
            for name, value in changes.items():
                setattr(request, name, value)
            self._changed.notify_all()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _stop(self, server: asyncio.Server) -> None:
        # asyncio loses a connection that it is still accepting when the server closes.
        while accepting := asyncio.all_tasks() - {asyncio.current_task()} - self._tasks:
            await asyncio.wait(accepting)
        server.close()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._spawn(self._serve(reader, writer))
        # Not a finally in the task: a stop may cancel it before its first step.
        task.add_done_callback(lambda _: writer.close())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read_request(reader, len(self.requests) + 1)
        if request is None:
            return
        with self._changed:
            self.requests.append(request)
            # To be asked for its models uses up no reply.
            reply = Reply() if request.path == MODELS else self._refusal(request)
            if reply is None:
                reply = self._replies.popleft() if self._replies else self.default
            self._changed.notify_all()
        answering = self._spawn(self._answer(request, reply, writer))
        leaving = self._spawn(reader.read(1))
        ending = asyncio.gather(answering, leaving, return_exceptions=True)
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        # Either may be noticed first: that nothing more comes, or that nothing can be sent.
        left = not answering.done()
        if not left and not answering.cancelled():
            left = isinstance(answering.exception(), ConnectionError)
        answering.cancel()
        leaving.cancel()
        await ending
        self._note(request, closed_at=time.monotonic(), closed_by_client=left)

    def _refusal(self, request: Request) -> Reply | None:
        """The answer to a request that the real server would not accept."""
        if request.path not in WIRES or not isinstance(request.json, dict):
            return None
        wire = WIRES[request.path]()
        words = wire.complaint(request.json)
        if words is None:
            return None
        self.rejected.append(words)
        return Reply(status=400, body=wire.error_body(400, words))

    async def _answer(self, request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(reply.delay)
        if request.path == MODELS and self.models:
            await _send_body(writer, 200, {}, _listed(self.models))
            return
        if request.path not in WIRES:
            await _send_body(writer, 404, {}, {"detail": "Not Found"})
            return
        wire = WIRES[request.path]()
        headers = {wire.request_id_header: request.request_id, **reply.headers}
        if reply.body is not None or reply.status != 200:
            body = wire.error_body(reply.status) if reply.body is None else reply.body
            await _send_body(writer, reply.status, headers, body)
            return
        # Chunked: only then can a client tell a broken answer from one that ended.
        stream = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        _send_head(writer, 200, {**stream, **headers})
        async for events in self._stream(request, reply, wire):
            if events is None:
                writer.transport.abort()
                return
            if events:
                writer.write(f"{len(events):x}\r\n".encode() + events + b"\r\n")
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _stream(
        self, request: Request, reply: Reply, wire: Wire
    ) -> AsyncIterator[bytes | None]:
        """The bytes to send; None means: break the connection."""
        yield wire.opening(request.request_id, reply.usage, reply.cached)
        if reply.reasoning:
            yield wire.reasoning(reply.reasoning)
        sentences = re.findall(r"\s*[^.!?]*[.!?]*", reply.text)
        kept = "".join(sentences[: reply.cut_after])
        for word in re.findall(r"\s*\S+\s*", kept):
            yield wire.piece(word)
            self._note(request, pieces_sent=request.pieces_sent + 1)
            await asyncio.sleep(reply.pace)
        while reply.until is not None and not reply.until.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        cut = reply.cut
        if cut == "drop_when_done":
            yield wire.ending(reply.finish, len(reply.text), reply.usage)[0]
            yield None
        elif reply.cut_after is None:
            if reply.refusal:
                yield wire.refusal(reply.refusal)
            for name, arguments in reply.calls:
                for event in wire.call(name, re.findall(r"(?s).{1,5}", arguments)):
                    yield event
            for event in wire.ending(reply.finish, len(reply.text), reply.usage):
                yield event
        elif cut == "drop":
            yield None
        elif cut == "hold":
            await asyncio.Event().wait()
        elif cut == "garbage":
            yield wire.garbage()
        elif cut == "error":
            yield wire.error_event(reply.error)


async def _read_request(reader: asyncio.StreamReader, number: int) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Request(
        path=first.split(" ")[1].partition("?")[0],
        headers=headers,
        json=json.loads(body) if body else None,
        request_id=f"req_fake_{number}",
        opened_at=time.monotonic(),
    )


def _send_head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} Fake", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


async def _send_body(
    writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: object
) -> None:
    plain = isinstance(body, str)
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    kind = "text/html" if plain else "application/json"
    length = {"content-type": kind, "content-length": str(len(content))}
    _send_head(writer, status, {**length, **headers})
    writer.write(content)
    await writer.drain()


def _listed(names: tuple[str, ...]) -> dict[str, object]:
    """A list of models that both formats read."""
    one = {"object": "model", "type": "model", "created": 0, "owned_by": "tests"}
    dated = {**one, "created_at": "2026-01-01T00:00:00Z"}
    models = [{**dated, "id": name, "display_name": name} for name in names]
    return {"object": "list", "data": models, "has_more": False}
