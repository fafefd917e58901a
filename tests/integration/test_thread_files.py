"""Files of threads over the web and on the command line: for those who may have them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert
from starlette.responses import PlainTextResponse
from typer.testing import CliRunner, Result

from agentchat import Actor, Agent, AgentChat, cli
from agentchat.accounts.tokens import digest, new_token
from agentchat.columns import table_of
from agentchat.models import Login, Thread
from agentchat.store.writer import Tx
from agentchat.transfer import taken
from agentchat.ui import thread_exports
from agentchat.ui.thread_exports import IMPORT, with_thread_files
from tests.integration.people_stage import (
    ADA,
    ANN,
    BOB,
    SAM,
    THREAD,
    VERA,
    audited,
    people_on,
    rows,
)
from tests.integration.test_ratings import over
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

PATH = f"/export/threads/{THREAD}"
JSON = {"Content-Type": "application/json"}
CLAUDE = json.dumps(
    [{"name": "Birds", "chat_messages": [{"sender": "human", "text": "A tern?", "files": [1]}]}]
).encode()


@dataclass
class Site:
    """An app in which people log in, and browsers of theirs."""

    chat: AgentChat

    async def ask(
        self, method: str, path: str, actor: Actor | None, body: Any = None, **headers: str
    ) -> httpx.Response:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        assert self.chat.settings is not None
        told.setdefault("Origin", self.chat.settings.origins[0])
        if actor is not None:
            told["Cookie"] = f"agentchat={await self._logged_in(actor)}"
        app = with_thread_files(PlainTextResponse("the page"), self.chat)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=told, content=body)

    async def _logged_in(self, actor: Actor) -> str:
        token, now = new_token(), self.chat._clock.now()
        login = Login(
            id=token[:20],
            user_id=actor.id,
            token_hash=digest(token),
            created_at=now,
            seen_at=now,
            expires_at=now.replace(year=now.year + 1),
        )

        def add(tx: Tx) -> None:
            tx.execute(insert(table_of(Login)), login.model_dump())

        await self.chat._database.write(add)
        return token

    async def imports(self) -> int:
        return len(await rows(self.chat._database, Thread)) - 1


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with people_on(database_url) as people:
        chat = await people.shared(Agent("a", "x"), replies=["One."])
        await chat.send_message(THREAD, "one", actor=ANN)
        await over(chat)
        yield Site(chat)


async def test_a_thread_is_kept_by_whoever_may_read_it(site: Site) -> None:
    answer = await site.ask("GET", f"{PATH}.json", VERA)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="thread-{THREAD}.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert [one["text"] for one in answer.json()["messages"]] == ["one", "One."]
    answer = await site.ask("GET", f"{PATH}.md", BOB)
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# ")
    exports = [by for action, by in await audited(site.chat) if action == "export"]
    assert exports == ["Vera", "Bob"]


async def test_nobody_else_hears_of_it(site: Site) -> None:
    for ending in ("json", "md"):
        assert (await site.ask("GET", f"{PATH}.{ending}", SAM)).status_code == 404
        assert (await site.ask("GET", f"{PATH}.{ending}", None)).status_code == 403
    assert (await site.ask("GET", "/export/ratings.jsonl", ANN)).status_code == 403
    assert (await site.ask("GET", "/export/threads/x.json", ANN)).text == "the page"
    assert "export" not in [action for action, _ in await audited(site.chat)]


async def test_administrators_get_what_people_think(site: Site) -> None:
    answer = (await over(site.chat)).messages[1]
    await site.chat.rate(answer.id, False, "No.", actor=VERA)
    told = await site.ask("GET", "/export/ratings.jsonl", ADA)
    assert [json.loads(line)["reason"] for line in told.text.splitlines()] == ["No."]


async def test_a_file_is_taken_in_for_who_sends_it(site: Site) -> None:
    answer = await site.ask("POST", IMPORT, SAM, CLAUDE, **JSON)
    assert answer.status_code == 201
    [made] = answer.json()["threads"]
    assert made["title"] == "Birds"
    assert answer.json()["left_out"] == ["1 pictures and files"]
    view = await over(site.chat, made["id"], SAM)
    assert [(one.text, one.user_id) for one in view.messages] == [("A tern?", SAM.id)]
    kept = (await site.ask("GET", f"{PATH}.json", ANN)).content
    assert (await site.ask("POST", IMPORT, ANN, kept, **JSON)).status_code == 201
    assert await site.imports() == 2


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, b"no", JSON),
        (415, CLAUDE, {"Content-Type": "text/plain"}),
        (415, CLAUDE, {"Content-Type": "multipart/form-data"}),
        (403, CLAUDE, {**JSON, "Origin": "https://evil.example"}),
        (403, CLAUDE, {**JSON, "Sec-Fetch-Site": "cross-site"}),
        (413, b"[]", {**JSON, "Content-Length": "99999999999"}),
    ],
)
async def test_what_is_no_file_of_theirs_is_refused(
    site: Site, status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = await site.ask("POST", IMPORT, ANN, body, **headers)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert (await site.ask("POST", IMPORT, None, CLAUDE, **JSON)).status_code == 403
    assert (await site.ask("GET", IMPORT, ANN)).status_code == 405
    assert await site.imports() == 0


async def test_a_file_without_end_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_exports, "MOST_BYTES", 1_000)

    async def endless() -> AsyncIterator[bytes]:

        for _ in range(1_000):
            yield b"[" * 100

    answer = await site.ask("POST", IMPORT, ANN, endless(), **JSON)
    assert answer.status_code == 413
    assert await site.imports() == 0


async def test_a_file_with_too_much_in_it_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken, "MOST_THREADS", 1)
    answer = await site.ask("POST", IMPORT, ANN, json.dumps(json.loads(CLAUDE) * 2), **JSON)
    assert "1 threads at most" in answer.json()["error"]
    monkeypatch.setattr(taken, "MOST_IN_ALL", 0)
    answer = await site.ask("POST", IMPORT, ANN, CLAUDE, **JSON)
    assert "0 messages at most" in answer.json()["error"]
    assert await site.imports() == 0


# On the command line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


async def command(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, arguments)


async def test_the_command_line_writes_and_reads(
    site: Site, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_DB_URL", database_url)
    file = folder / "thread.json"
    done = await command("export", THREAD, "--output", str(file))
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads(file.read_text("utf-8"))["format"] == "agentchat.thread/1"
    done = await command("export", THREAD, "--form", "markdown")
    assert "\none\n" in done.stdout
    done = await command("import", str(file), "--for", "BOB")
    assert done.exit_code == 0
    made, title = done.stdout.strip().split("  ")
    assert title == "About zanzibar"
    view = await over(site.chat, made, BOB)
    assert (view.role, [one.text for one in view.messages]) == ("owner", ["one", "One."])


async def test_a_full_disk_is_said_in_words(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_DB_URL", database_url)
    done = await command("export", THREAD, "-o", "/dev/full")
    assert done.exit_code == 1
    assert "the disk is full" in done.output


async def test_the_command_line_says_what_is_wrong(
    site: Site, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_DB_URL", database_url)
    bad = folder / "bad.json"
    bad.write_text("{}", "utf-8")
    for arguments, words in (
        (("export", "no-such-thread", "-o", str(folder / "x")), "does not exist"),
        (("export", THREAD, "--form", "pdf"), "none of json, markdown"),
        (("import", str(bad)), "no file of threads"),
        (("import", str(bad), "--for", "nobody"), "nobody of the name"),
    ):
        done = await command(*arguments)
        assert done.exit_code == 1
        assert words in done.output
    assert not (folder / "x").exists()
    assert await site.imports() == 0
