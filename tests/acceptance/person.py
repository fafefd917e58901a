"""Somebody at a browser: what they see and do, by role and name."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Request,
    expect,
)

from tests.acceptance.pages import Pages

PATIENCE = 60_000
"""In milliseconds, for what a busy machine does late: nothing is waited for that stays away."""

expect.set_options(timeout=PATIENCE)

_SOCKET = re.compile(r"WebSocket connection to 'wss?://([\w.]+:\d+)/")


class Person:
    """One browser with one page. Console errors and warnings are kept, and fail the test at
    the end unless it expects them. A page of ``pages`` goes back there, unless somebody has
    asked for its context, and may have changed it.
    """

    def __init__(self, context: BrowserContext, pages: Pages | None = None) -> None:
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._pages = pages
        self._left = False
        self.page = context.new_page() if pages is None else context.pages[0]
        self.page.set_default_timeout(PATIENCE)
        self._listeners = {
            "request": self._request,
            "pageerror": self._error,
            "console": self._console,
        }
        for event, listener in self._listeners.items():
            self.page.on(event, listener)  # type: ignore[call-overload]

    @property
    def context(self) -> BrowserContext:
        """That of its page, which is then used no more by others."""
        self._pages = None
        return self.page.context

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)

    def _error(self, error: Error) -> None:
        self.complaints.append(f"error: {error}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, url: str) -> None:
        """Go to an address and wait until the page is alive."""
        self.page.goto(url)
        expect(self.page.get_by_role("main")).to_be_visible()

    def leave(self, *, strict: bool = True) -> None:
        if self._left:
            return
        self._left = True
        at = {f"{one.scheme}://{one.netloc}" for one in map(urlsplit, self.requested)}
        complaints = [one for one in self.complaints if _is_of(one, at)]
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        try:
            if self._pages is not None and len(at) == 1 and not complaints:
                self._pages.give_back(self.page.context, at.pop())
            else:
                self.page.context.close()
        except Error:
            strict = False
        assert not (strict and complaints), f"at {at}: {complaints}"

    @property
    def message_box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def send_button(self) -> Locator:
        return self.page.get_by_role("button", name="Send", exact=True)

    @property
    def stop_button(self) -> Locator:
        return self.page.get_by_role("button", name=re.compile(r"^Stop( all)?$"))

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("log", name="Messages").get_by_role("article")

    @property
    def answer(self) -> Locator:
        """The newest answer."""
        return self.page.locator('article[data-role="assistant"]').last

    @property
    def threads(self) -> Locator:
        return self.page.get_by_role("navigation", name="Threads").get_by_role("link")

    def say(self, text: str) -> None:
        self.message_box.fill(text)
        self.send_button.click()

    def text_of(self, message: Locator) -> str:
        return " ".join(message.locator("[data-part=text]").inner_text().split())

    def sees_answer(self, status: str) -> str:
        """Wait until the newest answer has this status, and return its text."""
        expect(self.answer).to_have_attribute("data-status", status)
        return self.text_of(self.answer)

    def sees_in_answer(self, text: str) -> None:
        expect(self.answer.locator("[data-part=text]")).to_contain_text(text)

    def in_thread(self) -> str:
        """Wait until the address names a thread, and return the address."""
        self.page.wait_for_url(re.compile(r"/t/[0-9a-z-]+"))
        return self.page.url


def _is_of(complaint: str, origins: set[str]) -> bool:
    """Whether a complaint is of a page of these origins. One that has been used before may still
    be told that the server it was at then has ended.
    """
    return set(_SOCKET.findall(complaint)) <= {urlsplit(one).netloc for one in origins}
