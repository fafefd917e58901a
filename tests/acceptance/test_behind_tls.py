"""The app as others reach it: through a proxy that speaks TLS, under a name of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, expect

from tests.acceptance.person import Person
from tests.acceptance.server import ROOT, Server, free_port, openai_at
from tests.acceptance.test_login_pages import fill
from tests.fake_provider import FakeProvider, Reply

# Browsers find every name below localhost on this machine.
HOST = "chat.localhost"
PASSWORD = "herons fly at dusk"


def certificate(folder: Path) -> Path:
    """A certificate that nobody vouches for, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "chat.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@contextmanager
def proxy(certificate: Path, port: int, to: int) -> Iterator[None]:
    """Takes TLS off, in a process of its own."""
    program = [sys.executable, "-m", "tests.acceptance.tls_proxy"]
    arguments = [str(certificate), str(port), str(to)]
    with subprocess.Popen([*program, *arguments], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


@pytest.fixture
def served(tmp_path: Path, data_dir: Path, fake: FakeProvider) -> Iterator[tuple[Server, str]]:
    port = free_port()
    url = f"https://{HOST}:{port}"
    environment = {
        "AGENTCHAT_AUTH": "password",
        "AGENTCHAT_PUBLIC_URL": url,
        "AGENTCHAT_TRUSTED_PROXY_HOPS": "1",
        **openai_at(fake),
    }
    server = Server(data_dir, **environment)
    server.start()
    with proxy(certificate(tmp_path), port, server.port):
        yield server, url
    server.kill()


def test_people_come_in_and_talk_through_tls_and_by_no_other_way(
    served: tuple[Server, str], browser: Browser, fake: FakeProvider
) -> None:
    server, url = served
    fake.enqueue(Reply("It is dry under here."))
    ann = Person(browser.new_context(ignore_https_errors=True))
    ann.page.goto(url)
    # Each redirect on the way stays within TLS.
    ann.page.wait_for_url(f"{url}/login/?next=/")
    fill(ann.page, Name="ann", Password=PASSWORD)
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_url(f"{url}/")
    [cookie] = ann.context.cookies()
    assert (cookie["name"], cookie["secure"]) == ("__Host-agentchat", True)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    ann.say("Does it rain in?")
    assert ann.sees_answer("done") == "It is dry under here."
    expect(ann.answer).to_be_visible()
    assert ann.complaints == []
    ann.context.close()
    assert httpx.get(server.url).status_code == 421
