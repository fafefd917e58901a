"""What a browser says that it is, in words. Pure."""

from __future__ import annotations

from typing import Final

from agentchat.ui import words_accounts as words

_BROWSERS: Final = {
    # Each says that it is those below it, too.
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chromium/": "Chromium",
    "HeadlessChrome/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser_in_words(said: str) -> str:
    """Such as "Firefox on Linux", as far as it can be told from a User-Agent header."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in said), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in said), "")
    if browser and system:
        return words.BROWSER_ON.format(browser=browser, system=system)
    return browser or system or words.BROWSER_UNKNOWN
