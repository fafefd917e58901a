"""The pages in German: all of them, picked in the page, by the browser, and remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agentchat.ui import catalogue
from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.looks import Stage, staged
from tests.acceptance.person import Person
from tests.long import LONG

GERMAN = {"locale": "de-DE"}
PHONE = {"viewport": {"width": 390, "height": 844}}
PATHS = (
    "/",
    "/inbox",
    "/memory",
    "/runs",
    "/overview",
    "/schedules",
    "/faults",
    "/settings",
    "/settings/people",
    "/settings/models",
    "/settings/limits",
    "/settings/retention",
    "/settings/audits",
    "/archive",
    "/deleted",
    "/help/models",
    "/t/nothing-is-here-at-all",
    "/no/such/page",
)
THREADS = ("rich", "herons", "search", "pay", "choose", "team", "refuse")
READ = """() => {
  const theirs = ".markdown, .text, pre, code, kbd, .model-chip, .message-model, .thread-title," +
    " [data-part=who], select, .agent-preview, .mono, time, .audit-detail";
  const seen = (node) => node.checkVisibility?.({ visibilityProperty: true }) ?? true;
  const found = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!parent.closest(theirs) && !/^(SCRIPT|STYLE)$/.test(parent.tagName) && seen(parent)) {
      found.push(node.textContent);
    }
  }
  for (const node of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    if (node.closest("pre, code") || !seen(node)) continue;
    for (const name of ["aria-label", "title", "placeholder"]) found.push(node.getAttribute(name));
  }
  return [...new Set(found.filter(Boolean).map((text) => text.trim()))];
}"""


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("data"), browser) as stage:
        yield stage


@pytest.fixture
def visit(visit: Visit, stage: Stage) -> Visit:
    """Opens an address in a browser of its own, in which Ann has logged in."""
    return partial(visit, storage_state=stage.states["ann"])


def english_in(page: Page) -> list[str]:
    """What is shown or read out that the German catalogue has another text for."""
    german = catalogue.catalogue("de")
    exact, patterns = set(), []
    for part in german.values():
        for text, translated in part.items():
            if text == translated:
                continue
            literal = re.sub(r"\{\w+\}", "", text)
            if "{" not in text:
                exact.add(text)
            elif len(re.sub(r"[\W\d_]", "", literal)) >= 8:
                pieces = (re.escape(piece) for piece in re.split(r"\{\w+\}", text))
                patterns.append(re.compile(f"^{'.+?'.join(pieces)}$"))
    # One word may be of both languages.
    exact -= set(german["words"].values()) | set(german["told"].values())
    shown = page.evaluate(READ)
    parts = {piece for text in shown for piece in (text, *re.split(r" · |: ", text))}
    return sorted(one for one in parts if one in exact or any(p.match(one) for p in patterns))


def look(person: Person, url: str) -> None:
    person.open(url)
    person.page.wait_for_load_state("networkidle")
    expect(person.page.locator("html")).to_have_attribute("lang", "de")


@LONG
def test_no_page_says_anything_in_english(visit: Visit, stage: Stage) -> None:
    bea = visit(stage.server.url, **GERMAN, strict=False)
    left: dict[str, list[str]] = {}
    for url in (
        *(stage.server.url + path for path in PATHS),
        *(stage.at[name] for name in THREADS),
    ):
        look(bea, url)
        name = url.removeprefix(stage.server.url)
        if found := english_in(bea.page):
            left[name] = found
        menus = bea.page.locator("button[aria-haspopup=menu]:visible")
        for place in range(min(menus.count(), 4)):
            menus.nth(place).click()
            if found := english_in(bea.page):
                left[f"{name}, menu {place}"] = found
            bea.page.keyboard.press("Escape")

    assert left == {}
    # An address where nothing is, is one that the server does not have.
    assert [one for one in bea.complaints if "404" not in one] == []


@LONG
def test_the_longer_words_fit_a_phone_and_all_can_use_them(visit: Visit, stage: Stage) -> None:
    bea = visit(stage.server.url, **GERMAN, **PHONE, strict=False)
    for url in (*(stage.server.url + path for path in PATHS), stage.at["pay"]):
        look(bea, url)
        width = bea.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, (url, width)
        assert serious(bea.page) == [], url


def test_a_language_is_picked_in_the_page_and_remembered(visit: Visit, stage: Stage) -> None:
    ann = visit(stage.server.url)
    page = ann.page
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert not any("/assets/de-" in url for url in ann.requested)
    ann.message_box.fill("Kept as it is")
    page.evaluate("window.same = true")

    page.get_by_role("button", name="Language").click()
    page.keyboard.press("ArrowDown")
    page.get_by_role("menuitemradio", name="Deutsch").press("Enter")

    box = page.get_by_role("textbox", name="Nachricht")
    expect(box).to_have_value("Kept as it is")
    expect(page.get_by_role("button", name="Sprache")).to_be_focused()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.evaluate("window.same") is True
    box.fill("x" * 100_001)
    expect(page.get_by_role("alert")).to_contain_text("100.001 Zeichen, höchstens 100.000")
    box.fill("")

    # In another tab of this browser at once, and after a reload.
    other = ann.context.new_page()
    other.goto(f"{stage.server.url}/overview")
    expect(other.get_by_role("heading", name="Überblick")).to_be_visible()
    expect(other).to_have_title("Überblick · agentchat")
    other.get_by_role("button", name="Sprache").click()
    other.get_by_role("menuitemradio", name="English").click()
    expect(other.get_by_role("heading", name="Overview")).to_be_visible()
    expect(ann.message_box).to_be_visible()
    page.reload()
    expect(ann.message_box).to_be_visible()


@LONG
@pytest.mark.parametrize(
    ("locale", "greeting"),
    [
        ("de-AT", "Woran möchtest du arbeiten?"),
        ("fr-FR", "What would you like to work on?"),
    ],
)
def test_the_language_of_the_browser_is_taken_where_the_app_speaks_it(
    visit: Visit, stage: Stage, locale: str, greeting: str
) -> None:
    ann = visit(stage.server.url, locale=locale)

    expect(ann.page.get_by_role("heading", name=greeting)).to_be_visible()


@LONG
def test_english_is_never_seen_on_the_way_to_german(visit: Visit, stage: Stage) -> None:
    bea = visit(stage.server.url, **GERMAN)
    bea.page.add_init_script("""
        window.seen = new Set();
        const look = () => {
          const button = document.querySelector(".new-thread");
          if (button?.checkVisibility({ visibilityProperty: true })) {
            window.seen.add(button.textContent);
          }
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    """)

    bea.page.reload()
    expect(bea.page.locator(".new-thread")).to_have_text("Neuer Chat")

    assert bea.page.evaluate("[...window.seen]") == ["Neuer Chat"]


@LONG
def test_without_its_catalogue_the_page_is_shown_in_english(visit: Visit, stage: Stage) -> None:
    ann = visit(stage.server.url, strict=False)
    ann.context.route(re.compile(r"/assets/de-.*\.js"), lambda route: route.abort())
    ann.page.evaluate("localStorage.setItem('agentchat.language', 'de')")

    ann.page.reload()

    expect(ann.message_box).to_be_visible()
    ann.say("It works all the same")
    ann.in_thread()


def test_the_server_is_understood_in_german(visit: Visit, stage: Stage, tmp_path: Path) -> None:
    bea = visit(stage.server.url, **GERMAN)
    page = bea.page
    page.get_by_role("textbox", name="Nachricht").fill("choose a colour")
    page.get_by_role("button", name="Senden").click()
    bea.in_thread()
    expect(bea.answer.locator("[data-part=words]")).to_have_text("Wartet auf eine Antwort")

    page.get_by_role("button", name="Stoppen").click()

    expect(bea.answer.locator("[data-part=words]")).to_have_text("Gestoppt von Ann")
