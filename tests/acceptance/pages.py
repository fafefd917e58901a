"""Pages that are used again: to load the app in a new one takes three times as long."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Error, ViewportSize

MOST = 3
"""How many are kept: each is a process of its own."""
SIZE: ViewportSize = {"width": 1280, "height": 720}
SMALL = "/favicon.svg"
"""What any server of ours gives that runs no script."""


class Pages:
    """Gives contexts with one page, of which no server knows anything."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[BrowserContext] = []

    def take(self) -> BrowserContext:
        """One that is new, or that has forgotten who used it."""
        if self._free:
            return self._free.pop()
        context = self._browser.new_context(viewport=SIZE)
        context.new_page()
        return context

    def give_back(self, context: BrowserContext, origin: str) -> None:
        """Leave what its page shows, and forget all that this server had it keep."""
        try:
            [page] = context.pages
            page.goto(f"{origin}{SMALL}")
            page.evaluate("sessionStorage.clear()")
            context.new_cdp_session(page).send(
                "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"}
            )
            context.clear_cookies()
            page.mouse.move(0, 0)
            page.set_viewport_size(SIZE)
            page.emulate_media(media="null", color_scheme="light", reduced_motion="no-preference")
        except (Error, ValueError):
            # The page was closed or opened another one, or its server has ended.
            usable = False
        else:
            usable = len(self._free) < MOST
        if usable:
            self._free.append(context)
        else:
            context.close()
