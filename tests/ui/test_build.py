"""What the build must hold, so that one bundle serves every address and nothing leaks in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from reflex_base.constants import Env
from reflex_base.environment import environment

from agentchat.ui.build import BuildPatternMissing, FrontendBuild

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.REFLEX_ENV_MODE.name, Env.PROD.value)


@pytest.mark.usefixtures("production")
def test_the_bundle_asks_the_address_it_came_from(tmp_path: Path) -> None:
    plugin = FrontendBuild()
    env = plugin.update_env_json()
    assert env is not None
    script = tmp_path / "env.js"
    script.write_text("export const env = " + json.dumps(env))

    plugin.post_build(static_dir=tmp_path)

    built = script.read_text()
    assert "same-origin.invalid" not in built
    assert built.count("globalThis.location?.origin") == len(env)
    assert '.replace(/^http/,"ws")+"/_event"' in built


@pytest.mark.usefixtures("production")
def test_a_bundle_without_the_placeholder_fails_loudly(tmp_path: Path) -> None:
    (tmp_path / "env.js").write_text('const EVENT = "ws://localhost:3000/_event"')

    with pytest.raises(BuildPatternMissing, match=r"env\.json"):
        FrontendBuild().post_build(static_dir=tmp_path)


@pytest.mark.usefixtures("production")
def test_a_placeholder_in_another_form_fails_loudly(tmp_path: Path) -> None:
    (tmp_path / "env.js").write_text('JSON.parse(\'{"EVENT":"wss://same-origin.invalid/_event"}\')')

    with pytest.raises(BuildPatternMissing):
        FrontendBuild().post_build(static_dir=tmp_path)


@pytest.mark.usefixtures("production")
def test_the_page_for_any_address_asks_for_what_threads_need_at_once(tmp_path: Path) -> None:
    def page(*parts: str) -> str:
        links = "".join(f'<link rel="modulepreload" href="/assets/{part}.js"/>' for part in parts)
        return f"<html><head>{links}</head></html>"

    (tmp_path / "env.js").write_text("'ws://same-origin.invalid/_event'")
    (tmp_path / "index.html").write_text(page("root-1", "_index-1", "chat-1"))
    (tmp_path / "__spa-fallback.html").write_text(page("root-1"))
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "_t_.__thread_id_._index-1.js").touch()

    FrontendBuild().post_build(static_dir=tmp_path)

    expected = page("root-1", "chat-1", "_t_.__thread_id_._index-1")
    assert (tmp_path / "__spa-fallback.html").read_text() == expected


def test_developing_keeps_the_addresses_of_reflex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.REFLEX_ENV_MODE.name, Env.DEV.value)

    assert FrontendBuild().update_env_json() is None


def test_the_package_lock_names_no_registry() -> None:
    lock = (ROOT / "reflex.lock" / "package-lock.json").read_text()

    assert '"resolved"' not in lock
    assert json.loads(lock)["lockfileVersion"] == 3


def test_untrusted_text_becomes_elements_in_one_place_only() -> None:
    forbidden = (
        "rx.markdown",
        "reflex_components_markdown",
        "rx.html",
        "dangerouslySetInnerHTML",
        "innerHTML",
        "react-markdown",
        "rehype-raw",
    )
    sources = [ROOT / "rxconfig.py", *(ROOT / "agentchat").rglob("*.py")]
    sources += [*(ROOT / "agentchat" / "ui").rglob("*.js*")]
    found = {
        (source.name, word)
        for source in sources
        for word in forbidden
        if word in source.read_text("utf-8")
    }

    assert found == {
        ("markdown.py", "rx.markdown"),  # in the sentence that forbids it
        ("markdown.py", "react-markdown"),
        ("markdown.jsx", "react-markdown"),
    }


def test_no_handler_asks_the_pages_to_evaluate_anything() -> None:
    """Their policy would refuse it: whoever wants one of these needs a component of our own."""
    evaluated = re.compile(
        r"\brx\.(call_script|call_function|run_script|toast|set_clipboard|console_log|window_alert)"
        r"|unsafe-eval|\beval\(|new Function"
    )
    sources = [*(ROOT / "agentchat").rglob("*.py"), *(ROOT / "agentchat" / "ui").rglob("*.js*")]

    assert [source.name for source in sources if evaluated.search(source.read_text("utf-8"))] == []
