"""A page that is used again is as good as a new one."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.acceptance.pages import Pages
from tests.acceptance.person import Person
from tests.acceptance.server import Server


def cookies(person: Person) -> set[str]:
    """What its server knows a browser by."""
    return {cookie["value"] for cookie in person.page.context.cookies()}


def test_a_page_that_is_used_again_knows_nothing_of_who_used_it(
    server: Server, browser: Browser
) -> None:
    pages = Pages(browser)
    ann = Person(pages.take(), pages)
    ann.open(server.url)
    ann.say("A secret of Ann")
    ann.in_thread()
    ann.sees_answer("done")
    ann.message_box.fill("Half a thought")
    for place in ("localStorage", "sessionStorage"):
        ann.page.evaluate(f"{place}.setItem('of-ann', 'yes')")
    ann.page.set_viewport_size({"width": 390, "height": 844})
    ann.page.emulate_media(color_scheme="dark")
    known = cookies(ann)
    assert known
    ann.leave()
    # Nothing of the app goes on meanwhile.
    assert ann.page.evaluate("document.scripts.length") == 0

    bob = Person(pages.take(), pages)
    assert bob.page is ann.page
    bob.open(server.url)
    expect(bob.message_box).to_have_value("")
    assert not known & cookies(bob)
    for place in ("localStorage", "sessionStorage"):
        assert bob.page.evaluate(f"{place}.getItem('of-ann')") is None
    assert bob.page.evaluate("innerWidth") == 1280
    expect(bob.page.locator("html.dark")).to_have_count(0)

    # Whoever asks for its context may change more than is undone.
    used = bob.context
    bob.leave()
    last = pages.take()
    assert last is not used
    last.close()
