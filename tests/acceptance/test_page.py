"""The page: light and dark, wide and narrow, by keyboard, with the model it names."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LONG = "\n\n".join(
    ["A paragraph with `code`.", "```python\n" + "x = 1  # " + "long " * 60 + "\n```"] * 3
)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(WIDE, "light", id="wide-light"),
        pytest.param(PHONE, "dark", id="phone-dark"),
        pytest.param(WIDE, "dark", id="wide-dark", marks=pytest.mark.long),
        pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.long),
    ],
)
def test_the_page_fits_and_follows_the_colour_scheme(
    server: Server, fake: FakeProvider, visit: Visit, scheme: str, size: dict[str, int]
) -> None:
    fake.enqueue(Reply(LONG))
    ann = visit(server.url, viewport=size, color_scheme=scheme)
    ann.say("Show me some code")
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


def test_the_page_names_the_model_in_use(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    expect(ann.page.get_by_text("fake-model").first).to_be_visible()


def test_a_new_thread_has_its_own_address(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.page.get_by_role("button", name="New thread").click()
    first = ann.in_thread()
    ann.say("Hello")
    ann.sees_answer("done")
    assert ann.page.url == first
    ann.page.get_by_role("button", name="New thread").click()
    ann.page.wait_for_url(lambda url: url != first and "/t/" in url)
    expect(ann.messages).to_have_count(0)


def test_what_is_typed_on_the_way_to_a_new_thread_goes_along(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    server.send(signal.SIGSTOP)
    try:
        ann.page.get_by_role("button", name="New thread").click()
        ann.message_box.fill("Typed in a hurry")
    finally:
        server.send(signal.SIGCONT)
    ann.in_thread()
    expect(ann.message_box).to_have_value("Typed in a hurry")
    ann.send_button.click()
    ann.sees_answer("done")
    ann.page.goto(server.url)
    expect(ann.message_box).to_have_value("")


def test_two_people_who_press_new_thread_get_two(server: Server, visit: Visit) -> None:
    ann, bob = visit(server.url), visit(server.url)
    for person in (ann, bob):
        person.page.get_by_role("button", name="New thread").click()
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
