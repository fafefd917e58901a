"""How the server starts and ends the process that runs the embedded model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any, Self

from agentchat.errors import ModelUnavailable
from agentchat.llm import sidecar

log = logging.getLogger(__name__)

LOAD_TIMEOUT = 120.0
"""Seconds a load may take; 1 to 5 are usual on two cores."""
TERM_TIMEOUT = 3.0
"""Seconds between asking the child to end and ending it."""


class Sidecar:
    """A running child that serves one model. Made by :meth:`start`."""

    def __init__(self, process: asyncio.subprocess.Process, key: str) -> None:
        self._process = process
        self._errors = asyncio.create_task(_last_line(process.stderr))
        self.key = key
        self.base_url = ""

    @classmethod
    async def start(cls, model: Path, *, threads: int | None = None) -> Self:
        """Start the child and wait until it serves ``model``.

        Raises :class:`ModelUnavailable` with its last words when it cannot. Ends the child
        when cancelled.
        """
        key = secrets.token_urlsafe(24)
        process = await asyncio.create_subprocess_exec(
            *_command(model, threads or min(4, os.cpu_count() or 2)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, sidecar.KEY_VARIABLE: key},
            # Its own session: Ctrl-C is for the server, which then ends this child itself.
            start_new_session=True,
        )
        started = cls(process, key)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                port = await started._port()
        except TimeoutError:
            await started.stop()
            raise ModelUnavailable(f"It did not load within {LOAD_TIMEOUT:.0f} s.") from None
        except BaseException:
            await started.stop()
            raise
        started.base_url = f"http://127.0.0.1:{port}/v1"
        return started

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    async def _port(self) -> int:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            code = await self.wait()
            last = await self._errors
            raise ModelUnavailable(f"Its process ended with {_exit_words(code)}. {last}".strip())
        said: dict[str, Any] = json.loads(line)
        if "port" not in said:
            raise ModelUnavailable(str(said.get("error", "It did not say why.")))
        return int(said["port"])

    async def wait(self) -> int:
        """The exit code, once the child has ended."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End the child: ask it, and after :data:`TERM_TIMEOUT` do not ask. Safe to repeat."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(TERM_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._errors


def _command(model: Path, threads: int) -> list[str]:
    # -P: modules beside the script, such as openai.py, must not pass for others of that name.
    command = [sys.executable, "-P", str(Path(sidecar.__file__)), "--port", "0"]
    return [*command, "--model", str(model.resolve()), "--threads", str(threads)]


async def _last_line(stream: asyncio.StreamReader | None) -> str:
    """Read, log and forget what the child says; its last line, once it has ended."""
    tail = b""
    while stream is not None and (said := await stream.read(4096)):
        log.debug("embedded model: %s", said.decode(errors="replace").strip())
        tail = (tail + said)[-500:]
    lines = tail.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _exit_words(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
