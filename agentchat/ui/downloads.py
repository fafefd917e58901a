"""Files of messages, handed to browsers so that they cannot do anything there."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agentchat.accounts.tokens import token_in
from agentchat.chat import AgentChat
from agentchat.errors import AgentChatError, NotAllowed, NotFound
from agentchat.login.requests import Refused, asked_of
from agentchat.settings import Settings
from agentchat.ui.visits import actor_of, token_among
from agentchat.views import FileContent

_PATH = re.compile(r"/files/([A-Za-z0-9_-]{8,64})")
_READ = re.compile(r"/read/files/([A-Za-z0-9_-]{8,64})/([A-Za-z0-9_-]{8,64})")
ADMISSION: Final = "/read/files"
"""Where the page of a public link shows its token, for the browser to be given files."""
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser shows and cannot carry out. SVG is no picture here: it may hold scripts."""
_HARMLESS: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"
_NOT_STORED: Final = {"Cache-Control": "no-store"}


def with_downloads(app: ASGIApp, chat: AgentChat) -> ASGIApp:
    """``app`` with ``/files/ID``: a file of a message, for who may read its thread.

    Pictures are shown; all else is a download without a type, whatever it says that it is.
    ``/read/files/LINK/ID`` is the same for whoever came with a public link. Its page posts the
    token to :data:`ADMISSION`, and the browser keeps it in a cookie that no script reads and that
    is sent for the files of this link alone: no address ever holds it. It is looked up for each
    file, so a link that has ended opens none.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        response = await _answer(scope, receive, chat) if scope["type"] == "http" else None
        await (app if response is None else response)(scope, receive, send)

    return serve


async def _answer(scope: Scope, receive: Receive, chat: AgentChat) -> Response | None:
    path, cookies = scope["path"], "; ".join(Headers(scope=scope).getlist("cookie"))
    if path == ADMISSION and scope["method"] == "POST":
        return await _admitted(scope, receive, chat)
    if scope["method"] not in ("GET", "HEAD"):
        return None
    if found := _PATH.fullmatch(path):
        return await _file(chat, found[1], cookies)
    if found := _READ.fullmatch(path):
        return await _file_of_link(chat, found[1], found[2], cookies)
    return None


async def _file(chat: AgentChat, file_id: str, cookies: str) -> Response:
    try:
        actor = await actor_of(chat, token_among(chat, cookies))
        return response_of(await chat.files.get(file_id, actor=actor))
    except AgentChatError as error:
        return _refused(error)


async def _file_of_link(chat: AgentChat, link_id: str, file_id: str, cookies: str) -> Response:
    try:
        assert chat.settings is not None, "it is open while pages are served"
        visit = await chat.sharing.visit(token_in(cookies, _cookie_name(chat.settings)))
        if visit.link_id == link_id:
            return response_of(await chat.files.get(file_id, actor=visit.visitor))
    except (NotFound, NotAllowed):
        pass
    except AgentChatError as error:
        return _refused(error)
    # In the same words, whatever it was: nobody learns which files and links there are.
    return PlainTextResponse("There is no such file.\n", 404, _NOT_STORED)


async def _admitted(scope: Scope, receive: Receive, chat: AgentChat) -> Response:
    settings = chat.settings
    assert settings is not None, "it is open while pages are served"
    try:
        asked = await asked_of(scope, receive, settings, lambda: None)
        token = asked.text("token")
        visit = await chat.sharing.visit(token)
    except Refused as refused:
        return PlainTextResponse(f"{refused}\n", refused.status, _NOT_STORED)
    except AgentChatError as error:
        return _refused(error)
    response = Response(status_code=204, headers=_NOT_STORED)
    response.set_cookie(
        _cookie_name(settings),
        token,
        # As long as the browser is open.
        max_age=None,
        path=f"{ADMISSION}/{visit.link_id}",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="strict",
    )
    return response


def _refused(error: AgentChatError) -> Response:
    known = {NotFound: 404, NotAllowed: 403}
    status = next((code for kind, code in known.items() if isinstance(error, kind)), 400)
    return PlainTextResponse(f"{error}\n", status, _NOT_STORED)


def _cookie_name(settings: Settings) -> str:
    return "__Secure-agentchat-read" if settings.secure_cookies else "agentchat-read"


def response_of(file: FileContent) -> Response:
    """The answer that holds a file."""
    picture = file.media_type in PICTURES
    # The first name is for what does not read the second.
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", file.name)
    named = f"filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return Response(
        file.content,
        media_type=file.media_type if picture else "application/octet-stream",
        headers={
            "Content-Disposition": f"{'inline' if picture else 'attachment'}; {named}",
            "Content-Security-Policy": _HARMLESS,
            "Cache-Control": "private, no-store",
        },
    )
