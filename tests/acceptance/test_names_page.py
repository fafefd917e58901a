"""What has a key in the code has a name on the pages, and days are written as the reader does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, expect

from agentchat.ui import catalogue
from agentchat.ui.words_audits import ACTIONS
from tests.acceptance.conftest import Visit
from tests.acceptance.looks import Stage, staged


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("data"), browser) as stage:
        yield stage


@pytest.fixture
def visit(visit: Visit, stage: Stage) -> Visit:
    """Opens an address in a browser of its own, in which Ann has logged in."""
    return partial(visit, storage_state=stage.states["ann"])


@pytest.mark.parametrize(
    ("language", "reply", "day"),
    [
        ("en-GB", "Reply", r"\d+ [A-Z][a-z]+ \d{4}"),
        ("de-DE", "Antwort", r"\d+\. [A-ZÄÖÜ][a-zä]+ \d{4}"),
    ],
    ids=["english", "german"],
)
def test_workflows_audits_and_days_are_said_in_the_language_of_the_reader(
    visit: Visit, stage: Stage, language: str, reply: str, day: str
) -> None:
    url = stage.server.url
    ann = visit(f"{url}/memory", locale=language)
    expect(ann.page.locator(".memory-origin time").first).to_have_text(re.compile(f"^{day}$"))

    ann.open(f"{url}/runs?workflow=reply")
    name = ann.page.locator(".runs-name").first
    expect(name).to_contain_text(reply)
    expect(name.get_by_title("reply", exact=True)).to_have_text(reply)
    chosen = ann.page.locator("select[data-name=workflow] option:checked")
    expect(chosen).to_have_text(reply)
    expect(chosen).to_have_attribute("value", "reply")
    name.click()
    expect(ann.page.locator(".run-title h2")).to_have_text(reply)
    expect(ann.page).to_have_title(re.compile(f"^{reply} · "))

    ann.open(f"{url}/overview")
    rows = ann.page.locator("table[data-part=workflows] th[scope=row]")
    expect(rows.filter(has_text=re.compile(f"^{reply}$"))).to_have_attribute("title", "reply")

    ann.open(f"{url}/settings/audits")
    done = ann.page.locator("[data-part=audit]").first
    action = ACTIONS[done.get_attribute("data-action") or ""]
    spoken = action if language == "en-GB" else catalogue.catalogue("de")["words"][action]
    expect(done.locator(".audit-action")).to_have_text(spoken)
