"""All that the app says, in every language that it speaks."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import reflex as rx
from reflex_base.registry import RegistrationContext

from agentchat import app
from agentchat.chat import AgentChat
from agentchat.durable.own import Declared
from agentchat.durable.trigger_words import describe
from agentchat.durable.triggers import Cron, Every, Trigger
from agentchat.models import AskKind, RunStatus, StepKind
from agentchat.operations.choices import Facts, choices
from agentchat.operations.failures import next_step
from agentchat.operations.run_words import HELD, Known, why
from agentchat.shown.messages import live_view, settled_view
from agentchat.store.messages import Growth
from agentchat.ui import catalogue
from agentchat.ui.build import COMPONENTS, LANGUAGES
from agentchat.ui.pages.notes import crash_page
from agentchat.ui.said import Said, filled, said, told

NODE = Path(sysconfig.get_path("scripts"), "node")
NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def in_language(language: str, texts: list[str]) -> list[str]:
    """What the page makes of these texts, by its own code."""
    code = f"""
        import {{ sayer }} from {json.dumps((COMPONENTS / "catalogue.js").as_uri())};
        import {{ readFileSync }} from "node:fs";
        const [catalogue, texts] = JSON.parse(readFileSync(0, "utf8"));
        const say = sayer(catalogue, {json.dumps(language)});
        process.stdout.write(JSON.stringify(texts.map(say)));
    """
    done = subprocess.run(
        [NODE, "--no-warnings", "--input-type=module", "--eval", code],
        input=json.dumps([catalogue.catalogue(language), texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert isinstance(answer, list)
    return answer


# Marked texts


def test_a_marked_text_is_looked_up_wherever_it_gets_into_a_component() -> None:
    words = said({"send": "Send", "limit": 3, "kinds": ("One", ["Two"])})
    state: rx.Var[str] = rx.Var("problem", _var_type=str)
    page = rx.el.div(
        said("A child"),
        rx.el.p(aria_label=said("A label"), title=said("A title")),
        rx.cond(state != "", said(state), said("Nothing")),
        rx.match(state, ("x", said("A case")), said("No case")),
        filled(said("By {name}"), name=state),
        rx.el.span(rx.Var.create(words)["send"]),
    )

    code = json.dumps(page.render(), default=str)
    marked = re.findall(r'said\((?:\\")*((?:\w+ ?)+)(?:\{name\})?(?:\\")*\)', code)

    assert {"A child", "A label", "A title", "Nothing", "A case", "No case"} <= set(marked)
    assert {"problem", "Send", "One", "Two", "By "} <= set(marked)
    assert "const said = useSaid()" in page._get_all_hooks()
    assert said(words) == words == {"send": "Send", "limit": 3, "kinds": ("One", ["Two"])}


def test_an_attribute_alone_brings_what_its_look_up_needs() -> None:
    assert "const said = useSaid()" in rx.el.nav(aria_label=said("Threads"))._get_all_hooks()


def test_a_marked_text_is_the_text_itself_to_the_server() -> None:
    text = said("Sent by {who}")

    assert (text, type(text)) == ("Sent by {who}", Said)
    assert text.format(who="Ann") == "Sent by Ann"
    assert "who" in text
    assert isinstance(told("{name} is here"), str)


# The catalogues


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_and_no_other(language: str) -> None:
    has = catalogue.catalogue(language)

    assert catalogue.missing(language) == {"words": {}, "told": {}}
    assert set(has["words"]) - set(catalogue.texts()) == set()
    assert set(has["told"]) - set(catalogue.told()) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_text(language: str) -> None:
    # One of several forms is chosen by a number, which need not be told twice.
    chosen = {"unit"}
    wrong = {
        text: translated
        for part in catalogue.catalogue(language).values()
        for text, translated in part.items()
        if not translated.strip()
        or catalogue.places(text) - chosen != catalogue.places(translated) - chosen
        or (text[0], text[-1]).count(" ") != (translated[0], translated[-1]).count(" ")
    }

    assert wrong == {}


def test_what_a_language_lacks_is_told_with_where_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = catalogue.catalogue("de")
    kept["words"].pop("New thread")
    kept["told"].pop("Stopped by {stopped_by}")
    monkeypatch.setattr(catalogue, "catalogue", lambda language: kept)

    assert catalogue.missing("de") == {
        "words": {"New thread": "words"},
        "told": {"Stopped by {stopped_by}": "shown/messages"},
    }


# Nothing is said that is not marked

_NO_WORDS = re.compile(
    r"^(class_?name|id|key|href|to|others|type|role|name|autocomplete|link|login|path|rel|style"
    r"|data-.*|on[A-Z].*|aria-(labelledby|describedby|controls|live|current|haspopup)|entrances"
    r"|method|action|accept|field|kind|what|of|tab|where|section|target|ref|draggable|lang|min"
    r"|max|step|value|defaultValue|htmlFor|page|size|sort)$",
    re.IGNORECASE,
)
"""Attributes that nobody reads."""
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NO_TEXT_BEFORE = re.compile(
    r'(===|!==|\[|stringify\(|includes\(|startsWith\(|case|\["(name|autoComplete)"\] :)$'
)
NAMES = {"agentchat", " MB", " kB", "favicon.ico", "undefined"}
"""What is the same in each language."""


def _unmarked(expression: str) -> Iterator[str]:
    for found in _LITERAL.finditer(expression):
        before, after = expression[: found.start()].rstrip(), expression[found.end() :].lstrip()
        text = json.loads(found[0])
        # Addresses, and lines of a file of settings.
        if re.match(r"/|[A-Z_]+=", text):
            continue
        if text in NAMES or not re.search(r"[^\W\d_]{2}", text.replace("agentchat", "")):
            continue
        if before.endswith("said(") or _NO_TEXT_BEFORE.search(before):
            continue
        if not after.startswith(("]", "===", "?.valueOf")):
            yield text


def _texts(node: Any) -> Iterator[str]:
    """The literal texts in what a component renders that people would see."""
    if isinstance(node, list | tuple):
        for one in node:
            yield from _texts(one)
    elif isinstance(node, dict):
        yield from _unmarked(str(node.get("contents", "")))
        for prop in node.get("props", []):
            name, _, value = str(prop).partition(":")
            if not _NO_WORDS.match(name.strip('"')):
                yield from _unmarked(value)
        for part in ("children", "true_value", "false_value", "default"):
            yield from _texts(node.get(part))
        for case in node.get("match_cases") or []:
            yield from _texts(case[-1])


def test_every_text_of_every_page_is_marked() -> None:
    found: dict[str, str] = {}
    # A process has one app, and another test may have made it.
    with RegistrationContext.ensure_context().fork():
        web = app.build(AgentChat())
        for route, page in web._unevaluated_pages.items():
            assert callable(page.component)
            found |= dict.fromkeys(_texts(page.component().render()), route)
            title = str(page.title) if isinstance(page.title, rx.Var) else json.dumps(page.title)
            found |= dict.fromkeys(_unmarked(title), f"title of {route}")
        for (_, name), wrap in web.app_wraps.items():
            # What is shown when a page breaks is part of an expression.
            made = crash_page() if name == "ErrorBoundary" else wrap(True)
            found |= dict.fromkeys(_texts(made.render() if made else []), name)

    assert found == {}


def test_a_text_that_is_not_marked_is_found() -> None:
    page = rx.el.div(
        rx.el.p("A child", class_name="not words", id="an-id"),
        rx.el.p(aria_label="A label"),
        rx.cond(rx.Var("x").bool(), rx.el.p("In a condition"), rx.el.p(said("Marked"))),
        rx.cond(rx.Var("x").bool(), "As a value", said("Marked, too")),
        rx.match(rx.Var("x").to(str), ("a case", rx.el.p("Of a case")), rx.el.p(said("Default"))),
        rx.foreach(rx.Var("x").to(list[str]), lambda one: rx.el.li(one, "In a list")),
        rx.el.p(f"{said('Marked once')} and put together"),
    )

    assert set(_texts(page.render())) == {
        "A child",
        "A label",
        "In a condition",
        "As a value",
        "Of a case",
        "In a list",
        "Marked once and put together",
    }


def test_no_script_of_the_pages_has_texts_of_its_own() -> None:
    # Between tags, and in attributes that are read out or shown.
    shown = re.compile(
        r"""(?:aria-label|title|placeholder|alt|label)="[^"{]*[A-Za-z]{2}"""
        r"""|^\s*[A-Z][a-z]+ [a-z][\w ,.'-]*$|>[^<>{}=;()&|]*[A-Za-z]{3,}[^<>{}=;()&|]*</""",
        re.MULTILINE,
    )
    found = {
        path.name: texts
        for path in sorted(COMPONENTS.glob("*.jsx"))
        if (texts := shown.findall(_without_comments(path.read_text("utf-8"))))
    }

    assert found == {}


def _without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*//.*$", "", source, flags=re.DOTALL | re.MULTILINE)


# What the server tells

_ENGLISH = re.compile(
    r"\b(the|and|is|of|to|it|this|that|at|by|with|not|from|until|waiting|every|runs|steps?|days?"
    r"|goes|be|will|then|cleaning|retrying|stopped|paused|queued|Mondays|hours|minutes)\b"
)


_THEIRS = re.compile(r"'\w+'|\(\d+:.*?\)|Europe\S+|\{at\}")
"""Names and details, which stay what they are."""


def _run(**values: Any) -> SimpleNamespace:
    usual: dict[str, Any] = {
        "status": RunStatus.RUNNING, "retry_at": None, "due_at": None, "stop_by": None,
        "tries": 1, "max_tries": 5, "pausing": False, "paused_by": None, "stopped_by": None,
        "error": "", "error_kind": "", "step": "", "failed_step": "", "attempt": 1,
        "parent_id": None, "workflow": "digest",
    }  # fmt: skip
    return SimpleNamespace(**usual | values)


def _reasons() -> Iterator[str]:
    """Why a run stands where it stands, in each of its states."""
    wait = partial_wait = SimpleNamespace(kind=StepKind.EVENT, child_id=None, event="signed")
    sleeps = SimpleNamespace(kind=StepKind.SLEEP, child_id=None, event=None)
    child = SimpleNamespace(kind=StepKind.RUN, child_id="0123456789", event=None)
    for run, known in (
        (_run(retry_at=LATER, tries=2), Known()),
        (_run(tries=2), Known()),
        (_run(pausing=True, paused_by="Zoë"), Known()),
        (_run(status=RunStatus.QUEUED), Known()),
        (_run(status=RunStatus.QUEUED), Known(behind="0123456789")),
        (_run(status=RunStatus.QUEUED), Known(workflow_paused_by="Zoë")),
        (_run(status=RunStatus.QUEUED, due_at=LATER), Known()),
        (_run(status=RunStatus.WAITING), Known()),
        (_run(status=RunStatus.WAITING, due_at=LATER), Known()),
        (_run(status=RunStatus.WAITING), Known(wait=wait)),
        (_run(status=RunStatus.WAITING, due_at=LATER), Known(wait=partial_wait)),
        (_run(status=RunStatus.WAITING, due_at=LATER), Known(wait=sleeps)),
        (_run(status=RunStatus.WAITING), Known(wait=sleeps)),
        (_run(status=RunStatus.WAITING), Known(wait=child)),
        (_run(status=RunStatus.PAUSED, error_kind=HELD), Known()),
        (_run(status=RunStatus.PAUSED, paused_by="Zoë"), Known()),
        (_run(status=RunStatus.PAUSED), Known()),
        (_run(status=RunStatus.PAUSED, error="Zu kalt", step="fetch"), Known()),
        (_run(status=RunStatus.STOPPING), Known()),
        (_run(status=RunStatus.STOPPING, stop_by=LATER, stopped_by="Zoë"), Known()),
        (_run(status=RunStatus.STOPPED, stopped_by="Zoë"), Known()),
    ):
        yield why(run, known, NOW).words
    for kind, deadline in product(AskKind, (None, LATER)):
        ask = SimpleNamespace(kind=kind, deadline=deadline)
        yield why(_run(status=RunStatus.WAITING), Known(ask=ask), NOW).words


def _offers() -> Iterator[str]:
    """What would happen if somebody did something to a run."""
    facts = [
        Facts(),
        Facts(under_way=("fetch",), done=1, awaited=1, asks=1),
        Facts(under_way=("a", "b", "c", "d", "e"), done=1_200, awaited=3, asks=2),
    ]
    runs = [
        _run(status=status, attempt=attempt, paused_by=paused_by, failed_step=failed_step)
        for status in RunStatus
        for attempt, paused_by, failed_step in ((0, None, ""), (1, "Zoë", "fetch"))
    ]
    for run, fact, ends, beside in product(runs, facts, (False, True), (False, True)):
        declared = Declared(True, (), timedelta(seconds=30), ends=ends, beside=beside)
        for choice in choices(run, fact, declared):
            yield choice.words


def _triggers() -> Iterator[Trigger]:
    for spec in (
        "* * * * *", "*/5 * * * *", "0 * * * *", "30 * * * *", "0 */6 * * *", "0 9 * * *",
        "0 9,17 * * *", "0 9 * * mon-fri", "30 7 * * sat", "0 9 * * mon,wed,fri", "0 0 1 * *",
        "0 0 1,15 * *", "0 0 1 1,7 *", "0 12 * 3 *", "0 8 13 * fri", "*/10 * * * sun",
        "0 */2 * * tue-thu", "5 * * * mon",
    ):  # fmt: skip
        yield Cron(spec, "Europe/Berlin")
        yield Cron(spec, start=NOW, end=LATER)
    for seconds in (1, 45, 60, 300, 3_600, 7_200, 5_400, 86_400, 90_061, 172_800.5):
        yield Every(timedelta(seconds=seconds))
        yield Every(timedelta(seconds=seconds), start=NOW)


def _answers() -> Iterator[str]:
    """What is said about answers."""
    message = {name: "" for name in ("id", "role", "author", "model", "error", "run_id", "joins")}
    usual = message | {
        "status": "done", "position": 0, "variant": 0, "hidden": False, "created_at": NOW,
        "error_kind": None, "stopped_by": "you", "role": "assistant", "joins": None,
        "user_id": None,
    }  # fmt: skip

    def settled(text: str = "x", **values: Any) -> str:
        row: Any = SimpleNamespace(**usual | values)
        return settled_view(row, text, (), ()).words

    yield settled(error_kind="replaced")
    yield settled(status="stopped")
    yield settled(status="failed")
    yield settled(error_kind="refused")
    yield settled(error_kind="length")
    yield settled(text="")
    model: Any = SimpleNamespace(state="loading", detail="Loading Qwen")
    grown: Any = SimpleNamespace(text="x", revision=0)
    empty: Any = SimpleNamespace(text="", revision=0)
    row: Any = SimpleNamespace(**usual | {"status": "running"})
    runs = [
        None,
        _run(status=RunStatus.PAUSED, paused_by="Zoë"),
        _run(retry_at=LATER, tries=2, error="Anthropic is overloaded (529: Overloaded)."),
        _run(tries=2),
        _run(),
    ]
    for run, growth, one, behind in product(runs, (grown, empty), (None, model), (False, True)):
        found: Any = run
        kept: Growth = growth
        yield live_view(row, kept, found, one, (), 0, behind=behind).words


SENTENCES = sorted(
    {
        *filter(None, _reasons()),
        *_offers(),
        *map(describe, _triggers()),
        *_answers(),
        *map(next_step, ("wrong_key", "overloaded", "crashed", "InvalidInput", "other")),
        "You have sent 30 messages within a minute, which is the most. Wait 12 seconds.",
        "It has reached a limit: 5,000,000 tokens in this thread.",
        "OpenAI did not accept the API key (401: Incorrect API key provided)",
        "This run is done; only one that is paused can be resumed.",
        "within=1y was ignored: it is one of 1h, 24h, 7d, 30d.",
        "Too late: this run is stopped already by Zoë.",
        "Connections to models are refused, for 3 calls",
        "This password is easily guessed (this is a top-10 common password). Take a longer one:"
        " a few words that do not belong together, for example.",
        "That was tried too often. Try again in 15 minutes.",
        "Calling search_web, read_page",
    }
)


def test_what_the_server_tells_is_told_in_german() -> None:
    said_in_german = dict(zip(SENTENCES, in_language("de", SENTENCES), strict=True))

    left = {
        text: german
        for text, german in said_in_german.items()
        if _ENGLISH.search(_THEIRS.sub("", german))
        or (german == text and not text.startswith("Cron "))
        or re.search(r"\{(?!at\})\w+\}", german)
    }

    assert left == {}
    assert said_in_german["It has reached a limit: 5,000,000 tokens in this thread."] == (
        "Eine Grenze ist erreicht: 5.000.000 Token in diesem Chat."
    )
    assert said_in_german["Stopped by you"] == "Gestoppt von dir"
    daily = describe(Cron("0 3 * * *", timezone="Europe/Berlin"))
    assert in_language("de", [daily]) == ["Jeden Tag um 03:00 (Europe/Berlin)"]
    assert said_in_german["Retrying (2 of 5): asking"] == "Neuer Versuch (2 von 5): fragt an"


def test_what_a_person_wrote_is_never_translated() -> None:
    theirs = [
        "Hello there. How are you?",
        "Running and jumping (Berlin)",
        "Ann, until tomorrow",
        "Meet me at noon in May",
        "a {name} in braces",
    ]

    assert in_language("de", theirs) == theirs
    # What is in a text of the server is theirs, too, even where a page has the same word.
    assert in_language("de", ["Stopped by Memory"]) == ["Gestoppt von Memory"]


def test_every_template_of_the_server_finds_its_texts() -> None:
    templates = [text for text in catalogue.told() if catalogue.places(text)]
    # Names that no template ends, and that are no words of the server.
    filled_in = [re.sub(r"\{\w+\}", "Qx7", text) for text in templates]

    answers = in_language("de", filled_in)

    german = catalogue.catalogue("de")["told"]
    lost = {
        text: answer
        for template, text, answer in zip(templates, filled_in, answers, strict=True)
        if answer == text
        and german[template] != template
        and len(re.sub(r"\{\w+\}|[\W\d_]", "", template)) >= 8
    }
    assert lost == {}


def test_a_number_asks_for_its_form_of_a_word() -> None:
    code = f"""
        import {{ fill }} from {json.dumps((COMPONENTS / "catalogue.js").as_uri())};
        const polish = "{{number, plural, one {{# bieg}} few {{# biegi}} other {{# biegów}}}}";
        const told = [1, 2, 5, 22, "1,024"].map((number) => fill(polish, {{ number }}, "pl"));
        process.stdout.write(JSON.stringify([...told, fill("{{a}} {{b}}", {{ a: "$&" }}, "de")]));
    """
    done = subprocess.run(
        [NODE, "--no-warnings", "--input-type=module", "--eval", code],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [
        "1 bieg", "2 biegi", "5 biegów", "22 biegi", "1,024 biegi", "$& {b}",
    ]  # fmt: skip


def test_templates_are_read_off_the_code_with_their_values_named() -> None:
    def example(name: str, rows: list[str]) -> str:
        return f"There is no {name!r} among {len(rows):,} rows."

    import ast
    import textwrap

    tree = ast.parse(textwrap.dedent(inspect.getsource(example)))
    found = [catalogue.template(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]

    assert "There is no {name} among {rows} rows." in found
