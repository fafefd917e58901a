"""Uploading over HTTP, to a real server: what may come, from whom, and how much of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress

import pytest

from agentchat import Agent
from agentchat.ui import uploads
from tests.integration.people_stage import ANN, BOB, People
from tests.integration.upload_stage import Port, served
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

CLERK = Agent("clerk", "Answer.")
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@pytest.fixture
async def port(database_url: str) -> AsyncIterator[Port]:
    """Of an app in which people log in, with files of a megabyte at most; Ann's browser."""
    async with AsyncExitStack() as stack:
        people = People(database_url, stack)
        chat = await people.open(CLERK, file_mb=1.0)
        yield await (await stack.enter_async_context(served(chat))).of(ANN)


@pytest.fixture
async def bob(port: Port) -> Port:
    return await port.of(BOB)


async def test_a_file_is_uploaded_shown_and_removed(port: Port, bob: Port) -> None:
    answer = await port.upload("Grüße an Ann.txt", PNG)
    assert answer.status == 201
    id = answer.said["id"]
    kept = {"id": id, "name": "Grüße an Ann.txt", "media_type": "image/png", "size": len(PNG)}
    assert answer.said == kept
    assert answer.headers["Cache-Control"] == "no-store"
    listed = (await port.ask("GET", "/uploads")).said
    assert listed == {"files": [kept], "most": 10, "most_bytes": 1_000_000}
    shown = await port.ask("GET", f"/uploads/{id}")
    assert shown.text.encode(errors="surrogateescape") == PNG
    assert shown.headers["Content-Type"] == "image/png"
    for method in ("GET", "DELETE"):
        assert (await bob.ask(method, f"/uploads/{id}")).status == 404
    assert await bob.unsent() == []
    assert (await port.ask("DELETE", f"/uploads/{id}")).status == 204
    assert (await port.ask("DELETE", f"/uploads/{id}")).status == 404
    assert await port.unsent() == []


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("page.html", b"<!doctype html><script>alert(1)</script>", "text/html"),
        ("drawing.svg", SVG, "application/xml"),
        ("drawing.png", SVG, "text/plain"),
        ("script.js", b"alert(1)", "text/plain"),
        ("feed.xhtml", b"<?xml version='1.0'?><html/>", "text/plain"),
        ("both.html", b"GIF89a/*<script>alert(1)</script>*/=1", "image/gif"),
        ("both.png", b"%PDF-1.4 <script>alert(1)</script>", "application/pdf"),
        ("any.exe", b"MZ\x90\x00\x03", "application/octet-stream"),
    ],
)
async def test_what_could_be_carried_out_never_is(
    port: Port, name: str, content: bytes, kind: str
) -> None:
    answer = await port.upload(name, content, Content_Type="text/html")
    assert (answer.status, answer.said["media_type"]) == (201, kind)
    shown = await port.ask("GET", f"/uploads/{answer.said['id']}")
    picture = kind == "image/gif"
    assert shown.headers["Content-Type"] == (kind if picture else "application/octet-stream")
    disposition = shown.headers["Content-Disposition"]
    assert disposition.startswith("inline;" if picture else "attachment;")
    assert "sandbox" in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("C:%5Cx%5Ccat.png", "cat.png"),
        ("a%00b.txt", "ab.txt"),
        ("%E2%80%AEgpj.exe", None),
        ("a%0D%0ASet-Cookie:%20x.txt", "a Set-Cookie: x.txt"),
        ("%FF%FE", None),
        ("..", None),
        ("", None),
        ("n" * 201, None),
    ],
)
async def test_no_name_is_more_than_a_name(port: Port, name: str, kept: str | None) -> None:
    answer = await port.ask("POST", "/uploads", b"text", port.headers(X_File_Name=name))
    if kept is None:
        assert answer.status == 400
        assert answer.said["error"]
    else:
        assert (answer.status, answer.said["name"]) == (201, kept)
    assert len(await port.unsent()) == (kept is not None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Cookie": None}, 403),
        ({"Cookie": "agentchat=guessed"}, 403),
        ({"X-File-Name": None}, 415),
    ],
)
async def test_only_a_page_of_ours_uploads_and_only_for_somebody(
    port: Port, headers: dict[str, str | None], status: int
) -> None:
    plain = {"X_File_Name": "a.txt", **{k.replace("-", "_"): v for k, v in headers.items()}}
    answer = await port.ask("POST", "/uploads", b"text", port.headers(**plain))
    assert answer.status == status
    assert answer.said["error"]
    assert await port.unsent() == []
    mine = (await port.upload("a.txt", b"text")).said["id"]
    if status == 403:
        told = port.headers(**{k.replace("-", "_"): v for k, v in headers.items()})
        assert (await port.ask("DELETE", f"/uploads/{mine}", b"", told)).status == 403
        assert len(await port.unsent()) == 1


async def test_a_form_of_another_kind_is_no_file(port: Port) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\ntext\r\n--x--'
    headers = port.headers(Content_Type="multipart/form-data; boundary=x")
    answer = await port.ask("POST", "/uploads", form, headers)
    assert (answer.status, await port.unsent()) == (415, [])
    assert (await port.ask("PUT", "/uploads", b"x")).status == 405
    assert (await port.ask("GET", "/uploads/short")).text == "the page"


# How much


async def test_ten_gigabytes_are_refused_by_what_is_said_of_them(port: Port) -> None:
    said = await port.raw([port.head("Content-Length: 10000000000"), b"x" * 1_000])
    status, headers, words = parsed(said)
    assert (status, headers["connection"]) == (413, "close")
    assert "10,000.0 MB; 1 MB is the most" in words
    assert await port.unsent() == []


async def test_a_body_without_an_end_is_cut_where_it_is_too_long(port: Port) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 100_000
            yield b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n"
            if sent > 200_000_000:
                raise AssertionError("it was all taken")

    reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
    writer.write(port.head("Transfer-Encoding: chunked"))

    async def send() -> None:
        for piece in endless():
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(send())
    async with asyncio.timeout(20):
        said = await reader.readuntil(b"}")
        await asyncio.wait([sending])
    assert isinstance(sending.exception(), ConnectionError)
    await gone(writer)
    status, headers, words = parsed(said)
    assert (status, headers["connection"]) == (413, "close")
    assert "has more; 1 MB is the most" in words
    assert await port.unsent() == []


async def test_whoever_sends_too_much_hears_why_though_they_send_on(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most do not listen before they have sent all of it."""
    # A busy machine may need long.
    monkeypatch.setattr(uploads, "LINGER", 15.0)
    for content in (b"x" * 7_000_000, (b"x" * 100_000 for _ in range(70))):
        answer = await port.upload("a.txt", content)
        assert answer.status == 413
        assert "1 MB is the most" in answer.said["error"]
    assert await port.unsent() == []


@pytest.mark.parametrize("line", ["", "Content-Length: 0", "Transfer-Encoding: chunked"])
async def test_a_body_that_is_not_there_is_an_empty_file(port: Port, line: str) -> None:
    end = b"0\r\n\r\n" if line.startswith("Transfer") else b""
    said = await port.raw([port.head(*filter(None, [line])), end])
    status, _, words = parsed(said)
    assert status == 400
    assert "is empty" in words


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: -5"],
        ["Content-Length: 1e3"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ],
)
async def test_what_contradicts_itself_is_no_file(port: Port, lines: list[str]) -> None:
    said = await port.raw([port.head(*lines), b"hello"], read=False)
    assert b" 201 " not in said
    assert await port.unsent() == []


@pytest.mark.parametrize("line", ["Content-Length: 900000", "Transfer-Encoding: chunked"])
async def test_whoever_goes_away_while_sending_leaves_nothing(
    port: Port, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(uploads, "AT_ONCE", 1)
    piece = b"x" * 600_000
    sent = b"%x\r\n" % len(piece) + piece if line.startswith("Transfer") else piece
    _, writer = await at_its_place(port, line)
    writer.write(sent)
    await writer.drain()
    await gone(writer)
    # There is a place again once nothing more is done with that one.
    await uploaded(port, "b.txt")
    assert [one["name"] for one in await port.unsent()] == ["b.txt"]


async def test_whoever_sends_nothing_for_long_is_told_so(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SILENCE", 0.1)
    said = await port.raw([port.head("Content-Length: 900000"), b"x" * 10])
    status, headers, words = parsed(said)
    assert (status, headers["connection"]) == (408, "close")
    assert "did not come in time" in words
    assert await port.unsent() == []


async def test_twenty_at_once_are_taken_in_turn_or_told_to_wait(port: Port, bob: Port) -> None:
    """Each holds its place as long as it comes; nobody else is held up by them."""
    lines = "Content-Length: 5", "Connection: close"
    heads = [port.head(*lines, name=f"{n}.txt") for n in range(20)]
    open_ = [await asyncio.open_connection("127.0.0.1", port.port) for _ in heads]
    for (_, writer), head in zip(open_, heads, strict=True):
        writer.write(head + b"hell")
    answers: dict[int, asyncio.Task[bytes]] = {
        n: asyncio.create_task(reader.read()) for n, (reader, _) in enumerate(open_)
    }
    async with asyncio.timeout(20):
        while sum(task.done() for task in answers.values()) < 20 - uploads.AT_ONCE:
            await asyncio.wait(answers.values(), timeout=0.05)
    refused = {n for n, task in answers.items() if task.done()}
    assert len(refused) == 20 - uploads.AT_ONCE
    for n in refused:
        status, headers, words = parsed(answers[n].result())
        assert (status, headers["retry-after"]) == (429, "2")
        assert "Wait" in words
    assert (await bob.upload("b.txt", b"b")).status == 201
    for n, (_, writer) in enumerate(open_):
        if n not in refused:
            writer.write(b"o")
    async with asyncio.timeout(20):
        for n, (_, writer) in enumerate(open_):
            if n not in refused:
                assert parsed(await answers[n])[0] == 201
            await gone(writer)
    assert len(await port.unsent()) == uploads.AT_ONCE


async def test_one_address_has_so_many_places_for_all_its_people(
    port: Port, bob: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "AT_ONCE_FROM", 1)
    _, writer = await at_its_place(port, "Content-Length: 5")
    assert (await bob.upload("b.txt", b"b")).status == 429
    await gone(writer)
    await uploaded(bob, "b.txt")


async def test_the_beginning_of_a_file_is_shown_to_whoever_reads_its_thread(
    port: Port, bob: Port
) -> None:
    id = (await port.upload("page.html", b"<b>hi</b>")).said["id"]
    assert (await port.ask("GET", f"/files/{id}/text")).status == 404
    chat = port.chat
    thread = (await chat.create_thread(actor=ANN)).id
    await chat.send_message(thread, "Look", actor=ANN, uploads=[id])
    answer = await port.ask("GET", f"/files/{id}/text")
    assert (answer.status, answer.said) == (200, {"text": "<b>hi</b>", "cut": False})
    assert answer.headers["Content-Type"] == "application/json"
    assert (await bob.ask("GET", f"/files/{id}/text")).status == 404
    nobody = port.headers(Cookie=None)
    assert (await port.ask("GET", f"/files/{id}/text", b"", nobody)).status == 403


async def at_its_place(port: Port, line: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a file is about to come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
    writer.write(port.head(line, "Expect: 100-continue"))
    async with asyncio.timeout(20):
        # Said once somebody reads the body: from then on it has its place.
        assert b"100" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def uploaded(port: Port, name: str) -> None:
    """Upload a file as soon as there is a place."""
    async with asyncio.timeout(20):
        while (await port.upload(name, b"b")).status != 201:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def gone(writer: asyncio.StreamWriter) -> None:
    """Go away."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def parsed(said: bytes) -> tuple[int, dict[str, str], str]:
    """The status, the headers and the words of an answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body).get("error", "")
