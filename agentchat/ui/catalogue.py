"""All that the app says, and what of it a language lacks: ``python -m agentchat.ui.catalogue``.

Texts of pages are those that :func:`~agentchat.ui.said.said` marks in the modules of words. What
the server tells is read off its code: the words of errors that people may meet, and the sentences
of the modules that make them. Values become names in braces.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from agentchat import errors
from agentchat.errors import AgentChatError, ModelError
from agentchat.ui import words_told
from agentchat.ui.build import LANGUAGES
from agentchat.ui.said import Said, Told

_HERE: Final = Path(__file__).parent
_PACKAGE: Final = _HERE.parent
_PLACE: Final = re.compile(r"\{(\w+)(?:, plural,[^{}]*(?:\{[^{}]*\}[^{}]*)+)?\}")

_FOR_PROGRAMMERS: Final = (
    errors.ConfigError,
    errors.SchemaMismatch,
    errors.JournalMismatch,
    errors.StepFailed,
    errors.NonRetryable,
    errors.Fenced,
    errors.ToolError,
)
"""Errors that no page shows, or whose words are those of somebody's code."""
_CODE_ONLY: Final = (
    "cli",
    "frontend",
    "settings",
    "tools/",
    "agents/mcp/",
    "agents/team",
    "agents/tools",
    "agents/tool_context",
    "durable/context",
    "durable/event_type",
    "durable/journal",
    "durable/kinds",
    "durable/replay",
    "durable/results",
    "durable/start",
    "durable/values",
    "durable/triggers",
    "llm/catalogue",
    "llm/scripted",
    "faults/provider",
)
"""Modules whose errors are met by who writes code, in a terminal, or by a model."""
_SPEAKING: Final = (
    "accounts/passwords",
    "agents/limits",
    "agents/router",
    "faults/kinds",
    "llm/failures",
    "llm/local",
    "opening",
    "operations/audit_filters",
    "operations/bulk",
    "operations/choices",
    "operations/failures",
    "operations/filters",
    "operations/list_pages",
    "operations/run_words",
    "operations/schedule_forms",
    "paces",
    "shown/messages",
    "shown/parts",
)
"""Modules that put sentences together which pages show."""


@functools.cache
def texts() -> Mapping[str, str]:
    """Every marked text of the pages, with the module that holds it."""
    found: dict[str, str] = {}
    for path in sorted(_HERE.glob("words*.py")):
        module = importlib.import_module(f"agentchat.ui.{path.stem}")
        for value in vars(module).values():
            for text in _marked(value):
                if not isinstance(text, Told):
                    found.setdefault(str(text), path.stem)
    return found


@functools.cache
def told() -> Mapping[str, str]:
    """Every text of the server that pages show, as a template, with the module that holds it."""
    found: dict[str, str] = {}
    for path in sorted(_HERE.glob("words*.py")):
        module = importlib.import_module(f"agentchat.ui.{path.stem}")
        for value in vars(module).values():
            for text in _marked(value):
                if isinstance(text, Told):
                    found.setdefault(str(text), path.stem)
    for name in [one for one in vars(words_told) if one.isupper()]:
        found |= dict.fromkeys(getattr(words_told, name), "words_told")
    for error in _errors():
        found.setdefault(_default(error), "errors")
        if issubclass(error, ModelError):
            found.setdefault(error.next_step, "errors")
    sources = _Sources()
    for path in sources.trees:
        name = path.relative_to(_PACKAGE).with_suffix("").as_posix()
        if name in _SPEAKING:
            found |= {text: name for text in sources.sentences(path) if text not in found}
        if not name.startswith(_CODE_ONLY):
            found |= {text: name for text in sources.errors(path) if text not in found}
    return found


def catalogue(language: str) -> dict[str, dict[str, str]]:
    """What a language has: ``words`` of pages, and ``told`` by the server, by the English text."""
    read = json.loads((_HERE / "languages" / f"{language}.json").read_text("utf-8"))
    return {"words": read["words"], "told": read["told"]}


def missing(language: str) -> dict[str, dict[str, str]]:
    """What a language lacks, with the module that holds it, under the same names."""
    has = catalogue(language)
    wanted = {"words": texts(), "told": told()}
    return {
        part: {text: where for text, where in wanted[part].items() if text not in has[part]}
        for part in wanted
    }


def places(text: str) -> set[str]:
    """The names in braces in a text."""
    return set(_PLACE.findall(text))


def _marked(value: Any) -> Iterator[Said]:
    if isinstance(value, Said):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _marked(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _marked(one)


def _errors() -> Iterator[type[AgentChatError]]:
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    for one in kinds:
        if issubclass(one, AgentChatError) and not issubclass(one, _FOR_PROGRAMMERS):
            yield one


def _default(error: type[AgentChatError]) -> str:
    return (error.__doc__ or "").split("\n", 1)[0]


class _Sources:
    """The code of the package, read as it is written."""

    def __init__(self) -> None:
        self.trees = {
            path: ast.parse(path.read_text("utf-8"))
            for path in sorted(_PACKAGE.rglob("*.py"))
            if _HERE not in path.parents or path.name == "visits.py"
        }
        self._constants = {
            (path, node.targets[0].id if isinstance(node, ast.Assign) else node.target.id): text  # type: ignore[union-attr]
            for path, tree in self.trees.items()
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and node.value is not None
            and (text := template(node.value)) is not None
        }
        self._kinds = {one.__name__ for one in _errors()}

    def errors(self, path: Path) -> Iterator[str]:
        """The words with which a module makes errors that people may meet."""
        for node in ast.walk(self.trees[path]):
            if isinstance(node, ast.Call) and node.args and _named(node.func) in self._kinds:
                text = template(node.args[0]) or self._constant(path, node.args[0])
                if text is not None and _is_prose(text):
                    yield text

    def sentences(self, path: Path) -> Iterator[str]:
        """The texts of a module that are no names, keys or documentation."""
        yield from _sentences(self.trees[path])

    def _constant(self, path: Path, node: ast.expr) -> str | None:
        name = _named(node)
        here = self._constants.get((path, name))
        if here is not None or isinstance(node, ast.Name):
            return here
        found = [text for (_, other), text in self._constants.items() if other == name]
        return found[0] if len(set(found)) == 1 else None


_SILENT: Final = {"ConfigError", "TypeError", "debug", "error", "exception", "info", "warning"}
"""Calls whose words are not for pages."""


def _sentences(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _named(node.func) in _SILENT:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    text = template(node) if isinstance(node, ast.expr) else None
    if text is not None:
        if _is_prose(text):
            yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from _sentences(child)


def _is_prose(text: str) -> bool:
    """Whether it is more than a word or a value."""
    literal = _PLACE.sub("", text)
    return "\\" not in literal and re.search(r"[A-Za-z]{2}.* |[A-Za-z]{2,}\.$", literal) is not None


def template(node: ast.AST) -> str | None:
    """What a string, an f-string or a call of ``format`` says, its values as names in braces;
    None for anything else.
    """
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, str):
            return None
        return re.sub(r"\{(\w*)[^{}]*\}", lambda found: f"{{{found[1] or 'value'}}}", node.value)
    if isinstance(node, ast.JoinedStr):
        used: dict[str, int] = {}
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{{_place(part, used)}}}"
            for part in node.values
        )
    if isinstance(node, ast.Call) and _named(node.func) == "format":
        return template(node.func.value) if isinstance(node.func, ast.Attribute) else None
    return None


def _place(part: ast.expr, used: dict[str, int]) -> str:
    """A name for a value: the last one in its expression."""
    assert isinstance(part, ast.FormattedValue)
    names = re.findall(r"[A-Za-z_]\w*", ast.unparse(part.value))
    name = names[-1].lower().strip("_") if names else "value"
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name}{used[name]}"


def _named(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr if node.attr != "format" else _named(node.value)
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    for _language in sys.argv[1:] or LANGUAGES:
        json.dump({_language: missing(_language)}, sys.stdout, indent=2, ensure_ascii=False)
        print()
