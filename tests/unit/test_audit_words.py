"""What is written down of what people did is said in words that people read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import agentchat
from agentchat.ui.words_audits import ACTIONS, AUDIT_WORDS

SOURCES = [
    source
    for source in sorted(Path(agentchat.__file__).parent.rglob("*.py"))
    if "ui" not in source.parts
]
# Which of its arguments names the action, by what writes it down.
WRITERS = {"Entry": 2, "note": 2, "_note": 2, "arrive": 2, "_do": 0, "_entry": 0, "_end": 0}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """The calls that write something down, each with the name of what is called."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in WRITERS:
                    yield name, node


def texts(node: ast.AST) -> set[str]:
    """The texts of an expression that are its value, not what it looks at."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return set()


def keys(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.Dict):
        return set()
    return {str(one.value) for one in node.keys if isinstance(one, ast.Constant)}


def test_each_action_that_is_written_down_has_words() -> None:
    found = set[str]()
    for name, call in calls():
        if len(call.args) > WRITERS[name]:
            found |= texts(call.args[WRITERS[name]])

    assert found >= {"log_in", "take back", "fork", "run now", "end"}
    assert found - ACTIONS.keys() == set()


def test_each_name_of_a_detail_has_words() -> None:
    found = set[str]()
    for name, call in calls():
        if name in ("note", "_note", "_do"):
            found |= {one.arg for one in call.keywords if one.arg is not None}
        if name in ("Entry", "arrive") and len(call.args) > 4:
            found |= keys(call.args[4])
    for source in SOURCES:
        text = source.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "Entry(" in text else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "detail":
                found |= keys(node.value)

    assert found >= {"message", "instead_of", "person", "invitation"}
    assert found - AUDIT_WORDS["details"].keys() == set()
