"""The way to a new thread: nothing is made before something is said, and nothing moves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.acceptance.test_page import PHONE, WIDE


def new_thread(person: Person) -> None:
    person.page.get_by_role("button", name="New thread").click()


def all_threads(server: Server) -> int:
    return int(server.rows("SELECT count(*) FROM threads")[0][0])


def test_a_thread_is_made_by_its_first_message_and_by_no_click_or_key(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("The first of them")
    first = ann.in_thread()
    ann.sees_answer("done")
    before = all_threads(server)

    ann.page.get_by_role("button", name="New thread").dblclick()
    ann.page.wait_for_url(f"{server.url}/")
    expect(ann.messages).to_have_count(0)
    expect(ann.message_box).to_be_focused()
    for _ in range(2):
        ann.page.keyboard.press("Control+Shift+O")
    ann.page.evaluate("document.activeElement.blur()")
    new_thread(ann)
    expect(ann.message_box).to_be_focused()
    assert ann.page.url == f"{server.url}/"
    ann.say("The second of them")
    second = ann.in_thread()
    ann.sees_answer("done")

    assert second != first
    assert all_threads(server) == before + 1
    ann.page.go_back()
    ann.page.wait_for_url(f"{server.url}/")
    ann.page.go_back()
    ann.page.wait_for_url(first)


def test_what_was_begun_for_a_new_thread_and_left_is_there_again(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("Something else first")
    ann.in_thread()
    ann.sees_answer("done")
    new_thread(ann)
    ann.page.wait_for_url(f"{server.url}/")
    ann.message_box.fill("Half a thought")
    ann.threads.filter(has_text="Something else first").click()
    expect(ann.messages).to_have_count(2)
    expect(ann.message_box).to_have_value("")

    new_thread(ann)

    ann.page.wait_for_url(f"{server.url}/")
    expect(ann.message_box).to_have_value("Half a thought")


def test_on_a_phone_the_drawer_goes_and_the_message_box_is_there(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url, viewport=PHONE, has_touch=True)
    ann.page.get_by_role("button", name="Show threads").tap()
    ann.page.get_by_role("button", name="New thread").tap()
    expect(ann.page.locator(".shell")).to_have_attribute("data-drawer", "closed")
    expect(ann.message_box).to_be_focused()


WATCH = """
    window.places = new Set();
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput } of list.getEntries()) {
        if (!hadRecentInput) window.shifts.push(value);
      }
    }).observe({ type: "layout-shift", buffered: true });
    const look = () => {
      const box = document.querySelector(".composer")?.getBoundingClientRect();
      const hint = document.querySelector(".composer-note.hint")?.getBoundingClientRect();
      if (box) window.places.add([box.top, box.height, hint?.left ?? ""].join(" "));
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_moves_while_a_thread_new_or_not_comes_up(
    server: Server, visit: Visit, size: dict[str, int]
) -> None:
    ann = visit(server.url, viewport=size)
    ann.say("A thread to come back to")
    there = ann.in_thread()
    ann.sees_answer("done")
    ann.page.add_init_script(WATCH)
    for address in (server.url, there):
        ann.page.goto(address)
        expect(ann.page.get_by_role("button", name=re.compile("^Agent: "))).to_be_visible()
        expect(ann.page.locator(".thread-line").first).to_be_attached()
        assert len(ann.page.evaluate("[...window.places]")) == 1
        assert ann.page.evaluate("window.shifts") == []
