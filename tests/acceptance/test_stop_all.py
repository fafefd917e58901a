"""Stop says what it ends: the answer that is being written, or with it those that wait."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import Server
from tests.acceptance.test_page import PHONE
from tests.fake_provider import FakeProvider, Reply


def test_stop_says_that_it_ends_the_answers_that_wait_too(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply("One sentence. Another.", cut_after=1, cut="hold"))
    ann = visit(server.url, viewport=PHONE)
    ann.say("Go on for ever")
    ann.sees_in_answer("One sentence.")
    expect(ann.stop_button).to_have_accessible_name("Stop")
    asked = len(fake.requests)
    ann.say("And then this")
    expect(ann.stop_button).to_have_text("Stop all")
    assert ann.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    ann.stop_button.click()

    answers = ann.page.locator("article[data-role=assistant]")
    expect(answers).to_have_count(2)
    expect(ann.page.locator("article[data-status=stopped]")).to_have_count(2)
    expect(ann.stop_button).to_have_count(0)
    assert len(fake.requests) == asked
