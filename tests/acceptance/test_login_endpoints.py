"""Accounts of a real server: guests where it is open to all, and people who log in."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

from tests.acceptance.server import ROOT, Server
from tests.integration.observing_stage import ask
from tests.long import LONG

ANN = "herons fly at dusk"


def post(url: str, path: str, body: dict[str, str], origin: str) -> tuple[int, Message]:
    """What a server answers to a page of this origin."""
    request = urllib.request.Request(
        url + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Origin": origin},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def test_a_page_of_an_open_app_brings_a_guest(server: Server) -> None:
    first, second = (ask(server.url, Accept="text/html") for _ in range(2))
    cookies = {answer.headers["Set-Cookie"].split(";")[0] for answer in (first, second)}
    assert len(cookies) == 2
    assert all(cookie.startswith("agentchat=") for cookie in cookies)
    assert first.headers["Cache-Control"] == "private, no-store"
    assert "Content-Security-Policy" in first.headers
    assert ask(server.url, Accept="text/html", Cookie=cookies.pop()).headers["Set-Cookie"] is None


@LONG
def test_a_person_added_on_the_command_line_logs_in_to_the_server(tmp_path: Path) -> None:
    server = Server(tmp_path, AGENTCHAT_AUTH="password", AGENTCHAT_MODEL="scripted:instant")
    server.start()
    try:
        added = subprocess.run(
            [sys.executable, "-m", "agentchat", "users", "add", "ann", "--admin"],
            cwd=ROOT,
            env=server._environment,
            input=f"{ANN}\n",
            text=True,
            check=False,
            capture_output=True,
        )
        assert added.returncode == 0, added.stderr
        body = {"name": "ann", "password": ANN}
        status, headers = post(server.url, "/auth/login", body, server.url)
        assert status == 200
        assert headers["Set-Cookie"].startswith("agentchat=")
        assert post(server.url, "/auth/login", body, "http://127.0.0.1:9")[0] == 403
        assert "Set-Cookie" not in ask(server.url, Accept="text/html").headers
        assert len(server.rows("SELECT id FROM logins")) == 1
    finally:
        server.kill()
    assert ANN not in "".join(server.output)
