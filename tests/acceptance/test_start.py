"""Starting: quickly the second time, side by side, and with clear words when it cannot."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import ROOT, Server, free_port, openai_at
from tests.conftest import PROVIDER_VARIABLES
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG


def run(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``agentchat run`` that is expected to end by itself."""
    clean = {k: v for k, v in os.environ.items() if k not in PROVIDER_VARIABLES}
    return subprocess.run(
        [sys.executable, "-m", "agentchat", "run"],
        cwd=ROOT,
        env={**clean, "AGENTCHAT_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_nothing_is_built_that_did_not_change(server: Server) -> None:
    assert not [line for line in server.output if "Building" in line]


@LONG
def test_two_copies_run_side_by_side_from_one_checkout(
    server: Server, fake: FakeProvider, visit: Visit, data_dir: Path
) -> None:
    other = Server(data_dir, AGENTCHAT_MODEL="scripted:instant")
    other.start()
    try:
        fake.enqueue(Reply("I am the first copy."))
        ann, bob = visit(server.url), visit(other.url, strict=False)
        ann.say("Who are you?")
        bob.say("Who are you?")
        assert ann.sees_answer("done") == "I am the first copy."
        assert "comes from a script" in bob.sees_answer("done")
        expect(bob.threads).to_have_count(1)
    finally:
        other.kill()


def test_postgres_by_url_serves_the_same_app(
    postgres: str, fake: FakeProvider, visit: Visit, data_dir: Path
) -> None:
    from tests.conftest import fresh_postgres

    url = fresh_postgres(postgres).replace("+psycopg", "")
    server = Server(data_dir, AGENTCHAT_DB_URL=url, **openai_at(fake))
    server.start()
    try:
        ann = visit(server.url, strict=False)
        ann.say("Hello")
        assert ann.sees_answer("done") == "This is the default answer."
        assert (
            visit(ann.in_thread(), strict=False).sees_answer("done")
            == "This is the default answer."
        )
    finally:
        server.kill()


@LONG
def test_a_port_in_use_is_said_with_another_to_try(data_dir: Path) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = run(data_dir, AGENTCHAT_PORT=str(port))
    assert done.returncode == 1
    assert f"AGENTCHAT_PORT={port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("AGENTCHAT_MODEL", "scripted:x", "scripted:demo", marks=LONG),
        pytest.param("AGENTCHAT_MODEL", "local:no-such-model", "no-such-model", marks=LONG),
        pytest.param(
            "AGENTCHAT_MODEL", "local:/no/such/file.gguf", "/no/such/file.gguf", marks=LONG
        ),
        ("AGENTCHAT_DB_URL", "postgresql://u:secret@127.0.0.1:9/x", "cannot be used"),
        pytest.param("AGENTCHAT_DATA_DIR", "/proc/no/such/folder", "cannot be used", marks=LONG),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_served(
    data_dir: Path, name: str, value: str, words: str
) -> None:
    done = run(data_dir, **{name: value})
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_wrong_setting_is_said_without_a_traceback(data_dir: Path) -> None:
    done = run(data_dir, AGENTCHAT_HOST="0.0.0.0")
    assert done.returncode == 1
    assert "AGENTCHAT_HOST" in done.stderr
    assert "AGENTCHAT_AUTH=password" in done.stderr
    assert "Traceback" not in done.stderr


@LONG
def test_a_database_of_a_newer_version_stops_the_start(data_dir: Path, server: Server) -> None:
    import shutil
    import sqlite3

    data_dir.mkdir()
    with sqlite3.connect(server.data_dir / "agentchat.db") as source:
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(server.data_dir / "agentchat.db", data_dir / "agentchat.db")
    copy = sqlite3.connect(data_dir / "agentchat.db")
    copy.execute("UPDATE alembic_version SET version_num = '9999'")
    copy.commit()
    copy.close()
    source.close()
    done = run(data_dir, AGENTCHAT_MODEL="scripted:instant")
    assert done.returncode == 1
    assert "newer agentchat" in done.stderr
