"""The body of a web server's answer: which kinds are read, unpacked, and how much of them."""

from __future__ import annotations

import contextlib
import re
import zlib
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

PDF = "application/pdf"
_READABLE = re.compile(
    r"text/[\w.+-]+"
    r"|application/(?:[\w.-]+\+)?(?:json|xml|yaml)"
    r"|application/(?:pdf|xhtml\+xml|x-yaml|x-ndjson|jsonl|toml|csv|javascript)"
)
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class BodyRefused(Exception):
    """The body is not read; the words say why."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body, unpacked. ``truncated`` says that there was more of it."""

    media_type: str
    content: bytes
    truncated: bool = False


def media_type_of(header: str) -> tuple[str, str | None]:
    """The media type in lower case and the charset, of a ``Content-Type``."""
    message = Message()
    message["content-type"] = " ".join(header.split())
    said = message.get_content_type() if "/" in header else ""
    charset = message.get_param("charset") if said else None
    return said, charset.lower() if isinstance(charset, str) else None


async def read_body(response: httpx2.Response, media_type: str, most: int) -> Body:
    """The first ``most`` bytes of the body, counted as they are sent and as they unpack.

    Raises :class:`BodyRefused` for what no model can read.
    """
    if media_type not in _UNSAID and not _READABLE.fullmatch(media_type):
        raise BodyRefused(f"That is {media_type[:80]}: not a text, a page or a PDF.")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("gzip", "x-gzip", "deflate"):
        unpack: zlib._Decompress | None = zlib.decompressobj(_GZIP_OR_ZLIB)
    elif encoding in ("", "identity"):
        unpack = None
    else:
        raise BodyRefused("The server's answer is compressed in a way that was not asked for.")
    try:
        content, truncated = await _read(response, unpack, most)
    except zlib.error as error:
        raise BodyRefused("The server's answer cannot be unpacked.") from error
    if media_type in _UNSAID:
        if not content.startswith(b"%PDF-"):
            raise BodyRefused("The server does not say what that is, and it is not a PDF.")
        media_type = PDF
    return Body(media_type, content, truncated)


async def _read(
    response: httpx2.Response, unpack: zlib._Decompress | None, most: int
) -> tuple[bytes, bool]:
    # Not with the library's own decoder: what follows the end of a compressed stream would
    # be gathered without limit, and it takes as many layers as a server names.
    kept = bytearray()
    sent = 0
    async with contextlib.aclosing(response.aiter_raw()) as pieces:
        async for piece in pieces:
            sent += len(piece)
            kept += piece if unpack is None else unpack.decompress(piece, most + 1 - len(kept))
            if sent > most or len(kept) > most:
                return bytes(kept[:most]), True
            if unpack is not None and unpack.eof:
                break
    return bytes(kept), False
