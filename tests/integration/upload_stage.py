"""A server that takes files, on a port of its own, and who sends to it: browsers and others."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import uvicorn
from sqlalchemy import insert
from starlette.responses import PlainTextResponse

from agentchat import AgentChat
from agentchat.accounts.tokens import digest, new_token
from agentchat.columns import table_of
from agentchat.frontend import listen
from agentchat.models import Login
from agentchat.store.writer import Tx
from agentchat.ui.downloads import with_downloads
from agentchat.ui.uploads import with_uploads
from agentchat.views import Actor
from tests.integration.login_stage import Answer
from tests.integration.people_stage import add_person


class Port:
    """The port of a server, and the token of a person's browser."""

    def __init__(self, chat: AgentChat, port: int, token: str = "") -> None:
        self.chat = chat
        self.port = port
        self.token = token
        assert chat.settings is not None
        self.origin = chat.settings.origins[0]

    async def of(self, actor: Actor) -> Port:
        """The same port, for the browser of somebody who has an account."""
        await add_person(self.chat._database, actor)
        token, now = new_token(), self.chat._clock.now()
        login = Login(
            id=f"login-of-{actor.id}",
            user_id=actor.id,
            token_hash=digest(token),
            created_at=now,
            seen_at=now,
            expires_at=now.replace(year=now.year + 1),
        )

        def add(tx: Tx) -> None:
            tx.execute(insert(table_of(Login)), login.model_dump())

        await self.chat._database.write(add)
        return Port(self.chat, self.port, token)

    def headers(self, **more: str | None) -> dict[str, str]:
        """What a page of the app sends; those that are None are left out."""
        sent: dict[str, str | None] = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        if self.token:
            sent["Cookie"] = f"agentchat={self.token}"
        sent |= {name.replace("_", "-"): value for name, value in more.items()}
        return {name: value for name, value in sent.items() if value is not None}

    async def ask(
        self, method: str, path: str, content: Any = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """Ask over the port, as a page of the app would; an iterator is sent in chunks."""

        def ask() -> Answer:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                told = self.headers() if headers is None else headers
                chunked = not isinstance(content, bytes)
                connection.request(method, path, content, told, encode_chunked=chunked)
                answer = connection.getresponse()
                text = answer.read().decode("utf-8", "surrogateescape")
                return Answer(answer.status, answer.msg, text)
            finally:
                connection.close()

        return await asyncio.to_thread(ask)

    async def upload(
        self, name: str, content: bytes | Iterable[bytes], **headers: str | None
    ) -> Answer:
        """Upload a file, as a page of the app would."""
        told = {"X-File-Name": quote(name, safe=""), **headers}
        return await self.ask("POST", "/uploads", content, self.headers(**told))

    async def raw(self, pieces: Sequence[bytes], *, read: bool = True) -> bytes:
        """Send these bytes as they are, and go away; what the server says until then."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        said = b""
        try:
            with suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            if read:
                async with asyncio.timeout(20):
                    said = await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        return said

    def head(self, *lines: str, name: str = "a.txt") -> bytes:
        """The head of an upload, with these lines in it."""
        told = self.headers(X_File_Name=name, Host=f"127.0.0.1:{self.port}")
        every = ["POST /uploads HTTP/1.1", *(f"{k}: {v}" for k, v in told.items()), *lines]
        return "\r\n".join([*every, "", ""]).encode()

    async def unsent(self) -> list[dict[str, Any]]:
        """What this browser's person has not sent yet."""
        found = json.loads((await self.ask("GET", "/uploads")).text)["files"]
        assert isinstance(found, list)
        return found


@asynccontextmanager
async def served(chat: AgentChat) -> AsyncIterator[Port]:
    """A server of an open app's files, for whoever comes without a cookie."""
    listener = listen("127.0.0.1", 0)
    app = with_uploads(with_downloads(PlainTextResponse("the page"), chat), chat)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", proxy_headers=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield Port(chat, listener.getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        await serving
        listener.close()
