"""The app in a process of its own, as ``agentchat run`` serves it, without its pages.

The sockets need no built frontend. Beside the app there are a scripted model, a bare page to
compare with, and routes to look inside (``look.py``). Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from datetime import timedelta
from typing import Any
from unittest import mock

READY = "ready for tabs"


def main() -> None:
    """Serve until standard input ends; what it reads is in the environment."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")

    import uvicorn

    from agentchat import frontend, opening
    from agentchat.agents import streams
    from agentchat.settings import load_settings
    from tests.benchmarks.tabs.commits import Commits
    from tests.benchmarks.tabs.provider import StampingProvider

    settings = load_settings()
    os.environ.update(frontend._reflex_environment(settings, settings.data_dir / "web"))
    if tick := os.environ.get("BENCH_TICK"):
        streams.TICK = timedelta(seconds=float(tick))
    provider = StampingProvider()

    async def choose(_: object) -> StampingProvider:
        return provider

    # Reflex reads the environment when it is imported, so only now.
    from reflex_base.environment import environment

    environment.REFLEX_SKIP_COMPILE.set(True)
    from agentchat.app import app
    from tests.benchmarks.tabs.bare import ROUTE, BareState, bare_page
    from tests.benchmarks.tabs.look import Look

    app.add_page(bare_page, route=ROUTE, on_load=BareState.follow)
    served = app()
    config = uvicorn.Config(
        Look(served, provider, Commits(), _facts()),
        **frontend.connections(),
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    listener = frontend.listen(settings.host, settings.port)
    server = uvicorn.Server(config)
    with (
        contextlib.suppress(KeyboardInterrupt),
        mock.patch.object(opening, "choose_provider", choose),
    ):
        asyncio.run(_serve(server, listener))


async def _serve(server: Any, listener: Any) -> None:
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    if server.started:
        print(READY, flush=True)
    await serving


def _facts() -> dict[str, Any]:
    """What the compiled pages know: names of events, and the hashes of what they hold."""
    from reflex.state import State, _initial_snapshot_cache

    from agentchat.ui.states.thread import ThreadState

    known = _initial_snapshot_cache.get(State)
    hashes = [known.names_digest, *(known.hashes[n] for n in sorted(known.hashes))] if known else []
    return {
        "hydrate": f"{State.get_full_name()}.hydrate_and_load",
        "send": f"{ThreadState.get_full_name()}.send",
        "hashes": hashes,
    }


def _end_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
