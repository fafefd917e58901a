"""From a key to the paint after it: with nothing else going on, and while answers grow."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply

KEYS = 40
STREAMS: Final = 5
WORDS: Final = "Some words of an answer that goes on. "
BLOCK: Final = f"## A part\n\n{WORDS * 8}\n\n- one\n- two\n\n```python\nx = {{1: 2}}\n```\n\n"
_TYPING = """
() => {
  window.__typed = [];
  document.getElementById('message').addEventListener('keydown', () => {
    const began = performance.now();
    requestAnimationFrame(() => setTimeout(() => window.__typed.push(performance.now() - began)));
  });
}
"""


def quiet_keys(page: Page, address: str) -> list[float]:
    """Milliseconds for each key in a thread in which nothing happens."""
    page.goto(address)
    expect(page.locator("article").last).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1_000)
    return _typed(page)


def keys_beside_others(page: Page, server: Server, fake: FakeProvider) -> list[float]:
    """The same in one of five threads, while an answer grows in each of them."""
    fake.enqueue(*_answers())
    for _ in range(STREAMS):
        page.goto(server.url)
        _send(page)
        _grows(page, 1)
    return _while_growing(page, 1)


def keys_below_several(page: Page, server: Server, fake: FakeProvider) -> list[float]:
    """The same while five answers grow in this thread, beside each other."""
    page.goto(server.url)
    fake.enqueue(Reply("A first answer."), *_answers())
    _send(page)
    answer = page.locator("article[data-role=assistant]").last
    expect(answer).to_have_attribute("data-status", "done", timeout=30_000)
    for _ in range(STREAMS):
        page.get_by_role("button", name="Ask for another answer").last.click()
    _grows(page, 1)
    return _while_growing(page, 1)


def keys_below_many(page: Page, address: str, fake: FakeProvider) -> list[float]:
    """The same while one answer grows below all that a long thread shows."""
    page.goto(address)
    expect(page.locator("article").last).to_be_visible(timeout=30_000)
    fake.enqueue(_answers()[0])
    _send(page)
    _grows(page, 1)
    return _while_growing(page, 1)


def _answers() -> list[Reply]:
    return [Reply(BLOCK * 60, pace=0.02) for _ in range(STREAMS)]


def _send(page: Page) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.fill("Go on")
    box.press("Enter")


def _grows(page: Page, count: int) -> None:
    growing = page.locator("article[data-role=assistant][data-status=running]")
    expect(growing.nth(count - 1)).to_be_visible(timeout=30_000)


def _while_growing(page: Page, count: int) -> list[float]:
    page.wait_for_timeout(500)
    found = _typed(page)
    # What was over meanwhile was not measured.
    _grows(page, count)
    return found


def _typed(page: Page) -> list[float]:
    page.evaluate(_TYPING)
    page.get_by_role("textbox", name="Message").focus()
    for number in range(KEYS):
        page.keyboard.press("abcdefghij"[number % 10])
        page.wait_for_timeout(30)
    page.wait_for_timeout(200)
    found: Any = page.evaluate("() => window.__typed")
    return [float(one) for one in found]
