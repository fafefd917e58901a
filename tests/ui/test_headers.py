"""What every answer over HTTP tells the browser."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from agentchat.ui.headers import inline_scripts, security_headers

PAGE = """<html><head><script>let a = 1</script><script src="/x.js"></script>
<script type="module" async="">import "/y.js"</script></head></html>"""


def policy_of(pages: Path) -> dict[str, str]:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("hello"))])
    answer = TestClient(security_headers(app, pages)).get("/")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    rules = answer.headers["content-security-policy"].split("; ")
    return dict(rule.split(" ", 1) for rule in rules)


def test_pages_may_load_and_send_nothing_elsewhere(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)

    assert policy["default-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    for forbidden in ("object-src", "base-uri", "frame-src", "frame-ancestors"):
        assert policy[forbidden] == "'none'"


def test_only_the_inline_scripts_of_the_build_run(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "t" / "index.html").write_text(PAGE)

    scripts = inline_scripts(tmp_path)

    assert len(scripts) == 2
    allowed = policy_of(tmp_path)["script-src"]
    assert all(script in allowed for script in scripts)
    assert "unsafe-inline" not in allowed
