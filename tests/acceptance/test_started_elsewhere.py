"""``agentchat run`` in a folder of one's own: its ``.env`` holds, and its data stay there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.server import ROOT, free_port
from tests.conftest import PROVIDER_VARIABLES

MODULE = """
from agentchat import Agent, AgentChat

chat = AgentChat(agents=[Agent("poet", "You answer in verse.")])
"""


def test_a_folder_of_ones_own_has_its_settings_and_its_data(tmp_path: Path) -> None:
    port = free_port()
    said = f"AGENTCHAT_PORT={port}\nAGENTCHAT_AUTH=password\nAGENTCHAT_MODEL=scripted:instant\n"
    (tmp_path / ".env").write_text(f"{said}AGENTCHAT_DATA_DIR=data\n")
    (tmp_path / "mymodule.py").write_text(MODULE)
    clean = {k: v for k, v in os.environ.items() if k not in PROVIDER_VARIABLES}
    server = subprocess.Popen(
        [sys.executable, "-m", "agentchat", "run", "--chat", "mymodule:chat"],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        model = until_ready(server, port)["checks"]["model"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/export/ratings.jsonl", timeout=60)
        words = refused.value.read().decode()
    finally:
        server.kill()
        server.wait()
    assert "Scripted answers (instant)" in model["words"]
    assert "Log in" in words
    folders = {one.name for one in tmp_path.iterdir() if one.is_dir()} - {"__pycache__"}
    assert folders == {"data"}
    assert (tmp_path / "data" / "agentchat.db").is_file()


def until_ready(server: subprocess.Popen[bytes], port: int) -> dict[str, Any]:
    """What the server says of itself once it can be used."""
    deadline = time.monotonic() + 300
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
