"""The settings that are about the app, as administrators and others see them: models and their
tests, limits, what is kept, and audits.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from agentchat.ui import words_accounts
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server, openai_at
from tests.acceptance.test_login_pages import ANN, BOB, fill, is_fair, line_of
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

KEY = "sk-abcdefghijklmnopqrstuvwxyz-zyxw"
PARTS = ("Profile", "Logins", "People", "Models", "Limits", "Retention", "Audits")


class App:
    """A server with a model at an address, and its administrator Ann in a browser; ``frames`` are
    all that her pages were sent.
    """

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        self.url = server.url
        self.ann = Person(browser.new_context())
        self.page = self.ann.page
        self.frames: list[str] = []
        self.page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: self.frames.append(str(frame))),
        )

    def open(self, part: str) -> Page:
        self.ann.open(f"{self.url}/settings/{part}")
        expect(self.page.locator(f'[data-part="{part}"]')).to_be_visible()
        return self.page


@pytest.fixture(scope="module")
def app(
    browser: Browser, fake_of_package: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    fake_of_package.models = ("fake-model", "llama3", "mistral")
    environment = {
        **openai_at(fake_of_package),
        "OPENAI_API_KEY": KEY,
        "AGENTCHAT_AUTH": "password",
        "AGENTCHAT_KEEP_DAYS": "14",
    }
    server = Server(tmp_path_factory.mktemp("data"), **environment)
    server.start()
    app = App(server, browser)
    app.ann.open(server.url)
    fill(app.page, Name="ann", Name_that_others_see="Ann Heron", Password=ANN)
    app.page.keyboard.press("Enter")
    expect(app.ann.message_box).to_be_visible()
    yield app
    fake_of_package.models = ()
    complaints = app.ann.complaints
    app.ann.leave(strict=False)
    server.kill()
    assert complaints == []
    assert KEY not in "".join(app.frames)
    assert KEY[:-4] not in "".join(app.frames)


def test_each_part_has_an_address_and_is_found_from_the_others_with_the_keyboard(app: App) -> None:
    app.ann.open(f"{app.url}/settings")
    parts = app.page.get_by_role("navigation", name="Parts of the settings")
    expect(parts.get_by_role("link")).to_have_text(PARTS)
    for name, path in (("Models", "models"), ("Audits", "audits"), ("Profile", "")):
        link = parts.get_by_role("link", name=name)
        link.focus()
        app.page.keyboard.press("Enter")
        expect(app.page).to_have_url(re.compile(rf"/settings/?{path}/?$"))
        expect(link).to_have_attribute("aria-current", "page")
        expect(parts.locator("[aria-current]")).to_have_count(1)


def test_a_model_is_told_without_its_key_and_asked_whether_it_answers(
    app: App, fake: FakeProvider
) -> None:
    page = app.open("models")
    model = page.locator('[data-part="model"][data-key="app"]')
    expect(model).to_contain_text("AGENTCHAT_MODEL from the environment")
    expect(model.locator('[data-part="key"]')).to_have_text("set, ends in zyxw OPENAI_API_KEY")
    expect(model).to_contain_text(fake.openai_url)
    fake.enqueue(Reply("I am here."))
    button = model.get_by_role("button", name="Test")
    button.click()
    trial = model.locator('[data-part="trial"]')
    expect(trial).to_have_attribute("data-ok", "true")
    expect(trial.locator("blockquote")).to_have_text("I am here.")
    expect(trial).to_contain_text("Its server has this model in its list.")
    expect(trial).to_contain_text("Others there: llama3, mistral")
    expect(trial).to_contain_text(re.compile(r"Took\s*\d"))
    expect(button).to_be_focused()
    is_fair(page)
    fake.enqueue(Reply(status=401))
    button.click()
    expect(trial).to_have_attribute("data-ok", "false")
    expect(trial).to_contain_text("did not accept the API key")
    expect(trial).to_contain_text("What to do: Check the key in the environment or in .env")
    is_fair(page)
    assert (
        app.server.rows("SELECT action, \"by\" FROM audits WHERE kind = 'model'")
        == [("test", "Ann Heron")] * 2
    )


@LONG
def test_the_page_goes_on_while_a_model_is_tested_and_tests_it_once(
    app: App, fake: FakeProvider
) -> None:
    page = app.open("models")
    gate = threading.Event()
    fake.enqueue(Reply("Late.", until=gate))
    button = page.locator('[data-key="app"]').get_by_role("button", name="Test")
    button.dblclick()
    expect(button).to_have_text("Testing")
    # Another event of the same tab is answered meanwhile.
    other = page.locator('[data-key="embedder"]')
    expect(other).to_contain_text("384 numbers for a text")
    page.get_by_role("link", name="Profile").click()
    fill(page, Name_that_others_see="Ann H.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(words_accounts.RENAMED)).to_be_visible()
    gate.set()
    fill(page, Name_that_others_see="Ann Heron")
    page.get_by_role("button", name="Save").click()
    asked = [one for one in fake.requests if one.path.endswith("/completions")]
    assert len(asked) == 1


@LONG
def test_the_lines_for_another_model_are_copied(app: App) -> None:
    app.ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = app.open("models")
    page.get_by_role("button", name="OpenRouter").click()
    page.get_by_role("button", name="Copy the lines").click()
    expect(page.get_by_role("button", name="Copied")).to_be_focused()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert "OPENAI_BASE_URL=https://openrouter.ai/api/v1\n" in copied
    page.get_by_role("button", name="Ollama").click()
    expect(page.get_by_role("button", name="Copy the lines")).to_be_visible()


@LONG
def test_limits_say_what_is_used_and_which_variable_changes_them(
    app: App, fake: FakeProvider
) -> None:
    app.ann.open(app.url)
    fake.enqueue(Reply("It is quiet."))
    app.ann.say("Where herons sleep")
    app.ann.sees_answer("done")
    page = app.open("limits")
    tokens = page.locator('[data-name="user_day_tokens"]')
    expect(tokens).to_contain_text("AGENTCHAT_USER_DAY_TOKENS")
    expect(tokens.locator('[data-part="used"]')).to_have_text(
        re.compile(r"[1-9][\d,]* tokens of 2,000,000 tokens used")
    )
    expect(page.locator('[data-name="login_pair"]')).to_contain_text("15 minutes")
    is_fair(page)


def test_what_is_kept_is_told_and_a_sweep_asks_first(app: App) -> None:
    page = app.open("retention")
    expect(page.locator('[data-part="kept"]').first).to_contain_text("14 days")
    expect(page.locator('[data-part="kept"]').first).to_contain_text("from the environment")
    for name in ("threads", "audits"):
        [(number,)] = app.server.rows(f"SELECT count(*) FROM {name}")
        expect(page.locator(f'[data-part="count-{name}"]')).to_have_text(str(number))
    assert number > 0
    is_fair(page)
    sweep = page.get_by_role("button", name="Sweep now")
    sweep.click()
    dialog = page.get_by_role("dialog")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(sweep).to_be_focused()
    sweep.click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There was no run to remove.")).to_be_visible()
    expect(page.locator('[data-part="swept"]')).to_contain_text("This process has last swept")
    assert app.server.rows("SELECT \"by\" FROM audits WHERE action = 'sweep'") == [("Ann Heron",)]


def test_audits_come_as_they_happen_are_filtered_by_the_address_and_saved(
    app: App, visit: Visit
) -> None:
    page = app.open("audits")
    lines = page.locator('[data-part="audit"]')
    expect(lines.last).to_contain_text(re.compile(r"AGENTCHAT_KEEP_DAYS \S → 14"))
    expect(lines.last).to_contain_text(re.compile(r"OPENAI_API_KEY \S → set"))
    stranger = visit(f"{app.url}/login", strict=False)
    fill(stranger.page, Name="mallory", Password="not the password")
    stranger.page.get_by_role("button", name="Log in").click()
    expect(lines.first).to_contain_text("failed to log in")
    expect(lines.first).to_contain_text("mallory")
    is_fair(page)

    page.get_by_label("About", exact=True).select_option("account")
    expect(page).to_have_url(re.compile(r"\?kind=account$"))
    expect(page.locator('[data-part="audit"]:not([data-kind="account"])')).to_have_count(0)
    page.get_by_label("Who", exact=True).fill("heron")
    expect(page).to_have_url(re.compile(r"kind=account&who=heron$"))
    expect(page.get_by_text("mallory")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Who", exact=True)).to_have_value("heron")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "audits.csv"
    [names, *rows] = csv.reader(io.StringIO(download.value.path().read_text()))
    assert {row[names.index("kind")] for row in rows} == {"account"}
    page.get_by_role("button", name="Clear").click()
    expect(page).to_have_url(re.compile(r"/audits/?$"))
    # That it was saved is the newest, with what was asked for.
    expect(lines.first).to_contain_text("exported")
    expect(lines.first).to_contain_text("heron")
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON lines").click()
    [newest, *_] = map(json.loads, download.value.path().read_text().splitlines())
    assert (newest["action"], newest["by"]) == ("export", "Ann Heron")


@LONG
def test_a_long_list_goes_on_and_what_the_address_asks_wrongly_is_said(app: App) -> None:
    row = "SELECT 'run', 'subject-of-many', 'cancel', '{}', 'Zoe', 'zoe', created_at FROM audits"
    names = 'kind, subject_id, action, detail, "by", by_id, created_at'
    with closing(sqlite3.connect(app.server.data_dir / "agentchat.db")) as connection:
        for _ in range(8):
            connection.execute(f"INSERT INTO audits ({names}) {row}")
        connection.commit()
    app.ann.open(f"{app.url}/settings/audits?kind=nothing&subject=subject-of-many")
    page = app.page
    expect(page.get_by_role("alert")).to_contain_text("kind=nothing was ignored")
    lines = page.locator('[data-part="audit"]')
    expect(lines).to_have_count(100)
    page.get_by_role("link", name="Earlier").click()
    expect(page).to_have_url(re.compile(r"before=\d+"))
    expect(page.get_by_text("These are earlier ones.")).to_be_visible()
    page.get_by_role("link", name="Newest").click()
    expect(page).not_to_have_url(re.compile("before"))
    expect(lines).to_have_count(100)


def test_who_does_not_look_after_the_app_sees_limits_and_rules_and_nothing_else(
    app: App, fake: FakeProvider, visit: Visit
) -> None:
    app.ann.open(f"{app.url}/settings/people")
    app.page.get_by_role("button", name="Make a link").click()
    bob = visit(app.page.get_by_role("textbox", name="The link").input_value(), strict=False)
    fill(bob.page, Name="bob", Password=BOB)
    bob.page.keyboard.press("Enter")
    expect(bob.message_box).to_be_visible()
    received: list[str] = []
    bob.page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))),
    )
    for part in ("people", "models", "audits"):
        bob.open(f"{app.url}/settings/{part}")
        expect(bob.page.get_by_text(words_accounts.ADMINS_TITLE)).to_be_visible()
    parts = bob.page.get_by_role("navigation", name="Parts of the settings").get_by_role("link")
    expect(parts).to_have_text(["Profile", "Logins", "Limits", "Retention"])
    bob.open(f"{app.url}/settings/retention")
    expect(bob.page.locator('[data-part="kept"]').first).to_be_visible()
    expect(bob.page.get_by_role("button", name="Sweep now")).to_have_count(0)
    bob.open(f"{app.url}/settings/limits")
    expect(bob.page.locator('[data-name="person_files_mb"]')).to_contain_text("0 B of")
    assert received
    whole = "".join(received)
    hidden = ("zyxw", "mallory", fake.openai_url, "OPENAI_API_KEY")
    assert [word for word in hidden if word in whole] == []
    app.page.bring_to_front()
    line_of(app.page, "bob").get_by_role("button", name="Make administrator").click()
    app.page.get_by_role("dialog").get_by_role("button", name="Make administrator").click()
    expect(parts).to_have_text(PARTS)
