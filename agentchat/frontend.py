"""The frontend for everyone who does not develop it: built once, served by the app itself.

The build happens in a folder of its own, so ``reflex run`` never touches what is being served.
It fits every port and tunnel (see :mod:`agentchat.ui.build`), so all copies share it. Each
version is kept under the digest of its sources: a copy that runs already keeps its pages when
another one is started from changed sources.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from filelock import FileLock, Timeout
from uvicorn.config import LOGGING_CONFIG

from agentchat.chat import AgentChat
from agentchat.errors import ConfigError
from agentchat.settings import Settings

WEB_FOLDER = Path(".web-app")
_KEPT_BUILDS = 5
_LAST_WORD_SECONDS = 4.0


def ensure_built(settings: Settings) -> Path:
    """The folder of the built pages; builds them if their sources changed since the last time.

    Two copies that start at once build once. Raises ConfigError outside a checkout and if
    the build fails.
    """
    root = _checkout()
    version = root / _version_folder(root)
    pages = version / "build" / "client"
    if not pages.is_dir():
        version.parent.mkdir(parents=True, exist_ok=True)
        with _held(FileLock(root / WEB_FOLDER / "build.lock")):
            if not pages.is_dir():
                _build(root, settings)
                _keep(root / WEB_FOLDER, version)
    version.touch()
    return pages


def serve(settings: Settings, chat: AgentChat | None = None) -> None:
    """Serve pages and backend from this process until SIGINT or SIGTERM: those of ``chat``, or
    of the app as it is shipped.

    Prints the address when it answers. Raises ConfigError if the port is taken.
    """
    pages = ensure_built(settings)
    listener = listen(settings.host, settings.port)
    root = _checkout()
    os.chdir(root)
    # The folder of these pages, though their sources may have changed since.
    version = pages.parent.parent.relative_to(root)
    os.environ.update(_reflex_environment(settings, version))
    # Reflex reads the environment when it is imported, so only now. Nothing that is imported is
    # garbage: to look for it again and again takes as long as all the rest.
    gc.disable()
    from reflex_base.environment import environment

    from agentchat import app

    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)

    config = uvicorn.Config(
        (app.app if chat is None else app.build(chat))(),
        host=settings.host,
        port=settings.port,
        **connections(),
        server_header=False,
        # What a proxy forwards is believed as AGENTCHAT_TRUSTED_PROXY_HOPS says, or not at all.
        proxy_headers=False,
        log_level="warning",
        # As JSON everything goes one way; uvicorn's own lines are text.
        log_config=None if settings.log_format == "json" else LOGGING_CONFIG,
        timeout_graceful_shutdown=1,
    )
    gc.enable()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_Server(config, settings).serve([listener]))


def connections() -> dict[str, Any]:
    """With what uvicorn speaks HTTP and sockets."""
    from agentchat.connections import PacedSocket, PatientRequests
    from agentchat.ui.socket_gate import MOST_BYTES

    return {"http": PatientRequests, "ws": PacedSocket, "ws_max_size": MOST_BYTES}


class _Server(uvicorn.Server):
    """Says when it answers, and never takes longer to end than people wait."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._address = settings.base_url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"agentchat answers at {self._address}", flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Runs are rows: whatever is cut off here goes on at the next start.
        last_word = threading.Timer(_LAST_WORD_SECONDS, os._exit, (0,))
        last_word.daemon = True
        last_word.start()
        super().handle_exit(sig, frame)


def _checkout() -> Path:
    root = Path(__file__).resolve().parent.parent
    if not (root / "rxconfig.py").exists():
        raise ConfigError(
            f"The web app runs from a checkout; there is no rxconfig.py in {root}."
            " Clone the repository and start it there."
        )
    return root


def fingerprint(root: Path) -> str:
    """A digest of all that the pages are made of."""
    sources = [
        root / "rxconfig.py",
        root / "agentchat" / "app.py",
        *sorted((root / "agentchat").glob("**/*views.py")),
        *sorted((root / "agentchat" / "shown").glob("*.py")),
        *sorted((root / "agentchat" / "ui").rglob("*")),
        *sorted((root / "assets").rglob("*")),
        # Not package.json beside it: the build itself reorders that one.
        root / "reflex.lock" / "package-lock.json",
    ]
    digest = hashlib.sha256(importlib.metadata.version("reflex").encode())
    for source in sources:
        if source.is_file() and "__pycache__" not in source.parts:
            digest.update(str(source.relative_to(root)).encode())
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _version_folder(root: Path) -> Path:
    return WEB_FOLDER / "versions" / fingerprint(root)[:16]


def _reflex_environment(settings: Settings, web: Path) -> dict[str, str]:
    return {
        "REFLEX_WEB_WORKDIR": str(web),
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_FRONTEND_PORT": str(settings.port),
        "REFLEX_BACKEND_PORT": str(settings.port),
        "REFLEX_TELEMETRY_ENABLED": "false",
    }


def _build(root: Path, settings: Settings) -> None:
    print("Building the pages; the first time this takes a minute or two.", flush=True)
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    environment = os.environ | _reflex_environment(settings, WEB_FOLDER)
    done = subprocess.run(command, cwd=root, env=environment, check=False)
    if done.returncode:
        raise ConfigError(
            "The pages could not be built; the reason is printed above. The build fetches"
            " packages from the npm registry the first time: check that it can be reached."
        )


def _keep(web: Path, version: Path) -> None:
    """Copy what serving needs to the folder of this version, at once or not at all."""
    unfinished = version.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in ("build/client", "backend"):
        shutil.copytree(web / part, unfinished / part)
    unfinished.rename(version)
    oldest_last = sorted(version.parent.iterdir(), key=lambda v: v.stat().st_mtime, reverse=True)
    for old in oldest_last[_KEPT_BUILDS:]:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _held(lock: FileLock) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("Another copy is building the pages; waiting for it.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; raises ConfigError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sends small frames at once; else each second one of a
    # row waits 40 ms for an answer to the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} of {host} cannot be used ({error.strerror}). If another copy runs"
            f" there, stop it, or choose another port: AGENTCHAT_PORT={port + 1}"
        ) from None
    listener.set_inheritable(True)
    return listener


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
