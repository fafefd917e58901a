"""Files by button, paste and drop: on their way, refused, sent, and seen with their message."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Route, expect

from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, anthropic_at
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG
from tests.waiting import eventually_now


def png(width: int = 40, height: int = 30) -> bytes:
    """A picture in one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x20\x80\x60" * width) * height)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


PNG = png()
NOTES = b"# Herons\n\n<script>window.hurt = 1</script>\n"
LOST = re.compile("connection was lost")


@pytest.fixture(scope="module")
def server_of_package(
    fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of a model that sees pictures, which takes files of a megabyte, three a message."""
    limits = {"AGENTCHAT_FILE_MB": "1", "AGENTCHAT_MESSAGE_FILES": "3"}
    where = tmp_path_factory.mktemp("data")
    server = Server(where, **limits, **anthropic_at(fake_of_package))
    server.start()
    yield server
    server.kill()


def payload(name: str, content: bytes, kind: str = "") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


class Files:
    """What somebody sees of the files of the next message."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page

    @property
    def all(self) -> Locator:
        return self.page.get_by_role("list", name="Files of this message").get_by_role("listitem")

    def one(self, name: str) -> Locator:
        return self.all.filter(has_text=name)

    def choose(self, *files: FilePayload) -> None:
        """By the button, as with the mouse."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Attach files").click()
        chooser.value.set_files(list(files))

    def hand(self, event: str, target: str, files: list[FilePayload], text: str = "") -> bool:
        """Let an event bring files to what matches ``target``; whether the page took it."""
        given = [[one["name"], base64.b64encode(one["buffer"]).decode()] for one in files]
        took = self.page.evaluate(
            """([event, target, files, text]) => {
                const data = new DataTransfer();
                for (const [name, content] of files) {
                    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
                    const type = name.endsWith(".png") ? "image/png" : "";
                    data.items.add(new File([bytes], name, { type }));
                }
                if (text) data.setData("text/plain", text);
                const about = { bubbles: true, cancelable: true };
                const made = event === "paste"
                    ? new ClipboardEvent(event, { ...about, clipboardData: data })
                    : new DragEvent(event, { ...about, dataTransfer: data });
                return !document.querySelector(target).dispatchEvent(made);
            }""",
            [event, target, given, text],
        )
        return bool(took)

    def there(self, *names: str) -> None:
        """Wait until these are attached, and no others."""
        expect(self.all).to_have_count(len(names))
        for name in names:
            expect(self.one(name)).to_have_attribute("data-status", "done")


def uploads(server: Server) -> int:
    return int(server.rows("SELECT count(*) FROM uploads")[0][0])


def test_files_come_by_button_paste_and_drop_and_go_with_the_message(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    fake.enqueue(Reply("A picture, and notes."))
    ann = visit(server.url)
    files = Files(ann)
    files.choose(payload("notes.md", NOTES))
    files.there("notes.md")
    assert files.hand("paste", "#message", [payload("heron.png", PNG)])
    files.there("notes.md", "heron.png")
    veil = ann.page.locator("[data-part=drop-veil]")
    assert files.hand("dragover", ".log", [payload("a.txt", b"a")])
    expect(veil).to_be_visible()
    assert files.hand("drop", ".log", [payload("delta.png", png(30, 50))])
    expect(veil).to_have_count(0)
    files.there("notes.md", "heron.png", "delta.png")
    expect(ann.send_button).to_be_disabled()
    ann.say("What is this?")
    expect(files.all).to_have_count(0)
    ann.sees_answer("done")
    assert uploads(server) == 0

    content = fake.requests[-1].json["messages"][-1]["content"]
    assert [one["type"] for one in content] == ["image", "image", "text"]
    assert content[0]["source"]["data"] == base64.b64encode(PNG).decode()
    assert "# Herons" in content[2]["text"]

    bob = visit(ann.in_thread())
    for person in (ann, bob):
        said = person.messages.first
        expect(said.get_by_role("list", name="Pictures").get_by_role("button")).to_have_count(2)
        picture = said.get_by_role("img", name="heron.png")
        expect(picture).to_be_visible()
        expect(picture).to_have_attribute("loading", "lazy")
        expect(picture).to_have_js_property("naturalWidth", 40)


@LONG
def test_beside_the_thread_nothing_is_taken_and_the_page_stays(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    # What the server says is there only once the page is alive.
    expect(ann.page.locator("[data-part=model]")).to_be_visible()
    files = Files(ann)
    for event in ("dragover", "drop"):
        # Taken, or else the browser would open the file in place of the page.
        assert files.hand(event, ".sidebar", [payload("a.txt", b"a")])
    expect(ann.page.locator("[data-part=drop-veil]")).to_have_count(0)
    # Text that is dragged is left to the browser, and so is pasted text that brings a picture.
    assert not files.hand("dragover", ".log", [], text="words")
    assert not files.hand("paste", "#message", [payload("a.png", PNG)], text="some cells")
    expect(files.all).to_have_count(0)


def test_a_picture_opens_large_and_a_text_is_read_and_neither_runs(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    files = Files(ann)
    files.choose(payload("one.png", PNG), payload("two.png", PNG), payload("notes.html", NOTES))
    files.there("one.png", "two.png", "notes.html")
    ann.say("Look")
    ann.sees_answer("done")
    said = ann.messages.first
    opener = said.get_by_role("button", name="Open one.png")
    opener.press("Enter")
    dialog = ann.page.get_by_role("dialog", name="one.png")
    expect(dialog.get_by_role("img", name="one.png")).to_be_visible()
    ann.page.keyboard.press("ArrowRight")
    expect(ann.page.get_by_role("dialog", name="two.png")).to_be_visible()
    ann.page.keyboard.press("ArrowRight")
    expect(dialog).to_be_visible()
    with ann.page.expect_download() as download:
        dialog.get_by_role("link", name="Download one.png").click()
    assert download.value.suggested_filename == "one.png"
    ann.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()

    said.get_by_text("Preview", exact=True).press("Enter")
    expect(said.locator("pre")).to_have_text(NOTES.decode().strip())
    with ann.page.expect_download() as download:
        said.get_by_role("link", name="Download notes.html").click()
    assert Path(download.value.path()).read_bytes() == NOTES
    address = said.get_by_role("link", name="Download notes.html").get_attribute("href")
    # Opened as a page, too, it is a download.
    answer = ann.page.request.get(f"{server.url}{address}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert ann.page.evaluate("window.hurt") is None


def test_what_is_refused_says_so_at_the_file_and_holds_the_message_back(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url, strict=False)
    files = Files(ann)
    ann.message_box.fill("Look at these")
    files.choose(payload("big.txt", b"x" * 1_100_000), payload("none.txt", b""))
    expect(files.one("big.txt")).to_contain_text("1.1 MB is too large: 1.0 MB is the most")
    expect(files.one("none.txt")).to_contain_text("empty")
    # This one the page cannot know of.
    files.choose(payload("gpj\u202eexe.txt", b"x"), payload("fourth.txt", b"x"))
    expect(files.all.nth(2)).to_contain_text("characters that cannot be seen")
    expect(ann.page.get_by_text("A message takes 3 files; 1 was left out.")).to_be_visible()
    expect(ann.send_button).to_be_disabled()
    expect(ann.page.get_by_text("Remove the files that could not be attached")).to_be_visible()
    ann.message_box.press("Enter")
    expect(ann.messages).to_have_count(0)
    for name in ("big.txt", "none.txt"):
        ann.page.get_by_role("button", name=f"Remove {name}").press("Enter")
        expect(files.all.get_by_role("button", name=re.compile("^Remove")).first).to_be_focused()
    ann.page.keyboard.press("Enter")
    expect(ann.message_box).to_be_focused()
    expect(ann.send_button).to_be_enabled()
    assert ann.message_box.input_value() == "Look at these"


def test_a_file_on_its_way_shows_how_far_it_is_and_can_be_taken_away(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    files = Files(ann)
    ann.message_box.fill("Look")
    files.choose(payload("first.txt", b"x"))
    files.there("first.txt")
    throttle(ann, 100_000)
    files.choose(payload("slow.txt", b"x" * 900_000), payload("other.txt", b"x" * 900_000))
    expect(files.one("slow.txt")).to_contain_text(re.compile(r"[1-9]\d? %"))
    bar = ann.page.get_by_role("progressbar", name="Upload of slow.txt")
    expect(bar).to_be_visible()
    assert 0 < bar.evaluate("one => one.value") < 1
    expect(ann.send_button).to_be_disabled()
    expect(ann.page.get_by_text("can be sent once its files are there")).to_be_visible()
    ann.page.get_by_role("button", name="Remove other.txt").click()
    throttle(ann, -1)
    files.there("first.txt", "slow.txt")
    told = ann.page.locator("[data-part=files-told]")
    expect(told).to_have_text("slow.txt is attached")
    expect(ann.send_button).to_be_enabled()
    # A file that is taken away is nowhere any more.
    ann.page.get_by_role("button", name="Remove slow.txt").click()
    eventually_now(lambda: uploads(server) == 1)
    ann.page.get_by_role("button", name="Remove first.txt").click()
    eventually_now(lambda: uploads(server) == 0)


def throttle(person: Person, bytes_a_second: int) -> None:
    """Let a browser send so slowly; -1 is as fast as it can."""
    session = person.context.new_cdp_session(person.page)
    session.send("Network.enable")
    about: dict[str, Any] = {"offline": False, "latency": 0, "downloadThroughput": -1}
    session.send("Network.emulateNetworkConditions", {**about, "uploadThroughput": bytes_a_second})


@LONG
def test_a_lost_connection_and_a_killed_server_lose_no_file_of_the_browser(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url, strict=False)
    files = Files(ann)
    ann.message_box.fill("Look at the notes")

    def cut(route: Route) -> None:
        if route.request.method == "POST":
            route.abort("connectionreset")
        else:
            route.continue_()

    ann.page.route("**/uploads", cut)
    files.choose(payload("notes.md", NOTES))
    expect(files.one("notes.md")).to_contain_text(LOST)
    ann.page.unroute("**/uploads")
    ann.page.get_by_role("button", name="Try notes.md again").click()
    files.there("notes.md")

    throttle(ann, 100_000)
    files.choose(payload("slow.txt", b"x" * 900_000))
    expect(files.one("slow.txt")).to_contain_text(re.compile(r"[1-9]\d? %"))
    server.kill()
    expect(files.one("slow.txt")).to_contain_text(LOST)
    throttle(ann, -1)
    server.start()
    assert uploads(server) == 1
    ann.page.get_by_role("button", name="Try slow.txt again").click()
    files.there("notes.md", "slow.txt")
    expect(ann.page.get_by_text("Connection lost")).to_have_count(0)
    ann.send_button.click()
    ann.sees_answer("done")
    expect(ann.messages.first.get_by_role("link", name=re.compile("^Download"))).to_have_count(2)


def test_files_of_a_draft_survive_a_reload_and_those_that_did_not_are_said(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    files = Files(ann)
    ann.message_box.fill("A draft")
    files.choose(payload("heron.png", PNG), payload("notes.md", NOTES))
    files.there("heron.png", "notes.md")
    ann.page.reload()
    files.there("heron.png", "notes.md")
    expect(ann.message_box).to_have_value("A draft")
    picture = files.one("heron.png").locator("img")
    expect(picture).to_have_js_property("naturalWidth", 40)
    # One is removed elsewhere, and a third is on its way while the page is loaded anew.
    found = ann.page.evaluate("fetch('/uploads').then((one) => one.json())")["files"]
    id = next(one["id"] for one in found if one["name"] == "notes.md")
    ann.page.evaluate("id => fetch(`/uploads/${id}`, { method: 'DELETE' })", id)
    throttle(ann, 50_000)
    files.choose(payload("slow.txt", b"x" * 900_000))
    expect(files.one("slow.txt")).to_have_attribute("data-status", "sending")
    ann.page.reload()
    throttle(ann, -1)
    expect(files.one("notes.md")).to_contain_text("Not kept any more")
    expect(files.one("slow.txt")).to_contain_text("loaded anew")
    for name in ("notes.md", "slow.txt"):
        ann.page.get_by_role("button", name=f"Remove {name}").click()
    ann.send_button.click()
    ann.sees_answer("done")
    expect(ann.messages.first.get_by_role("img", name="heron.png")).to_be_visible()


@LONG
def test_a_message_that_is_refused_gives_its_files_back(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    files = Files(ann)
    files.choose(payload("kept.md", NOTES), payload("gone.md", NOTES))
    files.there("kept.md", "gone.md")
    found = ann.page.evaluate("fetch('/uploads').then((one) => one.json())")["files"]
    id = next(one["id"] for one in found if one["name"] == "gone.md")
    ann.page.evaluate("id => fetch(`/uploads/${id}`, { method: 'DELETE' })", id)
    ann.say("With both")
    waiting = ann.messages.filter(has_text="With both")
    expect(waiting).to_contain_text("is not there any more")
    expect(waiting.get_by_role("list", name="Files").get_by_role("listitem")).to_have_count(2)
    waiting.get_by_role("button", name="Edit").click()
    expect(files.one("kept.md")).to_have_attribute("data-status", "done")
    expect(files.one("gone.md")).to_contain_text("Not kept any more")
    ann.page.get_by_role("button", name="Remove gone.md").click()
    expect(ann.message_box).to_have_value("With both")
    ann.send_button.click()
    ann.sees_answer("done")
    expect(ann.messages.first.get_by_role("link", name=re.compile("kept.md"))).to_be_visible()


@LONG
def test_long_pasted_text_is_offered_as_a_file(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = visit(server.url)
    files = Files(ann)
    ann.message_box.fill("Sum this up: ")
    text = "word " * 5_000
    # What the browser does with text that is pasted.
    assert not files.hand("paste", "#message", [], text=text)
    ann.page.keyboard.insert_text(text)
    offer = ann.page.get_by_role("group", name="Long text was pasted")
    expect(offer).to_contain_text("25,000 characters")
    offer.get_by_role("button", name="Attach them as a file").click()
    expect(ann.message_box).to_have_value("Sum this up: ")
    files.there("pasted.txt")
    expect(offer).to_have_count(0)
    ann.send_button.click()
    ann.sees_answer("done")
    assert text.strip() in json.dumps(fake.requests[-1].json)


@LONG
def test_whoever_attaches_a_picture_is_told_that_nobody_here_can_see_it(
    fake: FakeProvider, visit: Visit, data_dir: Path
) -> None:
    server = Server(data_dir, AGENTCHAT_MODEL="scripted:instant")
    server.start()
    try:
        ann = visit(server.url)
        files, words = Files(ann), ann.page.locator("[data-part=unseen]")
        files.choose(payload("notes.md", NOTES))
        files.there("notes.md")
        expect(words).to_be_empty()
        files.choose(payload("heron.png", PNG))
        expect(words).to_have_text(re.compile("cannot see pictures"))
        ann.say("Look")
        assert "cannot be seen by this model" in ann.sees_answer("done")
        expect(words).to_be_empty()
        ann.page.close()
    finally:
        server.kill()


@LONG
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_everybody_can_use_it(
    server: Server, fake: FakeProvider, visit: Visit, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 844}
    ann = visit(server.url, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    files = Files(ann)
    ann.page.get_by_role("button", name="Attach files").focus()
    long = f"{'A very long name of a picture ' * 4}.png"
    files.choose(payload(long, PNG), payload("notes.md", NOTES), payload("big", b"x" * 1_000_001))
    expect(files.one("big")).to_have_attribute("data-status", "failed")
    looked_at(ann)
    ann.page.get_by_role("button", name="Remove big").click()
    ann.say("Look")
    ann.sees_answer("done")
    ann.messages.first.get_by_text("Preview", exact=True).click()
    expect(ann.messages.first.locator("pre")).to_be_visible()
    looked_at(ann)
    ann.messages.first.get_by_role("button", name=re.compile("^Open")).click()
    expect(ann.page.get_by_role("dialog")).to_be_visible()
    looked_at(ann)


def looked_at(person: Person) -> None:
    """Nothing is wider than the page, and axe finds nothing serious."""
    page = person.page
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert serious(page) == []
