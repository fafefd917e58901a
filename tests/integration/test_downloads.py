"""Files of messages as browsers get them, and how many a person may keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from urllib.parse import unquote

import httpx
import pytest
from starlette.responses import PlainTextResponse

from agentchat import Agent, AgentChat
from agentchat.errors import InvalidInput
from agentchat.ui.downloads import with_downloads
from agentchat.verbs.files import NewFile
from tests.integration.agents_stage import ANN, AgentStage, settled

CLERK = Agent("clerk", "Answer.")
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


def file(name: str, content: bytes) -> NewFile:
    return NewFile(name, "image/png", content)


async def sent(chat: AgentChat, *files: NewFile, thread_id: str = "") -> list[str]:
    """The ids of files, in order, that were sent to a thread of their own."""
    thread = thread_id or (await chat.create_thread(actor=ANN)).id
    await chat.send_message(thread, "Look at this.", actor=ANN, files=files)
    await settled(chat, thread)
    async with aclosing(chat.follow(thread, actor=ANN)) as views:
        view = await anext(views)
    return [one.id for one in view.messages[0].files]


def browser(chat: AgentChat) -> httpx.AsyncClient:
    app = with_downloads(PlainTextResponse("the page"), chat)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("drawing.svg", SVG),
        ("drawing.png", SVG),
        ("script.js", b"alert(1)"),
        ("style.css", b"body{}"),
        ("data.xml", b"<?xml-stylesheet href='javascript:alert(1)'?><x/>"),
        ("paper.pdf", b"%PDF-1.4 /JavaScript"),
        ("any.bin", b"\x00\x01"),
    ],
)
async def test_what_could_be_carried_out_is_a_download_without_a_type(
    stage: AgentStage, name: str, content: bytes
) -> None:
    chat = await stage.open(CLERK)
    [id] = await sent(chat, file(name, content))
    async with browser(chat) as client:
        answer = await client.get(f"/files/{id}")
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "no-store" in answer.headers["cache-control"]


async def test_a_picture_is_shown_and_can_do_nothing(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    [id] = await sent(chat, file("cat.html", PNG + b"<script>alert(1)</script>"))
    async with browser(chat) as client:
        answer = await client.get(f"/files/{id}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline;")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ['a"; filename="b.html', "ä b.txt", "a;b\u2028.txt", "\U0001f986.txt", "%0d%0aX: y.txt"]
)
async def test_no_name_says_more_than_a_name(stage: AgentStage, name: str) -> None:
    chat = await stage.open(CLERK)
    [id] = await sent(chat, file(name, b"text"))
    async with browser(chat) as client:
        answer = await client.get(f"/files/{id}")
    kind, plain, coded = answer.headers["content-disposition"].split("; ")
    assert kind == "attachment"
    assert plain.count('"') == 2
    kept = unquote(coded.removeprefix("filename*=UTF-8''"))
    assert kept == " ".join(name.split())
    assert "x" not in answer.headers


async def test_nobody_gets_what_is_not_there_or_not_theirs(stage: AgentStage) -> None:
    chat = await stage.open(CLERK)
    [id] = await sent(chat, file("a.txt", b"text"))
    async with browser(chat) as client:
        assert (await client.get("/files/no-such-file")).status_code == 404
        # Ids have nothing but letters: all else is not for us.
        for path in ("/files/../files/x", "/files/a", f"/files/{id}/x", "/files/"):
            assert (await client.get(path)).text == "the page"
        assert (await client.post(f"/files/{id}")).text == "the page"
        assert (await client.head(f"/files/{id}")).status_code == 200
    stage.settings = stage.settings.model_copy(update={"auth": "password"})
    closed = await stage.open(CLERK)
    async with browser(closed) as client:
        for headers in ({}, {"Cookie": "agentchat=guessed"}):
            answer = await client.get(f"/files/{id}", headers=headers)
            assert answer.status_code == 403
            assert answer.content != b"text"


async def test_a_person_keeps_as_many_bytes_as_are_allowed(stage: AgentStage) -> None:
    stage.settings = stage.settings.model_copy(update={"person_files_mb": 0.001})
    chat = await stage.open(CLERK)
    thread = (await chat.create_thread(actor=ANN)).id
    await sent(chat, file("a.txt", b"a" * 400), file("b.txt", b"b" * 400), thread_id=thread)
    with pytest.raises(InvalidInput, match=r"Delete threads"):
        await sent(chat, file("c.txt", b"c" * 201))
    await sent(chat, file("c.txt", b"c" * 200))
    with pytest.raises(InvalidInput):
        await sent(chat, file("d.txt", b"d"))
    # What is deleted for good makes room.
    await chat.delete_thread(thread, actor=ANN)
    with pytest.raises(InvalidInput):
        await sent(chat, file("d.txt", b"d"))
    await chat.empty_thread(thread, actor=ANN)
    await sent(chat, file("d.txt", b"d" * 800))


async def test_no_two_messages_at_once_take_the_same_room(stage: AgentStage) -> None:
    stage.settings = stage.settings.model_copy(update={"person_files_mb": 0.001})
    chat = await stage.open(CLERK)
    came = await asyncio.gather(
        *(sent(chat, file("a.txt", b"a" * 400)) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, list) for one in came) == 2
    assert sum(isinstance(one, InvalidInput) for one in came) == 4
