"""Logging in over HTTP, to a real server: cookies, other sites, and where a request came from."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest
from starlette.datastructures import Headers

from agentchat.accounts.tokens import is_token, new_token
from agentchat.durable.clock import ManualClock
from agentchat.login.requests import MOST_BYTES, client_address, safe_path
from agentchat.models import Login, User
from tests.integration.accounts_stage import ANN, BOB, CAT, rows
from tests.integration.login_stage import Open, Site, site_on
from tests.long import LONG_ON_POSTGRES

PUBLIC = "https://chat.example.org"


@pytest.fixture
def site(database_url: str, clock: ManualClock) -> Open:
    return site_on(database_url, clock)


# In and out


async def test_a_person_signs_up_logs_out_and_logs_in(site: Open) -> None:
    async with site() as here:
        body = {"name": "Ann", "password": ANN, "display_name": "Ann Lee", "next": "/t/1"}
        answer = await here.post("/auth/sign-up", body)
        assert answer.status == 200
        assert answer.said == {
            "id": answer.said["id"],
            "name": "Ann Lee",
            "admin": True,
            "next": "/t/1",
        }
        assert answer.headers["Cache-Control"] == "no-store"
        here.token = answer.cookies["agentchat"].value

        out = await here.post("/auth/log-out", {"next": "/login"})
        assert (out.status, out.said) == (200, {"next": "/login"})
        gone = out.cookies["agentchat"]
        assert (gone.value, gone["max-age"], gone["path"]) == ("", "0", "/")
        assert await here.chat.accounts.who(here.token) is None

        wrong = await here.log_in("ann", BOB)
        assert (wrong.status, wrong.said) == (401, {"error": "The name or the password is wrong."})
        assert wrong.cookies == {}
        right = await here.log_in("ann", ANN)
        assert right.status == 200
        actor = await here.chat.accounts.who(here.token)
        assert actor is not None
        assert actor.name == "Ann Lee"


@LONG_ON_POSTGRES
async def test_a_login_sets_a_cookie_that_scripts_and_other_sites_cannot_use(site: Open) -> None:
    async with site(login_days=7) as here:
        await here.chat.accounts.sign_up("ann", ANN)
        [line] = (await here.log_in("ann", ANN)).headers.get_all("Set-Cookie", [])
    parts = {part.strip().lower() for part in line.split(";")[1:]}
    assert parts == {"httponly", "max-age=604800", "path=/", "samesite=lax"}
    assert is_token(line.split(";")[0].removeprefix("agentchat="))


@LONG_ON_POSTGRES
async def test_behind_tls_the_cookie_is_secure_and_of_this_host_alone(site: Open) -> None:
    async with site(public_url=PUBLIC) as here:
        await here.chat.accounts.sign_up("ann", ANN)
        assert here.origin == PUBLIC
        [line] = (await here.log_in("ann", ANN)).headers.get_all("Set-Cookie", [])
        assert line.startswith("__Host-agentchat=")
        parts = {part.strip().lower() for part in line.split(";")[1:]}
        assert parts == {"httponly", "max-age=2592000", "path=/", "samesite=lax", "secure"}
        # One without the prefix may have been planted by a neighbour.
        assert (
            await here.post(
                "/auth/password", {"old": ANN, "new": CAT}, Cookie=f"agentchat={here.token}"
            )
        ).status == 401


async def test_a_token_from_before_the_login_is_worth_nothing_after_it(
    site: Open,
) -> None:
    async with site() as here:
        await here.chat.accounts.sign_up("ann", ANN)
        planted = here.token = new_token()
        await here.log_in("ann", ANN)
        assert here.token != planted
        assert await here.chat.accounts.who(planted) is None
        first = here.token
        await here.log_in("ann", ANN)
        assert here.token != first
        assert await here.chat.accounts.who(first) is None
        link = await here.chat.accounts.invite(await _actor(here))
        second = here.token
        body = {"name": "bob", "password": BOB, "invitation": link.token}
        assert (await here.post("/auth/sign-up", body)).status == 200
        assert await here.chat.accounts.who(second) is None


async def _actor(here: Site) -> Any:
    actor = await here.chat.accounts.who(here.token)
    assert actor is not None
    return actor


async def test_a_password_is_changed_and_reset(site: Open) -> None:
    async with site() as here:
        accounts = here.chat.accounts
        other = await accounts.sign_up("ann", ANN)
        assert (await here.post("/auth/password", {"old": ANN, "new": BOB})).status == 401
        await here.log_in("ann", ANN)
        wrong = await here.post("/auth/password", {"old": BOB, "new": CAT})
        assert (wrong.status, wrong.said) == (401, {"error": "The old password is wrong."})
        poor = await here.post("/auth/password", {"old": ANN, "new": "password1"})
        assert (poor.status, "easily guessed" in poor.said["error"]) == (400, True)
        done = await here.post("/auth/password", {"old": ANN, "new": BOB})
        assert (done.status, done.said) == (200, {"changed": True})
        assert await accounts.who(other) is None
        ann = await _actor(here)

        link = await accounts.reset_link(ann.id, ann)
        reset = await here.post("/auth/reset", {"token": link.token, "password": CAT})
        assert reset.status == 200
        assert await accounts.who(here.token) is None
        assert await accounts.who(reset.cookies["agentchat"].value) == ann
        again = await here.post("/auth/reset", {"token": link.token, "password": CAT})
        assert again.status == 404


@LONG_ON_POSTGRES
async def test_what_may_not_be_done_is_said_with_its_status(site: Open) -> None:
    async with site() as here:
        await here.chat.accounts.sign_up("ann", ANN)
        sign_up = {"name": "bob", "password": BOB}
        assert (await here.post("/auth/sign-up", sign_up)).status == 403
        assert (
            await here.post("/auth/sign-up", {**sign_up, "invitation": new_token()})
        ).status == 404
        for body in ({"name": 5, "password": ANN}, {"name": "ann", "password": ["x"]}):
            assert (await here.post("/auth/login", body)).status == 400
        for _ in range(5):
            assert (await here.log_in("ann", "wrong")).status == 401
        held = await here.log_in("ann", ANN)
        assert held.status == 429
        assert 0 < int(held.headers["Retry-After"]) <= 900
    async with site(auth="open") as here:
        refused = await here.log_in("ann", ANN)
        assert (refused.status, "AGENTCHAT_AUTH" in refused.said["error"]) == (409, True)


# Other sites


@LONG_ON_POSTGRES
async def test_only_pages_of_the_app_itself_are_answered(site: Open) -> None:
    async with site() as here:
        await here.chat.accounts.sign_up("ann", ANN)
        body = {"name": "ann", "password": ANN}
        refused: list[dict[str, str | None]] = [
            {"Origin": "https://evil.example"},
            {"Origin": f"{here.origin}.evil.example"},
            {"Origin": here.origin.replace("http:", "https:")},
            {"Origin": here.origin.upper()},
            {"Origin": "null"},
            {"Origin": ""},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Origin": None, "Cookie": f"agentchat={new_token()}"},
            {"Origin": None, "Cookie": "whatever=1"},
            {"Origin": None, "Sec-Fetch-Site": "cross-site"},
        ]
        for headers in refused:
            answer = await here.post("/auth/login", body, **headers)
            assert answer.status == 403, headers
            assert answer.cookies == {}
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            None,
        ):
            assert (await here.post("/auth/login", body, Content_Type=kind)).status == 415
        assert len(await rows(here.chat._database, Login)) == 1
        # A script of one's own sends neither an origin nor cookies.
        script = {"Origin": None, "Sec-Fetch-Site": None}
        assert (await here.post("/auth/login", body, **script)).status == 200
        charset = await here.post(
            "/auth/login", body, Content_Type="application/json; charset=utf-8"
        )
        assert charset.status == 200


@LONG_ON_POSTGRES
async def test_behind_a_public_address_only_that_is_an_origin(site: Open) -> None:
    async with site(public_url=PUBLIC) as here:
        await here.chat.accounts.sign_up("ann", ANN)
        body = {"name": "ann", "password": ANN}
        assert (await here.post("/auth/login", body, Origin="http://localhost:3000")).status == 403
        assert (await here.post("/auth/login", body, Origin=PUBLIC)).status == 200


@LONG_ON_POSTGRES
async def test_another_site_cannot_log_anybody_out(site: Open) -> None:
    async with site() as here:
        await here.chat.accounts.sign_up("ann", ANN)
        await here.log_in("ann", ANN)
        assert (await here.post("/auth/log-out", {}, Origin="https://evil.example")).status == 403
        assert (await here.ask("GET", "/auth/log-out")).status == 405
        assert (await _actor(here)).name == "ann"


# What is sent


@LONG_ON_POSTGRES
async def test_what_is_no_small_json_object_is_refused(site: Open) -> None:
    async with site() as here:
        await here.chat.accounts.sign_up("ann", ANN)
        for body, status in (
            (b"", 400),
            (b"[]", 400),
            (b"null", 400),
            (b"{", 400),
            (b"\xff\xfe", 400),
            (b"[" * 10_000, 400),
            (b'{"name": "' + b"x" * (MOST_BYTES - 12) + b'"}', 401),
            (b'{"name": "' + b"x" * MOST_BYTES + b'"}', 413),
        ):
            answer = await here.post("/auth/login", body)
            assert (answer.status, list(answer.said)) == (status, ["error"])


@LONG_ON_POSTGRES
async def test_a_large_request_is_refused_while_it_is_still_being_sent(site: Open) -> None:
    async with site() as here:
        head = (
            f"POST /auth/login HTTP/1.1\r\nHost: x\r\nOrigin: {here.origin}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100000000\r\n\r\n"
        )

        def send() -> bytes:
            with socket.create_connection(("127.0.0.1", here.port), timeout=30) as raw:
                raw.sendall(head.encode() + b"x" * (2 * MOST_BYTES))
                return raw.recv(100)

        # All the rest was never sent.
        assert b" 413 " in await asyncio.to_thread(send)


@LONG_ON_POSTGRES
async def test_nothing_secret_is_logged(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with site() as here:
            await here.chat.accounts.sign_up("ann", ANN)
            await here.log_in("ann", "a very secret word")
            await here.log_in("ann", ANN)
            link = await here.chat.accounts.invite(await _actor(here))
            await here.post(
                "/auth/sign-up", {"name": "b", "password": BOB, "invitation": link.token}
            )
    assert "secret word" not in caplog.text
    for secret in (ANN, BOB, here.token, link.token):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/t/1?x=2#y", "/t/1?x=2#y"),
        ("/", "/"),
        ("", "/"),
        ("t/1", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\/evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("\n//evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "x" * 1_000, "/"),
    ],
)
def test_where_to_go_next_is_always_here(asked: str, path: str) -> None:
    assert safe_path(asked) == path


# Where it came from


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, ["203.0.113.9"], "127.0.0.1"),
        (1, [], "127.0.0.1"),
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (1, ["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        (2, ["6.6.6.6, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (2, ["203.0.113.9"], "127.0.0.1"),
        (1, ["203.0.113.9:4711"], "203.0.113.9"),
        (1, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (1, ["2001:db8::1"], "2001:db8::1"),
        (1, ["::ffff:203.0.113.9"], "203.0.113.9"),
        (1, ["unknown"], "127.0.0.1"),
        (1, ["203.0.113.9, "], "127.0.0.1"),
    ],
)
def test_an_address_is_the_one_that_the_first_proxy_of_ours_saw(
    hops: int, forwarded: list[str], address: str
) -> None:
    raw = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    assert client_address("127.0.0.1", Headers(raw=raw), hops) == address


@LONG_ON_POSTGRES
async def test_an_address_that_a_browser_makes_up_has_limits_all_the_same(site: Open) -> None:
    async with site(trusted_proxy_hops=1) as here:
        await here.chat.accounts.sign_up("ann", ANN)
        for n in range(5):
            await here.log_in("ann", "wrong", X_Forwarded_For=f"6.6.6.{n}, 203.0.113.9")
        held = await here.log_in("ann", ANN, X_Forwarded_For="7.7.7.7, 203.0.113.9")
        assert held.status == 429
        assert (await here.log_in("ann", ANN, X_Forwarded_For="203.0.113.10")).status == 200
        logins = await here.chat.accounts.logins(await _actor(here), here.token)
        assert [one.address for one in logins if one.current] == ["203.0.113.10"]


@LONG_ON_POSTGRES
async def test_a_proxy_that_nobody_told_of_is_told_of(
    site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        await here.log_in("ann", ANN, X_Forwarded_For="203.0.113.9")
        await here.log_in("ann", ANN, X_Forwarded_For="203.0.113.9")
    assert caplog.text.count("AGENTCHAT_TRUSTED_PROXY_HOPS") == 1


# Guests of an open app


@LONG_ON_POSTGRES
async def test_each_browser_is_given_a_guest_with_its_first_page(site: Open) -> None:
    page = {"Accept": "text/html,application/xhtml+xml"}
    async with site(auth="open") as here:
        tokens = set()
        for _ in range(2):
            answer = await here.ask("GET", "/", headers=page)
            cookie = answer.cookies["agentchat"]
            assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
            assert int(cookie["max-age"]) == 365 * 86_400
            assert answer.headers["Cache-Control"] == "private, no-store"
            tokens.add(cookie.value)
        names = {here.chat.accounts.guest(token).name for token in tokens}
        assert len(tokens) == len(names) == 2
        assert await rows(here.chat._database, User) == []

        known = await here.ask("GET", "/", headers={**page, "Cookie": f"agentchat={tokens.pop()}"})
        assert known.cookies == {}
        spoiled = await here.ask("GET", "/", headers={**page, "Cookie": "agentchat=made up"})
        assert is_token(spoiled.cookies["agentchat"].value)
        assert "agentchat" in (await here.ask("GET", "/known", headers=page)).cookies
        for path, headers in (("/data", page), ("/", {"Accept": "*/*"}), ("/", {})):
            assert (await here.ask("GET", path, headers=headers)).cookies == {}


@LONG_ON_POSTGRES
async def test_where_people_log_in_pages_bring_no_guests(site: Open) -> None:
    async with site() as here:
        assert (await here.ask("GET", "/", headers={"Accept": "text/html"})).cookies == {}


@LONG_ON_POSTGRES
async def test_before_the_app_is_open_and_after_nothing_is_answered(site: Open) -> None:
    async with site() as here:
        here.chat.health = None
        answer = await here.log_in("ann", ANN)
        assert (answer.status, list(answer.said)) == (503, ["error"])
