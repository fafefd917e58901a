"""The shape of the project: what is exported, what importing does, what may run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import agentchat

ROOT = Path(__file__).resolve().parent.parent


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_library_loads_no_reflex_and_no_vendor() -> None:
    loaded = python(
        "import sys, agentchat; print([m for m in ('reflex', 'reflex_base', 'starlette',"
        " 'anthropic', 'openai', 'xllamacpp', 'onnxruntime') if m in sys.modules])"
    )
    assert loaded == "[]"


def test_importing_the_library_opens_nothing_and_reads_no_settings(tmp_path: Path) -> None:
    code = (
        f"import os, sys, threading; os.chdir({str(tmp_path)!r});"
        "os.environ['AGENTCHAT_PORT'] = 'not a port';"
        "import agentchat; print(threading.active_count(), os.listdir('.'))"
    )
    assert python(code) == "1 []"


def test_every_exported_name_is_there_and_nothing_else_is() -> None:
    tree = ast.parse(Path(agentchat.__file__).read_text())
    imported = {
        name.asname or name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert imported == set(agentchat.__all__)


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in (ROOT / "agentchat").rglob("*.py")
        if (lines := len(file.read_text().splitlines())) > 400 and file.name != "models.py"
    }
    assert long == {}


def test_raw_markdown_is_used_in_one_place_only() -> None:
    users = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "agentchat").rglob("*.py")
        if "rx.markdown" in file.read_text() or "rx.html" in file.read_text()
    ]
    assert users in ([], ["agentchat/ui/components/markdown.py"])


def test_pages_reach_the_app_only_as_the_person_behind_the_tab() -> None:
    """Whoever holds ``chat()`` may do everything: states ask ``visits`` for verbs instead."""
    holders = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "agentchat").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if _takes_the_bridge(node)
    }
    assert holders == {"agentchat/ui/visits.py"}


def _takes_the_bridge(node: ast.AST) -> bool:
    """Whether more is imported of it than what opens it."""
    if isinstance(node, ast.Import):
        return any(name.name == "agentchat.ui.bridge" for name in node.names)
    if not isinstance(node, ast.ImportFrom):
        return False
    names = {name.name for name in node.names}
    if node.module == "agentchat.ui.bridge" or (node.level and node.module == "bridge"):
        return not names <= {"serving", "bridged"}
    return "bridge" in names and (node.module == "agentchat.ui" or bool(node.level))
