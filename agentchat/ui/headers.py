"""Headers that tell the browser what an answer of ours may do."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE: Final = {
    "default-src": "'self'",
    "script-src": "'self'",
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
    "require-trusted-types-for": "'script'",
    # Its policy is in markdown.jsx.
    "trusted-types": "default",
}
_NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"
"""For what is no page, should somebody open it as one: it runs and loads nothing."""
_EVERYWHERE: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # Also a page that anybody may read is for whom it was given.
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer",
            "browsing-topics",
            "camera",
            "display-capture",
            "geolocation",
            "gyroscope",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "publickey-credentials-get",
            "screen-wake-lock",
            "serial",
            "usb",
            "xr-spatial-tracking",
        )
    ),
}
_ASSETS: Final = "/assets/"
_TLS_ONLY: Final = "max-age=31536000"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
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


def security_headers(app: ASGIApp, pages: Path, *, tls: bool = False) -> ASGIApp:
    """Wrap an app so that every HTTP answer carries the headers.

    *pages* is the folder of the built frontend; its few inline scripts are allowed by
    their digests, all others are refused, as is code that is made from text. What is no page
    may do nothing at all. With ``tls``, browsers are told to come by TLS only, from then on: say
    so where a proxy speaks it. An answer keeps what it says itself about policy and caching.
    """
    scripts = " ".join([_PAGE["script-src"], *inline_scripts(pages)])
    rules = _PAGE | {"script-src": scripts}
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                path, status = scope["path"], message["status"]
                kind = headers.get("content-type", "").partition(";")[0].strip()
                # What the browser has already is given these headers, and it may be a page.
                page = kind == "text/html" or (status == 304 and not path.startswith(_ASSETS))
                headers.setdefault("Content-Security-Policy", policy if page else _NO_PAGE)
                headers.setdefault("Cache-Control", _kept(path, status, kind))
                headers.update(_EVERYWHERE)
                if tls or scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = _TLS_ONLY
            await send(message)

        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return wrapped


def _kept(path: str, status: int, kind: str) -> str:
    """How long a browser, or whoever is between, may keep an answer that does not say it."""
    # The build names what is in there by its content.
    if path.startswith(_ASSETS) and status in (200, 206, 304):
        return _FOR_EVER
    return "no-store" if kind == "application/json" else "no-cache"
