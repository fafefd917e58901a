"""Somebody at a browser: what they see and do, by role and name."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Error, Locator, Page, expect

expect.set_options(timeout=20_000)


class Person:
    """One browser with one page. Console errors and warnings are kept, and fail the test at
    the end unless it expects them.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.requested: list[str] = []
        context.on("request", lambda request: self.requested.append(request.url))
        self.page = self._new_page()

    def _new_page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(f"{message.type}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        return page

    def open(self, url: str) -> None:
        """Go to an address and wait until the page is alive."""
        self.page.goto(url)
        expect(self.page.get_by_role("main")).to_be_visible()

    def leave(self, *, strict: bool = True) -> None:
        complaints = list(self.complaints)
        try:
            self.context.close()
        except Error:
            strict = False
        assert not (strict and complaints), complaints

    @property
    def message_box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def send_button(self) -> Locator:
        return self.page.get_by_role("button", name="Send", exact=True)

    @property
    def stop_button(self) -> Locator:
        return self.page.get_by_role("button", name="Stop", exact=True)

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
