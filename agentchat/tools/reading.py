"""The process that takes the text out of a page or a PDF; started by :mod:`.readable`.

It is run by its path and imports nothing of ours: what comes from outside may crash it, or
keep it busy until it is killed. A line of JSON and the bytes are read from standard input;
one JSON object is written.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from typing import Any

MOST_PAGES = 300
MOST_CHARACTERS = 2_000_000
MEMORY_BYTES = 1_000_000_000


def read_html(content: str, url: str) -> dict[str, Any]:
    """The title and the main text in Markdown, links made absolute."""
    import trafilatura

    document = trafilatura.bare_extraction(
        content,
        url=url,
        include_links=True,
        include_formatting=True,
        include_comments=False,
        with_metadata=True,
    )
    text = getattr(document, "text", None)
    # Pages without an article, such as lists of links, are told as far as anything is found.
    if not text:
        text = trafilatura.html2txt(content)
    return {"title": getattr(document, "title", None) or "", "text": text or ""}


def read_pdf(content: bytes) -> dict[str, Any]:
    """The title and the text of the pages, each under its number."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"problem": "The PDF is protected by a password."}
        count = len(reader.pages)
        parts: list[str] = []
        length = 0
        for number, page in enumerate(reader.pages[:MOST_PAGES], 1):
            parts.append(f"[page {number} of {count}]\n{page.extract_text().strip()}")
            length += len(parts[-1])
            if length > MOST_CHARACTERS:
                break
        title = (reader.metadata and reader.metadata.title) or ""
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"problem": "The PDF is damaged and cannot be read."}
    return {"title": str(title), "text": "\n\n".join(parts), "pages": count, "read": len(parts)}


def main() -> None:
    """Read one document and write what was found."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    logging.disable()
    asked = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    if asked["kind"] == "pdf":
        found = read_pdf(content)
    else:
        found = read_html(content.decode("utf-8", "replace"), asked["url"])
    found["text"] = found.get("text", "")[:MOST_CHARACTERS]
    sys.stdout.buffer.write(json.dumps(found).encode())


if __name__ == "__main__":
    main()
