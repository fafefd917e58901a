"""Agents at work, as people see it: tools, approvals, questions, sub-agents, whom to ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.long import LONG


@pytest.fixture(scope="module")
def agents_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("agents"), program=("tests.acceptance.agents_app",))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(agents_server: Server) -> Server:
    """One that answers, with the gate closed and nothing paid."""
    for name in ("gate", "paid"):
        (agents_server.data_dir / name).unlink(missing_ok=True)
    if not agents_server.alive:
        agents_server.start()
    return agents_server


WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def paid(server: Server) -> list[str]:
    file = server.data_dir / "paid"
    return file.read_text().splitlines() if file.exists() else []


def tool_of(person: Person) -> Locator:
    return person.answer.locator("[data-part=tool]")


def card_of(person: Person) -> Locator:
    """The card of what waits for a decision."""
    return person.page.get_by_role("main").locator("[data-part=ask]")


def press(person: Person, name: str) -> None:
    card_of(person).get_by_role("button", name=name, exact=True).click()


def asks(visit: Visit, server: Server, text: str) -> Person:
    """Somebody who said something, and sees that it waits for a decision."""
    ann = visit(server.url)
    ann.say(text)
    ann.in_thread()
    expect(card_of(ann)).to_be_visible()
    return ann


def decided(person: Person) -> Locator:
    return person.answer.locator("[data-part=decided]")


# Tools


def test_two_people_see_a_tool_at_work_and_what_came_of_it(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("search for herons")
    bob = visit(ann.in_thread())
    for person in (ann, bob):
        expect(tool_of(person)).to_have_attribute("data-status", "running")
        expect(tool_of(person).locator(".elapsed")).to_have_text(re.compile(r"^[1-9]\d* s$"))
        expect(person.answer.locator("[data-part=route]")).to_contain_text(
            "Routed to researcher: it asks for something to be looked up"
        )
        expect(person.answer.get_by_role("heading", name="researcher")).to_be_visible()
        # What was said before the call is a part, and not the text of the answer as well.
        expect(person.answer.get_by_text("Let me look that up.")).to_have_count(1)
    bob.page.evaluate("""() => {
      window.kept = [...document.querySelectorAll("[data-part=tool], [data-part=said]")];
      kept.forEach((one) => { one.dataset.kept = "yes" });
    }""")
    tool_of(bob).locator("summary").click()
    (server.data_dir / "gate").touch()
    for person in (ann, bob):
        person.sees_answer("done")
        expect(tool_of(person)).to_have_attribute("data-status", "done")
    # Nothing was drawn anew, and what was unfolded stays so.
    expect(bob.page.locator("[data-kept=yes]")).to_have_count(2)
    expect(tool_of(bob).get_by_role("region", name="Result")).to_contain_text("Where they nest")
    expect(tool_of(ann).get_by_role("region", name="Result")).to_be_hidden()
    sources = ann.answer.get_by_role("region", name="Sources")
    expect(sources.get_by_role("listitem")).to_have_count(3)
    expect(sources.get_by_role("link")).to_have_count(2)
    link = sources.get_by_role("link").first
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_contain_text("birds.example")


@pytest.mark.long
def test_a_tool_that_refuses_says_why(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("refuse")
    ann.sees_answer("done")
    expect(tool_of(ann)).to_have_attribute("data-status", "failed")
    expect(tool_of(ann).locator(".tool-why")).to_have_text(
        "It is closed on Sundays. Try it on Monday."
    )


# Approval


def test_one_approves_while_the_other_watches(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    bob = visit(ann.page.url)
    card = card_of(bob)
    expect(card.get_by_role("heading", name="Approve pay?")).to_be_visible()
    expect(card.get_by_role("region", name="Exactly this would run")).to_contain_text(
        '"amount": 50'
    )
    expect(bob.page.locator("[data-part=asked]")).to_have_text(
        "clerk waits for somebody to approve pay"
    )
    expect(bob.page.locator("[data-part=waiting]")).to_have_text("1")
    mark = bob.page.get_by_role("navigation").get_by_role(
        "img", name="Waits for somebody to decide"
    )
    expect(mark).to_have_count(1)
    bob.page.locator(".ask").get_by_role("button", name="Approve").press("Enter")
    for person in (ann, bob):
        assert "paid 50 to Bo" in person.sees_answer("done")
        expect(decided(person)).to_contain_text("Approved by you")
        expect(card_of(person)).to_have_count(0)
    assert paid(server) == ["50 Bo"]
    # The focus is where the card was.
    assert bob.page.evaluate("() => !!document.activeElement.querySelector('[data-part=tool]')")
    expect(bob.page.locator("[data-part=waiting]")).to_have_count(0)
    expect(mark).to_have_count(0)


@LONG
def test_both_press_at_once_and_one_of_them_is_told(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    bob = visit(ann.page.url)
    expect(card_of(bob)).to_be_visible()
    # Both cards are pressed before either can be told of the other.
    at = ann.page.evaluate("() => Date.now() + 1500")
    for person, name in ((ann, "Approve"), (bob, "Approve")):
        person.page.evaluate(
            """([at, name]) => void setTimeout(() => {
              const all = [...document.querySelectorAll(".ask button")];
              const button = all.find((one) => one.textContent === name);
              button.click();
              button.click();
            }, at - Date.now())""",
            [at, name],
        )
    for person in (ann, bob):
        person.sees_answer("done")
        expect(decided(person)).to_contain_text("Approved by you")
    assert paid(server) == ["50 Bo"]
    told = [p.page.get_by_role("alert").filter(has_text="already").count() for p in (ann, bob)]
    assert sorted(told) == [0, 1]


@LONG
def test_arguments_are_edited_and_checked(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    press(ann, "Edit")
    box = card_of(ann).get_by_role("textbox", name="Arguments as JSON")
    expect(box).to_be_focused()
    ann.page.keyboard.press("Escape")
    expect(card_of(ann).get_by_role("button", name="Edit")).to_be_focused()
    press(ann, "Edit")
    for wrong, words in (
        ('{"amount": ', "This is not JSON"),
        ("[20]", "a JSON object"),
        ('{"amount": "many", "to": "Bo"}', "amount"),
    ):
        box.fill(wrong)
        press(ann, "Approve as edited")
        expect(card_of(ann).get_by_role("alert")).to_contain_text(words)
        expect(box).to_have_attribute("aria-invalid", "true")
    box.fill('{"amount": 20, "to": "Al"}')
    press(ann, "Approve as edited")
    ann.sees_answer("done")
    expect(decided(ann)).to_contain_text("Edited and approved by you")
    assert paid(server) == ["20 Al"]
    tool_of(ann).locator("summary").click()
    before = tool_of(ann).get_by_role("region", name="Asked for, before it was edited")
    expect(before).to_contain_text('"amount": 50')


@LONG
def test_a_denial_has_a_reason_that_everybody_sees(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    bob = visit(ann.page.url)
    press(ann, "Deny")
    ann.page.keyboard.type("too much")
    ann.page.keyboard.press("Enter")
    for person in (ann, bob):
        assert "The reason: too much" in person.sees_answer("done")
        expect(decided(person)).to_contain_text("Denied by you: too much")
        expect(tool_of(person)).to_have_attribute("data-status", "denied")
    assert paid(server) == []


@pytest.mark.long
def test_something_is_said_instead_of_approving(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    press(ann, "Answer instead")
    ann.page.keyboard.type("Ask Carol first")
    press(ann, "Send")
    assert "Ask Carol first" in ann.sees_answer("done")
    expect(decided(ann)).to_contain_text("you answered instead: Ask Carol first")
    assert paid(server) == []


@pytest.mark.long
def test_the_ways_to_decide_stand_two_by_two_on_a_phone(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    address = ann.page.url
    ann.leave()
    for size, rows in ((PHONE, [2, 2]), (WIDE, [4])):
        bob = visit(address, viewport=size)
        buttons = card_of(bob).locator(".ask-actions").get_by_role("button")
        expect(buttons).to_have_count(4)
        boxes = buttons.evaluate_all(
            "all => all.map(one => { const box = one.getBoundingClientRect();"
            " return [Math.round(box.top), Math.round(box.width), Math.round(box.height)] })"
        )
        tops = [top for top, _, _ in boxes]
        assert [tops.count(top) for top in sorted(set(tops))] == rows
        assert len({height for *_, height in boxes}) == 1
        if len(rows) > 1:
            assert len({width for _, width, _ in boxes}) == 1
    press(bob, "Deny")
    press(bob, "Deny")


@LONG
def test_an_open_approval_is_there_after_a_reload_and_in_the_inbox(
    server: Server, visit: Visit
) -> None:
    ann = asks(visit, server, "pay Bo")
    ann.page.reload()
    expect(card_of(ann).get_by_role("button", name="Approve")).to_be_visible()
    bob = visit(f"{server.url}/inbox")
    expect(card_of(bob)).to_have_count(1)
    expect(card_of(bob).get_by_role("link", name="In the thread “pay Bo”")).to_be_visible()
    bob.page.get_by_role("button", name="Approve").press("Enter")
    expect(bob.page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    assert bob.page.evaluate("() => document.activeElement.className") == "inbox-list"
    ann.sees_answer("done")
    assert paid(server) == ["50 Bo"]


@LONG
def test_an_approval_outlives_the_server(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    bob = visit(ann.page.url, strict=False)  # its connection is refused for a while
    ann.leave(strict=False)
    server.kill()
    server.start()
    press(bob, "Approve")
    assert "paid 50 to Bo" in bob.sees_answer("done")
    assert paid(server) == ["50 Bo"]


def test_a_stop_takes_back_what_was_asked(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "pay Bo")
    ann.stop_button.click()
    ann.sees_answer("stopped")
    expect(card_of(ann)).to_have_count(0)
    expect(decided(ann)).to_contain_text("Not waited for any more")
    expect(ann.page.locator("[data-part=waiting]")).to_have_count(0)


# Questions and limits


def test_a_question_is_answered_by_a_choice(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "choose a colour")
    bob = visit(ann.page.url)
    press(bob, "Blue")
    for person in (ann, bob):
        assert "I was told: Blue" in person.sees_answer("done")
        expect(decided(person)).to_contain_text("you answered: Blue")


@pytest.mark.long
def test_a_question_is_answered_in_other_words(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "choose a colour")
    card_of(ann).get_by_role("textbox", name="Another answer").fill("Green")
    ann.page.keyboard.press("Enter")
    assert "I was told: Green" in ann.sees_answer("done")


@LONG
def test_an_answer_goes_on_beyond_a_limit_or_ends_there(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "@frugal sum")
    press(ann, "Go on")
    ann.sees_answer("done")
    expect(decided(ann)).to_contain_text("you let it go on")
    bob = asks(visit, server, "@frugal sum")
    press(bob, "Stop here")
    bob.sees_answer("stopped")
    expect(decided(bob)).to_contain_text("you stopped it here")


# Agents


def test_three_agents_grow_side_by_side_in_their_folds(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("team go")
    bob = visit(ann.in_thread())
    for person in (ann, bob):
        folds = person.answer.locator("[data-part=agent]")
        expect(folds).to_have_count(3)
        for name in ("North", "South", "West"):
            fold = person.answer.locator(f"[data-part=agent][data-name={name.lower()}]")
            expect(fold.locator("[data-part=agent-text]")).to_contain_text(f"{name} counts 2.")
    expect(bob.answer).to_have_attribute("data-status", "running")
    assert_grows_in_each_frame(bob)
    for person in (ann, bob):
        assert "That is done" in person.sees_answer("done")
        for name in ("North", "South", "West"):
            fold = person.answer.locator(f"[data-part=agent][data-name={name.lower()}]")
            expect(fold).to_have_attribute("data-status", "done")
            expect(fold.locator("[data-part=agent-text]")).to_contain_text(f"{name} counts 40.")
    address = bob.page.url
    bob.answer.get_by_role("link", name="Open its thread").first.click()
    expect(bob.messages).to_have_count(2)
    bob.page.get_by_role("link", name="Back to the thread that it is part of").click()
    bob.page.wait_for_url(address)
    ann.page.reload()
    folds = ann.answer.locator("[data-part=agent]")
    expect(folds).to_have_count(3)
    expect(folds.first.locator("[data-part=agent-text]")).to_have_count(0)
    folds.first.locator("summary").press("Enter")
    expect(folds.first.locator("[data-part=agent-text]")).to_contain_text("counts 40.")


def assert_grows_in_each_frame(person: Person) -> None:
    """Each text only ever goes on, and its fold is never drawn anew."""
    frames = person.page.evaluate("""() => new Promise((resolve) => {
      const texts = [...document.querySelectorAll("[data-part=agent-text]")];
      const frames = [];
      const begun = Date.now();
      const look = () => {
        frames.push(texts.map((one) => (one.isConnected ? one.textContent : null)));
        const grown = texts.every((one, place) => one.textContent !== frames[0][place]);
        if (grown || Date.now() - begun > 30_000) resolve(frames);
        else requestAnimationFrame(look);
      };
      look();
    })""")
    for place in range(3):
        texts = [frame[place] for frame in frames]
        assert None not in texts
        assert all(after.startswith(before) for before, after in pairwise(texts))
        assert texts[-1] != texts[0]


@pytest.mark.long
def test_a_sub_agents_approval_is_decided_where_it_shows(server: Server, visit: Visit) -> None:
    ann = asks(visit, server, "nested payment")
    expect(card_of(ann)).to_contain_text("north wants to run this")
    press(ann, "Approve")
    ann.sees_answer("done")
    assert paid(server) == ["50 Bo"]


@LONG
def test_an_answer_is_handed_over_in_sight(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("bill")
    ann.sees_answer("done")
    expect(ann.answer.locator("[data-part=hand-over]")).to_have_text(
        "clerk handed over to writer: It is about a text."
    )
    expect(ann.answer.get_by_role("heading", name="writer")).to_be_visible()


# Whom to ask, and when


def test_an_agent_is_mentioned_by_keyboard(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.message_box.fill("@")
    options = ann.page.get_by_role("listbox", name="Agents to mention").get_by_role("option")
    expect(options).to_have_count(8)
    ann.message_box.press_sequentially("w")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    ann.page.keyboard.press("ArrowDown")
    active = ann.message_box.get_attribute("aria-activedescendant")
    assert active == options.last.get_attribute("id")
    ann.page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(ann.message_box).to_have_value("@w")
    ann.message_box.press_sequentially("r")
    ann.page.keyboard.press("Enter")
    expect(ann.message_box).to_have_value("@writer ")
    expect(ann.message_box).to_be_focused()
    ann.message_box.press_sequentially("hello")
    ann.page.keyboard.press("Enter")
    ann.sees_answer("done")
    expect(ann.answer.get_by_role("heading", name="writer")).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_agent_is_mentioned_by_mouse(server: Server, visit: Visit, size: ViewportSize) -> None:
    ann = visit(server.url, viewport=size)
    ann.message_box.press_sequentially("@")
    listbox = ann.page.get_by_role("listbox", name="Agents to mention")
    box = listbox.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] >= 0
    # Who looks elsewhere is not followed by a list.
    ann.page.get_by_role("heading", name="What would you like to work on?").click()
    expect(listbox).to_have_count(0)
    ann.message_box.press_sequentially("n")
    listbox.get_by_role("option", name="@north").click()
    expect(ann.message_box).to_have_value("@north ")
    expect(ann.message_box).to_be_focused()


def stranger(person: Person) -> Locator:
    return person.page.locator("[data-part=stranger]")


def test_a_name_that_nobody_has_is_said_before_anything_is_sent(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.message_box.press_sequentially("@rese")
    expect(stranger(ann)).to_have_text("")
    ann.message_box.press_sequentially("rcher, hello")
    expect(stranger(ann)).to_have_text(
        "Nobody here is called @resercher; whoever fits the message answers."
    )
    assert stranger(ann).get_attribute("role") == "status"
    ann.page.get_by_role("button", name="Agent: Automatic").press("Enter")
    ann.page.get_by_role("menuitemradio", name=re.compile("^south")).press("Enter")
    expect(stranger(ann)).to_have_text("Nobody here is called @resercher; south answers.")
    expect(ann.message_box).to_have_value("@resercher, hello")
    ann.message_box.press("Enter")
    assert ann.sees_answer("done") == "You said: @resercher, hello"
    expect(ann.answer.get_by_role("heading", name="south")).to_be_visible()
    expect(stranger(ann)).to_have_text("")


def test_what_is_no_name_or_is_one_is_let_be(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    for text in (
        "@ 5pm we meet",
        "@5pm we meet",
        "ann@example.org wrote",
        "@example.org is taken",
        "see @media rules",
        "@Writer, hello",
        "@writer: hello",
        "@",
    ):
        ann.message_box.fill("@nobody at all")
        expect(stranger(ann)).not_to_have_text("")
        ann.message_box.fill(text)
        expect(stranger(ann)).to_have_text("")


@pytest.mark.long
def test_a_model_is_named_where_it_is_not_the_one_of_the_page(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    expect(ann.page.locator("[data-part=model]")).to_contain_text("Scripted answers")
    ann.page.get_by_role("button", name="Agent: Automatic").click()
    menu = ann.page.get_by_role("menu")
    expect(menu.get_by_role("menuitemradio")).to_have_count(9)
    expect(menu.get_by_text("Scripted answers")).to_have_count(0)
    expect(menu.get_by_role("menuitemradio", name=re.compile("^broker"))).to_contain_text(
        "GPT-4o mini"
    )
    expect(menu.get_by_text("GPT-4o mini")).to_have_count(1)


@pytest.mark.long
def test_an_agent_is_picked_for_a_new_thread_and_then_for_another(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.page.get_by_role("button", name="Agent: Automatic").press("Enter")
    ann.page.get_by_role("menuitemradio", name=re.compile("^writer")).press("Enter")
    picked = ann.page.get_by_role("button", name="Agent: writer")
    expect(picked).to_be_focused()
    ann.say("Hello")
    bob = visit(ann.in_thread())
    ann.sees_answer("done")
    expect(ann.answer.get_by_role("heading", name="writer")).to_be_visible()
    expect(bob.page.get_by_role("button", name="Agent: writer")).to_be_visible()
    bob.page.get_by_role("button", name="Agent: writer").click()
    bob.page.get_by_role("menuitemradio", name=re.compile("^south")).click()
    expect(ann.page.get_by_role("button", name="Agent: south")).to_be_visible()
    ann.say("And you?")
    expect(ann.messages).to_have_count(4)
    ann.sees_answer("done")
    expect(ann.answer.get_by_role("heading", name="south")).to_be_visible()
    ann.page.get_by_role("link", name="agentchat").click()
    expect(ann.page.get_by_role("button", name="Agent: Automatic")).to_be_visible()


@pytest.mark.long
def test_a_second_message_does_what_was_picked(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("twice")
    ann.in_thread()
    expect(tool_of(ann)).to_have_attribute("data-status", "running")
    menu = ann.page.get_by_role("button", name=re.compile("^What a message does"))
    expect(menu).to_have_text("Sends after this answer")
    menu.click()
    ann.page.get_by_role("menuitemradio", name=re.compile("^Joins this answer")).click()
    expect(menu).to_have_text("Joins this answer")
    ann.say("And gulls, please")
    expect(ann.page.get_by_text("Joins the answer above")).to_be_visible()
    (server.data_dir / "gate").touch()
    expect(ann.answer).to_have_attribute("data-status", "done")
    expect(ann.page.get_by_text("Joined the answer above")).to_be_visible()
    expect(ann.answer.locator("[data-part=joined]")).to_have_text("you joined: And gulls, please")
    expect(ann.messages).to_have_count(3)
    ann.say("long story")
    ann.sees_in_answer("This is sentence 3.")
    menu.click()
    ann.page.get_by_role("menuitemradio", name=re.compile("^Stops this answer")).click()
    expect(menu).to_have_text("Stops this answer")
    ann.say("Never mind")
    expect(ann.messages).to_have_count(7)
    assert ann.sees_answer("done") == "You said: Never mind"
    expect(ann.page.locator('article[data-status="stopped"]')).to_have_count(1)


# Tokens and cost


def cost_of(person: Person, message: Locator) -> Locator:
    message.get_by_role("button", name="Tokens and cost").click()
    return message.get_by_role("region", name="Tokens and cost")


def lines(cost: Locator) -> list[str]:
    """What is said of each sum, without what it took, which differs."""
    texts = [" ".join(one.split()) for one in cost.locator(".spent-sum").all_inner_texts()]
    return [re.sub(r" Took [\d.]+ s$", "", text) for text in texts]


def test_what_an_answer_cost_is_shown_by_agent_when_it_is_asked_for(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("mixed work")
    ann.sees_answer("done")
    expect(ann.page.locator("[data-part=spent]")).to_have_count(0)
    cost = cost_of(ann, ann.answer)
    expect(cost.locator(".spent-sum")).to_have_count(5)
    # Those who work side by side come in either order.
    answer, clerk, *others, thread = lines(cost)
    broker, north = sorted(others)
    assert re.fullmatch(
        r"This answer At least \$0\.0016; the price of 3 calls is not known"
        r" 1\d,\d{3} tokens in \(9,000 cached\), \d{3} out"
        r" tokens of 3 of 4 calls estimated 4 calls",
        answer,
    )
    assert re.fullmatch(
        r"clerk scripted:instant Price not known [\d,]+ tokens in, \d+ out"
        r" tokens estimated 2 calls",
        clerk,
    )
    assert north.startswith("north scripted:instant Price not known")
    assert broker == (
        "broker openai:gpt-4o-mini $0.0016 12,000 tokens in (9,000 cached), 800 out 1 call"
    )
    assert thread == answer.replace("This answer", "The thread so far")
    assert "$0.00 " not in cost.inner_text()
    expect(cost.get_by_text(re.compile(r"^Took [\d.]+ s$"))).to_have_count(1)
    button = ann.answer.get_by_role("button", name="Tokens and cost")
    expect(button).to_have_attribute("aria-expanded", "true")
    button.press("Enter")
    expect(cost).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.long
def test_one_answer_is_open_at_a_time_and_follows_its_thread(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("@broker hello")
    ann.sees_answer("done")
    first = ann.page.locator('article[data-role="assistant"]').first
    cost = cost_of(ann, first)
    once = "$0.0016 12,000 tokens in (9,000 cached), 800 out 1 call"
    expect(cost.locator(".spent-sum")).to_have_count(2)
    assert lines(cost) == [
        f"This answer openai:gpt-4o-mini {once}",
        f"The thread so far {once}",
    ]
    bob = visit(ann.page.url)
    bob.say("@broker once more")
    expect(bob.messages).to_have_count(4)
    bob.sees_answer("done")
    # Without being opened again.
    expect(cost.locator(".spent-sum").last).to_contain_text("$0.0032")
    expect(cost.locator(".spent-sum").first).to_contain_text("$0.0016")
    second = cost_of(ann, ann.answer)
    expect(second.locator(".spent-sum").first).to_contain_text("$0.0016")
    expect(ann.page.locator("[data-part=spent]")).to_have_count(1)
    # What a reload, another thread and a restart leave of it.
    ann.page.reload()
    expect(ann.messages).to_have_count(4)
    expect(ann.page.locator("[data-part=spent]")).to_have_count(0)
    expect(cost_of(ann, first).locator(".spent-sum").first).to_contain_text("$0.0016")
    address = ann.page.url
    ann.page.get_by_role("button", name="New thread").click()
    expect(ann.messages).to_have_count(0)
    ann.page.goto(address)
    expect(ann.messages).to_have_count(4)
    expect(ann.page.locator("[data-part=spent]")).to_have_count(0)


@pytest.mark.long
def test_what_is_open_is_there_after_a_restart(server: Server, visit: Visit) -> None:
    ann = visit(server.url, strict=False)
    ann.say("@broker hello")
    ann.sees_answer("done")
    cost = cost_of(ann, ann.page.locator('article[data-role="assistant"]').first)
    expect(cost.locator(".spent-sum")).to_have_count(2)
    server.kill()
    expect(ann.page.get_by_text("Connection lost")).to_be_visible()
    server.start()
    expect(ann.page.get_by_text("Connection lost")).to_be_hidden()
    ann.say("@broker again")
    expect(ann.messages).to_have_count(4)
    expect(cost.locator(".spent-sum").last).to_contain_text("$0.0032")


@pytest.mark.long
def test_a_stopped_answer_says_what_it_cost_as_far_as_anybody_knows(
    server: Server, visit: Visit
) -> None:
    ann = visit(server.url, viewport=PHONE)
    ann.say("long story")
    ann.sees_in_answer("This is sentence 3.")
    expect(ann.answer.get_by_role("button", name="Tokens and cost")).to_have_count(0)
    ann.stop_button.click()
    ann.sees_answer("stopped")
    cost = cost_of(ann, ann.answer)
    expect(cost).to_contain_text("price not known")
    expect(cost).to_contain_text("tokens estimated")
    overflow = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert ann.page.evaluate(overflow) <= 0


# The pages beside the threads


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "title"),
    [("/inbox", "Waiting for you"), ("/memory", "Memory"), ("/help/models", "Better answers")],
)
def test_every_page_has_the_threads_beside_it(
    server: Server, visit: Visit, path: str, title: str
) -> None:
    bob = visit(server.url)
    bob.say(f"Look at {path}")
    bob.sees_answer("done")
    ann = visit(f"{server.url}{path}", viewport=WIDE)
    expect(ann.page.get_by_role("heading", name=title, level=1)).to_be_in_viewport()
    here = ann.page.locator(".place-link[aria-current=page]")
    expect(here).to_have_text([] if path == "/help/models" else [re.compile(f"^{title}")])
    line = ann.threads.filter(has_text=f"Look at {path}")
    expect(line).to_be_in_viewport()
    ann.page.set_viewport_size(PHONE)
    expect(line).not_to_be_in_viewport()
    ann.page.get_by_role("button", name="Show threads").click()
    expect(line).to_be_in_viewport()
    overflow = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert ann.page.evaluate(overflow) <= 0
    line.click()
    expect(ann.messages).to_have_count(2)
