"""The socket of a real server, against whoever reaches its port with no page of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentchat.store import schema
from agentchat.ui.socket_gate import BURST, MOST_BYTES, PER_SECOND
from tests.benchmarks.tabs.fill import fill
from tests.benchmarks.tabs.server import TabServer, tab_servers
from tests.benchmarks.tabs.stamps import Order
from tests.benchmarks.tabs.tab import NAMESPACE, Tab
from tests.waiting import eventually

THREAD = "thread_01"
STATE = "reflex___state____state"
NOTICE = f"{STATE}.agentchat___ui___states___notice____notice_state"


@pytest.fixture(scope="module")
def tab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TabServer]:
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'agentchat.db'}"
    schema.upgrade(url)
    fill(url, {THREAD: 3})
    with tab_servers(url) as [server]:
        yield server
        assert "Traceback" not in "".join(server.output)


def address(server: TabServer, *, token: str | None = None, path: str = NAMESPACE) -> str:
    query = f"token={token or uuid.uuid4()}&EIO=4&transport=websocket"
    return f"{server.url.replace('http', 'ws', 1)}{path}/?{query}"


def opened(
    server: TabServer, url: str | None = None, *, origin: str | None = "own", **headers: str
) -> connect:
    named = {name.title(): value for name, value in headers.items()}
    if origin is not None:
        named["Origin"] = server.url if origin == "own" else origin
    return connect(url or address(server), additional_headers=named, max_size=None)


async def refused(connecting: connect) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with connecting:
            pass
    response = caught.value.response
    return response.status_code, bytes(response.body or b"").decode()


async def fine(server: TabServer) -> None:
    """Whether others are served: a tab comes, and sees its thread."""
    async with Tab(server.url, server.facts, thread_id=THREAD) as tab:
        await tab.sees(f"{THREAD}:2")


def event(name: str, payload: Any, **more: Any) -> str:
    return f"42{NAMESPACE}," + json.dumps(["event", {"name": name, "payload": payload, **more}])


async def raw(tab: Tab, text: str | bytes) -> None:
    await tab._wire.send(text)


# Opening


async def test_only_pages_of_this_very_address_may_open_a_socket(tab_server: TabServer) -> None:
    port = tab_server.port
    for origin in (
        None,
        "null",
        "http://evil.example",
        f"http://evil.example:{port}",
        f"http://127.0.0.1:{port}.evil.example",
        f"http://127.0.0.1.evil.example:{port}",
        f"http://127.0.0.1:{port + 1}",
        "http://127.0.0.1",
        f"https://127.0.0.1:{port}",
        f"http://user@127.0.0.1:{port}",
        f"http://127.0.0.1:{port}/",
    ):
        status, words = await refused(opened(tab_server, origin=origin))
        assert status == 403, origin
        assert "own pages" in words
    for own in ("127.0.0.1", "localhost", "[::1]"):
        async with opened(tab_server, origin=f"http://{own}:{port}"):
            pass
    await fine(tab_server)


async def test_a_name_that_points_here_opens_nothing(tab_server: TabServer) -> None:
    port = tab_server.port
    # What a page of evil.example would do whose name now leads to this machine.
    for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}"):
        connecting = connect(
            address(tab_server).replace("127.0.0.1", host.partition(":")[0]),
            host="127.0.0.1",
            port=port,
            origin=None,
            additional_headers={"Origin": tab_server.url},
        )
        status, words = await refused(connecting)
        assert status == 421
        assert f"http://127.0.0.1:{port}" in words
        async with httpx.AsyncClient() as client:
            for path in ("/ping", "/", "/export/runs/abcdefgh.json", f"{NAMESPACE}/"):
                answer = await client.get(f"{tab_server.url}{path}", headers={"Host": host})
                assert answer.status_code == 421, path
    async with httpx.AsyncClient() as client:
        for own in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST"):
            answer = await client.get(f"{tab_server.url}/ping", headers={"Host": own})
            assert answer.status_code == 200, own


async def test_a_tab_names_itself_by_one_uuid(tab_server: TabServer) -> None:
    base = f"{tab_server.url.replace('http', 'ws', 1)}{NAMESPACE}/?EIO=4&transport=websocket"
    good = uuid.uuid4()
    for query in ("", "&token=", "&token=1", f"&token={good}&token={good}", f"&token={good}%0a"):
        status, words = await refused(opened(tab_server, base + query))
        assert status == 400, query
        assert "UUID" in words
    status, _ = await refused(opened(tab_server, address(tab_server, path="/elsewhere")))
    assert status == 404


async def test_polling_is_refused_before_its_body_is_read(tab_server: TabServer) -> None:
    before = tab_server.rss()
    sent = 0

    async def body() -> Any:
        nonlocal sent
        for _ in range(500):
            sent += 100_000
            yield b"x" * 100_000

    async with httpx.AsyncClient(timeout=20) as client:
        url = f"{tab_server.url}{NAMESPACE}/?EIO=4&transport=polling&token={uuid.uuid4()}"
        assert (await client.get(url)).status_code == 400
        try:
            assert (await client.post(url, content=body())).status_code == 400
        except httpx.WriteError:
            # It has hung up on us in the middle of it.
            assert sent < 50_000_000
    assert tab_server.rss() - before < 10_000_000


# Frames


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "x",
        "0",
        "2",
        "2probe",
        "5",
        "6",
        "9",
        "4",
        "40",
        "40/other,",
        f"40{NAMESPACE},",
        '42["event",{}]',
        '42/other,["event",{}]',
        f'421{NAMESPACE},["event",{{}}]',
        f'42{NAMESPACE},7["event",{{}}]',
        f"42{NAMESPACE},",
        f"42{NAMESPACE},[",
        f"42{NAMESPACE},{{}}",
        f"42{NAMESPACE},[]",
        f"42{NAMESPACE},[1]",
        f'42{NAMESPACE},["event",NaN]',
        f"42{NAMESPACE}," + "[" * 100_000,
        f"43{NAMESPACE},1[]",
        f"44{NAMESPACE},{{}}",
        f'451-{NAMESPACE},["event",{{"_placeholder":true,"num":0}}]',
        f"46{NAMESPACE},",
        b"bytes",
    ],
    ids=lambda frame: repr(frame[:30]),
)
async def test_what_is_of_another_protocol_closes_its_socket(
    tab_server: TabServer, frame: str | bytes
) -> None:
    async with Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as tab:
        await tab.sees(f"{THREAD}:2")
        await raw(tab, frame)
        await tab.until(lambda: not tab.alive)
        assert tab._wire.close_code == 1008
        assert tab._wire.close_reason
    await fine(tab_server)


async def test_nothing_is_taken_before_the_connection_is_made(tab_server: TabServer) -> None:
    async with opened(tab_server) as wire:
        await wire.send(event(f"{NOTICE}.say", {"words": "early"}))
        assert await closed(wire) == 1008


async def test_a_connection_that_begins_with_rubbish_is_closed(tab_server: TabServer) -> None:
    for boot in (
        "[]",
        "1",
        "{",
        '{"event": 1}',
        '{"event": {"name": "no.such"}}',
        '{"event": {"name": "__init__", "payload": {}}}',
    ):
        async with opened(tab_server) as wire:
            await wire.send(f"40{NAMESPACE},{boot}")
            assert await closed(wire) == 1008, boot
    await fine(tab_server)


async def closed(wire: ClientConnection) -> int | None:
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await wire.recv()
    return wire.close_code


async def test_ten_megabytes_are_refused_and_not_kept(tab_server: TabServer) -> None:
    await fine(tab_server)
    before = tab_server.rss()
    for _ in range(5):
        async with Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as tab:
            await tab.sees(f"{THREAD}:2")
            await raw(tab, event(f"{NOTICE}.say", {"words": "x" * 10_000_000}))
            await tab.until(lambda tab=tab: not tab.alive)  # type: ignore[misc]
            assert tab._wire.close_code == 1009
    assert tab_server.rss() - before < 40_000_000
    await fine(tab_server)


async def test_a_message_of_the_most_characters_passes(tab_server: TabServer) -> None:
    async with Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as tab:
        await tab.sees(f"{THREAD}:2")
        # Of four bytes each, and written as JSON writes them at worst.
        text = json.dumps("\U0001f986" * 20_000)
        assert len(text) > 200_000
        frame = event(f"{NOTICE}.say", {"words": "\U0001f986" * 20_000})
        assert len(frame) < MOST_BYTES
        tab.frames.clear()
        await raw(tab, frame)
        await tab.until(lambda: any("\U0001f986" in one.text for one in tab.frames))


# Events


REFUSED: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "an unknown handler": (f"{STATE}.no_such", {}, {}),
    "a frontend event": ("_call_script", {"javascript_code": "alert(1)"}, {}),
    "a method of the state": (f"{NOTICE}.reset", {}, {}),
    "a private name": (f"{NOTICE}.__init__", {}, {}),
    "no name": ("", {}, {}),
    "any var": (f"{NOTICE}.setvar", {"var_name": "words", "value": "hacked"}, {}),
    "a wrong type": (f"{NOTICE}.say", {"words": {"hacked": 1}}, {}),
    "another wrong type": (f"{NOTICE}.say", {"words": 7}, {}),
    "no arguments": (f"{NOTICE}.say", {}, {}),
    "too many arguments": (f"{NOTICE}.say", {"words": "hacked", "more": 1}, {}),
    "the state as argument": (f"{NOTICE}.say", {"self": 1, "words": "hacked"}, {}),
    "arguments without names": (f"{NOTICE}.say", ["hacked"], {}),
    "an address of another type": (f"{NOTICE}.say", {"words": "hacked"}, {"router_data": 1}),
    "a path of another type": (
        f"{NOTICE}.say",
        {"words": "hacked"},
        {"router_data": {"pathname": {}}},
    ),
    "an endless path": (
        f"{NOTICE}.say",
        {"words": "hacked"},
        {"router_data": {"pathname": "/" * 20_000}},
    ),
    "parameters of another type": (
        f"{NOTICE}.say",
        {"words": "hacked"},
        {"router_data": {"query": {"messages": {"a": 1}}}},
    ),
    "a query that is none": (f"{NOTICE}.say", {"words": "hacked"}, {"router_data": {"query": []}}),
}


async def test_events_of_no_handler_or_with_other_arguments_are_let_drop(
    tab_server: TabServer,
) -> None:
    async with AsyncExitStack() as stack:
        for why, (name, payload, more) in REFUSED.items():
            tab = await stack.enter_async_context(
                Tab(tab_server.url, tab_server.facts, thread_id=THREAD)
            )
            await tab.sees(f"{THREAD}:2")
            tab.frames.clear()
            logged = len(tab_server.output)
            await raw(tab, event(name, payload, **more))
            # Its tab goes on: what it sends next is done, and is all that is answered.
            await raw(tab, event(f"{NOTICE}.say", {"words": "still here"}))
            await tab.until(lambda tab=tab: any("still here" in f.text for f in tab.frames))  # type: ignore[misc]
            assert not any("hacked" in frame.text for frame in tab.frames), why
            assert not any("omething went wrong" in frame.text for frame in tab.frames), why
            await eventually(lambda logged=logged: len(tab_server.output) > logged)  # type: ignore[misc]
            said = "".join(tab_server.output[logged:])
            assert "An event was not taken" in said, why
            assert "hacked" not in said, why


async def test_every_handler_survives_arguments_of_every_wrong_type(tab_server: TabServer) -> None:
    """No call of any shape may end in a trace."""
    from reflex_base.registry import RegistrationContext

    from agentchat.app import app

    handlers = app._registration_context.event_handlers
    assert isinstance(app._registration_context, RegistrationContext)
    names = [name for name in handlers if not name.endswith(".setvar")]
    assert len(names) > 50
    values: list[Any] = [None, 7, -1, True, 1e300, "", "\x00", "../..", "x" * 70, [], {}, ["x"]]
    async with Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as tab:
        await tab.sees(f"{THREAD}:2")
    failed = len([line for line in tab_server.output if "handler of the pages failed" in line])
    assert failed == 0
    for value in values:
        # Few enough of each tab that none has to wait for its turn.
        for begin in range(0, len(names), 20):
            async with Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as tab:
                await tab.sees(f"{THREAD}:2")
                for name in names[begin : begin + 20]:
                    fn = handlers[name].handler.fn
                    arguments = fn.__code__.co_varnames[1 : fn.__code__.co_argcount]
                    await raw(tab, event(name, dict.fromkeys(arguments, value)))
                await raw(tab, event(f"{NOTICE}.say", {"words": "still here"}))
                await tab.until(lambda tab=tab: any("still here" in f.text for f in tab.frames))  # type: ignore[misc]
    said = "".join(tab_server.output)
    assert "handler of the pages failed" not in said, said[-3000:]
    await fine(tab_server)


async def test_the_token_of_an_open_tab_gives_nobody_what_it_is_shown(
    tab_server: TabServer,
) -> None:
    token = str(uuid.uuid4())
    async with (
        Tab(tab_server.url, tab_server.facts, thread_id=THREAD, token=token) as first,
        Tab(tab_server.url, tab_server.facts, token=token) as thief,
    ):
        await first.sees(f"{THREAD}:2")
        await thief.until(lambda: any("new_token" in frame.text for frame in thief.frames))
        first.frames.clear()
        thief.frames.clear()
        await raw(first, event(f"{NOTICE}.say", {"words": "between us"}))
        await first.until(lambda: any("between us" in frame.text for frame in first.frames))
        await raw(thief, event(f"{NOTICE}.say", {"words": "from a thief"}))
        await thief.until(lambda: any("from a thief" in frame.text for frame in thief.frames))
        assert not any("between us" in frame.text for frame in thief.frames)
        assert not any("from a thief" in frame.text for frame in first.frames)


async def test_a_message_that_is_sent_again_is_there_once(tab_server: TabServer) -> None:
    order = str(Order("again", 1, 0.01))
    payload = {
        "thread_id": THREAD,
        "message_id": "message-sent-again",
        "text": order,
        "create": False,
        "attempt": 1,
    }
    async with AsyncExitStack() as stack:
        tabs = [
            await stack.enter_async_context(Tab(tab_server.url, tab_server.facts, thread_id=THREAD))
            for _ in range(3)
        ]
        await asyncio.gather(*(tab.sees(f"{THREAD}:2") for tab in tabs))
        for _ in range(5):
            for tab in tabs:
                await raw(tab, event(tab_server.facts["send"], payload))
        await asyncio.gather(*(tab.sees("again:0") for tab in tabs))
    async with Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as late:
        await late.sees("again:0")
        page = max((frame.text for frame in late.frames), key=len)
        assert page.count('"message-sent-again"') == 1


# Floods


async def test_a_flood_is_read_slowly_and_nobody_else_feels_it(tab_server: TabServer) -> None:
    async with (
        Tab(tab_server.url, tab_server.facts) as flooder,
        Tab(tab_server.url, tab_server.facts, thread_id=THREAD) as other,
    ):
        await other.sees(f"{THREAD}:2")
        rss = tab_server.rss()
        began = time.monotonic()

        async def flood() -> None:
            for number in range(4_000):
                await raw(flooder, event(f"{NOTICE}.say", {"words": f"flood-{number}."}))

        flooding = asyncio.create_task(flood())
        for number in range(20):
            await raw(other, event(f"{NOTICE}.say", {"words": f"other-{number}."}))
            await other.until(
                lambda n=number: any(f"other-{n}." in f.text for f in other.frames)  # type: ignore[misc]
            )
            await asyncio.sleep(0.1)

        def done() -> int:
            return sum("flood-" in frame.text for frame in flooder.frames)

        # The others have been answered all the while, the flood in part.
        await flooder.until(lambda: done() > BURST * 0.5)
        lasted = time.monotonic() - began
        flooding.cancel()
        flooder.leave()
        assert done() <= BURST + PER_SECOND * (lasted + 1) + 5
        assert tab_server.rss() - rss < 30_000_000
    await eventually(lambda: any("faster than anybody" in line for line in tab_server.output))
    await fine(tab_server)
