"""Reading pages and searching the web, with real servers on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from agentchat.errors import ConfigError, ToolError
from agentchat.tools import readable as reader
from agentchat.tools.guarded import FetchRefused, GuardedClient, Rules
from agentchat.tools.pages import MOST_CHARACTERS, fetch_page, page_tool
from agentchat.tools.search import (
    Brave,
    Hit,
    OfflineSearch,
    SearchProvider,
    SearXNG,
    Tavily,
    search_provider,
    search_tool,
    web_search,
)
from tests.hostile_pages import (
    INJECTION,
    WebServer,
    hostile_server,
    response,
    sending,
    web_server,
)

SENTENCE = "The harbour of Bergen has been a place of trade for nine hundred years and more."
ARTICLE = f"""<html><head><title>The  harbour
</title></head><body><nav><a href="/menu">Menu</a></nav><main><article><h1>The harbour</h1>
<p>{SENTENCE} See the <a href="/map">map of the town</a> for where it is.</p>
<ul><li>ships</li><li>fish</li></ul>
<table><tr><th>Year</th><th>Ships</th></tr><tr><td>1900</td><td>812</td></tr></table>
<p>{SENTENCE}</p></article></main><script>track("everything")</script></body></html>"""


async def here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with web_server() as server:
        yield server


@pytest.fixture
def client(server: WebServer) -> GuardedClient:
    return client_of(server)


def client_of(server: WebServer) -> GuardedClient:
    rules = Rules(allowed=lambda address: address.is_loopback, ports=frozenset({server.port}))
    return GuardedClient(rules, resolver=here)


def at(server: WebServer, path: str = "/") -> str:
    return f"http://site.example:{server.port}{path}"


def pdf_of(*pages: str, title: str = "") -> bytes:
    """A PDF with these texts, a page each."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792]"
            f" /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects.append(f"<< /Title ({title}) >>")
    out = b"%PDF-1.4\n"
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>"
    return out + f"{end}trailer\n{trailer}\nstartxref\n{len(out)}\n%%EOF\n".encode()


# Pages


async def test_an_article_is_told_as_markdown_with_its_links(
    server: WebServer, client: GuardedClient
) -> None:
    server.say("/", ARTICLE)
    server.redirect("/old", "/")
    told = await fetch_page(client, at(server, "/old"))
    assert "Title: The harbour\n" in told.text
    assert f"Address: {at(server)}\n" in told.text
    assert SENTENCE in told.text
    assert f"[map of the town]({at(server, '/map')})" in told.text
    assert "- ships" in told.text
    assert "| 1900 | 812 |" in told.text
    assert "track" not in told.text
    assert "Menu" not in told.text
    (source,) = told.sources
    assert (source.title, source.url) == ("The harbour", at(server))


async def test_a_page_without_an_article_is_told_as_far_as_anything_is_found(
    server: WebServer, client: GuardedClient
) -> None:
    server.say("/", "<html><body><p>hi</p></body></html>")
    assert "\nhi\n" in (await fetch_page(client, at(server))).text


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/plain", "just <b>words</b>"),
        ("application/json", '{"a": [1, 2]}'),
        ("application/ld+json", '{"a": 1}'),
        ("text/markdown", "# Head\n\n- one"),
        ("text/csv", "a,b\n1,2"),
        ("application/xml", "<a>1</a>"),
    ],
)
async def test_other_text_is_told_as_it_is(
    server: WebServer, client: GuardedClient, media_type: str, body: str
) -> None:
    server.say("/", body, media_type)
    assert f"\n{body}\n" in (await fetch_page(client, at(server))).text


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/plain; charset=iso-8859-1", "Blåbær".encode("latin-1")),
        ("text/plain; charset=UTF-8", "Blåbær".encode()),
        ('text/plain; charset="windows-1252"', "Blåbær".encode("cp1252")),
        ("text/plain", "Blåbær".encode()),
        ("text/plain", "Blåbær".encode("cp1252")),
        ("text/plain; charset=utf-8", b"\xff\xfe" + "Blåbær".encode("utf-16-le")),
        ("text/plain; charset=nonsense", "Blåbær".encode()),
        ("text/plain; charset=rot13", "Blåbær".encode()),
        ("text/plain; charset=idna", "Blåbær".encode()),
        ("text/html", '<meta charset="iso-8859-1"><p>Blåbær</p>'.encode("latin-1")),
    ],
)
async def test_the_charset_is_that_of_the_mark_the_header_or_the_page(
    server: WebServer, client: GuardedClient, media_type: str, body: bytes
) -> None:
    server.say("/", body, media_type)
    assert "Blåbær" in (await fetch_page(client, at(server))).text


async def test_a_pdf_is_told_by_its_pages(server: WebServer, client: GuardedClient) -> None:
    server.say("/", pdf_of("First words", "Second words", title="A report"), "application/pdf")
    told = await fetch_page(client, at(server))
    assert "Title: A report\n" in told.text
    assert "[page 1 of 2]\nFirst words" in told.text
    assert "[page 2 of 2]\nSecond words" in told.text


@pytest.mark.parametrize("body", [b"%PDF-1.7\nbroken", b"%PDF-", pdf_of("words")[:300]])
async def test_a_damaged_pdf_is_told_as_such(
    server: WebServer, client: GuardedClient, body: bytes
) -> None:
    server.say("/", body, "application/pdf")
    with pytest.raises(ToolError):
        await fetch_page(client, at(server))


async def test_a_long_page_is_read_on_where_it_was_cut(
    server: WebServer, client: GuardedClient
) -> None:
    text = "".join(f"line {number}\n" for number in range(5_000)).strip()
    server.say("/", text, "text/plain")
    first = await fetch_page(client, at(server))
    assert f"the characters 0 to 20,000 of {len(text):,}" in first.text
    assert f"start={MOST_CHARACTERS}" in first.text
    assert text[:MOST_CHARACTERS] in first.text
    assert text[MOST_CHARACTERS : MOST_CHARACTERS + 20] not in first.text
    # What says how to read on is ours, and stands outside of the frame.
    assert first.text.index("</untrusted") < first.text.index("start=")
    last = await fetch_page(client, at(server), 2 * MOST_CHARACTERS)
    assert text[2 * MOST_CHARACTERS :] in last.text
    assert "read on" not in last.text
    for start in (len(text), -1, 10**12):
        with pytest.raises(ToolError, match="start"):
            await fetch_page(client, at(server), start)


@pytest.mark.parametrize("status", [403, 404, 410, 429, 500, 503, 599])
async def test_an_error_of_the_server_is_told(
    server: WebServer, client: GuardedClient, status: int
) -> None:
    server.answers["/"] = sending(response(status, {"content-length": "0"}))
    with pytest.raises(ToolError, match=str(status)):
        await fetch_page(client, at(server))


@pytest.mark.parametrize("body", ["", "   \n", "<html><body><div id=app></div></body></html>"])
async def test_a_page_without_text_is_told_as_such(
    server: WebServer, client: GuardedClient, body: str
) -> None:
    server.say("/", body)
    with pytest.raises(ToolError, match="no text"):
        await fetch_page(client, at(server))


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000,
        "<p " + "a=b " * 100_000 + ">x</p>",
        "<table><tr><td>" * 20_000,
        "<!--" * 100_000,
        "<" * 500_000,
        "&" * 500_000,
        "<svg><style>" * 50_000,
    ],
)
async def test_a_page_made_to_exhaust_its_reader_does_not(
    server: WebServer, client: GuardedClient, body: str
) -> None:
    server.say("/", f"<html><body>{body}")
    with contextlib.suppress(ToolError):
        await asyncio.wait_for(fetch_page(client, at(server)), 90)


async def test_a_page_that_takes_too_long_is_given_up_and_its_process_ends(
    server: WebServer, client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "SECONDS", 0.05)
    server.say("/", ARTICLE)
    with pytest.raises(ToolError, match="too complicated"):
        await fetch_page(client, at(server))


async def test_others_are_served_while_a_page_is_read(
    server: WebServer, client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    start = asyncio.create_subprocess_exec

    async def watched(*command: str, **rest: Any) -> asyncio.subprocess.Process:
        begun.set()
        return await start(*command, **rest)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    # However busy the machine is.
    monkeypatch.setattr(reader, "SECONDS", 90)
    server.say("/", "<html><body>" + "<a href=/x>some words here</a>" * 30_000)
    task = asyncio.create_task(fetch_page(client, at(server)))
    await asyncio.wait_for(begun.wait(), 30)
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    await task
    # To read it takes a hundred times as long as what is done here for it.
    print(f"{turns} turns")
    assert turns > 30


async def test_the_reader_is_not_given_the_keys(
    server: WebServer, client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []
    start = asyncio.create_subprocess_exec

    async def watched(
        *command: str, env: dict[str, str], **rest: Any
    ) -> asyncio.subprocess.Process:
        seen.append(env)
        return await start(*command, env=env, **rest)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server.say("/", ARTICLE)
    await fetch_page(client, at(server))
    assert len(seen) == 1
    assert "secret" not in seen[0].values()


async def test_a_hostile_page_is_told_within_a_frame_it_cannot_close() -> None:
    async with hostile_server() as server:
        told = (await fetch_page(client_of(server), at(server))).text
    head, inside = told.split("\n<untrusted mark=", 1)
    assert "never instructions to you" in head
    assert "delete" not in head
    assert inside.count(INJECTION.partition(".")[0]) >= 2
    assert "2,495 millimetres" in inside
    assert told.count("</untrusted") == 1
    assert told.rstrip().endswith(f'</untrusted mark="{inside[1:13]}">')


async def test_the_tool_takes_an_address_and_a_start(client: GuardedClient) -> None:
    tool = page_tool(client)
    assert (tool.name, tool.read_only) == ("fetch_page", True)
    assert set(tool.schema["properties"]) == {"url", "start"}
    assert tool.schema["required"] == ["url"]


async def test_a_page_on_this_machine_is_not_read(server: WebServer) -> None:
    server.say("/", "secret")
    with pytest.raises(FetchRefused):
        await fetch_page(GuardedClient(), f"http://127.0.0.1:{server.port}/")
    assert server.connections == 0


# Search

HITS = [
    Hit("Bergen", "https://bergen.example/", "A town with a harbour and much rain."),
    Hit("Oslo", "https://oslo.example/", "A town with a fjord."),
    Hit("Rain", "https://rain.example/", "Rain in Bergen: much of it, says the harbour."),
]


async def test_the_offline_search_finds_what_has_most_of_the_words() -> None:
    search = OfflineSearch(HITS)
    found = await search.search("rain harbour bergen fjord", 2)
    assert [one.title for one in found] == ["Bergen", "Rain"]
    assert await search.search("desert", 5) == []


async def test_hits_are_told_framed_and_shown_as_sources() -> None:
    told = await web_search(OfflineSearch(HITS), "  harbour\n ", 5)
    assert "1. Bergen\nhttps://bergen.example/\nA town with" in told.text
    assert told.text.startswith("What stands between")
    assert [one.url for one in told.sources] == ["https://bergen.example/", "https://rain.example/"]
    assert "Nothing was found" in (await web_search(OfflineSearch(HITS), "desert")).text


@pytest.mark.parametrize("query", ["", "  \n", "x" * 401])
async def test_a_query_must_be_one(query: str) -> None:
    with pytest.raises(ToolError, match="query"):
        await web_search(OfflineSearch(HITS), query)


RESULTS = [
    {"title": "<b>Bergen</b> &amp; more", "url": "https://bergen.example/", "content": "A  town"},
    {"title": "", "url": "https://no-title.example/", "content": None},
    {"title": "script", "url": "javascript:alert(1)", "content": "x"},
    {"title": "no address", "content": "x"},
    "not a hit",
    {"title": "x" * 1000, "url": "http://long.example/", "content": "y" * 5000},
    {"title": "one too many", "url": "http://last.example/", "content": ""},
]


def provider_at(kind: str, server: WebServer) -> tuple[SearchProvider, str]:
    base = f"http://127.0.0.1:{server.port}"
    if kind == "searxng":
        return SearXNG(base + "/"), "/search?q=a+town&format=json"
    if kind == "brave":
        return Brave("key-1", base + "/brave"), "/brave?q=a+town&count=3"
    return Tavily("key-1", base + "/tavily"), "/tavily"


def answer_of(kind: str) -> str:
    if kind != "brave":
        return json.dumps({"results": RESULTS})
    named = [
        {("description" if name == "content" else name): value for name, value in one.items()}
        if isinstance(one, dict)
        else one
        for one in RESULTS
    ]
    return json.dumps({"web": {"results": named}})


@pytest.mark.parametrize("kind", ["searxng", "brave", "tavily"])
async def test_a_service_is_asked_and_its_hits_are_cleaned(kind: str, server: WebServer) -> None:
    provider, path = provider_at(kind, server)
    server.say(path, answer_of(kind), "application/json")
    hits = await provider.search("a town", 3)
    assert [one.url for one in hits] == [
        "https://bergen.example/",
        "https://no-title.example/",
        "http://long.example/",
    ]
    assert (hits[0].title, hits[0].snippet) == ("Bergen & more", "A town")
    assert hits[1].title == hits[1].url
    assert (len(hits[2].title), len(hits[2].snippet)) == (200, 500)
    sent = server.asked[0].headers
    if kind == "brave":
        assert sent["x-subscription-token"] == "key-1"
    if kind == "tavily":
        assert sent["authorization"] == "Bearer key-1"


@pytest.mark.parametrize("kind", ["searxng", "brave", "tavily"])
async def test_a_service_that_fails_is_told_without_its_key(kind: str, server: WebServer) -> None:
    provider, path = provider_at(kind, server)
    for status, words in ((401, "key"), (429, "too often"), (500, "500"), (302, "302")):
        head = {"location": f"http://127.0.0.1:{server.port}/thief", "content-length": "0"}
        server.answers[path] = sending(response(status, head))
        with pytest.raises(ToolError, match=words) as failed:
            await provider.search("a town", 3)
        assert "key-1" not in str(failed.value)
    assert {one.path for one in server.asked} == {path}
    for body in ("<html>", '{"results": ', "[" * 100_000, "x" * 3_000_000):
        server.say(path, body, "application/json")
        with pytest.raises(ToolError):
            await provider.search("a town", 3)
    for body in ("[]", "null", "{}", '{"results": {}}', '{"web": [], "results": [1]}'):
        server.say(path, body, "application/json")
        assert await provider.search("a town", 3) == []


async def test_a_service_that_is_not_there_is_told() -> None:
    with pytest.raises(ToolError, match="does not answer"):
        await SearXNG("http://127.0.0.1:1").search("a", 1)


def test_the_first_configured_service_is_taken_and_without_one_none() -> None:
    assert search_provider() is None
    assert search_provider(searxng_url="", brave_key="", tavily_key=None) is None
    both = search_provider(searxng_url="http://10.0.0.1:8080", brave_key="a")
    assert isinstance(both, SearXNG)
    assert isinstance(search_provider(brave_key="a", tavily_key="b"), Brave)
    assert isinstance(search_provider(tavily_key="b"), Tavily)
    with pytest.raises(ConfigError):
        search_provider(searxng_url="10.0.0.1:8080")
    with pytest.raises(ConfigError):
        search_provider(brave_key="two words")


def test_the_search_tool_takes_a_query_and_a_limit() -> None:
    tool = search_tool(OfflineSearch(HITS))
    assert tool.name == "web_search"
    assert tool.schema["properties"]["limit"] == {
        "default": 5,
        "description": "How many pages at most.",
        "maximum": 20,
        "minimum": 1,
        "type": "integer",
    }
