"""Who may open which page, and that a tab's state is that of one login."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from starlette.types import Receive, Scope, Send

from agentchat import AgentChat, Settings
from agentchat.accounts.tokens import new_token
from agentchat.app import app
from agentchat.llm.scripted import ScriptedProvider
from agentchat.ui import bridge, words_accounts
from agentchat.ui.arrivals import ENTRANCES, logged_in_only, states_of_logins
from agentchat.ui.browsers import browser_in_words
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.people import PeopleState
from agentchat.views import LOCAL
from tests.ui.test_states import Tab

PASSWORD = "herons fly at dusk"
TAB = "6f1c2a6e-7d4f-4e0b-9a53-0d6a3c1f5b77"


class Inner:
    """An app that takes down what reaches it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.scopes.append(scope)


async def _nothing(*_message: Any) -> Any:
    raise AssertionError("nothing is read or sent")


async def asked(outer: Any, path: str, *, cookie: str = "", accept: str = "text/html") -> str:
    """Where a browser is sent to that asks for a page, empty if it is not."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    headers = [(b"accept", accept.encode()), (b"cookie", f"agentchat={cookie}".encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
    }
    await outer(scope, _nothing, send)
    if not sent:
        return ""
    assert sent[0]["status"] == 303
    found = dict(sent[0]["headers"])
    assert found[b"cache-control"] == b"no-store"
    return str(found[b"location"].decode())


@pytest.fixture(params=["password", "open"])
async def chat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AgentChat]:
    settings = Settings(_env_file=None, data_dir=tmp_path, auth=request.param)  # type: ignore[call-arg]
    async with AgentChat(settings, provider=ScriptedProvider("instant")) as opened:
        yield opened


@pytest.mark.parametrize("chat", ["password"], indirect=True)
async def test_pages_are_sent_to_who_is_logged_in(chat: AgentChat) -> None:
    outer = logged_in_only(inner := Inner(), chat)
    cookie = await chat.accounts.sign_up("ann", PASSWORD)
    for path in ("/", "/t/thread-0001", "/runs/", "/nowhere", "/loginx", "/invite/x"):
        assert (await asked(outer, path)).startswith("/login?next=/")
        assert await asked(outer, path, cookie=new_token()) != ""
        assert await asked(outer, path, cookie=cookie) == ""
    assert await asked(outer, "/runs/?a=b&c=//d") == "/login?next=/runs%3Fa%3Db%26c%3D//d"
    inner.scopes.clear()
    for path in ENTRANCES:
        assert await asked(outer, path) == ""
    assert await asked(outer, "/assets/x.js", accept="*/*") == ""
    assert len(inner.scopes) == len(ENTRANCES) + 1

    await chat.accounts.log_out(cookie)
    assert await asked(outer, "/runs", cookie=cookie) == "/login?next=/runs"


@pytest.mark.parametrize("chat", ["password"], indirect=True)
async def test_who_is_logged_in_goes_on_from_the_login_within_this_app(chat: AgentChat) -> None:
    outer = logged_in_only(Inner(), chat)
    cookie = await chat.accounts.sign_up("ann", PASSWORD)
    for path, to in (
        ("/login", "/"),
        ("/sign-up?next=/runs", "/runs"),
        ("/login?next=/runs%3Fa%3Db", "/runs?a=b"),
        ("/login?next=//evil.example", "/"),
        ("/login?next=https://evil.example", "/"),
        ("/login?next=/%5Cevil.example", "/"),
    ):
        assert await asked(outer, path, cookie=cookie) == to
    assert await asked(outer, "/invite", cookie=cookie) == ""


@pytest.mark.parametrize("chat", ["open"], indirect=True)
async def test_where_nobody_logs_in_all_pages_are_sent(chat: AgentChat) -> None:
    outer = logged_in_only(Inner(), chat)
    for path in ("/", "/settings", "/t/thread-0001", "/invite"):
        assert await asked(outer, path) == ""
    assert await asked(outer, "/login?next=/runs") == "/runs"


async def test_a_tab_has_a_state_for_each_login(chat: AgentChat) -> None:
    outer = states_of_logins(inner := Inner(), chat)
    one, other = new_token(), new_token()

    async def state(tab: str, cookie: str) -> str:
        query = f"EIO=4&token={tab}&transport=websocket".encode()
        headers = [(b"cookie", f"agentchat={cookie}".encode())]
        scope = {"type": "websocket", "query_string": query, "headers": headers}
        await outer(scope, _nothing, _nothing)
        told = parse_qs(inner.scopes[-1]["query_string"].decode())
        assert (told["EIO"], told["transport"]) == (["4"], ["websocket"])
        [token] = told["token"]
        return token

    names = {await state(TAB, cookie) for cookie in ("", one, other)}
    assert len(names) == 3
    assert TAB not in names
    assert await state(TAB, one) in names
    # To know the state of another login is of no use: it names one more.
    assert await state(await state(TAB, one), "") not in names


@pytest.mark.parametrize("chat", ["open"], indirect=True)
async def test_where_nobody_logs_in_nobody_decides_who_will(chat: AgentChat) -> None:
    tab: Any = Tab(PeopleState)
    async with bridge.bridged(chat):
        await PeopleState.invite.fn(tab, True, 1)
        assert (tab.acted.attempt, tab.acted.link) == (1, "")
        assert tab.acted.problem == words_accounts.OPEN_PEOPLE
        await PeopleState.act.fn(tab, "admin", LOCAL.id, 2)
        assert tab.acted.problem == words_accounts.OPEN_PEOPLE
    assert await chat.accounts.invitations(LOCAL) == ()


@pytest.mark.parametrize("chat", ["password"], indirect=True)
async def test_what_admins_do_is_refused_to_strangers_and_to_others(chat: AgentChat) -> None:
    await chat.accounts.sign_up("ann", PASSWORD)
    link = await chat.accounts.invite(LOCAL)
    token = await chat.accounts.sign_up("bob", PASSWORD, invitation=link.token)
    bob = await chat.accounts.who(token)
    assert bob is not None
    for cookie in ("", f"agentchat={new_token()}", f"agentchat={token}"):
        tab: Any = Tab(PeopleState)
        tab.router.headers.cookie = cookie
        async with bridge.bridged(chat):
            await PeopleState.invite.fn(tab, True, 1)
            assert tab.acted.problem != ""
            for number, action in enumerate((*words_accounts.DONE, "revoke", "else"), 2):
                await PeopleState.act.fn(tab, action, bob.id, number)
                assert tab.acted.attempt == number
                assert (tab.acted.said, tab.acted.link) == ("", "")
    assert await chat.accounts.invitations(LOCAL) == ()
    assert await chat.accounts.who(token) == bob


def test_every_page_but_the_entrances_follows_the_login() -> None:
    made = app._unevaluated_pages
    assert {f"/{route}" for route in made} >= set(ENTRANCES)
    for route in made:
        events = app.get_load_events(f"/{route}" if route != "index" else "/")
        follows = any(getattr(one, "fn", None) is AuthState.follow.fn for one in events)
        assert follows == (f"/{route}" not in ENTRANCES), route


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_told_in_words(said: str, told: str) -> None:
    assert browser_in_words(said) == told
