"""What people type, hostile or not: clear words, nothing lost, nothing run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

HOSTILE = """
<script>window.hurt = 1</script>
<iframe srcdoc="<script>parent.hurt = 1</script>"></iframe>
<img src="http://evil.example/raw.png" onerror="window.hurt = 1">
<svg onload="window.hurt = 1"></svg>
<style>body { display: none }</style>
<a href="javascript:window.hurt = 1">raw link</a>

[a link](javascript:window.hurt=1) and [another](data:text/html,<script>hurt=1</script>)

[third]( java\tscript:window.hurt=1) <javascript:window.hurt=1>

![a picture](http://evil.example/picture.png) ![by reference][pic]

[pic]: http://evil.example/reference.png

```html
<script>window.hurt = 1</script>
```

| table | <img src=x onerror=hurt=1> |
| --- | --- |
| ![cell](//evil.example/cell.png) | x |

A [good link](https://example.org/page) at the end.
"""


def test_an_empty_message_and_one_of_200_000_characters_cannot_be_sent(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    expect(ann.send_button).to_be_disabled()
    ann.message_box.fill("   \n ")
    expect(ann.send_button).to_be_disabled()
    ann.message_box.press("Enter")
    expect(ann.messages).to_have_count(0)
    ann.message_box.fill("x" * 200_000)
    expect(ann.page.get_by_role("alert")).to_contain_text("200,000")
    expect(ann.page.get_by_role("alert")).to_contain_text("100,000")
    expect(ann.send_button).to_be_disabled()
    ann.message_box.press("Enter")
    # It is refused with words, and kept.
    assert ann.message_box.input_value() == "x" * 200_000
    expect(ann.messages).to_have_count(0)
    assert fake.requests == []


def test_a_message_as_long_as_is_allowed_is_answered(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("word " * 19_999)
    ann.sees_answer("done")
    assert len(fake.requests[0].json["messages"][-1]["content"]) == 99_994


def test_an_unknown_thread_is_said_in_words_with_a_way_on(server: Server, visit: Visit) -> None:
    ann = visit(f"{server.url}/t/no-such-thread-at-all", strict=False)
    expect(ann.page.get_by_text(re.compile("does not exist|deleted", re.I)).first).to_be_visible()
    ann.page.get_by_role("button", name="New thread").click()
    ann.say("Hello")
    ann.sees_answer("done")


@LONG
def test_a_thread_that_somebody_deletes_keeps_what_was_typed(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.say("A thread to delete")
    ann.sees_answer("done")
    bob = visit(ann.in_thread())
    bob.message_box.fill("I am still writing this")
    ann.threads.first.hover()
    ann.page.get_by_role("button", name="Thread options").first.click()
    ann.page.get_by_role("menuitem", name="Delete").click()
    expect(ann.threads.filter(has_text="A thread to delete")).to_have_count(0)
    expect(bob.page.get_by_text(re.compile("deleted", re.I)).first).to_be_visible()
    assert bob.message_box.input_value() == "I am still writing this"


@LONG
def test_a_thread_can_be_given_another_name(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("A thread to rename")
    ann.sees_answer("done")
    bob = visit(ann.in_thread())
    ann.threads.first.hover()
    ann.page.get_by_role("button", name="Thread options").first.click()
    ann.page.get_by_role("menuitem", name="Rename").click()
    title = ann.page.get_by_role("textbox", name="Title")
    title.fill("Herons of the delta")
    title.press("Enter")
    expect(bob.threads.first).to_contain_text("Herons of the delta")
    expect(bob.page.get_by_role("heading", name="Herons of the delta")).to_be_visible()


def test_enter_sends_shift_enter_does_not_and_neither_does_composing(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    ann.message_box.fill("first line")
    ann.message_box.press("Shift+Enter")
    ann.message_box.press_sequentially("second line")
    assert ann.message_box.input_value() == "first line\nsecond line"
    # Enter that picks a word of an input method (Chinese, Japanese, Korean).
    ann.message_box.evaluate(
        "box => box.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', bubbles: true, cancelable: true, isComposing: true}))"
    )
    expect(ann.messages).to_have_count(0)
    ann.message_box.press("Enter")
    ann.sees_answer("done")
    assert fake.requests[0].json["messages"][-1]["content"] == "first line\nsecond line"


def test_a_draft_survives_a_reload(server: Server, visit: Visit) -> None:
    ann = visit(server.url)
    ann.message_box.fill("half a thought")
    ann.page.reload()
    expect(ann.message_box).to_have_value("half a thought")


@LONG
@pytest.mark.parametrize("who", ["person", "model"])
def test_nothing_hostile_runs_and_nothing_is_fetched(
    server: Server, fake: FakeProvider, visit: Visit, who: str
) -> None:
    if who == "model":
        fake.enqueue(Reply(HOSTILE))
    ann = visit(server.url)
    ann.say("Be nasty" if who == "model" else HOSTILE)
    ann.sees_answer("done")
    bob = visit(ann.in_thread())
    bob.sees_answer("done")
    for person in (ann, bob):
        shown = person.answer if who == "model" else person.messages.first
        expect(shown).to_contain_text("<script>window.hurt = 1</script>")
        person.page.wait_for_timeout(300)
        assert person.page.evaluate("() => window.hurt") is None
        log = person.page.get_by_role("log")
        for forbidden in ("script", "iframe", "img", "style", "object", "embed", "form"):
            assert log.locator(forbidden).count() == 0, forbidden
        links = log.get_by_role("link").evaluate_all("all => all.map(a => a.href)")
        own = ("https://example.org", f"{server.url}/runs/")
        assert all(link.startswith(own) for link in links), links
        assert not [url for url in person.requested if "evil.example" in url]
    if who == "model":
        link = ann.answer.get_by_role("link", name="good link")
        assert "noopener" in (link.get_attribute("rel") or "")
        expect(ann.answer).to_contain_text("evil.example")


def test_a_thread_title_is_text(server: Server, fake: FakeProvider, visit: Visit) -> None:
    ann = visit(server.url)
    ann.say("<img src=x onerror='window.hurt=1'> <b>bold</b>")
    ann.sees_answer("done")
    expect(ann.threads.first).to_contain_text("<img src=x")
    assert ann.page.evaluate("() => window.hurt") is None


def test_a_page_of_another_site_may_not_open_the_socket(server: Server, visit: Visit) -> None:
    import socket
    import uuid

    def handshake(origin: str) -> str:
        request = (
            f"GET /_event/?token={uuid.uuid4()}&EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: {origin}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(request.encode())
            return connection.recv(100).decode("latin-1").split("\r\n")[0]

    assert "101" in handshake(f"http://127.0.0.1:{server.port}")
    assert "101" not in handshake("http://evil.example")
    assert "101" not in handshake(f"http://127.0.0.1:{server.port + 1}")
