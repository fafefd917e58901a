"""Tabs without a browser: Reflex's own app, state manager and events, and no wire.

Everything that Reflex does between a socket and a state happens here as it does when it
serves; only what it would write to a socket is noted instead.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import reflex as rx
from reflex_base.config import get_config
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import format_event_handler


class Browser:
    """Opens tabs of an app that is being served."""

    def __init__(self, app: rx.App) -> None:
        self.app = app
        self._tabs: dict[str, Tab] = {}
        app.event_namespace.emit = self._emit

    def tab(self, path: str = "/") -> Tab:
        """A tab that is not connected yet."""
        return Tab(self, path)

    async def _emit(self, _event: str, update: Any, to: str) -> None:
        if to in self._tabs:
            self._tabs[to].receive(update)


class Tab:
    """One tab: what it was sent, and what a person does in it."""

    def __init__(self, browser: Browser, path: str) -> None:
        self._browser = browser
        self._path = path
        self._token = str(uuid.uuid4())
        self._sid = ""
        self.frames: list[dict[str, Any]] = []
        """What it was sent: vars by name, of all states."""
        self.shows: dict[str, Any] = {}
        """What it has of each var by now."""

    async def open(self) -> None:
        """Connect, also after :meth:`close`: as the same tab."""
        self._sid = uuid.uuid4().hex
        self._browser._tabs[self._sid] = self
        environ = {"QUERY_STRING": f"token={self._token}", "asgi.scope": {"headers": []}}
        hydrate = {"name": self._name(rx.State.hydrate_and_load), "payload": {}}
        auth = {"event": hydrate | {"router_data": self._router}}
        await self._browser.app.event_namespace.on_connect(self._sid, environ, auth)

    async def close(self) -> None:
        """Break the connection."""
        del self._browser._tabs[self._sid]
        done = self._browser.app.event_namespace.on_disconnect(self._sid)
        if done is not None:
            await done

    async def reload(self) -> None:
        """Load the page again, as the same tab."""
        await self.close()
        await self.open()

    async def go(self, path: str) -> None:
        """Follow a link of the app."""
        self._path = path
        on_load = rx.state.OnLoadInternalState.on_load_internal
        await self._send({"name": self._name(on_load), "payload": {}})

    async def does(self, handler: Any, **payload: Any) -> None:
        """Let the page send an event."""
        await self._send({"name": self._name(handler), "payload": payload})

    def receive(self, update: Any) -> None:
        """Note what the app sends."""
        frame = {
            f"{state.rpartition('.')[2].rpartition('___')[2]}.{name.removesuffix('_rx_state_')}": v
            for state, values in update.delta.items()
            for name, v in values.items()
        }
        frame = copy.deepcopy(frame)
        self.frames.append(frame)
        self.shows.update(frame)

    def forget(self) -> None:
        """Let the server lose what it knows of this tab, as when it expires."""
        token = rx.BaseStateToken(ident=self._token, cls=rx.State)
        self._browser.app.state_manager._purge_token(token)

    async def state(self, cls: Any) -> Any:
        """What the server has of a state of this tab."""
        token = rx.BaseStateToken(ident=self._token, cls=cls)
        root = await self._browser.app.state_manager.get_state(token)
        return await root.get_state(cls)

    async def _send(self, event: dict[str, Any]) -> None:
        fields = event | {"router_data": self._router}
        await self._browser.app.event_namespace.on_event(self._sid, fields)

    @property
    def _router(self) -> dict[str, Any]:
        return {"pathname": self._path, "asPath": self._path, "query": {}}

    def _name(self, handler: Any) -> str:
        return format_event_handler(getattr(handler, "handler", handler))


@asynccontextmanager
async def serving_pages(
    expiration: float | None = None, **pages: list[Any]
) -> AsyncIterator[Browser]:
    """Serve an app with empty pages: their names, and the events of loading them.

    ``expiration`` is after how many seconds Reflex forgets a state that nobody uses.
    """

    def add(app: rx.App) -> None:
        for name, on_load in pages.items():
            route = "/" if name == "index" else f"/{name}"
            app.add_page(rx.fragment, route=route, on_load=on_load)

    async with serving_app(add, expiration) as browser:
        yield browser


@asynccontextmanager
async def serving_app(
    fill: Callable[[rx.App], None], expiration: float | None = None
) -> AsyncIterator[Browser]:
    """Serve a new app, beside the one that this process has already."""
    with RegistrationContext.ensure_context().fork():
        app = rx.App()
        if expiration is not None:
            get_config().redis_token_expiration = cast(Any, expiration)
            app.state_manager.token_expiration = expiration
        fill(app)
        async with app._run_lifespan_tasks(cast(Any, app._api)):
            yield Browser(app)
