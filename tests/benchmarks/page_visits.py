"""A first visit: how long until the page answers to keys, and how much is fetched for that."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser

# React has taken over an element once it has put what belongs to it there.
_READY = """
const look = () => {
  const box = document.getElementById('message');
  const handled = box && Object.keys(box).some((key) => key.startsWith('__reactProps'));
  if (handled && !box.disabled) window.__ready = performance.now();
  else requestAnimationFrame(look);
};
look();
"""
_FETCHED = """
() => performance.getEntriesByType('resource')
  .filter((one) => one.responseEnd <= window.__ready)
  .map((one) => one.name)
  .filter((name) => /\\.(js|css)$/.test(new URL(name).pathname))
"""


@dataclass(frozen=True)
class Visit:
    """``ready`` in milliseconds from asking for the page; bytes of scripts and styles by then, as
    they are and as they are sent packed.
    """

    ready: float
    size: int
    packed: int


def first_visit(browser: Browser, address: str, built: Path) -> Visit:
    """Visit a page as somebody who never did; ``built`` is the folder of its files."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(_READY)
        page.goto(address)
        page.wait_for_function("() => window.__ready")
        ready: float = page.evaluate("() => window.__ready")
        names: list[str] = page.evaluate(_FETCHED)
    finally:
        context.close()
    paths = {built / urlsplit(name).path.lstrip("/") for name in names}
    files = [path.read_bytes() for path in paths if path.is_file()]
    return Visit(ready, sum(map(len, files)), sum(len(gzip.compress(one, 6)) for one in files))
