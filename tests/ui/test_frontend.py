"""Starting the app: what a person is told when it cannot start, and when it builds."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from agentchat.errors import ConfigError
from agentchat.frontend import fingerprint, listen

ROOT = Path(__file__).resolve().parents[2]


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match=rf"Port {port} .* AGENTCHAT_PORT={port + 1}"):
            listen("127.0.0.1", port)


def test_localhost_may_be_named() -> None:
    listener = listen("localhost", 0)

    assert listener.getsockname()[0] in {"127.0.0.1", "::1"}
    listener.close()


def test_only_what_the_pages_are_made_of_asks_for_a_new_build(tmp_path: Path) -> None:
    for name in ("agentchat", "assets", "reflex.lock"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "rxconfig.py", tmp_path)
    before = fingerprint(tmp_path)

    (tmp_path / "agentchat" / "chat.py").write_text("# other rules, same pages")
    assert fingerprint(tmp_path) == before

    (tmp_path / "agentchat" / "ui" / "words.py").write_text("APP = 'other'")
    assert fingerprint(tmp_path) != before
