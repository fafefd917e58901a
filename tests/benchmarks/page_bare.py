"""The yardstick of a first visit: a page of bare Reflex with a box to type into, and its server.

``python -m tests.benchmarks.page_bare PORT`` serves what was built in the folder it starts in.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.acceptance.server import ROOT, free_port

_CONFIG = """
import reflex as rx
config = rx.Config(app_name="bare", api_url="{url}", telemetry_enabled=False)
"""
_APP = """
import reflex as rx

class Said(rx.State):
    text: str = ""

    @rx.event
    def say(self, text: str):
        self.text = text

app = rx.App()
app.add_page(rx.el.main(rx.el.textarea(id="message", on_blur=Said.say), rx.el.p(Said.text)), "/")
"""
_START_SECONDS = 60.0


@contextmanager
def bare_page() -> Iterator[tuple[str, Path]]:
    """Its address and the folder of what was built; building takes half a minute or more."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"
        (folder / "bare").mkdir()
        (folder / "bare" / "__init__.py").touch()
        (folder / "rxconfig.py").write_text(_CONFIG.format(url=url))
        (folder / "bare" / "bare.py").write_text(_APP)
        environment = _environment()
        subprocess.run(
            [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
        )
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.page_bare", str(port)],
            cwd=folder,
            env={**environment, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        )
        try:
            _wait_for(url, server)
            yield url, folder / ".web" / "build" / "client"
        finally:
            server.kill()
            server.wait()


def _environment() -> dict[str, str]:
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    asked = subprocess.run(
        [str(Path(scripts, "npm")), "config", "get", "registry"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        **os.environ,
        "PATH": path,
        "NPM_CONFIG_REGISTRY": asked.stdout.strip(),
        "REFLEX_USE_NPM": "1",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_ENV_MODE": "prod",
    }


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError("the bare page was not served")


def _serve(port: int) -> None:
    import uvicorn
    from reflex_base.environment import environment

    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    from bare.bare import app  # type: ignore[import-not-found]

    uvicorn.run(app(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
