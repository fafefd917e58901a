"""The ten lines of the README are an app, and its page is live."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from reflex_base.registry import RegistrationContext

from agentchat.ui import bridge
from tests.ui.tabs import Browser
from tests.waiting import eventually

SOURCE = Path(__file__).with_name("live_app.py")
README = SOURCE.parent.parent.parent / "README.md"


async def test_the_app_of_the_readme_counts_as_messages_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AGENTCHAT_MODEL", "scripted:instant")
    with RegistrationContext.ensure_context().fork():
        app = importlib.import_module("tests.ui.live_app").app
        async with app._run_lifespan_tasks(app._api):
            one = Browser(app).tab()
            await one.open()
            await eventually(lambda: one.shows.get("messages.loaded"))
            assert one.shows["messages.number"] == 0
            await bridge.chat().send_message("thread-0001", "Hello", create_thread=True)
            await eventually(lambda: one.shows["messages.number"] == 1)
            await bridge.chat().delete_thread("thread-0001")
            await bridge.chat().empty_thread("thread-0001")
            await eventually(lambda: one.shows["messages.number"] == 0)
            await one.close()


def test_the_readme_shows_that_app_in_ten_lines() -> None:
    code = SOURCE.read_text().partition('"""\n\n')[2]
    readme = README.read_text()
    assert f"```python\n{code}```" in readme
    lines = [line for line in code.splitlines() if line and "import" not in line]
    assert len(lines) <= 10
