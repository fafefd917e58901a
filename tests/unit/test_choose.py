"""Which model is chosen: the decision by itself, and the look at this machine."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agentchat.errors import ConfigError
from agentchat.llm.base import Usage
from agentchat.llm.choose import Choice, FoundServer, choose_provider, decide, probe, provider_named
from agentchat.llm.prices import cost_of
from agentchat.settings import Settings, load_settings, stay

VARIABLES = (
    "AGENTCHAT_MODEL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
OLLAMA = FoundServer("Ollama", "http://127.0.0.1:11434/v1", "llama3.2:latest")
LM_STUDIO = FoundServer("LM Studio", "http://127.0.0.1:1234/v1", "phi-4")

MakeSettings = Callable[[dict[str, str]], Settings]


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeSettings:
    """Settings read from exactly these variables, with no ``.env`` about."""
    monkeypatch.chdir(tmp_path)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)

    def make(environment: dict[str, str]) -> Settings:
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        return load_settings()

    return make


@contextmanager
def server(status: int, body: str, seen: list[str | None] | None = None) -> Iterator[int]:
    """A server on 127.0.0.1 that answers ``/v1/models``; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.headers["Authorization"])
            self.send_response(status if self.path == "/v1/models" else 404)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield httpd.server_port
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def models(*names: str) -> str:
    return json.dumps({"object": "list", "data": [{"id": name} for name in names]})


@pytest.mark.parametrize(
    ("environment", "found", "expected"),
    [
        ({}, (), Choice("local", "qwen")),
        (
            {},
            (OLLAMA, LM_STUDIO),
            Choice(
                "openai", "llama3.2:latest", OLLAMA.base_url, "llama3.2 (Ollama on this machine)"
            ),
        ),
        ({"OPENAI_API_KEY": "k"}, (OLLAMA,), Choice("openai", "gpt-4o-mini")),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://x/v1"},
            (OLLAMA,),
            Choice("openai", None, "http://x/v1"),
        ),
        ({"OPENAI_BASE_URL": "http://x/v1"}, (OLLAMA,), Choice("openai", None, "http://x/v1")),
        (
            {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"},
            (OLLAMA,),
            Choice("anthropic", "claude-sonnet-5-5"),
        ),
        (
            {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "http://y"},
            (),
            Choice("anthropic", "claude-sonnet-5-5", "http://y"),
        ),
        (
            {"AGENTCHAT_MODEL": "local:smollm2", "ANTHROPIC_API_KEY": "k"},
            (OLLAMA,),
            Choice("local", "smollm2"),
        ),
        (
            {"AGENTCHAT_MODEL": "openai:o9", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"},
            (OLLAMA,),
            Choice("openai", "o9"),
        ),
        (
            {"AGENTCHAT_MODEL": "anthropic:claude-x", "ANTHROPIC_API_KEY": "k"},
            (),
            Choice("anthropic", "claude-x"),
        ),
        ({"AGENTCHAT_MODEL": "scripted:demo"}, (OLLAMA,), Choice("scripted", "demo")),
        ({"AGENTCHAT_MODEL": "openai:a:b/c", "OPENAI_API_KEY": "k"}, (), Choice("openai", "a:b/c")),
        ({"AGENTCHAT_MODEL": "local:/m/x.gguf"}, (), Choice("local", "/m/x.gguf")),
        ({"AGENTCHAT_MODEL": "", "ANTHROPIC_API_KEY": " "}, (), Choice("local", "qwen")),
    ],
)
def test_the_first_of_setting_keys_servers_and_embedded_answers(
    settings_of: MakeSettings,
    environment: dict[str, str],
    found: tuple[FoundServer, ...],
    expected: Choice,
) -> None:
    assert decide(settings_of(environment), found) == expected


def test_a_server_that_names_its_model_by_path_gets_a_short_label() -> None:
    found = FoundServer("llama.cpp", "http://127.0.0.1:8080/v1", "/models/phi-4-q4.gguf")
    assert found.label == "phi-4-q4 (llama.cpp on this machine)"


async def test_the_probe_keeps_the_order_and_skips_what_is_no_chat_server() -> None:
    with ExitStack() as stack:
        ports = [
            stack.enter_context(server(*answer))
            for answer in (
                (200, "<html>some other web server</html>"),
                (200, models("nomic-embed-text")),
                (401, models("locked")),
                (200, '["not", "an", "object"]'),
                (200, models("nomic-embed-text", "llama3.2", "phi-4")),
                (200, models("second")),
            )
        ]
        found = await probe([(port, f"server {index}") for index, port in enumerate(ports)])
    assert [(server.title, server.model) for server in found] == [
        ("server 4", "llama3.2"),
        ("server 5", "second"),
    ]


async def test_a_server_that_never_answers_does_not_hold_up_the_start() -> None:
    never = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        never.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as quiet:
        port = quiet.sockets[0].getsockname()[1]
        async with asyncio.timeout(30):
            assert await probe([(port, "silent")]) == []
            await never.wait()


async def test_a_found_server_answers_without_a_key(settings_of: MakeSettings) -> None:
    seen: list[str | None] = []
    with server(200, models("llama3.2:latest"), seen) as port:
        provider = await choose_provider(settings_of({}), servers=[(port, "Ollama")])
    assert (provider.id, provider.label, provider.embedded) == (
        "compatible:llama3.2:latest",
        "llama3.2 (Ollama on this machine)",
        False,
    )
    assert seen == [None]
    await provider.close()


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("bge-m3", "mine"), "compatible:mine"), (("a", "gpt-4o-mini"), "compatible:gpt-4o-mini")],
)
async def test_a_compatible_server_is_asked_with_the_key_which_model_it_has(
    settings_of: MakeSettings, names: tuple[str, ...], expected: str
) -> None:
    seen: list[str | None] = []
    with server(200, models(*names), seen) as port:
        url = f"http://127.0.0.1:{port}/v1"
        settings = settings_of({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": url})
        provider = await choose_provider(settings, servers=())
    assert provider.id == expected
    assert seen == ["Bearer k"]
    await provider.close()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OPENAI_API_KEY": "k"}, "openai:gpt-4o-mini"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "compatible:gpt-4o-mini"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic:claude-sonnet-5-5"),
        (
            {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"},
            "compatible:claude-sonnet-5-5",
        ),
    ],
)
async def test_a_compatible_server_is_not_taken_for_the_vendor_whose_format_it_speaks(
    settings_of: MakeSettings, environment: dict[str, str], expected: str
) -> None:
    if "OPENAI_BASE_URL" in environment:
        environment = {**environment, "AGENTCHAT_MODEL": "openai:gpt-4o-mini"}
    provider = await choose_provider(settings_of(environment), servers=())
    assert provider.id == expected
    if expected.startswith("compatible"):
        assert cost_of(provider.id, Usage(1000, 1000)) is None
    await provider.close()


@pytest.mark.parametrize(
    ("status", "body"), [(500, ""), (200, "hello"), (200, models()), (200, models("x-embed"))]
)
async def test_a_compatible_server_without_a_model_is_a_clear_error(
    settings_of: MakeSettings, status: int, body: str
) -> None:
    with server(status, body) as port:
        settings = settings_of({"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"})
        with pytest.raises(ConfigError, match=r"OPENAI_BASE_URL.*AGENTCHAT_MODEL=openai:NAME"):
            await choose_provider(settings, servers=())


@pytest.mark.parametrize(
    ("name", "words"), [("qwn", "qwen, qwen-1.5b, smollm2"), ("/no/file.gguf", "no file")]
)
async def test_an_embedded_model_that_does_not_exist_is_refused_at_start(
    settings_of: MakeSettings, name: str, words: str
) -> None:
    settings = settings_of({"AGENTCHAT_MODEL": f"local:{name}"})
    with pytest.raises(ConfigError, match=f"AGENTCHAT_MODEL: .*{words}"):
        await choose_provider(settings, servers=())


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("scripted:instant", "scripted:instant"),
        ("openai:a:b", "compatible:a:b"),
        ("anthropic:claude-x", "anthropic:claude-x"),
    ],
)
def test_an_agent_may_name_its_own_model(
    settings_of: MakeSettings, model: str, expected: str
) -> None:
    url = "http://127.0.0.1:9/v1"
    settings = settings_of({"ANTHROPIC_API_KEY": "k", "OPENAI_BASE_URL": url})
    assert provider_named(model, settings).id == expected


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("openai", "'openai' is not PROVIDER:NAME"),
        ("gemini:pro", "'gemini:pro' is not PROVIDER:NAME"),
        ("anthropic:claude-x", "asks anthropic:claude-x, so ANTHROPIC_API_KEY must be set"),
        ("openai:gpt-x", "asks openai:gpt-x, so OPENAI_API_KEY must be set"),
        ("local:qwn", "qwen, qwen-1.5b, smollm2"),
    ],
)
def test_a_model_of_an_agents_own_that_cannot_work_is_refused(
    settings_of: MakeSettings, model: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        provider_named(model, settings_of({}))


def test_choosing_loads_no_vendor_sdk(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from agentchat.llm.choose import choose_provider\n"
        "from agentchat.settings import load_settings\n"
        "for name, value in (('HOME', '.'), ('ANTHROPIC_API_KEY', 'k'), ('OPENAI_API_KEY', 'k'),\n"
        "                    ('AGENTCHAT_MODEL', 'scripted:demo')):\n"
        "    os.environ[name] = value\n"
        "    print(asyncio.run(choose_provider(load_settings(), servers=())).id)\n"
        "    os.environ.pop(name) if name != 'HOME' else None\n"
        "print({'openai', 'anthropic', 'xllamacpp', 'reflex'} & set(sys.modules))\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": root, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    *chosen, loaded = done.stdout.split()
    assert len(set(chosen)) == 4
    assert loaded == "set()"


async def test_a_file_of_the_model_is_looked_for_where_the_command_was_given(
    settings_of: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "_folder", None)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    (tmp_path / "models").mkdir()
    mine = tmp_path / "models" / "mine.gguf"
    mine.write_bytes(b"GGUF")
    stay()
    monkeypatch.chdir("/")

    settings = settings_of({"AGENTCHAT_MODEL": "local:models/mine.gguf"})

    monkeypatch.chdir("/")
    assert (await choose_provider(settings)).id == f"local:{mine}"
    assert provider_named("local:models/mine.gguf", settings).id == f"local:{mine}"
