"""The page: light and dark, wide and narrow, by keyboard, with the model it names."""

from __future__ import annotations

import signal
from itertools import product
from typing import Literal

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply

WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
LONG = "\n\n".join(
    ["A paragraph with `code`.", "```python\n" + "x = 1  # " + "long " * 60 + "\n```"] * 3
)


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_the_page_fits_and_follows_the_colour_scheme(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply(LONG))
    ann = visit(server.url, once=True)
    ann.say("Show me some code")
    ann.sees_answer("done")
    for size, scheme in product((WIDE, PHONE), SCHEMES):
        ann.page.set_viewport_size(size)
        ann.page.emulate_media(color_scheme=scheme)
        ann.page.reload()
        ann.sees_answer("done")
        overflow = "() => document.documentElement.scrollWidth - window.innerWidth"
        assert ann.page.evaluate(overflow) <= 0
        box = ann.message_box.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size["height"]
        shade = ann.page.evaluate(
            "() => { let e = document.querySelector('[role=log]'); let c;"
            " do { c = getComputedStyle(e).backgroundColor; e = e.parentElement }"
            " while (e && /, 0\\)$|transparent/.test(c));"
            " return c.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) }"
        )
        assert (shade > 380) == (scheme == "light")


@pytest.mark.long
def test_a_phone_shows_the_threads_in_a_drawer(server: Server, visit: Visit) -> None:
    ann = visit(server.url, viewport=PHONE)
    ann.say("From a phone")
    ann.sees_answer("done")
    expect(ann.threads.first).not_to_be_in_viewport()
    ann.page.get_by_role("button", name="Show threads").click()
    expect(ann.threads.first).to_be_in_viewport()
    ann.page.get_by_role("button", name="New thread").click()
    expect(ann.messages).to_have_count(0)
    expect(ann.message_box).to_be_in_viewport()


def test_a_new_thread_names_the_model_and_has_its_own_address(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    expect(ann.page.get_by_text("fake-model").first).to_be_visible()
    ann.say("Hello")
    first = ann.in_thread()
    ann.sees_answer("done")
    ann.page.get_by_role("button", name="New thread").click()
    expect(ann.messages).to_have_count(0)
    ann.say("Hello again")
    ann.page.wait_for_url(lambda url: url != first and "/t/" in url)
    expect(ann.messages).to_have_count(2)


def test_what_is_typed_on_the_way_to_a_new_thread_goes_along(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("Something else first")
    there = ann.in_thread()
    ann.sees_answer("done")
    # A page whose first visit was this thread has to fetch the other first.
    ann.open(there)
    expect(ann.messages).to_have_count(2)
    server.send(signal.SIGSTOP)
    try:
        ann.page.get_by_role("button", name="New thread").click()
        ann.message_box.fill("Typed in a hurry")
    finally:
        server.send(signal.SIGCONT)
    ann.page.wait_for_url(f"{server.url}/")
    expect(ann.message_box).to_have_value("Typed in a hurry")
    ann.send_button.click()
    ann.in_thread()
    ann.sees_answer("done")
    ann.page.goto(there)
    expect(ann.message_box).to_have_value("")


def test_two_people_who_press_new_thread_get_two(server: Server, visit: Visit) -> None:
    ann, bob = visit(server.url), visit(server.url)
    for person in (ann, bob):
        person.page.get_by_role("button", name="New thread").click()
        person.say("Hello")
    assert ann.in_thread() != bob.in_thread()


def test_everything_can_be_done_by_keyboard(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply("One. " * 400, pace=0.02))
    ann = visit(server.url)
    expect(ann.message_box).to_be_focused()
    ann.page.keyboard.type("Hello")
    ann.page.keyboard.press("Enter")
    expect(ann.stop_button).to_be_visible()
    ann.sees_in_answer("One.")
    ann.page.keyboard.press("Tab")
    expect(ann.stop_button).to_be_focused()
    ann.page.keyboard.press("Enter")
    ann.sees_answer("stopped")


def test_a_reader_who_went_up_is_left_alone(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply("\n\n".join(f"Paragraph {n}." for n in range(60)), pace=0.02))
    ann = visit(server.url, viewport={"width": 900, "height": 500})
    ann.say("A long one")
    ann.sees_in_answer("Paragraph 20.")
    log = ann.page.get_by_role("log")
    log.hover()
    ann.page.mouse.wheel(0, -2000)
    jump = ann.page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    ann.sees_answer("done")
    assert log.evaluate("log => log.scrollTop") < 100
    jump.click()
    expect(ann.answer.get_by_text("Paragraph 59.")).to_be_in_viewport()
