"""The verbs: what a person or a script may do, and what they see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from agentchat import Actor, AgentChat, MessageView, Settings, ThreadView
from agentchat.errors import (
    InvalidInput,
    MessageNotFound,
    NotAllowed,
    Overloaded,
    ThreadNotFound,
    WrongKey,
)
from agentchat.inputs import MOST_CHARACTERS
from agentchat.llm.base import ModelState, ModelStatus
from agentchat.llm.scripted import FailAfter, ScriptedProvider
from agentchat.models import Delta, Message, Run, Step
from tests.waiting import eventually

ANN, BOB = Actor("ann", "Ann"), Actor("bob", "Bob")
SENTENCES = " ".join(f"This is sentence {n}." for n in range(1, 21))


class Opener:
    """Opens the app on the test's database, with a provider of the test's choice."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._settings = Settings(db_url=url)
        self._stack = stack

    async def __call__(self, provider: ScriptedProvider | None = None) -> AgentChat:
        provider = provider or ScriptedProvider("instant")
        return await self._stack.enter_async_context(AgentChat(self._settings, provider=provider))


@pytest.fixture
async def open_chat(database_url: str) -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        yield Opener(database_url, stack)


def scripted(
    *replies: str, faults: Iterable[Any] = (), pace: timedelta = timedelta(0)
) -> ScriptedProvider:
    return ScriptedProvider("instant", replies=replies, faults=faults, pace=pace)


async def until(
    chat: AgentChat, thread_id: str, wanted: Callable[[ThreadView], bool]
) -> ThreadView:
    """Follow a thread until it is as wanted."""
    async with asyncio.timeout(20), aclosing(chat.follow(thread_id)) as views:
        async for view in views:
            if wanted(view):
                return view
    raise AssertionError("the thread was never as wanted")


def settled(view: ThreadView) -> bool:
    return not view.live


async def ask(chat: AgentChat, text: str = "Hello") -> MessageView:
    thread = await chat.create_thread("A thread")
    await chat.send_message(thread.id, text)
    return (await until(chat, thread.id, settled)).settled[-1]


async def last_of(following: AsyncIterator[ThreadView]) -> None:
    async with asyncio.timeout(30):
        async for _ in following:
            pass


async def rows(chat: AgentChat, *models: Any) -> list[int]:
    def count(session: Session) -> list[int]:
        return [session.scalar(select(func.count()).select_from(m)) or 0 for m in models]

    return await chat._database.read(count)


async def test_a_message_is_answered_in_the_background(open_chat: Opener) -> None:
    chat = await open_chat(scripted("The answer. In two sentences."))
    thread = await chat.create_thread()
    sent = await chat.send_message(thread.id, "  What is it?  ", actor=ANN)
    assert (sent.role, sent.text, sent.author) == ("user", "What is it?", "Ann")
    view = await until(chat, thread.id, settled)
    assert [(m.role, m.status, m.text) for m in view.settled] == [
        ("user", "done", "What is it?"),
        ("assistant", "done", "The answer. In two sentences."),
    ]
    assert view.title == "What is it?"


async def test_the_journal_of_an_answer_is_prepare_generate_finish(open_chat: Opener) -> None:
    chat = await open_chat(scripted("One. Two."))
    await ask(chat)

    def names(session: Session) -> list[str]:
        return [step.name for step in session.scalars(select(Step).order_by(Step.id))]  # type: ignore[arg-type]

    assert await chat._database.read(names) == ["prepare", "generate", "finish"]
    assert await rows(chat, Delta) == [0]


async def test_a_follower_sees_the_answer_grow_sentence_by_sentence(open_chat: Opener) -> None:
    chat = await open_chat(scripted(SENTENCES, pace=timedelta(milliseconds=10)))
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    texts, statuses = [], []
    async with asyncio.timeout(20), aclosing(chat.follow(thread.id)) as views:
        async for view in views:
            answers = [m for m in (*view.settled, *view.live) if m.role == "assistant"]
            assert len(answers) == 1, "never twice, never not at all"
            texts.append(answers[0].text)
            statuses.append(answers[0].status)
            if settled(view):
                break
    assert texts[-1] == SENTENCES
    assert all(b.startswith(a) for a, b in pairwise(texts))
    assert len(set(texts)) > 4
    # A worker that is quick has begun before anybody looks.
    assert "".join(f"{one} " for one in dict.fromkeys(statuses)) in (
        "pending running done ",
        "running done ",
    )


async def test_two_followers_end_with_the_same_words(open_chat: Opener) -> None:
    chat = await open_chat(scripted(SENTENCES, pace=timedelta(milliseconds=5)))
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    a, b = await asyncio.gather(*(until(chat, thread.id, settled) for _ in "ab"))
    assert a == b


async def test_the_same_send_twice_is_one_message_and_one_run(open_chat: Opener) -> None:
    chat = await open_chat()
    thread = await chat.create_thread()
    first, second = await asyncio.gather(
        *(chat.send_message(thread.id, "Hello", message_id="m" * 32) for _ in "ab")
    )
    assert first == second
    await until(chat, thread.id, settled)
    await chat.send_message(thread.id, "Hello", message_id="m" * 32)
    assert await rows(chat, Message, Run) == [2, 1]


async def test_an_id_in_use_elsewhere_is_refused(open_chat: Opener) -> None:
    chat = await open_chat()
    one, two = await chat.create_thread(), await chat.create_thread()
    await chat.send_message(one.id, "Hello", message_id="m" * 32)
    with pytest.raises(InvalidInput, match="already used"):
        await chat.send_message(two.id, "Hello", message_id="m" * 32)


async def test_the_first_message_can_make_its_thread(open_chat: Opener) -> None:
    chat = await open_chat()
    for _ in "twice":
        await chat.send_message(
            "t" * 32, "Hello", message_id="m" * 32, create_thread=True, actor=ANN
        )
    view = await until(chat, "t" * 32, settled)
    assert len(view.settled) == 2
    with pytest.raises(ThreadNotFound):
        await chat.send_message("u" * 32, "Hello")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\x00", "empty"),
        ("x" * 200_000, "200,000 characters; 100,000 is the most"),
    ],
)
async def test_a_text_that_cannot_be_sent_is_refused_with_words(
    open_chat: Opener, text: str, words: str
) -> None:
    chat = await open_chat()
    thread = await chat.create_thread()
    with pytest.raises(InvalidInput, match=words):
        await chat.send_message(thread.id, text)
    assert await rows(chat, Message, Run) == [0, 0]


async def test_the_longest_text_is_sent(open_chat: Opener) -> None:
    chat = await open_chat()
    answer = await ask(chat, "🙂" * MOST_CHARACTERS)
    assert answer.status == "done"


@pytest.mark.parametrize("bad", ["", "x", "../../etc", "a b c d e f g h", "x" * 65])
async def test_an_id_that_no_client_would_make_is_refused(open_chat: Opener, bad: str) -> None:
    chat = await open_chat()
    with pytest.raises(InvalidInput, match="not an id"):
        await chat.send_message(bad, "Hello", create_thread=True)


async def test_nobody_may_do_nothing(open_chat: Opener) -> None:
    chat = await open_chat()
    with pytest.raises(NotAllowed):
        await chat.create_thread(actor=Actor("", ""))
    with pytest.raises(NotAllowed):
        chat.follow("t" * 32, actor=Actor("", ""))


@pytest.mark.usefixtures("only_told")
async def test_stop_keeps_what_came_and_nothing_is_added(open_chat: Opener) -> None:
    provider = scripted(SENTENCES, pace=timedelta(milliseconds=20))
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello", actor=ANN)
    await until(chat, thread.id, lambda v: bool(v.live and "sentence 2." in v.live[0].text))
    assert await chat.stop(thread.id, actor=BOB) == 1
    view = await until(chat, thread.id, settled)
    answer = view.settled[-1]
    assert (answer.status, answer.words) == ("stopped", "Stopped by Bob")
    assert SENTENCES.startswith(answer.text)
    assert "sentence 2." in answer.text
    await eventually(lambda: provider.closed)
    await asyncio.sleep(0.3)
    assert (await until(chat, thread.id, settled)).settled[-1] == answer
    assert await rows(chat, Delta) == [0]
    assert await chat.stop(thread.id) == 0


@pytest.mark.usefixtures("only_told")
async def test_stop_does_not_wait_for_the_next_word(open_chat: Opener) -> None:
    provider = scripted(SENTENCES, pace=timedelta(seconds=30))
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    await eventually(lambda: provider.requests)
    await chat.stop(thread.id)
    await eventually(lambda: provider.closed)


async def test_a_stopped_call_is_counted_by_estimate(open_chat: Opener) -> None:
    chat = await open_chat(scripted(SENTENCES, pace=timedelta(milliseconds=20)))
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    await until(chat, thread.id, lambda v: bool(v.live and v.live[0].text))
    await chat.stop(thread.id)

    def spent(session: Session) -> tuple[int, int, bool]:
        run = session.scalars(select(Run)).one()
        return run.input_tokens, run.output_tokens, run.tokens_estimated

    asked, answered, estimated = await chat._database.read(spent)
    assert asked == 2
    assert answered > 0
    assert estimated


async def test_a_message_stopped_before_it_was_claimed_is_never_asked(
    open_chat: Opener,
) -> None:
    provider = scripted("One.", SENTENCES, pace=timedelta(milliseconds=20))
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "first")
    await chat.send_message(thread.id, "second")
    view = await until(chat, thread.id, lambda v: len(v.live) == 3)
    assert view.live[2].words == "Queued behind the answer above"
    assert await chat.stop(thread.id) == 2
    await until(chat, thread.id, settled)
    assert len(provider.requests) <= 1


async def test_a_second_message_waits_for_the_first_answer_and_knows_it(
    open_chat: Opener,
) -> None:
    provider = scripted("First answer.", "Second answer.", pace=timedelta(milliseconds=20))
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "first")
    await chat.send_message(thread.id, "second")
    view = await until(chat, thread.id, lambda v: len(v.live) == 3)
    assert [(m.role, m.text) for m in (*view.settled, view.live[1])] == [
        ("user", "first"),
        ("user", "second"),
    ]
    view = await until(chat, thread.id, settled)
    assert [m.text for m in view.settled] == [
        "first",
        "First answer.",
        "second",
        "Second answer.",
    ]
    told = [(t.role, t.text) for t in provider.requests[1].turns]
    assert told == [("user", "first"), ("assistant", "First answer."), ("user", "second")]


async def test_a_provider_that_is_down_is_asked_again_and_the_page_says_so(
    open_chat: Opener,
) -> None:
    chat = await open_chat(scripted("Here it is.", faults=[Overloaded("Busy."), None]))
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    view = await until(chat, thread.id, lambda v: bool(v.live and "Retrying" in v.live[0].words))
    assert view.live[0].words.startswith("Busy. Retrying (2 of 5) at ")
    view = await until(chat, thread.id, settled)
    assert view.settled[-1].text == "Here it is."
    assert view.settled[-1].words == ""


async def test_a_retry_never_doubles_text(open_chat: Opener) -> None:
    provider = scripted(
        SENTENCES,
        SENTENCES,
        faults=[FailAfter(30, Overloaded("Busy."))],
        pace=timedelta(milliseconds=5),
    )
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    texts = []
    async with asyncio.timeout(20), aclosing(chat.follow(thread.id)) as views:
        async for view in views:
            texts.append((*view.live, *view.settled)[-1 if not view.live else 0].text)
            if settled(view):
                break
    assert texts[-1] == SENTENCES
    assert all(SENTENCES.startswith(text) for text in texts if text != "Hello")
    assert len(provider.requests) == 2


async def test_a_wrong_key_fails_at_once_with_words_and_a_next_step(open_chat: Opener) -> None:
    provider = scripted(faults=[WrongKey("Anthropic did not accept the API key (401)")])
    answer = await ask(await open_chat(provider))
    assert (answer.status, answer.text) == ("failed", "")
    assert "did not accept the API key" in answer.words
    assert "Check the key" in answer.next_step
    assert len(provider.requests) == 1


async def test_a_failed_answer_can_be_asked_for_again(open_chat: Opener) -> None:
    chat = await open_chat(scripted("Now it works.", faults=[WrongKey()]))
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    failed = (await until(chat, thread.id, settled)).settled[-1]
    await chat.retry(failed.id)
    view = await until(chat, thread.id, lambda v: v.settled[-1].status == "done" and not v.live)
    assert (view.settled[-1].id, view.settled[-1].text) == (failed.id, "Now it works.")
    assert (view.settled[-1].words, view.settled[-1].next_step) == ("", "")
    with pytest.raises(InvalidInput, match="failed or was stopped"):
        await chat.retry(failed.id)
    with pytest.raises(MessageNotFound):
        await chat.retry("m" * 32)


async def test_two_people_who_press_try_again_at_once_start_one_run(
    open_chat: Opener, database_url: str
) -> None:
    # Slow, so that the answer is still being written when the last of them presses.
    slow = timedelta(milliseconds=200)
    chat = await open_chat(scripted(SENTENCES, faults=[WrongKey()], pace=slow))
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    failed = (await until(chat, thread.id, settled)).settled[-1]
    other = await open_chat(scripted(SENTENCES, pace=slow))
    pressed = await asyncio.gather(
        *(app.retry(failed.id) for app in (chat, other, chat)), return_exceptions=True
    )
    assert pressed == [None] * 3
    assert await rows(chat, Run) == [2]


async def test_half_a_character_is_replaced_not_refused(open_chat: Opener) -> None:
    chat = await open_chat()
    thread = await chat.create_thread()
    sent = await chat.send_message(thread.id, "half \ud83d, whole \ud83d\ude00")
    assert sent.text == "half \ufffd, whole 😀"


async def test_a_model_that_is_not_ready_is_waited_for_in_words(open_chat: Opener) -> None:
    class Slow(ScriptedProvider):
        async def start(self, report: Callable[[ModelStatus], None]) -> None:
            self.report = report
            report(ModelStatus(ModelState.PULLING, "downloading, 43 %", 0.43))

    provider = Slow("demo", pace=timedelta(seconds=5))
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    await chat.send_message(thread.id, "Hello")
    view = await until(chat, thread.id, lambda v: bool(v.live and "Waiting" in v.live[0].words))
    assert view.live[0].words == "Waiting for the model: downloading, 43 %"
    async with asyncio.timeout(30), aclosing(chat.follow_model()) as models:
        assert (await anext(models)).progress == 0.43
        provider.report(ModelStatus(ModelState.READY))
        assert (await anext(models)).state == "ready"
    await until(chat, thread.id, lambda v: bool(v.live and v.live[0].words == "Thinking"))


async def test_the_list_of_threads_is_live(open_chat: Opener) -> None:
    chat = await open_chat(scripted(SENTENCES, pace=timedelta(milliseconds=10)))
    async with asyncio.timeout(20), aclosing(chat.follow_threads()) as lists:
        assert await anext(lists) == ()
        thread = await chat.create_thread("One")
        assert [t.title for t in await anext(lists)] == ["One"]
        await chat.rename_thread(thread.id, "  Two  words ")
        assert [t.title for t in await anext(lists)] == ["Two words"]
        await chat.send_message(thread.id, "Hello")
        assert (await anext(lists))[0].running
        async for summaries in lists:
            if not summaries[0].running:
                break
        await chat.delete_thread(thread.id)
        assert await anext(lists) == ()


async def test_an_empty_thread_without_a_name_is_in_nobodys_list(open_chat: Opener) -> None:
    chat = await open_chat()
    first, second = [await chat.create_thread() for _ in "ab"]
    assert first.id != second.id
    async with asyncio.timeout(30), aclosing(chat.follow_threads()) as lists:
        assert await anext(lists) == ()
        await chat.send_message(second.id, "Hello")
        assert [t.id for t in await anext(lists)] == [second.id]


async def test_nothing_is_left_of_a_deleted_thread_but_its_id(open_chat: Opener) -> None:
    chat = await open_chat()
    thread = await chat.create_thread("A secret")
    other = await chat.create_thread("Another")
    for where in (thread, other):
        await chat.send_message(where.id, "Hello")
        await until(chat, where.id, settled)
    before = await rows(chat, Message, Run, Step, Delta)
    await chat.delete_thread(thread.id)
    await chat.empty_thread(thread.id)
    assert await rows(chat, Message, Run, Step, Delta) == [n // 2 for n in before]
    await until(chat, other.id, settled)


@pytest.mark.parametrize("forged", [7, ["x"], {"x": 1}, "../..", "x" * 1_000_000])
async def test_forged_ids_are_refused_with_words(open_chat: Opener, forged: Any) -> None:
    chat = await open_chat()
    for verb in (
        chat.send_message(forged, "Hello", create_thread=True),
        chat.rename_thread(forged, "A name"),
        chat.delete_thread(forged),
        chat.stop(forged),
        chat.retry(forged),
    ):
        with pytest.raises(InvalidInput, match="is not an id"):
            await verb


@pytest.mark.parametrize("forged", [7, None, ["x"], {"x": 1}])
async def test_forged_texts_are_refused_with_words(open_chat: Opener, forged: Any) -> None:
    chat = await open_chat()
    thread = await chat.create_thread("A name")
    with pytest.raises(InvalidInput, match="is text, not"):
        await chat.send_message(thread.id, forged)
    with pytest.raises(InvalidInput, match="is text, not"):
        await chat.rename_thread(thread.id, forged)


@pytest.mark.usefixtures("only_told")
async def test_a_deleted_thread_is_gone_for_everybody(open_chat: Opener) -> None:
    provider = scripted(SENTENCES, pace=timedelta(milliseconds=20))
    chat = await open_chat(provider)
    thread = await chat.create_thread()
    message = await chat.send_message(thread.id, "Hello")
    following = chat.follow(thread.id)
    await anext(following)
    await until(chat, thread.id, lambda v: bool(v.live and v.live[0].text))
    await chat.delete_thread(thread.id)
    with pytest.raises(ThreadNotFound):
        await last_of(following)
    await eventually(lambda: provider.closed)
    for verb in (
        chat.send_message(thread.id, "Hello"),
        chat.send_message(thread.id, "Hello", create_thread=True),
        chat.send_message(thread.id, "Hello", message_id=message.id),
        chat.rename_thread(thread.id, "x"),
        chat.delete_thread(thread.id),
        chat.stop(thread.id),
        anext(chat.follow(thread.id)),
    ):
        with pytest.raises(ThreadNotFound):
            await verb


@pytest.mark.parametrize("title", ["", "   ", "x" * 121])
async def test_a_title_that_is_no_title_is_refused(open_chat: Opener, title: str) -> None:
    chat = await open_chat()
    thread = await chat.create_thread("One")
    with pytest.raises(InvalidInput):
        await chat.rename_thread(thread.id, title)


async def test_a_long_thread_shows_its_newest_messages_and_counts_the_rest(
    open_chat: Opener,
) -> None:
    chat = await open_chat()
    thread = await chat.create_thread()
    for n in range(6):
        await chat.send_message(thread.id, f"message {n}")
    await until(chat, thread.id, settled)
    async with aclosing(chat.follow(thread.id, window=4)) as views:
        view = await anext(views)
    assert (len(view.settled), view.earlier) == (4, 8)
    assert view.settled[-2].text == "message 5"


async def test_leaving_the_app_hands_the_run_back_and_the_next_start_finishes_it(
    database_url: str,
) -> None:
    settings = Settings(db_url=database_url)
    slow = scripted(SENTENCES, pace=timedelta(milliseconds=20))
    async with AgentChat(settings, provider=slow) as chat:
        thread = await chat.create_thread()
        await chat.send_message(thread.id, "Hello")
        await until(chat, thread.id, lambda v: bool(v.live and v.live[0].text))
    assert slow.closed == 1
    async with AgentChat(settings, provider=scripted(SENTENCES)) as chat:
        view = await until(chat, thread.id, settled)
    assert view.settled[-1].text == SENTENCES
