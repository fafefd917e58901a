"""The tools are cheap to import, and importing them does nothing."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import agentchat.tools

HEAVY = ("trafilatura", "lxml", "pypdf", "pydantic_monty")


def test_importing_the_tools_loads_nothing_heavy() -> None:
    names = [one.name for one in pkgutil.iter_modules(agentchat.tools.__path__, "agentchat.tools.")]
    assert "agentchat.tools.pages" in names
    code = f"import sys, {', '.join(names)}\nprint([one for one in {HEAVY} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
