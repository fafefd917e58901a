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


@pytest.fixture(scope="package")
def fake_of_package() -> Iterator[FakeProvider]:
    with FakeProvider(Reply("This is the default answer.")).running() as fake:
        yield fake


@pytest.fixture
def fake(fake_of_package: FakeProvider) -> FakeProvider:
    """The provider that servers ask, with nothing asked yet."""
    fake_of_package.forget()
    return fake_of_package


@pytest.fixture(scope="package", params=["openai"])
def server_of_package(
    request: pytest.FixtureRequest,
    fake_of_package: FakeProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One server for all tests that ask the same provider: whoever visits it is somebody new."""
    wire = {"openai": openai_at, "anthropic": anthropic_at}[request.param]
    server = Server(tmp_path_factory.mktemp("data"), **wire(fake_of_package))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(server_of_package: Server) -> Server:
    """The server of all, answering, whatever the test before did to it."""
    if not server_of_package.alive:
        server_of_package.start()
    return server_of_package


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
