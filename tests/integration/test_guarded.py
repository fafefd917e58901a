"""The guarded client against everything that would lead it astray, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from agentchat.tools.addresses import Address, is_public, is_public_name
from agentchat.tools.guarded import FetchFailed, FetchRefused, GuardedClient, Rules
from tests.hostile_pages import Asked, WebServer, response, sending, web_server

PUBLIC = "127.0.0.1"
"""Stands for a public address in these tests; every other loopback address is private."""
PRIVATE = "127.0.0.2"


def only_public(address: Address) -> bool:
    return str(address) == PUBLIC


class Names:
    """A resolver that answers from a list, and one answer after the other."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.answers.get(host)
        if not found:
            raise OSError("no such name")
        return found.pop(0) if len(found) > 1 else found[0]


class Authority:
    """A certificate authority of its own, for servers that speak TLS."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        self._certificate = self._signed(self._name, self._key, x509.BasicConstraints(True, None))
        self.names_asked_for: list[str | None] = []
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def client_context(self) -> ssl.SSLContext:
        pem = self._certificate.public_bytes(Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server_context(self, name: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key, x509.SubjectAlternativeName([x509.DNSName(name)]))
        file = self._folder / f"{name}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.sni_callback = lambda _, asked, __: self.names_asked_for.append(asked)
        return context

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )


MakeClient = Callable[..., GuardedClient]


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with web_server() as server:
        yield server


@pytest.fixture
def client(server: WebServer) -> MakeClient:
    """A client for which ``site.example`` is the server."""

    def make(names: Names | None = None, **rules: object) -> GuardedClient:
        ports = frozenset({80, 443, server.port})
        return GuardedClient(
            Rules(**{"allowed": only_public, "ports": ports, "seconds": 5, **rules}),  # type: ignore[arg-type]
            resolver=names or Names(site_example=[[PUBLIC]]),
        )

    return make


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def authority(own_authority: Authority) -> Authority:
    own_authority.names_asked_for.clear()
    return own_authority


def at(server: WebServer, path: str = "/", host: str = "site.example") -> str:
    return f"http://{host}:{server.port}{path}"


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1"),
        *("127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
        *("192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1"),
        *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2001:10::1"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "3fff::1", "5f00::1"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2606:4700::1111%eth0"),
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00::1", "64:ff9b::808:808"],
)
def test_global_unicast_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "intranet", "a.localhost", "printer.local", "db.internal", "1.0.0.127.arpa"),
        *("127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "1.2.3"),
        *("site.example.", ".site.example", "site..example", "-a.example", "a-.example"),
        *("%31%32%37.0.0.1", "site.example%00.com", "a b.example", "", ".", "site.0x7f"),
        *("a" * 64 + ".example", ".".join(["abcdefgh"] * 40)),
    ],
)
def test_what_is_not_written_as_a_public_name_is_none(host: str) -> None:
    assert not is_public_name(host)


@pytest.mark.parametrize("host", ["site.example", "xn--mnchen-3ya.de", "a_b.c-d.co", "1and1.com"])
def test_full_names_are_public_names(host: str) -> None:
    assert is_public_name(host)


# Addresses as an attacker writes them


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/"),
        *("http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://0/"),
        *(
            "http://127.0.0.1./",
            "http://127\u30020\u30020\u30021/",
            "http://127\uff0e0\uff0e0\uff0e1/",
        ),
        "http://\uff11\uff12\uff17.0.0.1/",
        *("http://%31%32%37.0.0.1/", "http://127%2e0%2e0%2e1/", "http://\u24dbocalhost/"),
        *("http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://a.localhost/"),
        *("http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/"),
        *("http://[::ffff:7f00:1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"),
        *("http://[64:ff9b::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://[2001::1]/"),
        *(
            "http://169.254.169.254/latest/meta-data/",
            "http://[fd00:ec2::254]/",
            "http://10.0.0.1/",
        ),
        *("http://user@8.8.8.8/", "http://8.8.8.8@127.0.0.1/", "http://site.example@127.0.0.1/"),
        *("http://:@site.example/", "http://site.example\\@127.0.0.1/"),
        *("http://127.0.0.1\\.site.example/", "http://site.example:80@127.0.0.1/"),
        *("http://127.0.0.1#@site.example/", "http://127.0.0.1?@site.example/"),
        *("file:///etc/passwd", "ftp://site.example/", "gopher://127.0.0.1:6379/_INFO"),
        *("javascript:alert(1)", "data:text/html,a", "dict://127.0.0.1:11211/", "//127.0.0.1/"),
        *("http:///etc/passwd", "http:127.0.0.1", "http:/127.0.0.1/", "127.0.0.1", "", "http://"),
        *("http://site.example:22/", "https://site.example:6443/", "http://site.example:0/"),
        *("http://site.example:99999/", "http://site.example:-1/", "http://site.example:8o/"),
        *("http://site.example/\r\nHost: a", "http://site.example /", " http://site.example/"),
        *(
            "http://site.example\t.a/",
            "http://site.example\x00.a/",
            "http://[::1",
            "http://[v1.a]/",
        ),
        "http://site.example/" + "a" * 5_000,
        "http://" + "a" * 3_000 + ".example/",
    ],
)
async def test_an_address_that_could_lead_inside_is_refused_and_never_resolved(url: str) -> None:
    names = Names()
    with pytest.raises(FetchRefused):
        await GuardedClient(resolver=names).get(url)
    assert names.asked == []


@given(
    st.text(st.sampled_from("ht:/@.#?%[]\\0127afx。 \t。")),
    st.sampled_from(["http://", "https://", "", "HTTP:", "http:/"]),
    st.sampled_from(["", "127.0.0.1", "site.example", "[::1]", "localhost"]),
)
@settings(max_examples=500, deadline=None, derandomize=True)
async def test_however_it_is_written_only_a_public_name_is_resolved(
    noise: str, scheme: str, host: str
) -> None:
    names = Names()
    client = GuardedClient(resolver=names, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    for url in (scheme + host + noise, scheme + noise + host, scheme + noise + "@" + host):
        with pytest.raises(FetchRefused):
            await client.get(url)
    assert all(is_public_name(one) for one in names.asked)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["169.254.169.254"],
        ["8.8.8.8", "10.0.0.5"],
        ["10.0.0.5", "8.8.8.8"],
        ["2606:4700::1111", "::1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%eth0"],
        ["8.8.8.8", "not an address"],
        [],
    ],
)
async def test_a_name_with_one_address_that_is_not_public_is_refused(addresses: list[str]) -> None:
    with pytest.raises(FetchRefused) as refused:
        await GuardedClient(resolver=Names(site_example=[addresses])).get("http://site.example/")
    with pytest.raises(FetchRefused) as missing:
        await GuardedClient(resolver=Names()).get("http://missing.example/")
    # Nobody learns which internal names exist, or where they are.
    assert str(refused.value) == str(missing.value)


async def test_the_resolver_of_this_machine_leads_nowhere_inside() -> None:
    with pytest.raises(FetchRefused):
        await GuardedClient().get("http://localhost.localdomain/")


# Pinning


async def test_the_name_is_resolved_once_and_asked_for_by_its_name(
    server: WebServer, client: MakeClient
) -> None:
    server.say("/a?b=c", "<p>hello</p>", "text/html; charset=ISO-8859-1")
    names = Names(site_example=[[PUBLIC], [PRIVATE]])
    page = await client(names).get(at(server, "/a?b=c#part"))
    assert (page.status, page.media_type, page.content) == (200, "text/html", b"<p>hello</p>")
    assert (page.charset, page.truncated) == ("iso-8859-1", False)
    assert page.url == at(server, "/a?b=c")
    assert names.asked == ["site.example"]
    assert server.asked[0].headers["host"] == f"site.example:{server.port}"


async def test_a_name_that_turns_private_after_the_check_is_not_followed_there(
    server: WebServer, client: MakeClient
) -> None:
    names = Names(site_example=[[PUBLIC], [PRIVATE]])
    async with web_server(PRIVATE, server.port) as inside:
        server.redirect("/", "/again")
        with pytest.raises(FetchRefused):
            await client(names).get(at(server))
        assert (server.connections, inside.connections) == (1, 0)


async def test_a_name_with_a_public_and_a_private_address_is_asked_at_neither(
    server: WebServer, client: MakeClient
) -> None:
    async with web_server(PRIVATE, server.port) as inside:
        for addresses in ([PUBLIC, PRIVATE], [PRIVATE, PUBLIC]):
            with pytest.raises(FetchRefused):
                await client(Names(site_example=[addresses])).get(at(server))
        assert (server.connections, inside.connections) == (0, 0)


async def test_the_next_address_is_tried_when_one_does_not_answer(server: WebServer) -> None:
    server.say("/", "found", "text/plain")
    rules = Rules(allowed=lambda _: True, ports=frozenset({server.port}), seconds=5)
    names = Names(site_example=[["127.0.0.9", PUBLIC]])
    page = await GuardedClient(rules, resolver=names).get(at(server))
    assert page.content == b"found"


async def test_a_server_that_is_not_there_has_failed_and_is_not_described(
    client: MakeClient, server: WebServer
) -> None:
    names = Names(site_example=[[PUBLIC]])
    with pytest.raises(FetchFailed, match="cannot be reached") as failed:
        await client(names, ports=frozenset({1})).get("http://site.example:1/")
    assert PUBLIC not in str(failed.value)


async def test_the_environment_changes_nothing(
    server: WebServer, client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web_server(PRIVATE) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{PRIVATE}:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        server.say("/", "direct", "text/plain")
        assert (await client().get(at(server))).content == b"direct"
        assert proxy.connections == 0


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_public_page_is_followed_without_cookies(
    server: WebServer, client: MakeClient, status: int
) -> None:
    server.redirect("/", "/next", status)
    server.say("/next", "there", "text/plain")
    page = await client().get(at(server))
    assert (page.content, page.url) == (b"there", at(server, "/next"))
    for asked in server.asked:
        assert not {"cookie", "authorization", "referer"} & set(asked.headers)


@pytest.mark.parametrize(
    "target",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://127.0.0.2/", "http://[::1]/"),
        *("http://localhost/", "//127.0.0.2/", "http://0x7f.2/", "http://2130706434/"),
        *("http://user:pw@site.example/", "file:///etc/passwd", "ftp://site.example/"),
        *("http://inside.example/", "http://missing.example/", "http://site.example:22/"),
        *(
            "javascript:alert(1)",
            "http://[::1",
            "http://127\u30020\u30020\u30022/",
            "/" + "a" * 5_000,
        ),
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(
    server: WebServer, client: MakeClient, target: str
) -> None:
    server.redirect("/", target)
    names = Names(site_example=[[PUBLIC]], inside_example=[[PRIVATE]])
    async with web_server(PRIVATE) as inside:
        with pytest.raises(FetchRefused):
            await client(names).get(at(server))
        assert (server.connections, inside.connections) == (1, 0)


async def test_a_redirect_to_this_machine_on_the_same_port_is_refused(
    server: WebServer, client: MakeClient
) -> None:
    async with web_server(PRIVATE, server.port) as inside:
        inside.say("/", "secret")
        server.redirect("/", f"http://{PRIVATE}:{server.port}/")
        with pytest.raises(FetchRefused) as refused:
            await client().get(at(server))
        assert inside.connections == 0
        assert PRIVATE not in str(refused.value)


async def test_redirects_in_a_circle_end(server: WebServer, client: MakeClient) -> None:
    server.redirect("/", "/b")
    server.redirect("/b", "/")
    with pytest.raises(FetchRefused, match="more than 5 times"):
        await client().get(at(server))
    assert server.connections == 6


async def test_five_redirects_are_followed(server: WebServer, client: MakeClient) -> None:
    for number in range(5):
        server.redirect(f"/{number}", f"/{number + 1}")
    server.say("/5", "at last", "text/plain")
    assert (await client().get(at(server, "/0"))).content == b"at last"


# Bodies


async def test_a_long_body_is_cut_at_the_limit(server: WebServer, client: MakeClient) -> None:
    server.say("/", b"x" * 3_000_000, "text/plain")
    page = await client(most_bytes=10_000).get(at(server))
    assert page.truncated
    assert page.content == b"x" * 10_000


async def test_a_body_without_end_is_cut_at_the_limit(
    server: WebServer, client: MakeClient
) -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, {"content-type": "text/plain"}))
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    server.answers["/"] = endless
    page = await client(most_bytes=100_000).get(at(server))
    assert (len(page.content), page.truncated) == (100_000, True)
    async with asyncio.timeout(30):
        await server.closed.wait()


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
async def test_a_packed_body_is_unpacked(
    server: WebServer, client: MakeClient, encoding: str
) -> None:
    packed = (zlib if encoding == "deflate" else gzip).compress(b"hello " * 1000)
    server.say("/", packed, "text/plain", content_encoding=encoding)
    assert (await client().get(at(server))).content == b"hello " * 1000


async def test_a_bomb_is_unpacked_only_to_the_limit(server: WebServer, client: MakeClient) -> None:
    server.say("/", gzip.compress(bytes(100_000_000), 1), "text/plain", content_encoding="gzip")
    page = await client(most_bytes=1_000_000).get(at(server))
    assert (len(page.content), page.truncated) == (1_000_000, True)


async def test_what_follows_the_end_of_a_packed_body_is_not_gathered(
    server: WebServer, client: MakeClient
) -> None:
    packed = gzip.compress(b"hello") + b"x" * 5_000_000
    server.say("/", packed, "text/plain", content_encoding="gzip")
    page = await client(most_bytes=1_000_000).get(at(server))
    assert (page.content, page.truncated) == (b"hello", False)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, gzip, gzip, gzip", "a"])
async def test_other_packings_and_layers_of_them_are_refused(
    server: WebServer, client: MakeClient, encoding: str
) -> None:
    server.say("/", gzip.compress(gzip.compress(b"x")), "text/plain", content_encoding=encoding)
    with pytest.raises(FetchFailed, match="not asked for"):
        await client().get(at(server))


async def test_a_damaged_packing_has_failed(server: WebServer, client: MakeClient) -> None:
    server.say("/", b"not packed at all", "text/plain", content_encoding="gzip")
    with pytest.raises(FetchFailed, match="unpacked"):
        await client().get(at(server))


@pytest.mark.parametrize(
    "media_type",
    ["image/png", "video/mp4", "application/zip", "application/x-executable", "audio/ogg", "a"],
)
async def test_what_no_model_reads_is_not_fetched(
    server: WebServer, client: MakeClient, media_type: str
) -> None:
    server.say("/", b"\x00" * 100, media_type)
    with pytest.raises(FetchFailed):
        await client().get(at(server))


async def test_a_pdf_is_known_by_its_beginning(server: WebServer, client: MakeClient) -> None:
    server.say("/", b"%PDF-1.4 ...", "application/octet-stream")
    assert (await client().get(at(server))).media_type == "application/pdf"


async def test_the_body_of_an_error_is_not_read(server: WebServer, client: MakeClient) -> None:
    server.answers["/"] = sending(
        response(500, {"content-type": "text/plain", "content-length": "6"}) + b"secret"
    )
    page = await client().get(at(server))
    assert (page.status, page.content) == (500, b"")


# Certificates


async def test_the_certificate_must_be_that_of_the_name(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nor does the environment name an authority.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with web_server(tls=authority.server_context("site.example")) as server:
        server.say("/", "safe", "text/plain")
        rules = Rules(allowed=only_public, ports=frozenset({server.port}), seconds=5)
        names = Names(site_example=[[PUBLIC]], other_example=[[PUBLIC]])
        client = GuardedClient(rules, resolver=names, tls=authority.client_context())
        page = await client.get(f"https://site.example:{server.port}/")
        assert page.content == b"safe"
        assert authority.names_asked_for == ["site.example"]
        with pytest.raises(FetchFailed, match="certificate"):
            await client.get(f"https://other.example:{server.port}/")
        with pytest.raises(FetchFailed, match="certificate"):
            await GuardedClient(rules, resolver=names).get(f"https://site.example:{server.port}/")
        assert len(server.asked) == 1


async def test_a_redirect_from_https_to_http_is_refused(
    authority: Authority, server: WebServer
) -> None:
    async with web_server(tls=authority.server_context("site.example")) as safe:
        safe.redirect("/", at(server))
        ports = frozenset({safe.port, server.port})
        client = GuardedClient(
            Rules(allowed=only_public, ports=ports, seconds=5),
            resolver=Names(site_example=[[PUBLIC]]),
            tls=authority.client_context(),
        )
        with pytest.raises(FetchRefused, match="https to http"):
            await client.get(f"https://site.example:{safe.port}/")
        assert server.connections == 0


# Time and shape


async def test_a_body_that_drips_is_given_up_when_the_time_is_over(
    server: WebServer, client: MakeClient
) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, {"content-type": "text/plain"}))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server.answers["/"] = drip
    with pytest.raises(FetchFailed, match=r"longer than 0\.5 seconds"):
        await client(seconds=0.5).get(at(server))
    async with asyncio.timeout(30):
        await server.closed.wait()


async def test_a_server_that_falls_silent_is_given_up_sooner(
    server: WebServer, client: MakeClient
) -> None:
    async def silence(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, {"content-type": "text/plain"}))
        await asyncio.sleep(60)

    server.answers["/"] = silence
    with pytest.raises(FetchFailed, match="stopped answering"):
        await client(idle_seconds=0.2).get(at(server))


async def test_a_resolver_that_never_answers_is_given_up() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(FetchFailed, match="longer than"):
        await GuardedClient(Rules(seconds=0.2), resolver=never).get("http://site.example/")


async def test_headers_without_end_are_given_up(server: WebServer, client: MakeClient) -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-header: " + b"y" * 1000 + b"\r\n")
            await writer.drain()

    server.answers["/"] = endless
    with pytest.raises(FetchFailed):
        await client().get(at(server))
    async with asyncio.timeout(30):
        await server.closed.wait()


async def test_interim_answers_without_end_are_given_up(
    server: WebServer, client: MakeClient
) -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)

    server.answers["/"] = endless
    with pytest.raises(FetchFailed):
        await client(seconds=0.5).get(at(server))


async def test_a_header_over_the_limit_is_refused(server: WebServer, client: MakeClient) -> None:
    server.say("/", "x", "text/plain", x_long="y" * 40_000)
    with pytest.raises(FetchFailed, match="header"):
        await client().get(at(server))


@pytest.mark.parametrize(
    "answer",
    [
        *(
            b"",
            b"SSH-2.0-OpenSSH\r\n",
            b"\x00" * 100,
            b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        ),
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_web_server_has_failed(
    server: WebServer, client: MakeClient, answer: bytes
) -> None:
    server.answers["/"] = sending(answer)
    with pytest.raises(FetchFailed):
        await client().get(at(server))


async def test_a_cancelled_call_closes_its_connection(
    server: WebServer, client: MakeClient
) -> None:
    begun = asyncio.Event()

    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        begun.set()
        writer.write(response(200, {"content-type": "text/plain"}))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    server.answers["/"] = endless
    task = asyncio.create_task(client().get(at(server)))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(30):
        await server.closed.wait()


async def test_many_fetch_at_once(server: WebServer, client: MakeClient) -> None:
    server.say("/", "hello", "text/plain")
    one = client()
    pages = await asyncio.gather(*(one.get(at(server)) for _ in range(50)))
    assert {page.content for page in pages} == {b"hello"}
