"""The whole app as a person runs it: a process of its own, on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import PROVIDER_VARIABLES
from tests.fake_provider import FakeProvider

ROOT = Path(__file__).resolve().parent.parent.parent


ANSWERS = "agentchat answers at"


def free_port() -> int:
    """A port that nobody uses, within what AGENTCHAT_PORT may be: systems give higher ones."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 60_000:
            return port


class Server:
    """``agentchat run`` with a data folder and a model of the test's choice; or another
    ``program`` that serves.
    """

    def __init__(
        self, data_dir: Path, *, program: Sequence[str] = ("agentchat", "run"), **environment: str
    ) -> None:
        self.data_dir = data_dir
        self._program = program
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **{k: v for k, v in os.environ.items() if k not in PROVIDER_VARIABLES},
            "AGENTCHAT_PORT": str(self.port),
            "AGENTCHAT_DATA_DIR": str(data_dir),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.output: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and wait until it says that it answers."""
        self.output.clear()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._program],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        answers = threading.Event()
        self._reader = threading.Thread(
            target=self._read, args=(self._process, answers), daemon=True
        )
        self._reader.start()
        answers.wait(300)
        if not any(ANSWERS in line for line in self.output):
            self.kill()
            raise RuntimeError("the server did not start:\n" + "".join(self.output))

    def _read(self, process: subprocess.Popen[str], answers: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.output.append(line)
                if ANSWERS in line:
                    answers.set()
        answers.set()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def send(self, what: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self._process is not None
        os.kill(self._process.pid, what)

    def kill(self) -> None:
        """``kill -9``: nothing is handed back, nothing is cleaned up."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self.wait()

    def wait(self, within: float = 60) -> int:
        """The exit code, once the process has ended."""
        if self._process is None:
            return 0
        code = self._process.wait(within)
        self._reader.join(within)
        return code

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the embedded database."""
        connection = sqlite3.connect(self.data_dir / "agentchat.db")
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def openai_at(fake: FakeProvider) -> dict[str, str]:
    """The environment for OpenAI's SDK against the fake provider."""
    return {
        "AGENTCHAT_MODEL": "openai:fake-model",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": fake.openai_url,
    }


def anthropic_at(fake: FakeProvider) -> dict[str, str]:
    """The environment for Anthropic's SDK against the fake provider."""
    return {
        "AGENTCHAT_MODEL": "anthropic:fake-model",
        "ANTHROPIC_API_KEY": "sk-ant-test",
        "ANTHROPIC_BASE_URL": fake.anthropic_url,
    }
