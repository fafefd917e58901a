"""``python -m tests.benchmarks.page``: what long threads, growing answers and a first visit cost.

Each is measured beside the same of a short thread, of a page on which nothing grows, or of a page
of bare Reflex: trust the ratios. A target not met is shown, and is no failure. It needs Chromium,
the built pages, and for the bare page what the pages are built with.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import create_engine, event, update

from agentchat.frontend import ensure_built
from agentchat.models import Message
from agentchat.settings import Settings
from agentchat.store import schema
from agentchat.store.database import know_words
from tests.acceptance.server import Server, openai_at
from tests.benchmarks import page_keys
from tests.benchmarks.page_bare import bare_page
from tests.benchmarks.page_visits import first_visit
from tests.benchmarks.tabs.fill import fill
from tests.browser import FLAGS, ensure
from tests.fake_provider import FakeProvider

SHORT, LONG, LARGE = "thread-short", "thread-long", "thread-large"
SHOWN = 1_000
"""How many messages of the long thread are shown to whoever went that far up."""
TARGETS = {"open": 1.5, "scroll": 1.5, "type": 2.0}
"""How many times as long it may take."""
FAST, READING = 400, 60
"""Pixels of a frame: somebody who drags the bar, and somebody who turns the wheel."""
FRAMES = """
async (step) => {
  const scroller = document.querySelector('.scroller');
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < 60; n += 1) {
    // In a short thread it turns at the ends: else it would stand still for most of the time.
    const room = scroller.scrollHeight - scroller.clientHeight;
    if (scroller.scrollTop < Math.abs(step)) step = -Math.abs(step);
    else if (room - scroller.scrollTop < 2) step = Math.abs(step);
    scroller.scrollTop -= step;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}
"""
Measured = Callable[[], list[float]]


def main() -> None:
    """Measure what is asked for and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.page", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="in the long thread")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--only", choices=("threads", "keys", "visit"), help="only these")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure(), args=list(FLAGS))
        print(f"{'what':48}{'base, ms':>10}{'this, ms':>10}{'ratio':>8}")
        if given.only in (None, "threads"):
            _threads(browser, given.messages, range(given.rounds))
        if given.only in (None, "keys"):
            _keys(browser)
        if given.only in (None, "visit"):
            _visits(browser, range(given.rounds))
        browser.close()


def _threads(browser: Browser, messages: int, rounds: range) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with _served(messages) as (server, _):

        def opens(path: str) -> Measured:
            return lambda: [_opened(page, f"{server.url}/t/{path}")]

        def scrolls(path: str, step: int) -> Measured:
            def measure() -> list[float]:
                _opened(page, f"{server.url}/t/{path}")
                page.wait_for_timeout(500)
                found: list[float] = page.evaluate(FRAMES, step)
                return found

            return measure

        long, shown = f"{messages:,} messages", f"{LONG}?messages={SHOWN}"
        _row(f"open {long} beside 50", "open", opens(SHORT), opens(LONG), rounds)
        _row(f"open with {SHOWN:,} of them shown", "open", opens(SHORT), opens(shown), rounds)
        _row("open two messages of 100 KB", "open", opens(SHORT), opens(LARGE), rounds)
        for step, how in ((FAST, "drag through"), (READING, "scroll")):
            base = scrolls(SHORT, step)
            _row(f"{how} {long} beside 50", "scroll", base, scrolls(LONG, step), rounds)
            name = f"{how} with {SHOWN:,} of them shown"
            _row(name, "scroll", base, scrolls(shown, step), rounds)
            name = f"{how} two messages of 100 KB"
            _row(name, "scroll", base, scrolls(LARGE, step), rounds)
    page.close()


def _keys(browser: Browser) -> None:
    streams = page_keys.STREAMS
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with _served(SHOWN) as (server, fake):
        quiet = page_keys.quiet_keys(page, f"{server.url}/t/{SHORT}")
        shown = f"{server.url}/t/{LONG}?messages={SHOWN}"
        name = f"a key with {SHOWN:,} messages shown"
        _print(name, "type", quiet, page_keys.quiet_keys(page, shown))
        large = page_keys.quiet_keys(page, f"{server.url}/t/{LARGE}")
        _print("a key below two messages of 100 KB", "type", quiet, large)
        below = page_keys.keys_below_many(page, shown, fake)
        _print(f"a key while an answer grows below {SHOWN:,}", "type", quiet, below)
    for name, keys in (
        (f"a key while {streams} answers grow in {streams} threads", page_keys.keys_beside_others),
        (f"a key while {streams} answers grow in this thread", page_keys.keys_below_several),
    ):
        # One of its own: answers go on that were measured before.
        with _served(SHOWN) as (server, fake):
            quiet = page_keys.quiet_keys(page, f"{server.url}/t/{SHORT}")
            _print(name, "type", quiet, keys(page, server, fake))
    page.close()


def _visits(browser: Browser, rounds: range) -> None:
    pages = ensure_built(Settings())
    with _served(50) as (server, _), bare_page() as (bare, built):
        addresses = {bare: built, server.url: pages, f"{server.url}/t/{SHORT}": pages}
        visits = {
            address: [first_visit(browser, address, files) for _ in rounds]
            for address, files in addresses.items()
        }
    base, *others = visits.values()
    for name, these in zip(("a new thread", "a thread of 50"), others, strict=True):
        ready = [[one.ready for one in those] for those in (base, these)]
        _print(f"first visit to {name}, until it takes keys", "", *ready)
    for name, those in zip(
        ("bare", "a new thread", "a thread of 50"), visits.values(), strict=True
    ):
        size, packed = those[0].size / 1000, those[0].packed / 1000
        print(f"scripts and styles until then, {name}: {size:.0f} kB, {packed:.0f} kB packed")


@contextmanager
def _served(messages: int) -> Iterator[tuple[Server, FakeProvider]]:
    with tempfile.TemporaryDirectory() as folder, FakeProvider().running() as fake:
        url = f"sqlite:///{folder}/agentchat.db"
        schema.upgrade(url)
        fill(url, {SHORT: 50, LONG: messages, LARGE: 2})
        engine = create_engine(url)
        event.listen(engine, "connect", know_words)
        with engine.begin() as connection:
            block = page_keys.BLOCK
            large = (block * (100_000 // len(block) + 1))[:100_000]
            connection.execute(
                update(Message).where(Message.thread_id == LARGE).values(text=large)  # type: ignore[arg-type]
            )
        engine.dispose()
        server = Server(Path(folder), **openai_at(fake))
        server.start()
        try:
            yield server, fake
        finally:
            server.kill()


def _row(name: str, target: str, base: Measured, this: Measured, rounds: range) -> None:
    """Measure both in turn, so that a machine that slows down meanwhile slows both alike."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in rounds:
        took[0].extend(base())
        took[1].extend(this())
    _print(name, target, *took)


def _print(name: str, target: str, base: list[float], this: list[float]) -> None:
    one, other = statistics.median(base), statistics.median(this)
    ratio = other / one
    most = TARGETS.get(target)
    met = "" if most is None else "ok" if ratio <= most else f"over {most}"
    worst = f"p95 {_p95(base):.0f} and {_p95(this):.0f}"
    print(f"{name:48}{one:10.1f}{other:10.1f}{ratio:8.2f}  {met:10}{worst}", flush=True)


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1) + 0.5)]


def _opened(page: Page, address: str) -> float:
    """Milliseconds from asking for a page to its last message being painted."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("article.message")
    painted: float = page.evaluate(
        "() => new Promise((done) => requestAnimationFrame("
        "() => setTimeout(() => done(performance.now()))))"
    )
    return painted


if __name__ == "__main__":
    main()
