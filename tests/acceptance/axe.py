"""What keeps people out of a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds, once nothing moves: what fades in has less contrast until it has."""
    page.evaluate(
        "Promise.allSettled(document.getAnimations().filter((one) =>"
        " one.effect.getTiming().iterations !== Infinity).map((one) => one.finished))"
        ".then(() => null)"
    )
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return found


def serious(page: Page) -> list[tuple[str, str]]:
    """Of these the serious ones, and the first element of each."""
    return [
        (one["id"], one["nodes"][0]["html"])
        for one in violations(page)
        if one["impact"] in ("serious", "critical")
    ]
