"""Logging in with an identity provider: a real one in this process, and all that may be wrong."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError

from agentchat import LOCAL, Settings
from agentchat.accounts.oidc import CALLBACK
from agentchat.accounts.tokens import digest
from agentchat.durable.clock import ManualClock
from agentchat.models import User
from tests.integration.accounts_stage import ANN, audited, rows
from tests.integration.login_stage import Answer, Open, Site, site_on
from tests.long import LONG_ON_POSTGRES
from tests.oidc_provider import CLIENT, SECRET, OpenIdProvider, openid_provider

ANN_THERE = {
    "sub": "subject-ann",
    "name": "Ann Lee",
    "email": "ann@example.org",
    "email_verified": True,
    "preferred_username": "Ann",
}
BOB_THERE = {"sub": "subject-bob", "name": "Bob", "preferred_username": "bob", "email": "b@x.org"}


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with openid_provider() as provider:
        provider.person = dict(ANN_THERE)
        yield provider


@pytest.fixture
def site(database_url: str, clock: ManualClock, provider: OpenIdProvider) -> Open:
    """Opens a server whose people log in with the provider."""

    def opened(**settings: Any) -> Any:
        named = {
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
        }
        return site_on(database_url, clock)(**{**named, **settings})

    return opened


class Trip:
    """A browser on its way to the provider and back."""

    def __init__(self, here: Site, cookie: str, url: str) -> None:
        self.here, self.cookie, self.url = here, cookie, url

    @classmethod
    async def begin(cls, here: Site, **body: str) -> Trip:
        """Leave for the provider."""
        answer = await here.post("/auth/oidc", body)
        assert answer.status == 200, answer.text
        morsel = answer.cookies["agentchat-oidc"]
        assert (morsel["httponly"], morsel["samesite"]) == (True, "lax")
        assert (morsel["path"], morsel["max-age"]) == (CALLBACK, "600")
        return cls(here, morsel.value, answer.said["url"])

    async def at_provider(self) -> str:
        """Where the provider sends the browser back to."""
        where = urlsplit(self.url)
        there = Site.__new__(Site)
        there.port = where.port or 0
        answer = await there.ask("GET", f"{where.path}?{where.query}")
        assert answer.status == 302
        back = urlsplit(answer.headers["Location"])
        assert back.path == CALLBACK
        return f"{back.path}?{back.query}"

    async def back(self, path: str, cookie: str | None = None, token: str = "") -> Answer:
        """Come back to the app."""
        held = self.cookie if cookie is None else cookie
        cookies = f"agentchat-oidc={held}; agentchat={token}"
        return await self.here.ask("GET", path, headers={"Cookie": cookies})


async def log_in(here: Site, token: str = "", **body: str) -> Answer:
    """The whole trip."""
    trip = await Trip.begin(here, **body)
    return await trip.back(await trip.at_provider(), token=token)


def problem(answer: Answer) -> str:
    assert answer.status == 303
    assert "agentchat" not in answer.cookies
    return answer.headers["Location"].removeprefix("/login#problem=")


async def test_the_first_person_of_the_provider_comes_in_and_is_an_admin(
    site: Open, provider: OpenIdProvider
) -> None:
    async with site() as here:
        accounts = here.chat.accounts
        assert (await accounts.beginning()).provider == urlsplit(provider.issuer).netloc
        first = await log_in(here, next="/t/1")
        assert (first.status, first.headers["Location"]) == (303, "/t/1")
        cookie = first.cookies["agentchat"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
        assert first.cookies["agentchat-oidc"]["max-age"] == "0"
        ann = await accounts.who(cookie.value)
        assert ann is not None
        assert (ann.name, ann.admin) == ("Ann Lee", True)
        [person] = await accounts.people(LOCAL)
        assert person.name == "ann"

        # It is the same person the next time, also under another name.
        provider.person = {**ANN_THERE, "name": "Ann Other", "preferred_username": "other"}
        again = await log_in(here, token=cookie.value)
        token = again.cookies["agentchat"].value
        assert token != cookie.value
        assert await accounts.who(token) == ann
        assert await accounts.who(cookie.value) is None
        assert [one[0] for one in await audited(here.chat._database)] == ["sign_up", "log_in"]

        [asked, _] = provider.asked
        assert asked["scope"] == "openid profile email"
        assert asked["redirect_uri"] == here.chat.accounts._settings.base_url + CALLBACK


@LONG_ON_POSTGRES
async def test_others_come_by_invitation_unless_anybody_may(
    site: Open, provider: OpenIdProvider
) -> None:
    async with site() as here:
        accounts = here.chat.accounts
        await log_in(here)
        provider.person = dict(BOB_THERE)
        assert problem(await log_in(here)) == "not-allowed"
        assert len(await accounts.people(LOCAL)) == 1
        link = await accounts.invite(LOCAL)
        came = await log_in(here, invitation=link.token)
        bob = await accounts.who(came.cookies["agentchat"].value)
        assert bob is not None
        assert (bob.name, bob.admin) == ("Bob", False)
        provider.person = {"sub": "subject-cat"}
        assert problem(await log_in(here, invitation=link.token)) == "link"
    async with site(sign_up="open") as here:
        came = await log_in(here)
        assert came.status == 303
        assert "agentchat" in came.cookies


@LONG_ON_POSTGRES
async def test_the_settings_may_name_the_admins(site: Open, provider: OpenIdProvider) -> None:
    async with site(oidc_admins="ann@example.org, subject-bob") as here:
        accounts = here.chat.accounts
        # Being first is nothing then; nor is an address that nobody has checked.
        for person in ({"sub": "x"}, {**ANN_THERE, "email_verified": False}):
            provider.person = person
            assert problem(await log_in(here)) == "not-allowed"
        for person in (ANN_THERE, BOB_THERE):
            provider.person = dict(person)
            assert "agentchat" in (await log_in(here)).cookies
        assert [(one.name, one.admin) for one in await accounts.people(LOCAL)] == [
            ("ann", True),
            ("bob", True),
        ]


@LONG_ON_POSTGRES
async def test_who_is_named_later_becomes_an_admin_with_the_next_login(
    site: Open, provider: OpenIdProvider
) -> None:
    async with site(sign_up="open", oidc_admins="nobody") as here:
        token = (await log_in(here)).cookies["agentchat"].value
        ann = await here.chat.accounts.who(token)
        assert ann is not None
        assert not ann.admin
    async with site(oidc_admins="subject-ann") as here:
        token = (await log_in(here)).cookies["agentchat"].value
        ann = await here.chat.accounts.who(token)
        assert ann is not None
        assert ann.admin


@LONG_ON_POSTGRES
async def test_a_person_of_the_provider_is_never_taken_for_one_who_has_the_same_name(
    site: Open, provider: OpenIdProvider
) -> None:
    async with site(sign_up="open") as here:
        accounts = here.chat.accounts
        await accounts.add("ann", ANN, admin=True, actor=LOCAL)
        await accounts.add("ann@example.org", ANN, admin=True, actor=LOCAL)
        came = await log_in(here)
        actor = await accounts.who(came.cookies["agentchat"].value)
        assert actor is not None
        assert not actor.admin
        [mine] = [one for one in await accounts.people(LOCAL) if one.id == actor.id]
        assert mine.name == "ann-2"
        # And has no password with which to log in.
        assert (await here.log_in("ann-2", "")).status == 401


@LONG_ON_POSTGRES
async def test_who_was_deactivated_is_not_let_in(site: Open) -> None:
    async with site() as here:
        accounts = here.chat.accounts
        await log_in(here)
        [ann] = await accounts.people(LOCAL)
        await accounts.add("other", ANN, admin=True, actor=LOCAL)
        await accounts.set_active(ann.id, False, LOCAL)
        assert problem(await log_in(here)) == "not-allowed"


@LONG_ON_POSTGRES
async def test_whatever_the_provider_calls_people_they_have_names(
    site: Open, provider: OpenIdProvider
) -> None:
    made_up = [f"person-{digest(f'subject {n}')[:8]}" for n in range(6)]
    called: list[tuple[dict[str, str], str, str]] = [
        ({"preferred_username": "A B/c"}, "a-b-c", "A B/c"),
        ({"email": "Cat@Example.org"}, "cat@example.org", "Cat@Example.org"),
        ({"preferred_username": "x" * 300}, "x" * 56, "x" * 80),
        ({"preferred_username": "guest-7"}, made_up[3], "guest-7"),
        ({"name": "A\u202eb"}, made_up[4], made_up[4]),
        ({}, made_up[5], made_up[5]),
    ]
    async with site(sign_up="open") as here:
        for n, (claims, name, shown) in enumerate(called):
            provider.person = {"sub": f"subject {n}", **claims}
            assert "agentchat" in (await log_in(here)).cookies
            people = {one.name: one.display_name for one in await here.chat.accounts.people(LOCAL)}
            assert people[name] == shown


@LONG_ON_POSTGRES
async def test_what_an_id_token_leaves_out_is_asked_for(
    site: Open, provider: OpenIdProvider
) -> None:
    provider.person = {"sub": "subject-ann"}
    provider.told_apart = {"name": "Ann Lee", "email": "ann@example.org", "email_verified": True}
    async with site(oidc_admins="ann@example.org") as here:
        assert "agentchat" in (await log_in(here)).cookies
        provider.told_apart["sub"] = "somebody else"
        provider.person = {"sub": "subject-other"}
        assert problem(await log_in(here)) == "not-allowed"


# What may be wrong


def lie(**claims: Any) -> Callable[[OpenIdProvider], None]:
    return lambda provider: provider.lies.update(claims)


def other_key(provider: OpenIdProvider) -> None:
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "one"})


def secret_of_both(provider: OpenIdProvider) -> None:
    provider.signed_by, provider.algorithm = OctKey.import_key(SECRET), "HS256"


def no_signature(provider: OpenIdProvider) -> None:
    provider.signed_by, provider.algorithm = OctKey.import_key(SECRET), "none"


def another_issuer(provider: OpenIdProvider) -> None:
    provider.calls_itself = "https://evil.example"


WRONG = {
    "another nonce": lie(nonce="another"),
    "no nonce": lie(nonce=None),
    "another client": lie(aud="another client"),
    "a client among others": lie(aud=[CLIENT, "another"], azp="another"),
    "another issuer": lie(iss="https://evil.example"),
    "too old": lie(exp=int(time.time()) - 3_600),
    "nobody": lie(sub=None),
    "another key": other_key,
    "the secret of both": secret_of_both,
    "no signature": no_signature,
}


@LONG_ON_POSTGRES
async def test_a_token_that_is_not_the_providers_for_this_login_lets_nobody_in(
    site: Open, provider: OpenIdProvider, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(sign_up="open") as here:
        for what, wrong in WRONG.items():
            wrong(provider)
            assert problem(await log_in(here)) == "failed", what
            assert await rows(here.chat._database, User) == []
            provider.lies, provider.signed_by, provider.algorithm = {}, provider.key, "RS256"
            clock.advance(timedelta(minutes=15))
        assert "agentchat" in (await log_in(here)).cookies
    assert caplog.text.count("Nobody was let in by the identity provider") == len(WRONG)


@LONG_ON_POSTGRES
async def test_a_provider_that_is_another_or_away_is_told(
    site: Open, provider: OpenIdProvider
) -> None:
    another_issuer(provider)
    async with site() as here:
        answer = await here.post("/auth/oidc", {})
        assert (answer.status, list(answer.said)) == (502, ["error"])
    async with site(oidc_issuer="http://127.0.0.1:9") as here:
        assert (await here.post("/auth/oidc", {})).status == 502


@LONG_ON_POSTGRES
async def test_only_the_browser_that_left_may_come_back(site: Open) -> None:
    async with site(sign_up="open") as here:
        mine, strangers = await Trip.begin(here), await Trip.begin(here)
        path = await strangers.at_provider()
        # A link of a stranger's login, opened in my browser, in one that never left, in a crash.
        for cookie in (mine.cookie, "", "made up", "W10", "e30", "eyJzdGF0ZSI6IDV9"):
            assert problem(await mine.back(path, cookie)) == "not-asked"
        assert problem(await mine.back(f"{CALLBACK}?state=x&code=y")) == "not-asked"
        assert problem(await mine.back(CALLBACK)) == "not-asked"
        state = parse_qs(urlsplit(mine.url).query)["state"][0]
        denied = urlencode({"state": state, "error": "access_denied", "code": "x"})
        assert problem(await mine.back(f"{CALLBACK}?{denied}")) in ("not-asked", "too-often")
        assert await rows(here.chat._database, User) == []


@LONG_ON_POSTGRES
async def test_an_answer_of_another_provider_is_not_taken(site: Open) -> None:
    async with site(sign_up="open") as here:
        trip = await Trip.begin(here)
        path = await trip.at_provider()
        query = {name: one[0] for name, one in parse_qs(urlsplit(path).query).items()}
        mixed = urlencode({**query, "iss": "https://evil.example"})
        assert problem(await trip.back(f"{CALLBACK}?{mixed}")) == "not-asked"
        assert "agentchat" in (await trip.back(path)).cookies


@LONG_ON_POSTGRES
async def test_a_code_lets_in_once_and_only_with_its_verifier(site: Open) -> None:
    async with site(sign_up="open") as here:
        trip = await Trip.begin(here)
        path = await trip.at_provider()
        assert "agentchat" in (await trip.back(path)).cookies
        assert problem(await trip.back(path)) == "failed"

        # Somebody who has stolen a code cannot use it in a login of their own.
        victim, thief = await Trip.begin(here), await Trip.begin(here)
        code = parse_qs(urlsplit(await victim.at_provider()).query)["code"][0]
        state = parse_qs(urlsplit(thief.url).query)["state"][0]
        stolen = await thief.back(f"{CALLBACK}?{urlencode({'code': code, 'state': state})}")
        assert problem(stolen) == "failed"


@LONG_ON_POSTGRES
async def test_an_address_that_comes_back_with_nonsense_is_held_back(
    site: Open, provider: OpenIdProvider
) -> None:
    async with site(sign_up="open") as here:
        for _ in range(7):
            await log_in(here)
        trip = await Trip.begin(here)
        state = parse_qs(urlsplit(trip.url).query)["state"][0]
        told = [
            problem(await trip.back(f"{CALLBACK}?{urlencode({'code': 'x', 'state': state})}"))
            for _ in range(6)
        ]
    assert told == ["failed"] * 5 + ["too-often"]


@LONG_ON_POSTGRES
async def test_another_site_cannot_send_a_browser_to_the_provider(site: Open) -> None:
    async with site() as here:
        answer = await here.post("/auth/oidc", {}, Origin="https://evil.example")
        assert (answer.status, answer.cookies) == (403, {})
        trip = await Trip.begin(here, next="https://evil.example")
        assert (await trip.back(await trip.at_provider())).headers["Location"] == "/"


@LONG_ON_POSTGRES
async def test_behind_tls_the_cookie_of_the_trip_is_of_this_host_alone(site: Open) -> None:
    async with site(public_url="https://chat.example.org") as here:
        answer = await here.post("/auth/oidc", {})
        [line] = answer.headers.get_all("Set-Cookie", [])
        assert line.startswith("__Host-agentchat-oidc=")
        parts = {part.strip().lower() for part in line.split(";")[1:]}
        assert parts == {"httponly", "max-age=600", "path=/", "samesite=lax", "secure"}
        assert "redirect_uri=https%3A%2F%2Fchat.example.org%2Fauth%2Foidc%2F" in answer.said["url"]


@LONG_ON_POSTGRES
async def test_nothing_secret_of_the_trip_is_logged(
    site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="agentchat"):
        async with site() as here:
            trip = await Trip.begin(here)
            path = await trip.at_provider()
            await trip.back(path)
            await trip.back(path)
    code = parse_qs(urlsplit(path).query)["code"][0]
    assert "Nobody was let in" in caplog.text
    for secret in (SECRET, code, trip.cookie):
        assert secret not in caplog.text


@LONG_ON_POSTGRES
async def test_without_a_provider_there_is_nowhere_to_go(
    database_url: str, clock: ManualClock
) -> None:
    async with site_on(database_url, clock)() as here:
        assert (await here.post("/auth/oidc", {})).status == 404
        answer = await here.ask("GET", CALLBACK)
        assert answer.headers["Location"] == "/login#problem=not-asked"
        assert (await here.chat.accounts.beginning()).provider == ""


async def test_of_many_who_come_at_once_one_is_the_first(
    site: Open, provider: OpenIdProvider
) -> None:
    async with site(sign_up="open") as here:
        same = [await Trip.begin(here) for _ in range(4)]
        paths = [await trip.at_provider() for trip in same]
        came = await asyncio.gather(
            *(one.back(path) for one, path in zip(same, paths, strict=True))
        )
        assert all("agentchat" in one.cookies for one in came)
        [ann] = await here.chat.accounts.people(LOCAL)
        assert (ann.name, ann.admin) == ("ann", True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"oidc_issuer": "https://a.org"}, "belong together"),
        ({"oidc_client_id": "x"}, "belong together"),
        ({"oidc_issuer": "http://a.org", "oidc_client_id": "x"}, "must begin with https"),
        ({"oidc_issuer": "https://a.org", "oidc_client_id": "x", "auth": "open"}, "password"),
    ],
)
def test_a_provider_that_is_half_set_up_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(**{"auth": "password", **settings})
