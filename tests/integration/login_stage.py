"""A server of one chat in this process, and a browser that visits it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from agentchat import AgentChat, Settings
from agentchat.accounts import Accounts
from agentchat.durable.clock import Clock
from agentchat.frontend import listen
from agentchat.llm.scripted import ScriptedProvider
from agentchat.login.routes import with_logins
from tests.integration.accounts_stage import Counting


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def said(self) -> Any:
        return json.loads(self.text)

    @property
    def cookies(self) -> dict[str, Morsel[str]]:
        found: SimpleCookie = SimpleCookie()
        for line in self.headers.get_all("Set-Cookie", []):
            found.load(line)
        return dict(found)


class Site:
    """A server of one chat in this process, and a browser that visits it."""

    def __init__(self, chat: AgentChat, port: int) -> None:
        self.chat = chat
        self.port = port
        assert chat.settings is not None
        self.origin = chat.settings.origins[0]
        self.name = "__Host-agentchat" if chat.settings.secure_cookies else "agentchat"
        self.token = ""

    async def post(self, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Post a JSON object as a page of the app would; headers that are None are left out."""
        sent: dict[str, str | None] = {
            "Content-Type": "application/json",
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
        }
        if self.token:
            sent["Cookie"] = f"other=x; {self.name}={self.token}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return await self.ask("POST", path, content, sent)

    async def ask(
        self, method: str, path: str, content: bytes = b"", headers: dict[str, Any] | None = None
    ) -> Answer:
        """Ask over the port."""

        def ask() -> Answer:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                told = {name: value for name, value in (headers or {}).items() if value is not None}
                connection.request(method, path, content, told)
                answer = connection.getresponse()
                return Answer(answer.status, answer.msg, answer.read().decode())
            finally:
                connection.close()

        return await asyncio.to_thread(ask)

    async def log_in(self, name: str, password: str, **more: str) -> Answer:
        """Log in as a browser that keeps its cookie."""
        answer = await self.post("/auth/login", {"name": name, "password": password}, **more)
        if self.name in answer.cookies:
            self.token = answer.cookies[self.name].value
        return answer


Open = Callable[..., AbstractAsyncContextManager[Site]]


def site_on(database_url: str, clock: Clock) -> Open:
    """What opens a server; settings are named."""

    @asynccontextmanager
    async def open_(**settings: Any) -> AsyncIterator[Site]:
        chosen = Settings(**{"auth": "password", "db_url": database_url, **settings})
        chat = AgentChat(chosen, provider=ScriptedProvider("instant"))
        listener = listen("127.0.0.1", 0)
        config = uvicorn.Config(
            with_logins(_pages(), chat), log_level="warning", lifespan="off", proxy_headers=False
        )
        server = uvicorn.Server(config)
        async with chat:
            chat.accounts = Accounts(chat._database, clock, chosen, Counting())
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            try:
                yield Site(chat, listener.getsockname()[1])
            finally:
                server.should_exit = True
                await serving
                listener.close()

    return open_


def _pages() -> Starlette:
    return Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse("<p>a page</p>")),
            Route("/data", lambda _: JSONResponse({})),
            Route("/known", lambda _: Response(status_code=304)),
        ]
    )
