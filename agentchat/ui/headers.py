"""Headers that tell the browser what a page of ours may do."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = {
    "default-src": "'self'",
    # Reflex evaluates what the backend asks of the page (rx.call_script, rx.call_function).
    "script-src": "'self' 'unsafe-eval'",
    # React writes style attributes, and Reflex's styles are style elements made at run time.
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-src": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def inline_scripts(pages: Path) -> list[str]:
    """The CSP sources of every inline script in the built HTML files of a folder."""
    bodies = {
        body
        for page in pages.rglob("*.html")
        for body in _INLINE_SCRIPT.findall(page.read_text("utf-8"))
        if body
    }
    digests = (hashlib.sha256(body.encode()).digest() for body in bodies)
    return sorted(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def security_headers(app: ASGIApp, pages: Path) -> ASGIApp:
    """Wrap an app so that every HTTP answer carries the headers.

    *pages* is the folder of the built frontend; its few inline scripts are allowed by
    their digests, all others are refused.
    """
    scripts = " ".join([_POLICY["script-src"], *inline_scripts(pages)])
    rules = _POLICY | {"script-src": scripts}
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return wrapped
