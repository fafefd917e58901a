"""A server for tabs as a child process: started, asked, measured and ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]

from tests.acceptance.server import ROOT, free_port
from tests.benchmarks.tabs.serve import READY
from tests.conftest import PROVIDER_VARIABLES

START_SECONDS = 60.0


class TabServer:
    """The process behind ``tests.benchmarks.tabs.serve``."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output: list[str] = []
        self.facts: dict[str, Any] = {}
        self._environment = {
            **{k: v for k, v in os.environ.items() if k not in PROVIDER_VARIABLES},
            "AGENTCHAT_PORT": str(self.port),
            "AGENTCHAT_DATA_DIR": str(data_dir),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }

    def start(self) -> None:
        """Start it and wait until it answers; RuntimeError with what it said if it does not."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.tabs.serve"],
            cwd=ROOT,
            env=self._environment,
            # It ends when this pipe does, however this process ends.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        answers = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(answers,), daemon=True)
        self._reader.start()
        answers.wait(START_SECONDS)
        if not any(READY in line for line in self.output):
            self.end()
            raise RuntimeError("the server did not start:\n" + "".join(self.output))
        self._seen = psutil.Process(self._process.pid)
        self.facts = self.ask("facts")

    def _read(self, answers: threading.Event) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.output.append(line)
                if READY in line:
                    answers.set()
        answers.set()

    def end(self) -> None:
        """End it, and wait until it has."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._reader.join(10)

    def ask(self, route: str, **asked: Any) -> Any:
        """What one of the routes of ``look.py`` answers."""
        return _answer(httpx.get(f"{self.url}/bench/{route}", params=asked, timeout=60))

    async def ask_soon(self, route: str, **asked: Any) -> Any:
        """As :meth:`ask`, while tabs are being listened to."""
        async with httpx.AsyncClient(timeout=120) as client:
            return _answer(await client.get(f"{self.url}/bench/{route}", params=asked))

    def cpu(self) -> float:
        """Seconds of CPU that the process and its children have used so far."""
        total = 0.0
        for process in (self._seen, *self._seen.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += _cpu_of(process)
        return total

    def rss(self) -> int:
        """Bytes of memory that the process holds."""
        return int(self._seen.memory_info().rss)


def _cpu_of(process: Any) -> float:
    if sys.platform == "linux":
        # Its own clock, in nanoseconds: psutil's figures come in steps of 10 ms, which is as
        # much as some cases use in all. The number is what clock_getcpuclockid(3) gives.
        with contextlib.suppress(OSError):
            return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def _answer(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()


@contextlib.contextmanager
def tab_servers(
    database_url: str, environment: Mapping[str, str] = MappingProxyType({}), *, count: int = 1
) -> Iterator[list[TabServer]]:
    """So many server processes on one migrated database."""
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(count):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agentchat-tabs-"))
            server = TabServer(Path(folder), AGENTCHAT_DB_URL=database_url, **environment)
            stack.callback(server.end)
            server.start()
            servers.append(server)
        yield servers
