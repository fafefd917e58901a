"""The text of a fetched page, whatever kind it is."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentchat.errors import ToolError
from agentchat.tools import reading
from agentchat.tools.bodies import PDF
from agentchat.tools.guarded import Page

SECONDS = 15
"""How long the text may be looked for."""
MOST_HTML = 2_000_000
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_PASSED_ON = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
# Python has more codecs than the web, and some of them take forever on purpose.
_CHARSETS = re.compile(
    r"utf-?(?:8|16|16le|16be|16-le|16-be)|(?:us-)?ascii|latin-?1|iso-?8859-\d{1,2}"
    r"|(?:windows-|cp)125\d|windows-874|koi8-[ru]|mac(?:intosh|-roman)"
    r"|shift[-_]jis|euc-(?:jp|kr)|iso-2022-jp|gb2312|gbk|gb18030|big5"
)


@dataclass(frozen=True, slots=True)
class Readable:
    """The text of a page. ``note`` says what of it was left out, if anything was."""

    title: str
    text: str
    note: str = ""


async def readable(page: Page) -> Readable:
    """The text of ``page``: HTML in Markdown, a PDF by its pages, any other text as it is.

    Raises :class:`ToolError` when it has none, or takes too long to read.
    """
    if page.media_type == PDF:
        if page.truncated:
            raise ToolError("The PDF is too large to be read.")
        found = await _read_apart({"kind": "pdf"}, page.content)
        left = found.get("pages", 0) - found.get("read", 0)
        note = f"The last {left:,} pages were not read." if left > 0 else ""
        return _checked(Readable(found["title"], found["text"], note))
    text = decoded(page.content, page.charset)
    note = "The page is very long; its end was not read." if page.truncated else ""
    if page.media_type not in _HTML:
        return _checked(Readable("", text, note))
    if len(text) > MOST_HTML:
        text, note = text[:MOST_HTML], "The page is very long; its end was not read."
    found = await _read_apart({"kind": "html", "url": page.url}, text.encode("utf-8", "replace"))
    return _checked(Readable(" ".join(found["title"].split()), found["text"], note))


def decoded(content: bytes, charset: str | None) -> str:
    """The text by its byte order mark, else by ``charset``, else by what it says of itself."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace")
    said = _META.search(content[:4096])
    for named in (charset, said[1].decode("ascii").lower() if said else None):
        if named and _CHARSETS.fullmatch(named):
            with contextlib.suppress(LookupError):
                return content.decode(named, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # Only the cut of a long page is inside a character.
        near_the_end = len(content) - error.start < 4
        return content.decode("utf-8" if near_the_end else "cp1252", "replace")


def _checked(found: Readable) -> Readable:
    if not found.text.strip():
        raise ToolError(
            "There is no text on that page; perhaps it shows pictures only,"
            " or needs a browser that runs its scripts."
        )
    return found


async def _read_apart(asked: dict[str, Any], content: bytes) -> dict[str, Any]:
    """What :mod:`.reading` finds, in a process without our keys that is killed when it is late."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(Path(reading.__file__)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate(json.dumps(asked).encode() + b"\n" + content)
    except TimeoutError as error:
        raise ToolError("The page is too complicated to be read in time.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ToolError("The page cannot be read.")
    found: dict[str, Any] = json.loads(output)
    if "problem" in found:
        raise ToolError(found["problem"])
    return found
