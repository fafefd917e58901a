"""What our frontend adds to Reflex's build: our JSX, our CSS, and one bundle for any address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.constants import Env, ReactRouter
from reflex_base.environment import environment

from agentchat.errors import AgentChatError
from agentchat.ui.theme import stylesheet

COMPONENTS = Path(__file__).parent / "components"
_STYLES = Path(__file__).parent / "styles"
_LANGUAGES = Path(__file__).parent / "languages"
LANGUAGES = sorted(path.stem for path in _LANGUAGES.glob("*.json"))
"""Those that pages speak besides English."""
_JSX_FOLDER = Path("utils/agentchat")
_NOWHERE = "same-origin.invalid"


class BuildPatternMissing(AgentChatError):
    """The built frontend does not look as expected, so it could not be made same-origin."""


def local_library(name: str) -> str:
    """The import path of ``ui/components/NAME`` inside Reflex's web folder."""
    return f"$/{_JSX_FOLDER.as_posix()}/{name}"


class FrontendBuild(rx.plugins.Plugin):
    """Ships ``ui/components/*.js(x)``, ``ui/languages`` and the stylesheet, and unbinds the bundle
    from a port.

    Reflex bakes absolute URLs of the backend into the JavaScript. A production bundle of
    ours is served by the backend itself, on whatever port or tunnel, so a placeholder
    goes in and is replaced after the build by the address the page came from.
    """

    def get_static_assets(self, **context: Any) -> Sequence[tuple[Path, str | bytes]]:
        """Our own modules and the stylesheet, as files of the web folder."""
        sources = sorted(path for path in COMPONENTS.iterdir() if path.suffix in {".js", ".jsx"})
        return [
            *((_JSX_FOLDER / source.name, source.read_text("utf-8")) for source in sources),
            *(
                (_JSX_FOLDER / "languages" / f"{name}.json", _read_catalogue(name))
                for name in LANGUAGES
            ),
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
        for sheet in static_dir.rglob("*.css"):
            _leave_out_written_fonts(sheet)
        _ask_for_threads_at_once(static_dir)


def _read_catalogue(language: str) -> str:
    return (_LANGUAGES / f"{language}.json").read_text("utf-8")


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


_WRITTEN_FONT = re.compile(r"url\(data:font/[^)]*\)\s*format\([^)]*\),\s*")


def _leave_out_written_fonts(sheet: Path) -> None:
    """Let small fonts come from files, too: the pages' policy knows no others. The build writes
    them into the stylesheet, before the same font in files of other formats.
    """
    text = sheet.read_text("utf-8")
    if "data:font/" in text:
        sheet.write_text(_WRITTEN_FONT.sub("", text), "utf-8")


_PRELOAD = re.compile(r'<link rel="modulepreload" href="([^"]*)"/>')
_OF_THREADS = "_t_"


def _ask_for_threads_at_once(static_dir: Path) -> None:
    """Let the page for any address, which is mostly one of a thread, ask for what threads need
    together with its own code: else a browser finds that out only when that code has run. The
    start page shows a thread, too, and knows its parts.
    """
    start, fallback = static_dir / "index.html", static_dir / ReactRouter.SPA_FALLBACK
    own = next(static_dir.glob(f"assets/{_OF_THREADS}*.js"), None)
    if own is None or not start.exists() or not fallback.exists():
        return
    page = fallback.read_text("utf-8")
    known = _PRELOAD.findall(page)
    parts = [part for part in _PRELOAD.findall(start.read_text("utf-8")) if "/_index-" not in part]
    more = [part for part in (*parts, f"/assets/{own.name}") if part not in known]
    links = "".join(f'<link rel="modulepreload" href="{part}"/>' for part in more)
    fallback.write_text(page.replace("</head>", links + "</head>", 1), "utf-8")


def mark_of(pages: Path) -> str:
    """What tells one build of the pages from others: the name of the file that lists its parts,
    which each page asks for. Empty where no pages are built.
    """
    return next((path.name for path in (pages / "assets").glob("manifest-*.js")), "")
