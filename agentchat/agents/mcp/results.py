"""What a server answered, as it is told to a model and shown to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentchat.agents.mcp.words import line, plain
from agentchat.agents.tools import MOST_CHARACTERS, Source, ToolOutput, output_of

if TYPE_CHECKING:
    import mcp_types as types

MOST_SOURCES = 50
_MOST_COMPARED = 1_000_000
"""Longer answers are cut in any case, so it does not matter that they say everything twice."""


def told(result: types.CallToolResult) -> ToolOutput:
    """The texts of the answer, then its structured content unless a text says the same; files
    that it names or brings are sources. What a model cannot be told is named.
    """
    texts: list[str] = []
    notes: list[str] = []
    sources: list[Source] = []
    for block in result.content:
        if block.type == "text":
            texts.append(block.text)
        else:
            notes.append(_noted(block, sources))
    parts = [*texts, *notes]
    structured = result.structured_content
    if structured is not None and not _says(texts, structured):
        parts.append(json.dumps(structured, ensure_ascii=False, indent=1))
    text = "\n".join(filter(None, parts)) or "(no content)"
    return output_of(ToolOutput(text, tuple(sources[:MOST_SOURCES])))


def _noted(
    block: types.ImageContent | types.AudioContent | types.ResourceLink | types.EmbeddedResource,
    sources: list[Source],
) -> str:
    if block.type == "image" or block.type == "audio":
        what = "An image" if block.type == "image" else "Audio"
        return f"[{what} of type {line(block.mime_type, 80)} was left out.]"
    if block.type == "resource_link":
        title = line(block.title or block.name or block.uri, 200)
        about = plain(block.description or "", 1_000)
        sources.append(Source(title, _address(block.uri), about))
        return f"[{title}]({line(block.uri, 2_000)}) {about}".rstrip()
    file = block.resource
    name = line(file.uri, 2_000)
    text: str | None = getattr(file, "text", None)
    if text is None:
        return f"[The file {name} of type {line(file.mime_type or 'unknown', 80)} was left out.]"
    sources.append(Source(line(file.uri, 200), _address(file.uri), plain(text, 1_000)))
    return f"{name}:\n{text[: MOST_CHARACTERS + 1]}"


def _address(uri: str) -> str:
    """The address, if a person may be given it as a link."""
    try:
        shown = urlsplit(uri).scheme in ("http", "https") and len(uri) <= 2_000
    except ValueError:
        return ""
    return uri if shown and uri.isprintable() else ""


def _says(texts: list[str], structured: Any) -> bool:
    if not texts or sum(map(len, texts)) > _MOST_COMPARED:
        return False
    meant = [structured]
    if isinstance(structured, dict) and structured.keys() == {"result"}:
        # So servers wrap what is not an object.
        meant.append(structured["result"])
    read = list(map(_read, texts))
    said: list[Any] = [texts, read, texts[0], read[0]] if len(texts) == 1 else [texts, read]
    return any(one in said for one in meant)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
