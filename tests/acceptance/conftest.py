"""A real server, real browsers, and a fake provider behind real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.person import Person
from tests.acceptance.server import Server, anthropic_at, openai_at
from tests.browser import FLAGS, ensure
from tests.fake_provider import FakeProvider, Reply

Visit = Callable[..., Person]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def fake_of_module() -> Iterator[FakeProvider]:
    with FakeProvider(Reply("This is the default answer.")).running() as fake:
        yield fake


@pytest.fixture
def fake(fake_of_module: FakeProvider) -> FakeProvider:
    """The provider that the module's server asks, with nothing asked yet."""
    fake_of_module.forget()
    return fake_of_module


@pytest.fixture(scope="module", params=["openai"])
def server_of_module(
    request: pytest.FixtureRequest,
    fake_of_module: FakeProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One server for all tests of a module that ask the same provider."""
    wire = {"openai": openai_at, "anthropic": anthropic_at}[request.param]
    server = Server(tmp_path_factory.mktemp("data"), **wire(fake_of_module))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(server_of_module: Server) -> Server:
    """The module's server, answering, whatever the test before did to it."""
    if not server_of_module.alive:
        server_of_module.start()
    return server_of_module


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens an address in a browser of its own, as another person would."""
    with ExitStack() as stack:

        def visit(url: str, *, strict: bool = True, **options: object) -> Person:
            person = Person(browser.new_context(**options))  # type: ignore[arg-type]
            stack.callback(person.leave, strict=strict)
            person.open(url)
            return person

        yield visit


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
