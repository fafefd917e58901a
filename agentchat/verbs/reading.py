"""What a file is, by its content, and what can be read of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from agentchat.agents.told import UNREADABLE
from agentchat.inputs import storable
from agentchat.settings import Settings
from agentchat.tools import reading as apart
from agentchat.tools.readable import decoded
from agentchat.verbs.files import FileLimits, NewFile, check_files, checked_name

logger = logging.getLogger(__name__)

PDF = "application/pdf"
UNKNOWN = "application/octet-stream"
SECONDS = 20
"""How long a PDF may be read: 300 pages take about ten on a slow core."""
MOST_TEXT = 1_000_000
"""How many characters of a file are kept as its text."""
CUT = "\n[The rest of the file is not shown.]"
_PASSED_ON = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", UNKNOWN),
    (b"MZ", UNKNOWN),
)
"""How files begin, from the registered formats. Text never begins so, except for BM and MZ,
which count only for what is no text."""
_OFFICE = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_TEXTS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".html": "text/html",
    ".htm": "text/html",
    ".xml": "application/xml",
    ".svg": "application/xml",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_PAGE_HEAD = re.compile(r"\[page \d+ of \d+\]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def file_limits(settings: Settings) -> FileLimits:
    """What the settings say about files."""
    return FileLimits(
        settings.message_files, int(settings.file_mb * 1e6), int(settings.person_files_mb * 1e6)
    )


async def checked_files(files: Sequence[NewFile], settings: Settings) -> tuple[NewFile, ...]:
    """The files as they are stored: their type found, their text read.

    Raises :class:`~agentchat.errors.InvalidInput` for too many, and for one that is too large,
    empty or badly named.
    """
    limits = file_limits(settings)
    check_files(files, most=limits.most, most_bytes=limits.most_bytes)
    # One after the other: each may take a core and much memory.
    return tuple([await asyncio.to_thread(_checked, file) for file in files])


def media_type_of(name: str, content: bytes) -> str:
    """What a file is, by what is in it; among texts by its name. What it is said to be does
    not count.
    """
    # Some tools write lines before the header, and all readers look for it so far.
    if b"%PDF-" in content[:1024]:
        return PDF
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    ending = PurePath(name).suffix.lower()
    for magic, kind in _MAGIC:
        if content.startswith(magic) and not (len(magic) == 2 and _text(content) is not None):
            return _OFFICE.get(ending, kind) if kind == "application/zip" else kind
    if _text(content) is None:
        return UNKNOWN
    return _TEXTS.get(ending, "text/plain")


def read(file: NewFile) -> str:
    """What can be read of a file of a known type: the pages of a PDF, any text as it is;
    empty for all others. What is wrong with a PDF is said in words. Takes its time: call it in
    a thread.
    """
    if file.media_type == PDF:
        return _shortened(_pdf(file.content))
    text = _text(file.content) if _is_text(file.media_type) else None
    return "" if text is None else _shortened(text)


def _checked(file: NewFile) -> NewFile:
    name = checked_name(file.name)
    file = replace(file, name=name, media_type=media_type_of(name, file.content))
    return replace(file, text=storable(read(file)))


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _TEXTS.values()


def _text(content: bytes) -> str | None:
    """The text that bytes are in UTF-8, in UTF-16 with its mark, or in Windows' western
    charset; None if they are none.
    """
    if not content.startswith(_UTF16) and b"\x00" in content:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = decoded(content, None)
        if "\ufffd" in text and not content.startswith(_UTF16):
            text = content.decode("cp1252", "replace")
    sample = text[:100_000]
    strange = len(_CONTROL.findall(sample)) + sample.count("\ufffd")
    return None if strange * 100 > len(sample) else text


def _pdf(content: bytes) -> str:
    """The text of a PDF, or words why there is none, from a process of its own: a file from
    outside may make any reader crash, hang or take all memory.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(Path(apart.__file__))],
            input=json.dumps({"kind": "pdf"}).encode() + b"\n" + content,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"{UNREADABLE}: it is too complicated to be read in {SECONDS} seconds.]"
    except (subprocess.CalledProcessError, ValueError) as error:
        logger.warning("a PDF could not be read: %s", error)
        return f"{UNREADABLE}: the PDF is damaged.]"
    if "problem" in found:
        return f"{UNREADABLE}: {found['problem']}]"
    text, left = str(found["text"]), found["pages"] - found["read"]
    if not _PAGE_HEAD.sub("", text).strip():
        text += "\n[The pages hold no text; perhaps they are pictures.]"
    return text + (f"\n[The last {left:,} pages were not read.]" if left else "")


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + CUT
