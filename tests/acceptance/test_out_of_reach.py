"""What is out of reach, in true words: the server, and servers of tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import ROOT, Server, free_port
from tests.conftest import PROVIDER_VARIABLES
from tests.long import LONG

WRONG = {"mcpServers": {"calendar": {"comand": "/usr/bin/calendar"}}}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[Server]:
    """One whose agents know a server of tools that is not there."""
    servers = {"calendar": {"url": f"http://127.0.0.1:{port}/mcp"}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    server = Server(tmp_path, program=("tests.acceptance.agents_app",))
    server.start()
    yield server
    server.kill()


@LONG
def test_tools_that_are_not_there_are_said_on_the_page_until_they_are(
    server: Server, visit: Visit, port: int
) -> None:
    ann = visit(server.url)
    notice = ann.page.locator("[data-part=tools-missing]")
    expect(notice).to_contain_text("Tools of calendar are not there:")
    expect(notice).to_contain_text("All connection attempts failed.")
    picker = ann.page.get_by_role("button", name="Agent: Automatic")
    picker.click()
    warning = ann.page.get_by_role("menu").get_by_text("Without the tools of calendar")
    expect(warning).to_have_count(8)
    ann.page.keyboard.press("Escape")
    command = [sys.executable, "-m", "tests.mcp_server", "http", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        # Nobody says anything, and nothing is loaded again.
        expect(notice).to_have_count(0)
        picker.click()
        expect(warning).to_have_count(0)
        expect(ann.page.get_by_role("menu")).to_be_visible()
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
def test_a_lost_connection_is_said_in_words_that_hold_for_a_server_that_was_killed(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url, strict=False)
    ann.page.clock.install()
    ann.page.reload()
    ann.say("hello")
    ann.sees_answer("done")
    server.kill()
    lost = ann.page.locator(".notice.lost")
    expect(lost).to_contain_text("goes on as long as the server runs; this page looks for it")
    ann.page.clock.fast_forward("00:25")
    expect(lost).to_contain_text("answers go on once it is started again")
    server.start()
    ann.page.clock.fast_forward("00:10")
    expect(lost).to_have_count(0)


@pytest.mark.long
def test_a_broken_file_of_tool_servers_ends_reflex_run_in_words(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text(json.dumps(WRONG))
    environment = {
        **{k: v for k, v in os.environ.items() if k not in PROVIDER_VARIABLES},
        "AGENTCHAT_DATA_DIR": str(tmp_path),
        "AGENTCHAT_PORT": str(free_port()),
        "AGENTCHAT_MODEL": "scripted:instant",
        "REFLEX_WEB_WORKDIR": str(tmp_path / "web"),
        # Nothing is looked up, and nothing gets as far as being installed.
        "NPM_CONFIG_REGISTRY": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-m", "reflex", "run"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "mcp.json: the MCP server 'calendar': comand: Extra inputs are not permitted" in said
    assert "Traceback" not in said
