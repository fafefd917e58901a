"""Hundreds of texts that would run, by every way in: nothing runs, nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect

from tests.acceptance.server import Server
from tests.acceptance.xss_payloads import PAYLOADS, SHORT
from tests.long import LONG
from tests.waiting import eventually_now

WATCH = """
(() => {
  const seen = [];
  window.__seen = seen;
  const keep = (kind) => (what) => { seen.push(`${kind}: ${String(what).slice(0, 200)}`); };
  Object.defineProperty(window, "__xss", { value: keep("ran"), writable: false });
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = keep(name);
  document.addEventListener("securitypolicyviolation", (event) => {
    keep("violation")(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
})();
"""
SCAN = """
() => {
  const found = [];
  const note = (element, why) => found.push(`${why}: ${element.outerHTML.slice(0, 160)}`);
  const FORBIDDEN = "iframe, frame, frameset, object, embed, applet, base, portal, marquee,"
    + " audio, video, source, foreignObject, animate, set, use, image, template, dialog[onclose],"
    // What formulas are drawn with: nothing in them leads or reacts.
    + " math:not(.formula .katex-mathml math), .formula a, .formula button, .formula img,"
    + " .formula annotation-xml, .formula maction,"
    + " .formula semantics > :not(mrow, mtable, mstyle, annotation)";
  for (const element of document.body.querySelectorAll("*")) {
    if (element.matches(FORBIDDEN)) note(element, "element");
    if (element.matches("main script, nav script, main style, main link, main meta")) {
      note(element, "element");
    }
    for (const { name, value } of element.attributes) {
      if (/^on|^(srcdoc|formaction|xlink:href|background|ping|action)$/i.test(name)) {
        note(element, `attribute ${name}`);
      }
      if (/^(href|src|srcset|poster|data)$/i.test(name) && element.tagName !== "A"
          && /^\\s*([a-z][a-z0-9+.-]*:|\\/\\/)/i.test(value)
          && !value.startsWith(location.origin)) {
        note(element, `address ${name}`);
      }
      if (name === "style" && /url|expression|binding/i.test(value)) note(element, "style");
    }
    if (element.tagName === "A" && element.hasAttribute("href")) {
      if (!/^(https?|mailto):$/.test(element.protocol)) note(element, "scheme");
      if (element.origin !== location.origin) {
        const rel = element.relList;
        if (element.target !== "_blank") note(element, "target");
        if (!(rel.contains("noopener") && rel.contains("noreferrer"))) note(element, "rel");
      }
    }
  }
  return found;
}
"""


class Witness:
    """A browser that notes what should not have happened."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.origin = url
        self.forget()
        context.add_init_script(WATCH)
        context.route(lambda asked: not asked.startswith(url), self._foreign)
        self.page = context.new_page()
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("popup", lambda popup: self.wrong.append(f"popup: {popup.url}"))
        self.page.on("download", lambda one: self.wrong.append(f"download: {one.url}"))

    def forget(self) -> None:
        """As if nothing had happened."""
        self.wrong: list[str] = []
        self.asked: list[str] = []

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _foreign(self, route: Route) -> None:
        self.asked.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<title>outside</title>")

    def sees(self, path: str, shows: str) -> None:
        """Open a page, wait for what it shows at last, open all that is folded, look at it."""
        before = f"{self.origin}{path}"
        self.page.goto(before)
        # Not its scripts: what is shown.
        shown = self.page.locator("main, nav").filter(has_text=shows)
        expect(shown.first).to_be_visible()
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        self.page.wait_for_timeout(150)
        self.looks(path)

    def looks(self, path: str) -> None:
        """Nothing ran, nothing was asked for, nobody was led away, nothing is there that could."""
        assert not self.page.evaluate("window.__seen"), path
        assert not self.page.evaluate(SCAN), path
        assert not self.wrong, path
        assert not self.asked, path
        assert urlsplit(self.page.url).netloc == urlsplit(self.origin).netloc, path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("hostile"), program=("tests.acceptance.xss_app",))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def seeded(hostile: Server) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((hostile.data_dir / "seeded.json").read_text())
    return found


@contextmanager
def witness_at(browser: Browser, server: Server) -> Iterator[Witness]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Witness(context, server.url)
    context.close()


@pytest.fixture(scope="module")
def same_witness(browser: Browser, hostile: Server) -> Iterator[Witness]:
    with witness_at(browser, hostile) as witness:
        yield witness


@pytest.fixture
def witness(same_witness: Witness) -> Witness:
    """One that has forgotten what happened to it."""
    same_witness.page.goto("about:blank")
    same_witness.forget()
    return same_witness


@pytest.fixture
def harmed(browser: Browser, hostile: Server) -> Iterator[Witness]:
    """One of its own, for a test that breaks something in it."""
    with witness_at(browser, hostile) as witness:
        yield witness


def test_there_are_hundreds_of_them() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) > 400


def draw_all(page: Page) -> None:
    """Far up in a thread messages are plain texts: have all of them drawn, as for paper."""
    laid_out = ".stretch, .markdown-part { content-visibility: visible !important }"
    page.add_style_tag(content=laid_out)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")


def sees_only_text(witness: Witness, thread: str) -> str:
    """Open a thread, and see as text what would run; gives all that is read there."""
    witness.sees(f"/t/{thread}?messages=200", "before -__xss(")
    draw_all(witness.page)
    text = witness.page.locator("main").inner_text()
    for shown in ("<script>__xss(", "onerror=__xss(", "evil.example"):
        assert shown in text
    return text


def test_what_a_person_says_is_only_ever_text(witness: Witness, seeded: dict[str, Any]) -> None:
    assert "Image not loaded" not in sees_only_text(witness, seeded["threads"]["person"])


def test_nothing_that_an_agent_does_runs(witness: Witness, seeded: dict[str, Any]) -> None:
    page = witness.page
    witness.sees(f"/t/{seeded['threads']['parts']}", "Sources")
    assert "__xss(" in page.locator("main").inner_text()
    for fold in page.locator("main summary").all()[:6]:
        fold.click()
    witness.looks("parts")
    witness.sees(f"/t/{seeded['threads']['asks']}", "__xss(")
    witness.sees("/inbox", "__xss(")
    witness.sees(f"/t/{seeded['threads']['files']}", "Well.")


def test_no_name_or_list_runs(witness: Witness, seeded: dict[str, Any]) -> None:
    witness.sees("/memory", "__xss(")
    witness.sees("/schedules", "__xss(")
    witness.page.get_by_role("main").get_by_role("button").first.focus()
    witness.sees("/runs", "hurting")
    witness.sees("/overview", "hurting")
    witness.sees("/", "__xss(")
    box = witness.page.get_by_role("textbox", name="Message")
    box.press_sequentially("@")
    expect(witness.page.locator("body")).to_contain_text("onerror=__xss(6)")
    witness.looks("mentions")
    box.fill("@<img src=x onerror=__xss(7)> [a](javascript:__xss(8))")
    witness.looks("what is typed")


@LONG
def test_nothing_on_the_page_of_a_run_runs(witness: Witness, seeded: dict[str, Any]) -> None:
    for tab in ("timeline", "values", "logs", "events", "history", "json"):
        shows = "hurting" if tab == "history" else "__xss("
        witness.sees(f"/runs/{seeded['run']}?tab={tab}", shows)
    witness.page.goto(f"{witness.origin}/runs/{seeded['run']}")
    witness.page.get_by_text("onerror=__xss(2)").first.click()
    witness.page.wait_for_timeout(500)
    witness.looks("an open step")


def test_no_address_runs(witness: Witness, seeded: dict[str, Any]) -> None:
    script, address, image = (
        quote(one, safe="")
        for one in (
            "<script>__xss(9)</script>",
            "javascript:__xss(10)",
            "'\"><img src=x onerror=a>",
        )
    )
    for path in (
        f"/t/{script}",
        f"/runs/{address}",
        f"/{image}",
        f"/t/{seeded['threads']['files']}?messages={script}&x={address}#{image}",
        f"/runs?status={script}&workflow={address}&q={image}",
        f"/runs/{seeded['run']}?tab={script}&step={image}&at={address}",
    ):
        witness.page.goto(f"{witness.origin}{path}")
        expect(witness.page.get_by_role("main")).to_be_visible()
        witness.page.wait_for_timeout(100)
        witness.looks(path)


def test_what_a_model_says_is_text_and_its_links_lead_where_they_say_and_nowhere_else(
    witness: Witness, seeded: dict[str, Any]
) -> None:
    page = witness.page
    assert "Image not loaded" in sees_only_text(witness, seeded["threads"]["model"])
    links: list[dict[str, str]] = page.locator("main .markdown a").evaluate_all(
        "all => all.map((a) => ({href: a.href, text: a.innerText, title: a.title}))"
    )
    outward = {one["href"]: one for one in links}
    assert len(outward) > 40
    for href, link in outward.items():
        at = urlsplit(href)
        assert at.scheme in ("http", "https", "mailto")
        told = at.path if at.scheme == "mailto" else at.netloc.rpartition("@")[2]
        assert told in link["text"], link
        assert link["title"] == href
    assert any("xn--" in link["text"] for link in links)
    bank = next(one for one in links if one["text"].startswith("https://bank.example"))
    assert bank["text"].endswith("evil.example")
    witness.wrong.clear()
    for href in list(outward)[:12]:
        if href.startswith("mailto:"):
            continue
        link_at = page.locator(f"main .markdown a[href={json.dumps(href)}]").first
        with witness.context.expect_page() as popup:
            link_at.evaluate("(a) => a.click()")
        popup.value.wait_for_load_state()
        assert popup.value.evaluate("window.opener") is None
        assert popup.value.evaluate("document.referrer") == ""
        assert urlsplit(popup.value.url).scheme in ("http", "https")
        popup.value.close()
    assert all(urlsplit(url).scheme in ("http", "https") for url in witness.asked)
    assert urlsplit(page.url).netloc == urlsplit(witness.origin).netloc
    assert not page.evaluate("window.__seen.filter((one) => one.startsWith('ran'))")


def test_a_planted_script_is_seen(witness: Witness) -> None:
    """The witness notices what it is there to notice."""
    page = witness.page
    page.goto(witness.origin)
    expect(page.get_by_role("main")).to_be_visible()
    # As if a page of ours had a hole: the policy holds, and it is noticed.
    assert (
        page.evaluate(
            "() => { try { document.body.innerHTML += '<img src=x onerror=__xss(11)>' }"
            " catch (error) { return error.name } }"
        )
        == "TypeError"
    )
    page.evaluate(
        "() => { const a = document.createElement('a'); a.href = 'javascript:__xss(12)';"
        " document.body.append(a); a.click() }"
    )
    page.evaluate(
        "() => { const img = document.createElement('img'); img.src = 'http://evil.example/x';"
        " document.body.append(img) }"
    )
    page.wait_for_timeout(100)
    seen = " ".join(page.evaluate("window.__seen"))
    assert "require-trusted-types-for" in seen
    assert "script-src" in seen
    assert "img-src" in seen
    assert page.evaluate(SCAN)
    assert len(SHORT) > 200


@LONG
def test_a_text_that_cannot_be_drawn_breaks_nothing_else(
    harmed: Witness, seeded: dict[str, Any]
) -> None:
    """What a reader of markdown may do to its page, should one be found that makes it fail."""
    # Without this, the parser cannot read any name of a character.
    harmed.context.add_init_script(
        "Object.defineProperty(window, 'trustedTypes', {value: undefined})"
    )
    harmed.page.goto(f"{harmed.origin}/t/{seeded['threads']['model']}?messages=200")
    log = harmed.page.get_by_role("log")
    expect(log).to_contain_text("before -__xss(")
    as_written = log.locator(".as-written")
    expect(as_written.filter(has_text="&lt;script&gt;").first).to_be_visible()
    assert log.locator(".markdown a").count() > 20
    assert not [one for one in harmed.page.evaluate("window.__seen") if one.startswith("ran")]


def test_a_page_that_breaks_says_so_without_a_trace(harmed: Witness, hostile: Server) -> None:
    harmed.context.add_init_script(
        "Date.prototype.toLocaleString = () => { throw new Error('a secret trace\\nforged') }"
    )
    harmed.page.goto(f"{harmed.origin}/runs")
    main = harmed.page.get_by_role("main")
    expect(main).to_contain_text("This page has a problem")
    expect(main.get_by_role("link", name="Reload the page")).to_be_visible()
    assert "trace" not in harmed.page.locator("body").inner_text()
    eventually_now(lambda: any("A page failed" in line for line in hostile.output))
    assert not any(line.startswith("forged") for line in hostile.output)


def test_a_file_that_is_opened_by_its_address_is_only_kept(
    witness: Witness, hostile: Server
) -> None:
    witness.page.goto(witness.origin)
    for (id,) in hostile.rows("select id from attachments"):
        with witness.page.expect_download() as coming:
            witness.page.evaluate("(id) => { location.href = `/files/${id}` }", id)
        assert coming.value.failure() is None
        assert coming.value.path().read_bytes() == b"<script>__xss(5)</script>"
    witness.wrong = [one for one in witness.wrong if not one.startswith("download")]
    witness.looks("files")
