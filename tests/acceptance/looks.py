"""Every page and state of a page as somebody sees it: for a test that all can use them, and for
``python -m tests.gallery``, which takes a picture of each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Page,
    StorageState,
    expect,
)

from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.waiting import eventually_now

SETTINGS = {
    "AGENTCHAT_AUTH": "password",
    "AGENTCHAT_SIGN_UP": "open",
    "AGENTCHAT_PUBLIC_LINKS": "true",
    "AGENTCHAT_MINUTE_MOST": "0",
}
PASSWORD = "herons fly at dusk"
CROWD = ("Cleo Hansen", "Dan Otto Meyer", "Eve", "Fynn", "Gesa", "Hanno")
SIZES = ((1440, 900), (768, 1024), (390, 844))
PROGRAM = ("tests.acceptance.looks_app",)


@dataclass
class Stage:
    """A server, and the people on it: Ann, who has everything, and Bea, who has nothing."""

    server: Server
    browser: Browser
    at: dict[str, str] = field(default_factory=dict)
    states: dict[str, StorageState] = field(default_factory=dict)
    crowd: list[BrowserContext] = field(default_factory=list)

    def prepare(self) -> None:
        """Let Ann and Bea sign up, and wait until the server has made what is Ann's."""
        for name in ("ann", "bea"):
            context, who = self.sign_up(name.title())
            self.states[name] = context.storage_state()
            context.close()
            if name == "ann":
                seed = self.server.data_dir / "seed" / "ann"
                seed.write_text(who)
                seed.rename(seed.with_suffix(".id"))
        made = self.server.data_dir / "seeded" / "ann.json"
        eventually_now(made.exists)
        self.at = {
            name: self.server.url + path for name, path in json.loads(made.read_text()).items()
        }

    def sign_up(self, name: str) -> tuple[BrowserContext, str]:
        """Somebody new, in a browser of their own, and their id."""
        context = self.browser.new_context()
        url = self.server.url
        body = {"name": name.split()[0].lower(), "display_name": name, "password": PASSWORD}
        answer = context.request.post(f"{url}/auth/sign-up", data=body, headers={"Origin": url})
        assert answer.ok, answer.text()
        return context, str(answer.json()["id"])

    def fill(self) -> None:
        """Let many people look at a thread of Ann's, if they do not yet."""
        while len(self.crowd) < len(CROWD):
            context, _ = self.sign_up(CROWD[len(self.crowd)])
            self.crowd.append(context)
            page = context.new_page()
            page.goto(self.at["join"])
            page.get_by_role("button", name="Join").click()
            expect(page.get_by_role("log")).to_be_visible()

    def close(self) -> None:
        """Let the people go whom :meth:`fill` let in."""
        for context in self.crowd:
            context.close()


Who = Literal["ann", "bea", "nobody", "waiting", "offline"]
Go = Callable[[Person, Stage], None]
Act = Callable[[Page], object]


@dataclass(frozen=True)
class Look:
    """A state of a page, how to get there, and ``back`` if others would see that somebody was.

    ``who`` sees it: Ann; Bea, who has nothing; nobody who has logged in; Ann while the server has
    not said anything yet, or cannot be reached any more. ``rare`` says that it is like others that
    are looked at each time; ``excused`` is what the browser itself complains about there.
    """

    name: str
    go: Go
    who: Who = "ann"
    rare: bool = False
    back: Act | None = None
    excused: str = ""


@contextmanager
def staged(folder: Path, browser: Browser) -> Iterator[Stage]:
    """A server with everything on it that the looks need."""
    server = Server(folder, program=PROGRAM, **SETTINGS)
    server.start()
    stage = Stage(server, browser)
    try:
        stage.prepare()
        yield stage
    finally:
        stage.close()
        server.kill()


@contextmanager
def seeing(
    stage: Stage, width: int, height: int, scheme: str, *, strict: bool = True
) -> Iterator[Callable[[Who], Person]]:
    """Those who look, each with a browser of their own, on a screen of this size; when they are
    ``strict``, their browsers must not have complained.
    """
    people: dict[Who, Person] = {}
    with ExitStack() as stack:

        def person(who: Who) -> Person:
            if who not in people:
                context = stage.browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if scheme == "dark" else "light",
                    storage_state=stage.states.get("bea" if who == "bea" else "ann")
                    if who != "nobody"
                    else None,
                )
                if who == "waiting":
                    context.route_web_socket(re.compile("/_event"), lambda _: None)
                people[who] = Person(context)
                stack.callback(people[who].leave, strict=strict)
            return people[who]

        yield person


def _thread(name: str, *acts: Act) -> Go:
    def go(ann: Person, stage: Stage) -> None:
        ann.open(stage.at[name])
        expect(ann.messages.first).to_be_visible()
        for act in acts:
            act(ann.page)

    return go


def _page(path: str, *acts: Act) -> Go:
    def go(ann: Person, stage: Stage) -> None:
        ann.open(stage.server.url + path)
        ann.page.wait_for_load_state("networkidle")
        for act in acts:
            act(ann.page)

    return go


def _made(name: str, *acts: Act) -> Go:
    """Where something is that was made for Ann."""

    def go(ann: Person, stage: Stage) -> None:
        ann.open(stage.at[name])
        ann.page.wait_for_load_state("networkidle")
        for act in acts:
            act(ann.page)

    return go


# What is done on a page


def _sees(selector: str) -> Act:
    return lambda page: expect(page.locator(selector).first).to_be_visible()


def _press(name: str, role: Literal["button", "link", "menuitem"] = "button") -> Act:
    return lambda page: page.get_by_role(role, name=name, exact=True).first.click()


def _type(text: str) -> Act:
    def act(page: Page) -> None:
        box = page.get_by_role("textbox", name="Message")
        box.fill("")
        box.press_sequentially(text)
        if text:
            expect(page.get_by_role("option").first).to_be_visible()

    return act


def _drawer(page: Page) -> None:
    show = page.get_by_role("button", name="Show threads")
    if show.is_visible():
        show.click()


def _palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()


def _found(page: Page) -> None:
    _palette(page)
    page.keyboard.type("heron")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()


def _nothing_found(page: Page) -> None:
    _palette(page)
    page.keyboard.type("qwertz")
    expect(page.get_by_role("dialog")).to_contain_text("Nothing")


def _shortcuts(page: Page) -> None:
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def _uploading(page: Page) -> None:
    """Two files on their way, which are never there."""
    page.evaluate("XMLHttpRequest.prototype.send = () => {}")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    content = b"herons" * 1000
    files: list[FilePayload] = [
        {"name": name, "mimeType": "text/plain", "buffer": content}
        for name in ("herons.txt", "A long name of a file about herons and boats.txt")
    ]
    chooser.value.set_files(files)
    expect(page.get_by_role("progressbar").first).to_be_attached()


def _agents(page: Page) -> None:
    """By keyboard: one of them has the focus."""
    page.get_by_role("button", name="Agent: Automatic").press("Enter")
    expect(page.get_by_role("menuitemradio").first).to_be_focused()


def _share(page: Page) -> None:
    page.locator('[data-part="share"]').click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _offline(page: Page) -> None:
    page.context.set_offline(True)
    expect(page.locator(".notice.lost")).to_be_visible()


def _far(ann: Person, stage: Stage) -> None:
    ann.open(f"{stage.at['long']}?from=0&to=20")
    gap = ann.page.locator("[data-part=gap]")
    gap.evaluate("one => one.scrollIntoView({ block: 'center' })")
    expect(gap).to_be_in_viewport()


def _delete(page: Page) -> None:
    _drawer(page)
    line = page.locator(".thread-line", has=page.locator('a[aria-current="page"]'))
    line.hover()
    line.get_by_role("button", name="Thread options").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("status", name="What was just done")).to_contain_text("deleted")


def _crowded(ann: Person, stage: Stage) -> None:
    stage.fill()
    ann.open(stage.at["search"])
    expect(ann.page.locator('[data-part="here"] li')).to_have_count(5)


LOOKS: tuple[Look, ...] = (
    Look("new", _page("/")),
    Look("rich", _thread("rich")),
    Look("herons", _thread("herons")),
    Look("search", _thread("search"), rare=True),
    Look("approval", _thread("pay", _sees("[data-part=ask]"))),
    Look("question", _thread("choose", _sees("[data-part=ask]"))),
    Look("team", _thread("team"), rare=True),
    Look("refused", _thread("refuse"), rare=True),
    Look("broken", _thread("broken", _sees(".failure"))),
    Look("unbroken", _thread("unbroken"), rare=True),
    Look("rtl", _thread("rtl"), rare=True),
    Look("files", _thread("files")),
    Look("far", _far, rare=True),
    Look("side-by-side", _thread("side", _sees(".variants[data-undecided]")), rare=True),
    Look("missing", _page("/t/nothing-is-here-at-all")),
    Look("drawer", _thread("search", _drawer)),
    Look("palette", _thread("search", _palette)),
    Look("found", _thread("search", _found)),
    Look("nothing-found", _thread("search", _nothing_found), rare=True),
    Look("shortcuts", _thread("search", _shortcuts)),
    Look("agents", _thread("search", _agents), rare=True),
    Look("mentions", _thread("search", _type("@")), rare=True, back=_type("")),
    Look("commands", _thread("search", _type("/")), rare=True, back=_type("")),
    Look("export", _thread("search", _press("Export and import"), _sees("[role=menu]")), rare=True),
    Look("editing", _thread("rtl", _press("Edit"), _sees(".editor")), rare=True),
    Look("uploading", _page("/", _uploading), who="bea", rare=True),
    Look("undo", _thread("unbroken", _delete), rare=True, back=_press("Undo")),
    Look("share", _thread("search", _share)),
    Look("crowded", _crowded, rare=True),
    Look("inbox", _page("/inbox")),
    Look("memory", _page("/memory")),
    Look("runs", _page("/runs")),
    Look("run", _made("letter", _sees(".run-page"))),
    Look("run-failed", _made("delivery", _sees(".run-page[data-status=failed]"))),
    Look("overview", _page("/overview")),
    Look("schedules", _page("/schedules")),
    Look("new-schedule", _page("/schedules", _press("New schedule")), rare=True),
    Look("settings", _page("/settings")),
    *(
        Look(f"settings-{one}", _page(f"/settings/{one}"))
        for one in ("people", "models", "limits", "audits")
    ),
    Look("settings-retention", _page("/settings/retention"), rare=True),
    Look("archive", _page("/archive")),
    Look("deleted", _page("/deleted"), rare=True),
    Look("import", _page("/import"), rare=True),
    Look("models", _page("/help/models"), rare=True),
    Look("lost", _page("/no/such/page"), excused="404"),
    *(
        Look(f"no-{name}", _page(f"/{name}"), who="bea", rare=True)
        for name in ("inbox", "memory", "runs", "schedules", "archive", "deleted")
    ),
    Look("member-settings", _page("/settings"), who="bea", rare=True),
    Look("login", _page("/login"), who="nobody"),
    Look("join", _made("join", _sees("button")), who="bea", rare=True),
    Look("read", _made("read", _sees("article")), who="nobody"),
    *(
        Look(f"loading-{name}", _page(path), who="waiting", rare=True)
        for name, path in (("thread", "/t/anything"), ("runs", "/runs"), ("inbox", "/inbox"))
    ),
    Look("offline", _thread("search", _offline), who="offline", rare=True, excused="ERR_INTERNET"),
)
