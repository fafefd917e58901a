"""Answers side by side, as people see them: asked again, forked, watched, stopped, and one kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.operations_server import is_accessible
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG
from tests.waiting import eventually_now

PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("variants")
    server = Server(folder, program=("tests.acceptance.agents_app",), TOLD_PACE="0.05")
    server.start()
    yield server
    server.kill()


def place(person: Person) -> Locator:
    return person.page.locator(".variants")


def answers(person: Person) -> Locator:
    return place(person).get_by_role("article")


def press(person: Person, name: str) -> None:
    place(person).get_by_role("button", name=name).click()


def grows(answer: Locator) -> None:
    """Its text gets longer while somebody looks."""
    text = answer.locator("[data-part=text]")
    expect(text).not_to_be_empty()
    before = len(text.inner_text())
    eventually_now(lambda: len(text.inner_text()) > before)


def test_two_people_watch_another_answer_grow_and_one_of_them_keeps_it(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("@writer count herons")
    bob = visit(ann.in_thread())
    first = ann.sees_answer("done")
    again = ann.page.get_by_role("button", name="Ask for another answer")
    expect(again).to_have_count(1)
    again.focus()
    ann.page.keyboard.press("Enter")
    for person in (ann, bob):
        expect(answers(person)).to_have_count(2)
        expect(place(person).get_by_role("heading", name="2 answers")).to_be_visible()
        expect(place(person).get_by_text("Choose the one")).to_be_visible()
        grows(answers(person).nth(1))
    boxes = [answers(ann).nth(n).bounding_box() for n in (0, 1)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    is_accessible(bob)
    # The second may be kept before it is over; it goes on growing for both.
    second = answers(bob).nth(1).get_attribute("data-id")
    press(bob, "Keep this one answer 2")
    marks = place(ann).locator("[data-part=mark]")
    expect(marks).to_have_text(["Not in the thread", "In the thread"])
    for person in (ann, bob):
        expect(answers(person)).to_have_count(1)
        expect(answers(person)).to_have_attribute("data-id", str(second))
        expect(answers(person)).to_have_attribute("data-status", "done")
        expect(place(person).get_by_text("2 / 2")).to_be_visible()
        expect(place(person).get_by_text("Kept by")).to_be_visible()
    # What was not kept is still there, one press away.
    press(ann, "Answer before")
    expect(place(ann).get_by_text("1 / 2")).to_be_visible()
    assert ann.text_of(answers(ann)) == first
    expect(answers(bob)).to_have_attribute("data-id", str(second))
    is_accessible(ann)
    press(ann, "Keep this one answer 1")
    for person in (ann, bob):
        expect(place(person).get_by_text("1 / 2")).to_be_visible()
        assert person.text_of(answers(person)) == first
    ann.say("@writer thanks")
    for person in (ann, bob):
        person.sees_in_answer("You said")
        # Only the last answer offers another one.
        expect(person.answer).to_have_attribute("data-status", "done")
        expect(person.page.get_by_role("button", name="Ask for another answer")).to_have_count(1)
        person.page.reload()
        expect(place(person).get_by_text("1 / 2")).to_be_visible()


@LONG
def test_an_answer_that_still_grows_is_run_again_beside_itself_and_one_is_stopped(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url, viewport=PHONE)
    ann.say("@writer long")
    thread = ann.in_thread()
    bob = visit(thread)
    grows(bob.answer)
    bob.page.locator("[data-part=run]").first.click()
    # A message has a menu of that name, too.
    bob.page.wait_for_url(re.compile(r"/runs/"))
    expect(bob.messages).to_have_count(0)
    bob.page.get_by_role("button", name="More actions").click()
    bob.page.get_by_role("menuitem", name="Run again").click()
    dialog = bob.page.get_by_role("dialog")
    expect(dialog).to_contain_text("seen side by side in the thread")
    dialog.get_by_role("button", name="Start the new run").click()
    expect(dialog).to_have_count(0)
    expect(answers(ann)).to_have_count(2)
    for n in (0, 1):
        grows(answers(ann).nth(n))
    # On a phone one is under the other.
    boxes = [answers(ann).nth(n).bounding_box() for n in (0, 1)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    is_accessible(ann)
    press(ann, "Stop this one answer 2")
    expect(answers(ann).nth(1)).to_have_attribute("data-status", "stopped")
    expect(answers(ann).nth(0)).to_have_attribute("data-status", "running")
    ann.stop_button.click()
    expect(answers(ann).nth(0)).to_have_attribute("data-status", "stopped")
    expect(ann.stop_button).to_have_count(0)
    press(ann, "Keep this one answer 2")
    expect(place(ann).get_by_text("2 / 2")).to_be_visible()


@LONG
def test_a_tool_is_given_another_result_on_the_page_of_its_run(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("refuse")
    thread = ann.in_thread()
    assert "closed on Sundays" in ann.sees_answer("done")
    bob = visit(thread)
    run = ann.page.locator("[data-part=run]").first.get_attribute("href")
    ann.page.goto(f"{server.url}{run}?step=gather%5B0%5D/tool%20refuse")
    ann.page.get_by_role("button", name="Fork from here").click()
    dialog = ann.page.get_by_role("dialog")
    dialog.get_by_label("With another result").check()
    dialog.get_by_role("textbox").fill('"It is open today."')
    dialog.get_by_role("button", name="Start the new run").click()
    expect(answers(bob)).to_have_count(2)
    other = answers(bob).nth(1)
    expect(other).to_have_attribute("data-status", "done")
    expect(other.locator("[data-part=text]")).to_contain_text("I was told: It is open today.")
    expect(other).to_contain_text(re.compile("Result written by .+; the tool was not called"))
    # Where an answer cannot go on from, nothing is offered.
    ann.page.goto(f"{server.url}{run}?step=prepare")
    expect(ann.page.get_by_role("heading", name="prepare")).to_be_visible()
    expect(ann.page.get_by_role("button", name="Fork from here")).to_have_count(0)
