"""Links with which anybody reads a thread: what they open over HTTP and over the socket's states,
and that they open nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from agentchat import AgentChat
from agentchat.accounts.tokens import new_token
from agentchat.errors import NotAllowed, NotFound, ThreadNotFound
from agentchat.shown.public import public_view
from agentchat.ui.downloads import ADMISSION, with_downloads
from agentchat.verbs.files import NewFile
from tests.integration.agents_stage import settled
from tests.integration.people_stage import ANN, THREAD, People, people_on
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PAGE = "http://127.0.0.1:3000"
"""Where the pages come from that may post."""


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    async with people_on(database_url) as people:
        yield people


@pytest.fixture
async def chat(people: People) -> AgentChat:
    return await people.shared(public_links=True)


async def link_to(chat: AgentChat, thread_id: str = THREAD, **named: Any) -> str:
    return await chat.sharing.make_link(thread_id, "viewer", public=True, actor=ANN, **named)


async def file_in(chat: AgentChat, thread_id: str = THREAD, name: str = "cat.png") -> str:
    """The id of a file of Ann's in a thread."""
    await chat.send_message(thread_id, "Look", actor=ANN, files=[NewFile(name, "image/png", PNG)])
    await settled(chat, thread_id)
    async with aclosing(chat.follow(thread_id, actor=ANN)) as views:
        view = await anext(views)
    return [file.id for message in view.messages for file in message.files][-1]


class Reader:
    """A browser that keeps cookies as browsers do: for what begins with their path."""

    def __init__(self, chat: AgentChat) -> None:
        app = with_downloads(PlainTextResponse("the page"), chat)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PAGE)
        self.kept: list[Morsel[str]] = []

    async def show(self, token: object, **headers: str) -> httpx.Response:
        """Post a token as the page of its link does."""
        said = {"Origin": PAGE, **headers}
        answer = await self.client.post(ADMISSION, json={"token": token}, headers=said)
        for line in answer.headers.get_list("set-cookie"):
            self.kept += SimpleCookie(line).values()
        self.client.cookies.clear()
        return answer

    async def get(self, path: str, **headers: str) -> httpx.Response:
        fit = [one for one in self.kept if f"{path}/".startswith(f"{one['path']}/")]
        cookies = "; ".join(f"{one.key}={one.value}" for one in fit)
        return await self.client.get(path, headers={"Cookie": cookies, **headers})


async def key_of(chat: AgentChat, token: str) -> str:
    return (await chat.sharing.visit(token)).link_id


async def test_who_comes_with_a_link_opens_the_files_of_its_thread(chat: AgentChat) -> None:
    file, token = await file_in(chat), await link_to(chat)
    reader = Reader(chat)
    admitted = await reader.show(token)
    assert (admitted.status_code, admitted.content) == (204, b"")
    [kept] = reader.kept
    key = await key_of(chat, token)
    flags = (kept["httponly"], kept["samesite"], kept["path"], kept["max-age"])
    assert flags == (True, "strict", f"{ADMISSION}/{key}", "")
    answer = await reader.get(f"{ADMISSION}/{key}/{file}")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "no-store" in answer.headers["cache-control"]


async def test_behind_tls_the_cookie_goes_through_tls_alone(people: People) -> None:
    chat = await people.shared(public_links=True, public_url="https://chat.example.org")
    reader = Reader(chat)
    admitted = await reader.show(await link_to(chat), Origin="https://chat.example.org")
    assert admitted.status_code == 204
    [kept] = reader.kept
    assert (kept.key, kept["secure"]) == ("__Secure-agentchat-read", True)


async def test_strangers_get_no_file_and_learn_of_none(chat: AgentChat) -> None:
    file, token = await file_in(chat), await link_to(chat)
    await chat.create_thread("Another", actor=ANN, thread_id="another-thread")
    elsewhere = await file_in(chat, "another-thread")
    other_link = await link_to(chat, "another-thread")
    key, other = await key_of(chat, token), await key_of(chat, other_link)
    reader, stranger = Reader(chat), Reader(chat)
    await reader.show(token)
    private = await chat.sharing.make_link(THREAD, "member", actor=ANN)
    for nothing in (private, new_token(), "", "guessed", key):
        assert (await stranger.show(nothing)).status_code == 404
    assert stranger.kept == []
    mine = f"agentchat-read={token}"
    login = f"agentchat={token}"
    answers = [
        await stranger.get(f"{ADMISSION}/{key}/{file}"),
        await stranger.get(f"{ADMISSION}/{key}/{file}", Cookie=login),
        await stranger.get(f"{ADMISSION}/{key}/{file}", Cookie=f"agentchat-read={new_token()}"),
        await stranger.get(f"{ADMISSION}/{key}/{file}", Cookie=f"agentchat-read={private}"),
        # Those of another thread, by the one's link and by its own name.
        await reader.get(f"{ADMISSION}/{key}/{elsewhere}"),
        await reader.get(f"{ADMISSION}/{other}/{elsewhere}"),
        await reader.get(f"{ADMISSION}/{other}/{elsewhere}", Cookie=mine),
        await reader.get(f"{ADMISSION}/{other}/{file}", Cookie=mine),
        await reader.get(f"{ADMISSION}/{key}/no-such-file"),
        await reader.get(f"{ADMISSION}/no-such-link/{file}", Cookie=mine),
    ]
    assert {(one.status_code, one.text) for one in answers} == {(404, "There is no such file.\n")}
    # The link is no login.
    answer = await reader.get(f"/files/{file}", Cookie=f"{mine}; {login}")
    assert answer.status_code == 403
    assert (await reader.get(f"{ADMISSION}/{key}/{file}", Cookie=mine)).status_code == 200


async def test_a_link_that_has_ended_opens_no_file_though_the_browser_kept_it(
    chat: AgentChat,
) -> None:
    file = await file_in(chat)
    revoked, brief = await link_to(chat), await link_to(chat, hours=0.4 / 3600)
    reader = Reader(chat)
    keys = [await key_of(chat, token) for token in (revoked, brief)]
    for token in (revoked, brief):
        assert (await reader.show(token)).status_code == 204
    paths = [f"{ADMISSION}/{key}/{file}" for key in keys]
    assert [(await reader.get(path)).status_code for path in paths] == [200, 200]
    await chat.sharing.revoke_link(THREAD, keys[0], actor=ANN)
    await asyncio.sleep(0.45)
    assert [(await reader.get(path)).status_code for path in paths] == [404, 404]
    assert (await reader.show(revoked)).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
async def test_only_our_own_page_shows_a_token(
    chat: AgentChat, headers: Mapping[str, str], status: int
) -> None:
    reader = Reader(chat)
    assert (await reader.show(await link_to(chat), **headers)).status_code == status
    assert (await reader.show(["no", "text"])).status_code == 400
    assert reader.kept == []


async def test_where_public_links_are_off_or_nobody_logs_in_old_links_open_nothing(
    people: People, chat: AgentChat
) -> None:
    file, token = await file_in(chat), await link_to(chat)
    key = await key_of(chat, token)
    off = await people.open()
    nobody_logs_in = await people.open(auth="open", public_links=True)
    for other in (off, nobody_logs_in):
        assert not other.sharing.public_links
        with pytest.raises(NotFound):
            await other.sharing.visit(token)
        reader = Reader(other)
        assert (await reader.show(token)).status_code == 404
        path = f"{ADMISSION}/{key}/{file}"
        assert (await reader.get(path, Cookie=f"agentchat-read={token}")).status_code == 404
    visitor = (await chat.sharing.visit(token)).visitor
    with pytest.raises(NotAllowed):
        nobody_logs_in.follow(THREAD, actor=visitor)
    with pytest.raises(NotAllowed):
        await nobody_logs_in.files.get(file, actor=visitor)


async def test_what_a_link_opens_is_told_with_who_made_it(chat: AgentChat) -> None:
    token = await link_to(chat)
    visit = await chat.sharing.visit(token)
    assert (visit.thread_id, visit.by) == (THREAD, "Ann")
    await chat.send_message(THREAD, "hello", actor=ANN)
    await settled(chat.by(ANN), THREAD)
    async with aclosing(chat.follow(THREAD, actor=ANN)) as views:
        assert (await anext(views)).messages[-1].run_id != ""
    async with aclosing(chat.follow(THREAD, actor=visit.visitor)) as views:
        view = await anext(views)
        assert (view.role, len(view.messages)) == ("viewer", 2)
        assert view == public_view(view)
        assert view.messages[-1].run_id == view.messages[-1].model == ""
        await chat.delete_thread(THREAD, actor=ANN)
        async with asyncio.timeout(30):
            with pytest.raises(ThreadNotFound):
                await anext(views)
