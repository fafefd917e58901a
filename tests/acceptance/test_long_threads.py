"""Long threads and long messages: only what is near is drawn, and nothing is lost by that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import create_engine, event, update

from agentchat.models import Message
from agentchat.store import schema
from agentchat.store.database import know_words
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, openai_at
from tests.benchmarks.tabs.fill import fill
from tests.fake_provider import FakeProvider
from tests.long import LONG

WIDE = {"width": 1000, "height": 700}
PHONE = {"width": 390, "height": 700}
LENGTH = 400
FAR = 2_500
PARTS = 300
LARGE = "".join(f"## Part {n}\n\n**Bold {n}.** {'Some words. ' * 25}\n\n" for n in range(PARTS))
DRAWN = ".message-foot, .own"
"""Of a message that is drawn with what can be done with it."""


@pytest.fixture(scope="module")
def server_of_package(
    fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with threads of 400 and of 2,500 messages, and one of a question and an answer of
    100 KB.
    """
    folder: Path = tmp_path_factory.mktemp("long")
    url = f"sqlite:///{folder}/agentchat.db"
    schema.upgrade(url)
    fill(url, {"thread-many": LENGTH, "thread-far": FAR, "thread-large": 2})
    engine = create_engine(url)
    event.listen(engine, "connect", know_words)
    with engine.begin() as connection:
        large = update(Message).where(Message.thread_id == "thread-large")  # type: ignore[arg-type]
        connection.execute(large.values(text=LARGE))
    engine.dispose()
    server = Server(folder, **openai_at(fake_of_package))
    server.start()
    yield server
    server.kill()


def opened(server: Server, visit: Visit, path: str, size: dict[str, int] = WIDE) -> Person:
    person = visit(f"{server.url}/t/{path}", viewport=size)
    expect(person.messages.last).to_be_in_viewport()
    return person


def row(person: Person, number: int, thread: str = "thread-many") -> Locator:
    return person.page.locator(f'article[data-id="{thread}-{number:06}"]')


def drawn(person: Person) -> int:
    return person.page.locator("article.message").filter(has=person.page.locator(DRAWN)).count()


def scroll_to(person: Person, place: str) -> None:
    person.page.evaluate(f"() => {{ const s = document.querySelector('.scroller'); {place} }}")


def test_whatever_was_scrolled_through_only_what_is_near_is_drawn(
    server: Server, visit: Visit
) -> None:
    ann = opened(server, visit, f"thread-many?messages={LENGTH}")
    expect(ann.messages).to_have_count(LENGTH)
    at_first = drawn(ann)
    assert 10 <= at_first <= 80
    for share in (0.75, 0.5, 0.25, 0):
        scroll_to(ann, f"s.scrollTop = s.scrollHeight * {share}")
        seen = ann.page.evaluate_handle(FIRST_SEEN).as_element()
        assert seen is not None
        number = int(str(seen.get_attribute("data-id")).rsplit("-", 1)[1])
        expect(row(ann, number).locator(DRAWN)).to_have_count(1)
    expect(row(ann, LENGTH // 2).locator(DRAWN)).to_have_count(0)
    assert drawn(ann) <= 100
    # The words of all the others are there, in order, for the browser and for who listens.
    words = ann.messages.all_text_contents()
    assert all(f"thread-many:{n}" in text for n, text in enumerate(words))


FIRST_SEEN = """() => {
  const edge = document.querySelector('.scroller').getBoundingClientRect().top;
  return [...document.querySelectorAll('article')]
    .find((one) => one.getBoundingClientRect().bottom > edge);
}"""


def test_what_somebody_reads_stays_where_it_is_when_what_is_above_gets_drawn(
    server: Server, visit: Visit
) -> None:
    # On a narrow screen messages turn out higher than the page thought.
    ann = opened(server, visit, f"thread-many?messages={LENGTH}", size=PHONE)
    expect(ann.messages).to_have_count(LENGTH)
    ann.page.add_style_tag(content=".scroller { overflow-anchor: none }")
    place, top = ann.page.evaluate(TO_THE_MIDDLE)
    seen = ann.page.locator(f'[data-id="{place}"]')
    expect(seen.locator(DRAWN)).to_have_count(1)
    before = seen.locator("xpath=../preceding-sibling::*[1]")
    expect(before).not_to_have_attribute("data-far", "")
    assert abs(seen.evaluate("one => one.getBoundingClientRect().top") - top) < 2


TO_THE_MIDDLE, TO_THE_TOP = (
    f"""() => {{
  const scroller = document.querySelector('.scroller');
  scroller.scrollTop = {place};
  const seen = ({FIRST_SEEN})();
  return [seen.dataset.id, seen.getBoundingClientRect().top];
}}"""
    for place in ("scroller.scrollHeight / 2", "500")
)


def test_a_link_to_a_message_far_up_leads_there_and_what_has_the_focus_stays(
    server: Server, visit: Visit
) -> None:
    address = f"{server.url}/t/thread-many?messages={LENGTH}#m-thread-many-{30:06}"
    ann = visit(address, viewport=WIDE)
    target = row(ann, 30)
    expect(target).to_be_in_viewport()
    expect(target).to_be_focused()
    expect(target.locator(DRAWN)).to_have_count(1)
    expect(target).to_be_focused()
    # What somebody pressed something in stays as they left it, however far they go.
    more = row(ann, 31).get_by_role("button", name="Tokens and cost")
    more.click()
    expect(more).to_have_attribute("aria-expanded", "true")
    ann.page.get_by_role("button", name="Jump to latest").click()
    expect(ann.messages.last).to_be_in_viewport()
    ann.message_box.click()
    expect(row(ann, 60).locator(DRAWN)).to_have_count(0)
    expect(more).to_have_attribute("aria-expanded", "true")


def test_a_link_leads_to_a_message_however_far_back_and_from_there_on_to_the_newest(
    server: Server, visit: Visit
) -> None:
    ann = visit(f"{server.url}/t/thread-far#m-thread-far-000100", viewport=WIDE)
    target = row(ann, 100, "thread-far")
    expect(target).to_be_in_viewport()
    expect(target).to_be_focused()
    assert ann.messages.count() < 200
    gap = ann.page.locator("[data-part=gap]")
    expect(gap).to_contain_text("2,300 messages are not shown here")

    # What comes after it comes by itself, and what is read stays where it is.
    ann.page.get_by_role("log", name="Messages").hover()
    ann.page.mouse.wheel(0, 40)
    for number in (139, 239, 339):
        last = row(ann, number, "thread-far")
        last.scroll_into_view_if_needed()
        ann.page.mouse.wheel(0, 40)
        expect(row(ann, number + 1, "thread-far")).to_have_count(1)
        expect(last).to_be_in_viewport()
    expect(target).to_have_count(1)

    # The newest are there as well: what is said now is seen to be answered.
    ann.page.get_by_role("button", name="Jump to latest").click()
    expect(row(ann, FAR - 1, "thread-far")).to_be_in_viewport()
    ann.say("Are you there?")
    expect(ann.messages.last).to_contain_text("This is the default answer.")
    expect(ann.messages.last).to_be_in_viewport()
    expect(target).to_have_count(1)

    # From this side one goes on with what comes before.
    first = row(ann, FAR - 50, "thread-far")
    gap.get_by_role("link", name="Show earlier messages").click()
    expect(gap).to_have_count(0)
    expect(row(ann, FAR - 100, "thread-far")).to_have_count(1)
    expect(first).to_have_count(1)
    expect(target).to_have_count(0)


def test_who_goes_up_past_what_a_page_carries_keeps_their_place(
    server: Server, visit: Visit
) -> None:
    ann = opened(server, visit, "thread-far?messages=1000")
    # A part of the newest gives way to what is further up.
    place, top = ann.page.evaluate(TO_THE_TOP)
    number = int(place.rsplit("-", 1)[1])
    expect(ann.page).to_have_url(re.compile(r"\?from=\d+&to=\d+"))
    seen = row(ann, number, "thread-far")
    expect(row(ann, number - 100, "thread-far")).to_have_count(1)
    expect(ann.page.locator("[data-part=gap]")).to_have_count(1)
    assert abs(seen.evaluate("one => one.getBoundingClientRect().top") - top) < 2
    expect(ann.messages.last).to_have_attribute("data-role", "assistant")
    assert ann.messages.count() < 700


def test_a_large_message_is_drawn_as_it_is_read_and_copied_whole(
    server: Server, visit: Visit
) -> None:
    ann = opened(server, visit, "thread-large")
    ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = ann.answer
    expect(answer.get_by_role("heading", name=f"Part {PARTS - 1}", exact=True)).to_be_in_viewport()
    middle = answer.get_by_role("heading", name=f"Part {PARTS // 2}", exact=True)
    expect(middle).to_have_count(0)
    expect(answer).to_contain_text(f"## Part {PARTS // 2}\n")
    answer.get_by_text(f"## Part {PARTS // 2}\n").scroll_into_view_if_needed()
    expect(middle).to_have_count(1)
    expect(middle).to_be_in_viewport()
    answer.get_by_role("button", name="Copy message").click()
    assert ann.page.evaluate("() => navigator.clipboard.readText()") == LARGE
    question = ann.page.locator("article[data-role=user] .text")
    assert question.evaluate(MARKED).split() == LARGE.split()


MARKED = """(one) => {
  getSelection().selectAllChildren(one);
  return getSelection().toString();
}"""


def test_on_paper_all_of_it_is_drawn(server: Server, visit: Visit) -> None:
    ann = opened(server, visit, "thread-large")
    heading = ann.answer.get_by_role("heading", name=f"Part {PARTS // 2}", exact=True)
    expect(heading).to_have_count(0)
    ann.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert heading.count() == 1
    ann.page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    expect(heading).to_have_count(0)


@LONG
def test_who_goes_all_the_way_up_by_the_wheel_sees_every_message_drawn(
    server: Server, visit: Visit
) -> None:
    ann = opened(server, visit, f"thread-many?messages={LENGTH}")
    expect(ann.messages).to_have_count(LENGTH)
    ann.page.get_by_role("log", name="Messages").hover()
    seen: set[str] = set()
    while not ann.page.evaluate("() => document.querySelector('.scroller').scrollTop === 0"):
        ann.page.mouse.wheel(0, -300)
        ann.page.wait_for_timeout(60)
        seen |= set(ann.page.evaluate(DRAWN_IN_VIEW))
    assert len(seen) >= LENGTH - 4


DRAWN_IN_VIEW = f"""() => [...document.querySelectorAll('article')]
  .filter((one) => one.querySelector('{DRAWN}'))
  .filter((one) => {{
    const {{ top, bottom }} = one.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }})
  .map((one) => one.dataset.id)"""
