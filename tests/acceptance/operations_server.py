"""A server for the pages about operations: some runs have ended, and one does not fit its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.axe import violations
from tests.acceptance.person import Person
from tests.acceptance.server import Server
from tests.waiting import eventually_now

PROGRAM = ("tests.acceptance.operations_app",)


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve with changed code, after a process with the old one was killed."""
    before = Server(folder, program=PROGRAM, SHIFT="1")
    before.start()
    eventually_now((folder / "seeded").exists)
    before.kill()
    server = Server(folder, program=PROGRAM, SHIFT="2")
    server.start()
    yield server
    server.kill()


def is_accessible(person: Person) -> None:
    """Nothing that keeps people out, and nothing wider than the screen."""
    found = violations(person.page)
    serious = [
        one
        for one in found
        if one["impact"] in ("serious", "critical") and not _steered(person, one)
    ]
    assert serious == [], [(one["id"], one["nodes"][0]["html"]) for one in serious]
    assert person.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def _steered(person: Person, found: Any) -> bool:
    """Whether it is about a list that needs no focus to be scrolled: the text box that has it
    controls the list, and says which line is chosen.
    """
    controls = """at => {
      const box = document.activeElement;
      const id = document.querySelector(at)?.id;
      return !!id && box.getAttribute("aria-controls") === id
        && box.hasAttribute("aria-activedescendant");
    }"""
    return found["id"] == "scrollable-region-focusable" and all(
        person.page.evaluate(controls, node["target"][0]) for node in found["nodes"]
    )
