"""``agentchat db backup``: a copy that an app can be opened on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentchat import Agent, AgentChat, Settings
from agentchat.errors import ConfigError
from agentchat.llm.scripted import ScriptedProvider
from agentchat.store import schema
from agentchat.store.backup import backup


def opened(folder: Path) -> AgentChat:
    settings = Settings(data_dir=folder)
    schema.upgrade(settings.database_url)
    return AgentChat(
        settings, agents=[Agent("a", "x")], provider=ScriptedProvider("instant", replies=["Yes."])
    )


def by_command(folder: Path, *to: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentchat", "db", "backup", *to],
        env={**os.environ, "AGENTCHAT_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a_copy_made_while_the_app_runs_holds_all_that_was_said(tmp_path: Path) -> None:
    there, copy = tmp_path / "there", tmp_path / "copy"
    copy.mkdir()
    async with opened(there) as chat:
        thread = await chat.create_thread("Herons")
        await chat.send_message(thread.id, "Do herons sleep on one leg?")
        async for view in chat.follow(thread.id):
            if not view.running:
                break
        done = await asyncio.to_thread(by_command, there, str(copy / "agentchat.db"))
        assert (done.returncode, done.stderr) == (0, "")
        # What is said after it is not in it.
        await chat.send_message(thread.id, "And grebes?")
    assert [one.name for one in copy.iterdir()] == ["agentchat.db"]
    async with opened(copy) as chat:
        view = await anext(chat.follow(thread.id))
        assert [one.text for one in view.messages] == ["Do herons sleep on one leg?", "Yes."]
        assert [one.id for one in (await chat.search("heron")).threads] == [thread.id]


def test_nothing_is_written_over_and_nothing_half_is_left(tmp_path: Path) -> None:
    to, url = tmp_path / "copy.db", f"sqlite:///{tmp_path / 'agentchat.db'}"
    with pytest.raises(ConfigError, match="There is no database yet"):
        backup(url, to)
    (tmp_path / "agentchat.db").write_bytes(b"no database " * 500)
    with pytest.raises(ConfigError, match="file is not a database"):
        backup(url, to)
    assert [one.name for one in tmp_path.iterdir()] == ["agentchat.db"]
    to.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        backup(url, to)
    assert to.read_text() == "mine"
    with pytest.raises(ConfigError, match="cannot be copied"):
        backup(url, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(ConfigError, match="pg_dump"):
        backup("postgresql+psycopg://u:secret@127.0.0.1/x", to)
