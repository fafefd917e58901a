"""What our frontend adds to Reflex's build: our JSX, our CSS, and one bundle for any address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.constants import Env
from reflex_base.environment import environment

from agentchat.errors import AgentChatError
from agentchat.ui.theme import stylesheet

COMPONENTS = Path(__file__).parent / "components"
_STYLES = Path(__file__).parent / "styles"
_JSX_FOLDER = Path("utils/agentchat")
_NOWHERE = "same-origin.invalid"


class BuildPatternMissing(AgentChatError):
    """The built frontend does not look as expected, so it could not be made same-origin."""


def local_library(name: str) -> str:
    """The import path of ``ui/components/NAME`` inside Reflex's web folder."""
    return f"$/{_JSX_FOLDER.as_posix()}/{name}"


class FrontendBuild(rx.plugins.Plugin):
    """Ships ``ui/components/*.js(x)`` and the stylesheet, and unbinds the bundle from a port.

    Reflex bakes absolute URLs of the backend into the JavaScript. A production bundle of
    ours is served by the backend itself, on whatever port or tunnel, so a placeholder
    goes in and is replaced after the build by the address the page came from.
    """

    def get_static_assets(self, **context: Any) -> Sequence[tuple[Path, str | bytes]]:
        """Our own modules and the stylesheet, as files of the web folder."""
        sources = sorted(path for path in COMPONENTS.iterdir() if path.suffix in {".js", ".jsx"})
        return [
            *((_JSX_FOLDER / source.name, source.read_text("utf-8")) for source in sources),
            (Path("styles/agentchat.css"), stylesheet(_STYLES)),
        ]

    def get_stylesheet_paths(self, **context: Any) -> Sequence[str]:
        """The stylesheet to import from Reflex's root stylesheet."""
        return ["./agentchat.css"]

    def update_env_json(self, **context: Any) -> dict[str, Any] | None:
        """Placeholders for the backend's addresses in production; nothing when developing."""
        if environment.REFLEX_ENV_MODE.get() != Env.PROD:
            return None
        return {
            endpoint.name: f"{'ws' if endpoint.name == 'EVENT' else 'http'}://{_NOWHERE}{endpoint}"
            for endpoint in rx.constants.Endpoint
        }

    def post_build(self, *, static_dir: Path, **context: Any) -> None:
        """Replace the placeholders by the origin the page was loaded from."""
        if environment.REFLEX_ENV_MODE.get() != Env.PROD:
            return
        replaced = sum(_make_same_origin(script) for script in static_dir.rglob("*.js"))
        if not replaced:
            raise BuildPatternMissing(
                f"No address of the backend was found in {static_dir}; this version of Reflex"
                " writes env.json differently. See agentchat/ui/build.py."
            )


_ADDRESS = re.compile(rf"""(["'`])(ws|http)://{re.escape(_NOWHERE)}(/[\w-]*)\1""")


def _make_same_origin(script: Path) -> int:
    source = script.read_text("utf-8")
    if _NOWHERE not in source:
        return 0
    changed, count = _ADDRESS.subn(
        lambda found: (
            f'((globalThis.location?.origin??"http://localhost")'
            f'.replace(/^http/,"{found[2]}")+"{found[3]}")'
        ),
        source,
    )
    if _NOWHERE in changed:
        raise BuildPatternMissing(f"An address of the backend in {script} could not be replaced.")
    script.write_text(changed, "utf-8")
    return count


def mark_of(pages: Path) -> str:
    """What tells one build of the pages from others: the name of the file that lists its parts,
    which each page asks for. Empty where no pages are built.
    """
    return next((path.name for path in (pages / "assets").glob("manifest-*.js")), "")
