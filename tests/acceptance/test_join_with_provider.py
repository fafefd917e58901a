"""A link into a thread, followed by somebody who logs in with an identity provider."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from agentchat.ui import words_sharing
from tests.acceptance.conftest import Visit
from tests.acceptance.server import Server, openai_at
from tests.acceptance.test_sharing_page import QUESTION, Company, member, open_dialog
from tests.fake_provider import FakeProvider, Reply
from tests.long import LONG
from tests.oidc_provider import CLIENT, SECRET, OpenIdProvider, openid_provider


@contextmanager
def provider_beside() -> Iterator[OpenIdProvider]:
    """The provider in a thread with a loop of its own: browsers here hold up this one."""
    serving, over = threading.Event(), asyncio.Event()
    found: list[OpenIdProvider] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with openid_provider() as provider:
            found.append(provider)
            serving.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert serving.wait(20)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    with provider_beside() as provider:
        provider.person = {
            "sub": "subject-dora",
            "name": "Dora Lee",
            "preferred_username": "dora",
            "email": "dora@example.org",
            "email_verified": True,
        }
        yield provider


@pytest.fixture
def company(
    browser: Browser, fake: FakeProvider, provider: OpenIdProvider, tmp_path: Path
) -> Iterator[Company]:
    server = Server(
        tmp_path / "data",
        AGENTCHAT_AUTH="password",
        AGENTCHAT_SIGN_UP="open",
        AGENTCHAT_OIDC_ISSUER=provider.issuer,
        AGENTCHAT_OIDC_CLIENT_ID=CLIENT,
        AGENTCHAT_OIDC_CLIENT_SECRET=SECRET,
        **openai_at(fake),
    )
    server.start()
    company = Company(server, browser)
    yield company
    company.ann.leave()
    server.kill()


@LONG
def test_whoever_logs_in_with_a_provider_joins_with_the_link_that_led_there(
    company: Company, provider: OpenIdProvider, fake: FakeProvider, visit: Visit
) -> None:
    ann = company.ann
    ann.open(company.url)
    fake.enqueue(Reply("In trees, by the water."))
    ann.say(QUESTION)
    ann.sees_answer("done")
    thread = ann.in_thread()
    dialog = open_dialog(ann)
    dialog.get_by_label("What the link lets people do").select_option("viewer")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_role("textbox", name="The link").input_value()

    token = link.partition("#")[2]
    dora = visit(link)
    expect(dora.page).to_have_url(re.compile(r"/login/?\?next=/join#"))
    dora.page.get_by_role("button", name=re.compile("^Log in with")).click()
    shares = words_sharing.SHARES.format(name="Ann")
    expect(dora.page.get_by_role("heading", name=shares)).to_be_visible()
    expect(dora.page).to_have_url(re.compile(rf"/join/?#{token}$"))
    dora.page.get_by_role("button", name="Join").click()
    expect(dora.page).to_have_url(thread)
    expect(dora.messages.first).to_contain_text(QUESTION)
    expect(dora.page.locator('[data-part="read-only"]')).to_be_visible()
    expect(member(dialog, "Dora Lee")).to_have_attribute("data-role", "viewer")
    # The provider learns where to send people back to, and nothing of the link.
    assert len(provider.asked) == 1
    assert token not in repr(provider.asked)
    assert token not in "".join(company.server.output)
