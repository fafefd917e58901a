"""What every answer over HTTP tells the browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from agentchat.ui.headers import inline_scripts, security_headers
from agentchat.ui.hosts import host_of, known_hosts

PAGE = """<html><head><script>let a = 1</script><script src="/x.js"></script>
<script type="module" async="">import "/y.js"</script></head></html>"""


async def same(_request: Request) -> Response:
    return Response(status_code=304)


async def own(_request: Request) -> Response:
    kept = {"Cache-Control": "no-store", "Content-Security-Policy": "sandbox"}
    return PlainTextResponse("mine", headers=kept)


APP = Starlette(
    routes=[
        Route("/", lambda _: HTMLResponse("<p>hello")),
        Route("/same", same),
        Route("/own", own),
        Route("/data", lambda _: JSONResponse({})),
        Route("/assets/x-abc.js", lambda _: Response("1", media_type="text/javascript")),
        Route("/assets/same-abc.js", same),
    ]
)


def ask(path: str = "/", *, pages: Path, url: str = "http://testserver") -> Mapping[str, str]:
    return TestClient(security_headers(APP, pages), base_url=url).get(path).headers


def policy_of(pages: Path, path: str = "/") -> dict[str, str]:
    rules = ask(path, pages=pages)["content-security-policy"].split("; ")
    return dict((*rule.split(" ", 1), "")[:2] for rule in rules)


def test_pages_may_load_and_send_nothing_elsewhere(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)

    assert policy["default-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    for forbidden in ("object-src", "base-uri", "frame-src", "frame-ancestors"):
        assert policy[forbidden] == "'none'"


def test_no_script_is_made_of_text(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)

    assert policy["script-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "default"


def test_only_the_inline_scripts_of_the_build_run(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "t" / "index.html").write_text(PAGE)

    scripts = inline_scripts(tmp_path)

    assert len(scripts) == 2
    allowed = policy_of(tmp_path)["script-src"]
    assert all(script in allowed for script in scripts)
    assert "unsafe" not in allowed


def test_what_is_no_page_does_nothing_when_it_is_opened_as_one(tmp_path: Path) -> None:
    for path in ("/data", "/assets/x-abc.js", "/no-such"):
        policy = policy_of(tmp_path, path)
        assert policy["default-src"] == "'none'"
        assert "sandbox" in policy
    # A page that the browser has already is still one.
    assert policy_of(tmp_path, "/same") == policy_of(tmp_path)
    assert "sandbox" in policy_of(tmp_path, "/assets/same-abc.js")


@pytest.mark.parametrize("path", ["/", "/data", "/own", "/no-such", "/assets/x-abc.js"])
def test_every_answer_is_alone(tmp_path: Path, path: str) -> None:
    headers = ask(path, pages=tmp_path)

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    for feature in ("camera", "microphone", "geolocation", "usb", "payment"):
        assert f"{feature}=()" in headers["permissions-policy"].split(", ")


def test_only_what_is_named_by_its_content_is_kept(tmp_path: Path) -> None:
    def kept(path: str) -> str:
        return ask(path, pages=tmp_path)["cache-control"]

    assert kept("/") == kept("/same") == "no-cache"
    assert kept("/data") == "no-store"
    assert kept("/assets/x-abc.js") == "public, max-age=31536000, immutable"
    # A file of another build, which may be there again after the next.
    assert kept("/assets/gone.js") == "no-cache"


def test_an_answer_keeps_what_it_says_itself(tmp_path: Path) -> None:
    headers = ask("/own", pages=tmp_path)

    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "sandbox"


def test_browsers_are_held_to_tls_only_where_there_is_any(tmp_path: Path) -> None:
    assert "strict-transport-security" not in ask(pages=tmp_path)
    assert "strict-transport-security" in ask(pages=tmp_path, url="https://testserver")
    behind = TestClient(security_headers(APP, tmp_path, tls=True)).get("/")
    assert "strict-transport-security" in behind.headers


ORIGINS = ("http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000")


@pytest.mark.parametrize(
    "host", ["localhost:3000", "localhost", "127.0.0.1:8000", "[::1]:3000", "LocalHost:3000"]
)
def test_an_app_answers_to_its_own_names(host: str) -> None:
    client = TestClient(known_hosts(APP, ORIGINS))
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:3000",
        "localhost.evil.example",
        "127.0.0.1.evil.example:3000",
        "localhost@evil.example",
        "evil.example#localhost",
        "192.168.1.7:3000",
        "0.0.0.0:3000",
        "[::ffff:127.0.0.1]:3000",
        "localhost.",
        "[::1",
        "",
    ],
)
def test_an_app_answers_to_no_other_name(host: str) -> None:
    answer = TestClient(known_hosts(APP, ORIGINS)).get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "http://127.0.0.1:3000" in answer.text
    assert "hello" not in answer.text


def test_two_names_are_none() -> None:
    client = TestClient(known_hosts(APP, ORIGINS))
    twice = [("Host", "localhost:3000"), ("Host", "evil.example")]
    assert client.get("/", headers=twice).status_code == 421
    for odd in ("localhost:3000, evil.example", "evil.example@localhost", "localhost/", "a b"):
        assert host_of(odd) is None


@pytest.mark.parametrize("host", ["localhost", "localhost:8443", "localhost:3000"])
def test_a_redirect_leads_where_the_page_was_asked_for_whatever_a_proxy_makes_of_the_name(
    tmp_path: Path, host: str
) -> None:
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "index.html").write_text(PAGE)
    app = known_hosts(StaticFiles(directory=tmp_path, html=True), ["https://localhost:8443"])

    sent = TestClient(app, follow_redirects=False).get("/login?next=/t/x", headers={"Host": host})

    assert (sent.status_code, sent.headers["location"]) == (307, "/login/?next=/t/x")


@pytest.mark.parametrize(
    "to",
    [
        "https://localhost//evil.example/",
        "https://localhost/\\evil.example/",
        "https://accounts.example/login",
        "/elsewhere",
    ],
)
def test_other_redirects_stay_as_they_are_and_none_becomes_one_to_another_site(to: str) -> None:
    app = Starlette(
        routes=[Route("/", lambda _: Response(status_code=303, headers={"Location": to}))]
    )
    client = TestClient(known_hosts(app, ["https://localhost:8443"]), follow_redirects=False)

    assert client.get("/", headers={"Host": "localhost"}).headers["location"] == to
