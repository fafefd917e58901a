"""What is in force: models and their tests, limits, what is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert

from agentchat import LOCAL, Actor, Agent, AgentChat, Settings
from agentchat.agents.agent import Limits
from agentchat.agents.team import Allowance
from agentchat.columns import table_of
from agentchat.configuration import retention as retention_module
from agentchat.configuration import trial
from agentchat.configuration.views import LimitLine, ModelLine
from agentchat.errors import NotAllowed, NotFound, TooManyTries, WrongState
from agentchat.llm.embedder import HashEmbedder
from agentchat.llm.openai import OpenAIProvider
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Audit, Run, RunStatus
from agentchat.store.writer import Tx
from agentchat.verbs.files import NewFile
from tests.fake_provider import FakeProvider, Reply
from tests.integration.agents_stage import settled
from tests.integration.people_stage import ADA, ANN, add_person, rows
from tests.long import LONG_ON_POSTGRES

pytestmark = LONG_ON_POSTGRES

T = TypeVar("T")
KEY = "sk-abcdefghijklmnopqrstuvwxyz-9876"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider(models=("llama3", "mistral")) as fake:
        yield fake


@pytest.fixture
async def asking(database_url: str, fake: FakeProvider, stack: AsyncExitStack) -> AgentChat:
    """An app whose model is at the fake server."""
    settings = Settings(
        db_url=database_url,
        auth="password",
        model="openai:llama3",
        openai_base_url=fake.openai_url,
        openai_api_key=KEY,
    )
    chat = AgentChat(settings, agents=[Agent("clerk", "x")], embedder=HashEmbedder())
    return await stack.enter_async_context(chat)


async def first(values: AsyncGenerator[T, None]) -> T:
    async with aclosing(values):
        return await anext(values)


async def models_of(chat: AgentChat) -> dict[str, ModelLine]:
    return {one.key: one for one in await first(chat.configuration.follow_models())}


async def limits_of(chat: AgentChat, actor: Actor = LOCAL) -> dict[tuple[str, str], LimitLine]:
    lines = await first(chat.configuration.follow_limits(actor=actor))
    return {(one.name, one.agent): one for one in lines}


# Models


async def test_a_model_says_who_chose_it_and_where_it_is_and_of_its_key_the_end(
    asking: AgentChat, fake: FakeProvider
) -> None:
    [line] = (await models_of(asking)).values()
    assert (line.id, line.uses, line.agents) == ("compatible:llama3", ("answers", "remember"), ())
    assert (line.variable, line.source) == ("AGENTCHAT_MODEL", "code")
    assert (line.base_url, line.here) == (fake.openai_url, False)
    assert (line.key_variable, line.has_key, line.key_end) == ("OPENAI_API_KEY", True, "9876")
    # Nobody knows what a server takes that is merely compatible, nor how much it reads.
    assert (line.input_usd, line.context_tokens, line.assumed_tokens) == (-1, 0, 32_768)
    assert KEY[:-4] not in repr(line)


async def test_each_model_is_there_once_with_all_it_is_used_for(
    database_url: str, stack: AsyncExitStack
) -> None:
    agents = [
        Agent("usual", "x"),
        Agent("clever", "x", model="anthropic:claude-sonnet-4-5"),
        Agent("clever-too", "x", model="anthropic:claude-sonnet-4-5"),
        Agent("own", "x", model=OpenAIProvider("mine", "short", "http://u:p@127.0.0.1:9/v1?k=v")),
    ]
    settings = Settings(db_url=database_url, anthropic_api_key=KEY)
    chat = AgentChat(settings, agents=agents, provider=ScriptedProvider("instant"))
    await stack.enter_async_context(chat)
    app, clever, own = (await models_of(chat)).values()
    assert (app.id, app.source, app.variable, app.here) == ("scripted:instant", "code", "", True)
    assert (app.has_key, app.key_variable) == (False, "")
    assert (clever.key, clever.agents) == ("agent-clever", ("clever", "clever-too"))
    assert (clever.base_url, clever.key_variable) == (
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
    )
    assert (clever.input_usd, clever.output_usd) == (3, 15)
    assert clever.context_tokens >= 200_000
    # One that code brought along, with a key of its own: too short to show any of it.
    assert (own.agents, own.base_url) == (("own",), "http://127.0.0.1:9/v1")
    assert (own.has_key, own.key_end, own.key_variable) == (True, "", "")


async def test_a_test_asks_and_says_how_long_it_took_and_what_was_said(
    asking: AgentChat, fake: FakeProvider
) -> None:
    fake.enqueue(Reply(f"I am here. {KEY} " + "And on. " * 60, delay=0.05))
    began = time.monotonic()
    found = await asking.configuration.test("app", actor=ADA)
    took = time.monotonic() - began
    assert (found.model, found.problem, found.next_step) == ("compatible:llama3", "", "")
    assert found.reply.startswith("I am here. [key] And on.")
    assert len(found.reply) <= trial.MOST_REPLY + 1
    assert 0.05 <= found.first_seconds <= found.seconds <= took
    assert min(found.input_tokens, found.output_tokens) > 0
    assert found.request_id
    assert (found.listed, found.others) == ("yes", ("mistral",))
    [asked] = [one for one in fake.requests if one.path.endswith("/completions")]
    assert asked.json["max_tokens"] == trial.MOST_TOKENS
    [audit] = [one for one in await rows(asking._database, Audit) if one.kind == "model"]
    assert (audit.subject_id, audit.action, audit.by) == ("compatible:llama3", "test", "Ada")


@pytest.mark.parametrize(
    ("reply", "words", "next_step"),
    [
        (Reply(status=401), "did not accept the API key", "Check the key"),
        (Reply(status=404), "does not know the model llama3", "AGENTCHAT_MODEL"),
        (
            Reply(status=429, body={"error": {"code": "insufficient_quota", "message": KEY}}),
            "no credit left",
            "Add credit",
        ),
        (Reply(status=500), "has a problem", "Wait a little"),
        (Reply("So far. And on.", cut_after=1), "was lost", "can be reached"),
    ],
)
async def test_what_is_wrong_is_said_in_words_with_what_to_do(
    asking: AgentChat, fake: FakeProvider, reply: Reply, words: str, next_step: str
) -> None:
    fake.enqueue(reply)
    found = await asking.configuration.test("app", actor=ADA)
    assert words in found.problem
    assert next_step in found.next_step
    assert KEY not in repr(found)
    assert found.listed == "yes"


async def test_a_model_that_the_server_has_no_more_is_seen_in_its_list(
    asking: AgentChat, fake: FakeProvider
) -> None:
    fake.models = ("zephyr", "x" * 500, "mistral")
    fake.enqueue(Reply(status=404))
    found = await asking.configuration.test("app", actor=ADA)
    assert (found.listed, found.others) == ("no", ("mistral", "x" * 80, "zephyr"))
    fake.models = ()
    assert (await asking.configuration.test("app", actor=ADA)).listed == ""


async def test_a_server_that_is_not_there_or_says_nothing_is_waited_for_no_longer_than_said(
    database_url: str, stack: AsyncExitStack, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = OpenAIProvider("gone", None, "http://127.0.0.1:9/v1")
    chat = AgentChat(Settings(db_url=database_url), provider=gone, agents=[Agent("a", "x")])
    await stack.enter_async_context(chat)
    found = await chat.configuration.test("app")
    assert "127.0.0.1:9" in found.problem
    assert found.next_step
    silent = OpenAIProvider("silent", None, fake.openai_url)
    fake.enqueue(Reply(delay=30))
    found = await trial.tried(silent, "app", "silent", patience=timedelta(seconds=2))
    assert found.problem == "It has not answered within 2 seconds."
    assert found.seconds >= 2
    fake.wait_for(lambda: any(one.closed_by_client for one in fake.requests))
    await silent.close()


async def test_one_test_of_a_person_at_a_time_and_so_many_a_minute(
    asking: AgentChat, fake: FakeProvider
) -> None:
    fake.enqueue(Reply(delay=0.5))
    first_one = asyncio.create_task(asking.configuration.test("app", actor=ADA))
    await asyncio.to_thread(fake.wait_for, lambda: fake.requests)
    with pytest.raises(WrongState, match="under way"):
        await asking.configuration.test("app", actor=ADA)
    other = Actor("user-eve", "Eve", admin=True)
    assert (await asking.configuration.test("app", actor=other)).problem == ""
    assert (await first_one).problem == ""
    for _ in range(29):
        await asking.configuration.test("app", actor=ADA)
    with pytest.raises(TooManyTries, match="tested models 30 times"):
        await asking.configuration.test("app", actor=ADA)
    with pytest.raises(NotFound):
        await asking.configuration.test("agent-nobody", actor=ADA)


async def test_an_embedder_is_tested_by_letting_it_work(
    database_url: str, stack: AsyncExitStack
) -> None:
    settings = Settings(db_url=database_url, model="scripted:instant")
    chat = AgentChat(settings, embedder=HashEmbedder())
    await stack.enter_async_context(chat)
    # Feature hashing is no model: there is nothing to test.
    assert "embedder" not in await models_of(chat)
    with pytest.raises(NotFound):
        await chat.configuration.test("embedder")
    found = await trial.embedded(HashEmbedder(dim=48), "embedder")
    assert (found.reply, found.problem) == ("48 numbers", "")


@pytest.mark.parametrize("actor", [ANN, Actor("", "")])
async def test_only_administrators_see_models_settings_and_numbers(
    asking: AgentChat, fake: FakeProvider, actor: Actor
) -> None:
    mine = asking.by(actor).configuration
    with pytest.raises(NotAllowed):
        mine.settings()
    for one in (mine.test("app"), mine.stored(), mine.sweep()):
        with pytest.raises(NotAllowed):
            await one
    for values in (mine.follow_models(), mine.follow_stored()):
        with pytest.raises(NotAllowed):
            await first(values)
    assert not [one for one in fake.requests if one.path.endswith("/completions")]


# Limits


async def test_a_limit_says_how_much_it_is_where_from_and_how_much_of_it_is_used(
    database_url: str, stack: AsyncExitStack
) -> None:
    settings = Settings(db_url=database_url, auth="password", person_files_mb=2, user_day_usd=0)
    agents = [Agent("clerk", "x"), Agent("slow", "x", limits=Limits(tool_calls=3))]
    chat = AgentChat(settings, agents=agents, provider=ScriptedProvider("instant"))
    await stack.enter_async_context(chat)
    await add_person(chat._database, ANN)
    thread = await chat.create_thread(actor=ANN)
    file = NewFile("a.txt", "text/plain", b"a" * 700)
    await chat.send_message(thread.id, "Look", actor=ANN, files=[file])
    await settled(chat, thread.id)
    mine, others = await limits_of(chat, ANN), await limits_of(chat, ADA)
    held = mine["person_files_mb", ""]
    assert (held.most, held.used, held.unit) == (2_000_000, 700, "bytes")
    assert (held.variable, held.source) == ("AGENTCHAT_PERSON_FILES_MB", "code")
    assert others["person_files_mb", ""].used == 0
    assert mine["user_day_tokens", ""].used > 0 == others["user_day_tokens", ""].used
    # 0 in the settings is no limit.
    assert (mine["user_day_usd", ""].most, mine["thread_usd", ""].most) == (-1, 20)
    assert (mine["tool_calls", ""].most, mine["tool_calls", "slow"].most) == (50, 3)
    assert ("tool_calls", "clerk") not in mine
    assert mine["wall", ""].most == 30
    assert (mine["login_pair", ""].most, mine["login_pair", ""].text) == (5, "15")
    assert mine["minute_most", ""].most == 30
    sockets = mine["address_sockets", ""]
    assert (sockets.most, sockets.variable) == (200, "AGENTCHAT_ADDRESS_SOCKETS")
    assert mine["runs_at_once", ""].most == 100
    assert mine["second", ""].text == "queue"


async def test_what_code_allows_is_told_and_an_open_app_has_no_limits_of_people(
    database_url: str, stack: AsyncExitStack
) -> None:
    chat = AgentChat(
        Settings(db_url=database_url),
        agents=[Agent("clerk", "x")],
        provider=ScriptedProvider("instant"),
        allowance=Allowance(thread_tokens=7, thread_usd=None),
    )
    await stack.enter_async_context(chat)
    found = await limits_of(chat)
    tokens, usd = found["thread_tokens", ""], found["thread_usd", ""]
    assert (tokens.most, tokens.source, tokens.variable, usd.most) == (7, "code", "", -1)
    assert ("minute_most", "") not in found
    assert ("address_sockets", "") in found
    assert ("login_pair", "") not in found


# What is kept


async def stored_runs(chat: AgentChat, number: int, *, days: float) -> None:
    """So many runs that were finished so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    row: dict[str, Any] = {
        "workflow": "w",
        "data": {},
        "status": RunStatus.DONE,
        "due_at": at,
        "created_at": at,
    }

    def write(tx: Tx) -> None:
        for n in range(number):
            new = {**row, "id": f"run-{days:g}-{n}", "finished_at": at}
            tx.execute(insert(table_of(Run)), Run(**new).model_dump())

    await chat._database.write(write)


async def test_it_counts_what_there_is_and_a_sweep_takes_what_need_not_be_kept(
    asking: AgentChat,
) -> None:
    await stored_runs(asking, 3, days=40)
    await stored_runs(asking, 2, days=1)
    before = await asking.configuration.stored(actor=ADA)
    numbers = {one.name: (one.number, one.more) for one in before.counts}
    assert (numbers["runs"], numbers["threads"]) == ((5, False), (0, False))
    assert (before.to_go, before.to_go_more, before.swept.at) == (3, False, "")
    age = datetime.now(UTC) - datetime.fromisoformat(before.oldest)
    assert timedelta(days=39) < age < timedelta(days=41)
    assert before.bytes > 0
    swept = await asking.configuration.sweep(actor=ADA)
    assert (swept.runs, swept.threads) == (3, 0)
    after = await asking.configuration.stored(actor=ADA)
    assert (after.to_go, after.swept) == (0, swept)
    [audit] = [one for one in await rows(asking._database, Audit) if one.action == "sweep"]
    assert (audit.kind, audit.subject_id, audit.by) == ("app", "retention", "Ada")


async def test_nothing_is_counted_further_than_it_has_to_be(
    asking: AgentChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "MOST_COUNTED", 4)
    monkeypatch.setattr(retention_module, "MOST_TO_GO", 2)
    await stored_runs(asking, 4, days=40)
    found = await asking.configuration.stored(actor=ADA)
    runs = next(one for one in found.counts if one.name == "runs")
    assert (runs.number, runs.more, found.to_go, found.to_go_more) == (4, False, 2, True)
    await stored_runs(asking, 1, days=1)
    found = await asking.configuration.stored(actor=ADA)
    runs = next(one for one in found.counts if one.name == "runs")
    assert (runs.number, runs.more) == (4, True)


async def test_who_looks_sees_a_sweep_at_once_and_no_two_are_done_side_by_side(
    asking: AgentChat,
) -> None:
    await stored_runs(asking, 3, days=40)
    following = asking.configuration.follow_stored(actor=ADA)
    async with aclosing(following):
        assert (await anext(following)).to_go == 3
        keeper = asking._durable.keeper
        async with keeper._sweeping:
            async with asyncio.timeout(30):
                assert (await anext(following)).sweeping
            with pytest.raises(WrongState, match="already"):
                await asking.configuration.sweep(actor=ADA)
        await asking.configuration.sweep(actor=ADA)
        async with asyncio.timeout(30):
            async for view in following:
                if view.swept.runs == 3 and not view.sweeping:
                    break


async def test_how_long_things_are_kept_is_told_to_everybody(asking: AgentChat) -> None:
    found = {(one.name, one.rule): one for one in asking.configuration.kept(actor=ANN)}
    days = found["runs", "keep_days"]
    assert (days.most, days.variable, days.source) == (30, "AGENTCHAT_KEEP_DAYS", "default")
    assert ("messages", "always") in found
    assert found["logins", "days"].most == 30
    with pytest.raises(NotAllowed):
        asking.configuration.kept(actor=Actor("", ""))
