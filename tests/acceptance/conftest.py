"""A real server, real browsers, and a fake provider behind real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.pages import Pages
from tests.acceptance.person import Person
from tests.acceptance.server import Server, anthropic_at, openai_at
from tests.browser import FLAGS, ensure
from tests.fake_provider import FakeProvider, Reply

Visit = Callable[..., Person]


LONGEST = 600
"""Seconds that a test may take with all that it starts. On a busy machine it is much, and one that
is cut off takes the browser of those after it along.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(LONGEST))


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


@pytest.fixture(scope="package")
def pages(browser: Browser) -> Pages:
    return Pages(browser)


@pytest.fixture
def visit(browser: Browser, pages: Pages) -> Iterator[Visit]:
    """Opens an address in a browser of its own, as another person would. It is a new one, and
    nobody's afterwards, if options are given for it, ``once`` is, or it is not ``strict``.
    """
    with ExitStack() as stack:

        def visit(
            url: str, *, strict: bool = True, once: bool = False, **options: object
        ) -> Person:
            if options or once or not strict:
                person = Person(browser.new_context(**options))  # type: ignore[arg-type]
            else:
                person = Person(pages.take(), pages)
            stack.callback(person.leave, strict=strict)
            person.open(url)
            return person

        yield visit


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
