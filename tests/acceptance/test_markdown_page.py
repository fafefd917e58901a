"""What models write as it is shown: formulas, code, tables, tasks and notes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.acceptance.axe import serious
from tests.acceptance.conftest import Visit
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG

PHONE = {"width": 390, "height": 844}
CODE = "\n".join(f"value_{number} = {number}" for number in range(60))
ALL = f"""
Euler: $e^{{i\\pi}} + 1 = 0$, and \\(a_1 * b_2 * c\\).

$$
\\int_0^1 x^2\\,dx

= \\frac{{1}}{{3}}
$$

\\[ \\sum_n n \\] and in a line $$x^2 + y^2$$.

- [x] one thing
- [ ] another

A claim.[^1]

[^1]: Its note, with $z$.

```python
{CODE}
```

{"| a wide table " * 30}|
{"|---" * 30}|
{"| $x$ " * 30}|
"""


def answered(visit: Visit, server: Server, fake: FakeProvider, text: str, **given: Any) -> Person:
    """Somebody who is told this."""
    fake.enqueue(Reply(text))
    ann = visit(server.url, **given)
    ann.say("Go on")
    ann.sees_answer("done")
    return ann


def formulas(ann: Person) -> Locator:
    return ann.answer.locator(".formula[data-state=drawn]")


def sources(ann: Person) -> list[str]:
    """The formulas that were drawn, as they were written."""
    return [one.strip() for one in ann.answer.locator("annotation").all_text_contents()]


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(None, "light", id="wide-light"),
        pytest.param(PHONE, "dark", id="phone-dark", marks=pytest.mark.long),
        pytest.param(None, "dark", id="wide-dark", marks=pytest.mark.long),
        pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.long),
    ],
)
def test_formulas_code_tasks_and_notes_are_drawn(
    server: Server, fake: FakeProvider, visit: Visit, scheme: str, size: Any
) -> None:
    given = {"viewport": size} if size else {}
    ann = answered(visit, server, fake, ALL, color_scheme=scheme, **given)
    expect(formulas(ann)).to_have_count(6 + 30)
    assert sources(ann)[:5] == [
        *("e^{i\\pi} + 1 = 0", "a_1 * b_2 * c", "\\int_0^1 x^2\\,dx\n\n= \\frac{1}{3}"),
        *("\\sum_n n", "x^2 + y^2"),
    ]
    expect(ann.answer.locator(".formula.apart")).to_have_count(3)
    expect(ann.answer.get_by_role("img", name="Done", exact=True)).to_be_visible()
    expect(ann.answer.get_by_role("img", name="To do", exact=True)).to_be_visible()
    assert ann.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert serious(ann.page) == []


def test_dollars_that_are_no_formula_stay_what_they_are(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    plain = (
        "It costs $5 and $6, or 8$ and US$ 9.",
        "Between $5-$6, or ($5) vs ($6).",
        "Set $HOME/bin:$PATH and $SHELL.",
        "A price of $5 and $6, escaped.",
        "One $ alone, and $$ two.",
    )
    text = "\n\n".join(plain).replace("of $5 and $6", "of \\$5 and \\$6")
    # With a formula, so that they are looked for at all.
    ann = answered(visit, server, fake, f"{text}\n\n```\n$x$ and $$y$$\n```\n\nBut $q+1$ is one.")
    expect(formulas(ann)).to_have_count(1)
    assert sources(ann) == ["q+1"]
    shown = ann.text_of(ann.answer)
    for one in (*plain, "$x$ and $$y$$"):
        assert one in shown


def test_without_a_formula_nothing_is_fetched_for_one(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = answered(visit, server, fake, "Plain words, and a list:\n\n- one")
    assert not [url for url in ann.requested if "math" in url or "KaTeX" in url]
    assert not [url for url in ann.requested if "highlight" in url]
    fake.enqueue(Reply("Now $x$ and\n\n```python\nx = 1\n```"))
    ann.say("Go on")
    expect(formulas(ann)).to_have_count(1)
    expect(ann.answer.locator(".hljs-number")).to_have_count(1)
    assert all(url.startswith(server.url) for url in ann.requested)


def test_a_formula_does_nothing_but_show_itself(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    hostile = [
        r"\href{https://evil.example}{link}",
        r"\htmlClass{dialog-veil}{x}",
        r"\includegraphics{https://evil.example/x.png}",
        r"\kern-9999em\rule{9999em}{9999em}",
        r"\raisebox{9999em}{x}\llap{\rule{50em}{50em}}",
        r"\def\a{\a\a}\a",
        r"\newcommand{\b}[1]{\b{#1}\b{#1}}\b{x}",
        r"\frac{1",
        r"\unknown{x}",
    ]
    text = "\n\n".join(f"Before ${one}$ after" for one in hostile)
    ann = answered(visit, server, fake, f"{text}\n\nAt last $x+1$ is drawn, and $\\b{{1}}$ not.")
    expect(formulas(ann).last).to_be_visible()
    shown = ann.text_of(ann.answer)
    for one in (r"\def\a{\a\a}\a", r"\newcommand{\b}", r"\frac{1", r"\b{1}"):
        assert one in shown, one
    assert "x+1" in sources(ann)
    assert ann.answer.locator(".markdown a, .markdown img, .dialog-veil").count() == 0
    # What is under the pointer anywhere outside of a formula is not of it.
    outside = ann.page.evaluate(
        """() => [...document.querySelectorAll('.formula')].filter((one) => {
          const { left, right, top, bottom } = one.getBoundingClientRect();
          const within = document.querySelector('.log').getBoundingClientRect();
          const style = getComputedStyle(one);
          return !style.contain.includes('paint') || right > within.right + 1
            || left < within.left - 1 || bottom - top > 500;
        }).map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert outside == []
    assert all(url.startswith(server.url) for url in ann.requested)


@LONG
def test_a_formula_is_drawn_once_it_is_complete(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    go_on = threading.Event()
    fake.enqueue(Reply("First $x$ here. And then:\n\n$$\n\\frac{1}{2", until=go_on))
    ann = visit(server.url)
    ann.say("Go on")
    expect(formulas(ann)).to_have_count(1)
    ann.sees_in_answer("\\frac{1}{2")
    expect(ann.answer.locator(".formula")).to_have_count(1)
    go_on.set()
    ann.sees_answer("done")


def test_code_names_its_language_wraps_folds_and_is_copied_whole(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    ann = answered(visit, server, fake, f"```py\n{CODE}\n```", permissions=["clipboard-read"])
    ann.page.reload()
    code = ann.answer.locator(".code")
    expect(code.locator(".code-head")).to_contain_text("Python")
    unfold = code.get_by_role("button", name="Show all 60 lines")
    expect(unfold).to_have_attribute("aria-expanded", "false")
    pre = code.locator("pre")
    folded = pre.bounding_box()
    unfold.press("Enter")
    less = code.get_by_role("button", name="Show less")
    expect(less).to_be_focused()
    whole = pre.bounding_box()
    assert folded is not None
    assert whole is not None
    assert whole["height"] > 2 * folded["height"]
    wrap = code.get_by_role("button", name="Break long lines")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert pre.evaluate("(one) => getComputedStyle(one).whiteSpace") == "pre-wrap"
    less.click()
    code.get_by_role("button", name="Copy code").click()
    expect(code.get_by_role("button", name="Copied")).to_be_visible()
    assert ann.page.evaluate("navigator.clipboard.readText()") == CODE


@LONG
def test_code_that_was_seen_being_written_is_not_folded_away(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    go_on = threading.Event()
    fake.enqueue(Reply(f"Here:\n\n```py\n{CODE}\n```\n\nMore of it. And", until=go_on))
    ann = visit(server.url)
    ann.say("Go on")
    ann.sees_in_answer("value_59")
    expect(ann.answer).to_have_attribute("data-status", "running")
    go_on.set()
    ann.sees_answer("done")
    expect(ann.answer.get_by_role("button", name="Show less")).to_be_visible()


@LONG
def test_a_note_is_reached_and_left_by_keyboard(
    server: Server, fake: FakeProvider, visit: Visit
) -> None:
    text = "A claim.[^1]\n\n" + "Words.\n\n" * 40 + "[^1]: Its note."
    ann = answered(visit, server, fake, text)
    fake.enqueue(Reply(text))
    ann.say("Once more")
    expect(ann.page.get_by_text("Its note.")).to_have_count(2)
    ann.sees_answer("done")
    ann.answer.locator("sup a").press("Enter")
    note = ann.answer.locator(".footnotes li")
    expect(note).to_be_focused()
    expect(note).to_be_in_viewport()
    back = note.get_by_role("link", name="Back to the text")
    back.press("Enter")
    expect(ann.answer.locator("sup a")).to_be_focused()
    ids = ann.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
