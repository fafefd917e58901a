"""The list of runs: filters, pages, counts, words, saved views, and actions on many runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from sqlmodel import Session, col, select

from agentchat import Agent, AgentChat, tool
from agentchat.durable.clock import ManualClock
from agentchat.durable.context import Context
from agentchat.durable.retry import RetryPolicy
from agentchat.durable.runs import Runs
from agentchat.durable.workflow import workflow
from agentchat.errors import InvalidInput, NotAllowed, NotFound, StorageUnavailable
from agentchat.llm.base import Finished, Usage
from agentchat.llm.scripted import ScriptedProvider
from agentchat.models import Run, RunStatus, Spending
from agentchat.operations import bulk
from agentchat.operations.filters import Place
from agentchat.operations.list_views import BulkView, RunLine, RunList
from agentchat.operations.lists import RunLists
from agentchat.store import audits, run_lists, runs
from agentchat.store.database import Database
from agentchat.views import Actor
from tests.benchmarks.runs_made import MODELS, NOW, fill, models_of
from tests.guards import NOBODY, open_to_all
from tests.integration.agents_stage import ANN, BOB, AgentStage, answered, call
from tests.long import LONG_ON_POSTGRES
from tests.waiting import eventually

pytestmark = LONG_ON_POSTGRES

MADE = 400
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lists(database: Database) -> RunLists:
    return RunLists(database, ManualClock(NOW + MINUTE), open_to_all())


@pytest.fixture
async def made(database: Database) -> list[Run]:
    """Four hundred runs as they stand after some work, newest first."""
    await asyncio.to_thread(fill, database.url, MADE)
    return await all_runs(database)


async def all_runs(database: Database) -> list[Run]:
    def read(session: Session) -> list[Run]:
        order = col(Run.created_at).desc(), col(Run.id).desc()
        return list(session.exec(select(Run).order_by(*order)))

    return await database.read(read)


async def add(database: Database, run_id: str, at: datetime, **values: Any) -> str:
    """A queued run of that moment."""
    run = runs.NewRun(run_id, values.pop("workflow", "digest"), {}, at, **values)
    await database.write(runs.add, run)
    return run_id


async def every_page(lists: RunLists, query: str, way: str = "later") -> list[RunList]:
    """All pages of a filter, from one to the next."""
    pages = [await lists.page(query, actor=ANN)]
    while getattr(pages[-1], way):
        pages.append(await lists.page(getattr(pages[-1], way), actor=ANN))
        assert len(pages) < 100
    return pages


def ids(pages: list[RunList]) -> list[str]:
    return [line.id for page in pages for line in page.lines]


async def one(lists: RunLists, run_id: str, actor: Actor = ANN) -> RunLine:
    page = await lists.page(f"text={run_id}", actor=actor)
    [line] = page.lines
    return line


# Filters


def called(run: Run, model: str) -> bool:
    return run.workflow == "reply" and run.attempt > 0 and model in models_of(run.id)


FILTERS: dict[str, Callable[[Run], bool]] = {
    "": lambda run: True,
    "status=failed": lambda run: run.status == "failed",
    "status=queued,running,waiting,paused,stopping": lambda run: (
        run.status in ("queued", "running", "waiting", "paused")
    ),
    "workflow=digest": lambda run: run.workflow == "digest",
    "workflow=reply&status=failed,stopped": lambda run: (
        run.workflow == "reply" and run.status in ("failed", "stopped")
    ),
    "workflow=reply&status=done,failed": lambda run: (
        run.workflow == "reply" and run.status in ("done", "failed")
    ),
    "agent=writer": lambda run: run.agent == "writer",
    "agent=writer&status=done": lambda run: run.agent == "writer" and run.status == "done",
    "model=openai:small": lambda run: called(run, "openai:small"),
    "model=local:tiny&status=done,failed": lambda run: (
        called(run, "local:tiny") and run.status in ("done", "failed")
    ),
    "model=local:tiny&agent=writer&thread=thread-0007": lambda run: (
        called(run, "local:tiny") and run.agent == "writer" and run.thread_id == "thread-0007"
    ),
    "model=openai": lambda run: False,
    "user=Cleo&status=waiting,failed": lambda run: (
        run.started_by == "Cleo" and run.status in ("waiting", "failed")
    ),
    "thread=thread-0007": lambda run: run.thread_id == "thread-0007",
    "thread=thread-0007&workflow=reply&status=done": lambda run: (
        run.thread_id == "thread-0007" and run.status == "done"
    ),
    "within=1h": lambda run: run.created_at >= NOW + MINUTE - timedelta(hours=1),
    "since=2025-12-31T23:30Z&until=2025-12-31T23:45Z": lambda run: (
        NOW - 30 * MINUTE <= run.created_at < NOW - 15 * MINUTE
    ),
    "since=2025-12-31T23:30Z&status=failed,done&user=Ann": lambda run: (
        run.created_at >= NOW - 30 * MINUTE
        and run.status in ("failed", "done")
        and run.started_by == "Ann"
    ),
    "text=said+perhaps": lambda run: "said perhaps" in (run.error or ""),
    "text=SAID+Perhaps&workflow=digest": lambda run: (
        "said perhaps" in (run.error or "") and run.workflow == "digest"
    ),
    "text=subject+number+7": lambda run: (run.thread_id or "").startswith(
        ("thread-0007", "thread-007")
    ),
    "text=import_orders": lambda run: run.workflow == "import_orders",
    "text=100%25": lambda run: False,
    "workflow=nothing": lambda run: False,
    "schedule=every-morning": lambda run: run.schedule_id == "every-morning",
}


@pytest.mark.parametrize("query", FILTERS)
async def test_a_filter_shows_exactly_the_runs_that_fit(
    lists: RunLists, made: list[Run], query: str
) -> None:
    fits = FILTERS[query]
    wanted = [run.id for run in made if fits(run)]
    for sort, order in (("newest", wanted), ("oldest", wanted[::-1])):
        pages = await every_page(lists, f"{query}&sort={sort}")
        assert ids(pages) == order
        assert not any(page.stopped or page.problems for page in pages)
    # Counts are of all statuses, whatever statuses the filter names.
    without = "&".join(part for part in query.split("&") if not part.startswith("status"))
    rest = FILTERS.get(without) or partial(any_status, fits)
    counted = Counter(str(run.status) for run in made if rest(run))
    assert {one.status: one.number for one in pages[0].counts if one.number} == counted
    assert not any(one.more for one in pages[0].counts)


def any_status(fits: Callable[[Run], bool], run: Run) -> bool:
    """Whether a run would fit if it had another status."""
    was = run.status
    try:
        for status in RunStatus:
            run.__dict__["status"] = status
            if fits(run):
                return True
        return False
    finally:
        run.__dict__["status"] = was


async def test_an_id_is_found_by_its_beginning_and_a_key_by_any_part(
    lists: RunLists, database: Database, made: list[Run]
) -> None:
    run = made[123]
    assert ids(await every_page(lists, f"text={run.id[:12]}")) == [run.id]
    await add(database, "keyed-run", NOW, key="order/4711")
    assert ids(await every_page(lists, "text=ER/47")) == ["keyed-run"]


async def test_looking_stops_where_it_says_and_goes_on_from_there(
    lists: RunLists, made: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lists, "FIRST_LOOK", 10)
    monkeypatch.setattr(run_lists, "LOOK", 100)
    wanted = [run.id for run in made if "said perhaps" in (run.error or "")]
    page = await lists.page("text=said+perhaps", actor=ANN)
    assert "looked through" in page.stopped
    assert [line.id for line in page.lines] == [run.id for run in made[:100] if run.id in wanted]
    pages = [page]
    while pages[-1].further or pages[-1].later:
        pages.append(await lists.page(pages[-1].further or pages[-1].later, actor=ANN))
    assert ids(pages) == wanted
    assert pages[-1].stopped == ""
    # And back up again.
    back = await lists.page(pages[-1].earlier, actor=ANN)
    while back.earlier:
        back = await lists.page(back.earlier, actor=ANN)
    assert back.lines == page.lines


async def test_counts_say_when_there_are_more(
    lists: RunLists, made: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lists, "CAP", 20)
    monkeypatch.setattr(run_lists, "COUNT_LOOK", 50)
    page = await lists.page(actor=ANN)
    counts = {one.status: (one.number, one.more) for one in page.counts}
    assert counts["done"] == (20, True)
    failed = sum(run.status == "failed" for run in made)
    assert counts["failed"] == (min(failed, 20), failed > 20)
    assert counts["stopping"] == (0, False)
    # With another condition only the newest are looked through.
    page = await lists.page("agent=writer", actor=ANN)
    counted = Counter(str(run.status) for run in made[:50] if run.agent == "writer")
    counts = {one.status: (one.number, one.more) for one in page.counts}
    assert counts["failed"] == (counted["failed"], True)


# Pages


GROWING: dict[str, Callable[[Run], bool]] = {
    "": lambda run: True,
    "status=done,failed": lambda run: run.status in ("done", "failed"),
    "workflow=reply": lambda run: run.workflow == "reply",
    "text=the": lambda run: "the" in (run.error or "").lower(),
}


async def test_no_run_is_missed_or_shown_twice_while_runs_are_added(
    lists: RunLists, database: Database, made: list[Run]
) -> None:
    for query in GROWING:
        was = await all_runs(database)
        fits = GROWING[query]
        page = await lists.page(query, actor=ANN)
        seen = [page]
        while page.later:
            # Each is newer than all before it, or as new as the newest.
            number = len(await all_runs(database))
            await add(database, f"added-{number:05}", NOW + number * MINUTE // 600)
            page = await lists.page(page.later, actor=ANN)
            seen.append(page)
        assert ids(seen) == [run.id for run in was if fits(run)], query


async def test_runs_of_the_same_moment_are_told_apart_by_their_ids(
    lists: RunLists, database: Database
) -> None:
    wanted = [await add(database, f"same-{place:04}", NOW) for place in range(120)]
    assert ids(await every_page(lists, "")) == wanted[::-1]
    assert ids(await every_page(lists, "sort=oldest")) == wanted


async def test_pages_go_back_as_they_went_forth(lists: RunLists, made: list[Run]) -> None:
    for query in ("", "status=done,failed,stopped", "sort=oldest"):
        forth = await every_page(lists, query)
        back = [forth[-1]]
        while back[-1].earlier:
            back.append(await lists.page(back[-1].earlier, actor=ANN))
        shown = [[line.id for line in page.lines] for page in forth]
        # Upwards the pages are full from the end on.
        assert [line.id for page in back[::-1] for line in page.lines][-150:] == [
            run_id for page in shown for run_id in page
        ][-150:]
        assert back[-1].first or not back[-1].earlier
        assert [line.id for line in back[-1].lines] == shown[0]


async def test_a_held_page_stays_and_counts_what_is_newer(
    lists: RunLists, database: Database, made: list[Run]
) -> None:
    page = await lists.page(actor=ANN)
    top = page.lines[0]
    anchor = str(Place(datetime.fromisoformat(top.created), top.id))
    for place in range(3):
        await add(database, f"newer-{place:03}", NOW + MINUTE)
    held = await lists.page(anchor=anchor, actor=ANN)
    assert (held.lines, held.newer) == (page.lines, 3)
    assert (await lists.page("status=failed", anchor=anchor, actor=ANN)).newer == 0
    free = await lists.page(actor=ANN)
    assert (free.lines[0].id, free.newer) == ("newer-002", 0)
    # A place that nobody has written is none.
    assert (await lists.page(anchor="x", actor=ANN)).lines == free.lines


@pytest.mark.parametrize(
    ("sort", "measure"),
    [
        ("tokens", lambda run: run.input_tokens + run.output_tokens),
        ("cost", lambda run: run.cost_usd or 0),
        ("attempts", lambda run: run.attempt),
        (
            "longest",
            lambda run: (
                ((run.finished_at or NOW + MINUTE) - run.started_at).total_seconds()
                if run.started_at
                else 0
            ),
        ),
    ],
)
async def test_runs_are_put_in_order_by_a_measure_among_the_newest(
    lists: RunLists,
    made: list[Run],
    sort: str,
    measure: Callable[[Run], float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = [
        run.id for run in sorted(made, key=lambda run: (measure(run), run.created_at, run.id))[::-1]
    ]
    pages = await every_page(lists, f"sort={sort}")
    if sort == "longest":
        # Databases reckon times to different fractions.
        lasted = {run.id: measure(run) for run in made}
        shown = [lasted[run_id] for run_id in ids(pages)]
        assert shown == pytest.approx(sorted(shown, reverse=True), abs=0.01)
        assert sorted(ids(pages)) == sorted(wanted)
    else:
        assert ids(pages) == wanted
    assert pages[0].stopped == ""
    assert (await lists.page(pages[-1].earlier, actor=ANN)).lines == pages[-2].lines
    monkeypatch.setattr(run_lists, "RANKED", 60)
    pages = await every_page(lists, f"sort={sort}")
    assert sorted(ids(pages)) == sorted(run.id for run in made[:60])
    assert "newest" in pages[0].stopped


async def test_a_list_says_whether_it_is_empty_or_its_filters_are_to_blame(
    lists: RunLists, database: Database
) -> None:
    page = await lists.page(actor=ANN)
    assert (page.empty, page.narrowed, page.lines) == (True, False, ())
    page = await lists.page("status=failed&within=1h&sort=tokens", actor=ANN)
    assert (page.empty, page.narrowed) == (True, True)
    await add(database, "a-first-run", NOW)
    page = await lists.page("status=failed", actor=ANN)
    assert (page.empty, page.narrowed, page.lines) == (False, True, ())


async def test_choices_are_the_names_that_are_there(lists: RunLists, made: list[Run]) -> None:
    choices = await lists.choices()
    assert choices.workflows == ("digest", "import_orders", "remember", "reply")
    assert choices.agents == ("assistant", "researcher", "writer")
    assert choices.models == tuple(sorted(MODELS))
    assert choices.users == ("Ann", "Bob", "Cleo")


# Lines


async def test_a_line_tells_what_a_run_is_and_why_it_stands_there(
    lists: RunLists, database: Database, made: list[Run]
) -> None:
    by_id = {run.id: run for run in made}
    for page in await every_page(lists, ""):
        for line in page.lines:
            run = by_id[line.id]
            assert (line.workflow, line.status) == (run.workflow, run.status)
            assert (line.agent, line.user) == (run.agent, run.started_by)
            if run.thread_id and not line.private:
                assert line.thread_title == f"About subject number {int(run.thread_id[-4:])}"
            if run.status == "waiting":
                assert line.why == "sleeping until {at}"
                assert datetime.fromisoformat(line.at) == run.due_at
            assert line.tokens == run.input_tokens + run.output_tokens
            assert line.unpriced == (line.tokens > 0 and run.cost_usd is None)


async def test_a_queued_run_names_the_one_before_it(lists: RunLists, database: Database) -> None:
    first = await add(database, "first-of-key", NOW, key="k")
    second = await add(database, "second-of-key", NOW + MINUTE, key="k")
    assert (await one(lists, first)).why == "waiting for a free worker"
    assert (await one(lists, second)).why == "queued behind first-of"
    waits = (await one(lists, second)).waits_since
    assert datetime.fromisoformat(waits) == NOW + MINUTE


async def test_runs_about_somebody_show_others_nothing_of_what_they_hold(
    lists: RunLists, database: Database
) -> None:
    run = runs.NewRun("private-run", "remember", {"user_id": "ann"}, NOW, thread_id="secret-one")
    await database.write(runs.add, run)

    def fail(tx: Any) -> None:
        row = runs.lock(tx, "private-run")
        assert row is not None
        values = {"error": "Ann said she is ill", "failed_step": "sift", "error_kind": "Oops"}
        runs.put(tx, row, status=RunStatus.FAILED, finished_at=NOW, **values)

    await database.write(fail)
    mine = (await lists.page(actor=ANN)).lines[0]
    assert (mine.private, "ill" in mine.why, mine.thread_id) == (False, True, "secret-one")
    assert mine.can == ("retry",)
    theirs = (await lists.page(actor=BOB)).lines[0]
    assert (theirs.private, theirs.why, theirs.thread_id, theirs.can) == (True, "Oops", "", ())
    # Nor can it be guessed by searching.
    assert (await lists.page("text=is+ill", actor=ANN)).lines == (mine,)
    assert (await lists.page("text=is+ill", actor=BOB)).lines == ()
    assert (await lists.page("text=private-r", actor=BOB)).lines == (theirs,)
    plan = await lists.plan("retry", ["private-run"], actor=BOB)
    assert (plan.ids, [n.words for n in plan.cannot]) == ((), ["about what another person said"])


async def test_nobody_without_a_name_sees_anything(lists: RunLists) -> None:
    with pytest.raises(NotAllowed):
        await lists.page(actor=NOBODY)
    with pytest.raises(NotAllowed):
        lists.follow(actor=NOBODY)
    with pytest.raises(NotAllowed):
        await lists.plan("cancel", "status=queued", actor=NOBODY)
    with pytest.raises(NotAllowed):
        await lists.start("cancel", ["some-run-id"], actor=NOBODY)
    with pytest.raises(NotAllowed):
        lists.follow_bulk("some-bulk-id", actor=NOBODY)
    with pytest.raises(NotAllowed):
        await lists.save_view("mine", "", actor=NOBODY)


# Live


async def test_a_followed_list_changes_by_itself_and_not_more_than_twice_a_second(
    lists: RunLists, database: Database
) -> None:
    await add(database, "the-first-run", NOW)
    loop = asyncio.get_running_loop()
    seen: list[tuple[float, RunList]] = []

    async def follow() -> None:
        async with aclosing(lists.follow("workflow=digest")) as pages:
            async for page in pages:
                seen.append((loop.time(), page))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        await eventually(lambda: seen)
        began = loop.time()
        for place in range(60):
            await add(database, f"more-{place:05}", NOW + MINUTE)
            await asyncio.sleep(0.02)
        await eventually(lambda: len(seen[-1][1].lines) == 50, 10)
        await eventually(lambda: seen[-1][1].lines[0].id == "more-00059", 10)
        lasted = loop.time() - began
        task.cancel()
    gaps = [b - a for (a, _), (b, _) in pairwise(seen)]
    assert min(gaps) >= 0.45
    assert len(seen) <= 2 + lasted / 0.45


# Saved views


async def test_saved_views_are_a_persons_own(lists: RunLists) -> None:
    async def views(actor: Actor) -> list[tuple[str, str]]:
        async with aclosing(lists.follow_views(actor=actor)) as followed:
            return [(view.name, view.query) for view in await anext(followed)]

    async with aclosing(lists.follow_views(actor=ANN)) as followed:
        assert await anext(followed) == ()
        place = Place(NOW, "12345678")
        await lists.save_view("Broken", f"?status=failed&after={place}&odd=1", actor=ANN)
        [saved] = await anext(followed)
        # Without the page, and without what is no filter.
        assert (saved.name, saved.query) == ("Broken", "status=failed")
        await lists.save_view("Broken", "status=failed&within=24h", actor=ANN)
        [again] = await anext(followed)
        assert (again.id, again.query) == (saved.id, "status=failed&within=24h")
        await lists.save_view("again", "", actor=ANN)
        await lists.save_view("Broken", "workflow=digest", actor=BOB)
        assert await views(ANN) == [("again", ""), ("Broken", "status=failed&within=24h")]
        assert await views(BOB) == [("Broken", "workflow=digest")]
        with pytest.raises(InvalidInput, match="already"):
            await lists.rename_view(saved.id, " again ", actor=ANN)
        with pytest.raises(NotFound):
            await lists.rename_view(saved.id, "Mine", actor=BOB)
        await lists.delete_view(saved.id, actor=BOB)
        await lists.rename_view(saved.id, "Failed  today", actor=ANN)
        assert ("Failed today", "status=failed&within=24h") in await views(ANN)
        await lists.delete_view(saved.id, actor=ANN)
        assert await views(ANN) == [("again", "")]
    for name in ("", "   ", "x" * 81):
        with pytest.raises(InvalidInput, match="at most 80"):
            await lists.save_view(name, "", actor=ANN)


async def test_nobody_keeps_too_many_views(lists: RunLists) -> None:
    for place in range(50):
        await lists.save_view(f"view {place}", "", actor=ANN)
    with pytest.raises(InvalidInput, match="Delete one first"):
        await lists.save_view("one more", "", actor=ANN)
    await lists.save_view("view 7", "status=failed", actor=ANN)
    await lists.save_view("one more", "", actor=BOB)


# Many at once


@workflow(name="errand")
async def errand(ctx: Context, fails: bool = False) -> str:
    if fails:
        await ctx.step("go", _broken)
    await ctx.sleep("rest", timedelta(hours=1))
    return "back"


async def _broken() -> None:
    raise ValueError("the road is closed")


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[AgentStage]:
    async with AsyncExitStack() as stack:
        yield AgentStage(database_url, stack)


async def opened(stage: AgentStage, **options: Any) -> AgentChat:
    return await stage.open(Agent("helper", "Help."), workflows=[errand], **options)


async def over(chat: AgentChat, bulk_id: str) -> BulkView:
    async with asyncio.timeout(30), aclosing(chat.operations.lists.follow_bulk(bulk_id)) as views:
        async for view in views:
            if view.over:
                return view
    raise AssertionError("it was never over")


async def statuses(chat: AgentChat) -> Counter[str]:
    rows = await all_runs(chat._database)
    return Counter(str(run.status) for run in rows if run.workflow == "errand")


async def settle(chat: AgentChat, **wanted: int) -> None:
    async with asyncio.timeout(20), aclosing(chat.operations.lists.follow()) as pages:
        async for _ in pages:
            if await statuses(chat) == wanted:
                return


async def test_many_runs_are_changed_by_a_run_of_its_own_that_tells_of_each(
    stage: AgentStage,
) -> None:
    chat = await opened(stage)
    verbs, lists = chat.runs.by(BOB), chat.operations.lists
    started = [await verbs.start(errand) for _ in range(25)]
    failed = [await verbs.start(errand, fails=True) for _ in range(3)]
    await settle(chat, waiting=25, failed=3)
    plan = await lists.plan("cancel", [*started, *failed, "gone-run-id"], actor=ANN)
    assert plan.ids == tuple(started)
    assert {(one.number, one.words) for one in plan.cannot} == {
        (3, "failed already"),
        (1, "not there any more"),
    }
    # What is over meanwhile is refused, in words.
    await verbs.kill(started[0])
    bulk_id = await lists.start("cancel", [*plan.ids, "gone-run-id"], actor=ANN)
    view = await over(chat, bulk_id)
    assert (view.action, view.by, view.status) == ("cancel", "Ann", "done")
    assert (view.total, view.done, view.failed) == (26, 24, 2)
    assert {(one.run_id, one.words) for one in view.refused} == {
        (started[0], "It is stopping or over already."),
        ("gone-run-id", "This run does not exist."),
    }
    await settle(chat, stopped=25, failed=3)
    entries = await chat._database.read(audits.of, "run", started[1], limit=9)
    assert [(entry.action, entry.by) for entry in entries] == [("cancel", "Ann")]
    # All that fit a filter, and from the step that failed.
    plan = await lists.plan("retry", "workflow=errand&status=failed", actor=ANN)
    assert set(plan.ids) == set(failed)
    view = await over(chat, await lists.start("retry", plan.ids, actor=ANN))
    assert (view.done, view.failed) == (3, 0)
    # The run that did it is in the list, like any other, but is nobody's to repeat.
    [line] = (await lists.page(f"text={bulk_id}")).lines
    assert (line.workflow, line.user, line.status) == ("bulk", "Ann", "done")
    with pytest.raises(InvalidInput, match="choose those again"):
        await chat.runs.rerun(bulk_id)


async def test_many_runs_are_paused_and_resumed(stage: AgentStage) -> None:
    chat = await opened(stage)
    lists = chat.operations.lists
    started = [await chat.runs.start(errand) for _ in range(4)]
    await settle(chat, waiting=4)
    await over(chat, await lists.start("pause", started, actor=ANN))
    await settle(chat, paused=4)
    assert (await one(lists, started[0])).why == "paused by Ann"
    assert (await lists.plan("pause", started)).cannot[0].words == "paused already"
    view = await over(chat, await lists.start("resume", started, actor=ANN))
    assert view.done == 4
    await settle(chat, waiting=4)


async def test_an_action_that_is_asked_for_twice_is_one(stage: AgentStage) -> None:
    chat = await opened(stage)
    lists = chat.operations.lists
    run_id = await chat.runs.start(errand)
    await settle(chat, waiting=1)
    ids = [await lists.start("pause", [run_id], bulk_id="the-same-bulk") for _ in range(2)]
    assert ids == ["the-same-bulk"] * 2
    view = await over(chat, "the-same-bulk")
    assert (view.done, view.failed) == (1, 0)


async def test_a_bulk_that_dies_in_the_middle_goes_on_and_refuses_nothing_that_it_did(
    stage: AgentStage, database_url: str
) -> None:
    chat = await opened(stage)
    started = [await chat.runs.start(errand) for _ in range(12)]
    await settle(chat, waiting=12)
    # Another process does the first few, and dies before it has written down that it did.
    database = Database(database_url)
    database.open()
    clock = ManualClock(datetime.now(UTC))
    order = bulk.Order("pause", started, ANN)
    await database.write(runs.add, bulk.queued("dying-bulk", order, clock.now() + 9 * MINUTE))
    since = (await database.read(runs.get, "dying-bulk")).data["since"]  # type: ignore[union-attr]
    for run_id in started[:4]:
        await chat.runs.by(ANN).pause(run_id)
    done = [
        await bulk._change_one(
            chat.runs, database, order, run_id, datetime.fromisoformat(since) - 10 * MINUTE
        )
        for run_id in started
    ]
    assert done == [(run_id, True, "") for run_id in started]
    await settle(chat, paused=12)
    # What somebody did before is not what this did.
    refused = await bulk._change_one(
        chat.runs, database, order, started[0], datetime.fromisoformat(since)
    )
    assert refused[1] is False
    assert "only one that is queued, running or waiting" in refused[2]
    await database.close()


async def test_a_database_that_is_away_is_no_refusal(
    stage: AgentStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await opened(stage)
    run_id = await chat.runs.start(errand)
    await settle(chat, waiting=1)
    tried: list[str] = []
    pause = Runs.pause

    async def away_once(self: Runs, run_id: str) -> None:
        tried.append(run_id)
        if len(tried) == 1:
            raise StorageUnavailable("The database cannot be written.")
        await pause(self, run_id)

    monkeypatch.setattr(bulk, "_RETRY", RetryPolicy(attempts=3, first=timedelta()))
    monkeypatch.setattr(Runs, "pause", away_once)
    view = await over(chat, await chat.operations.lists.start("pause", [run_id]))
    assert (view.done, view.failed, len(tried)) == (1, 0, 2)


async def test_a_restart_in_the_middle_of_a_bulk_loses_nothing(
    database_url: str,
) -> None:
    async with AsyncExitStack() as stack:
        chat = await opened(AgentStage(database_url, stack))
        started = [await chat.runs.start(errand) for _ in range(60)]
        await settle(chat, waiting=60)
        bulk_id = await chat.operations.lists.start("pause", started, actor=ANN)
        async with aclosing(chat.operations.lists.follow_bulk(bulk_id)) as views:
            async for view in views:
                if view.done or view.over:
                    break
    async with AsyncExitStack() as stack:
        chat = await opened(AgentStage(database_url, stack))
        view = await over(chat, bulk_id)
        assert (view.total, view.done, view.failed) == (60, 60, 0)
        assert await statuses(chat) == {"paused": 60}
        for run_id in started:
            entries = await chat._database.read(audits.of, "run", run_id, limit=9)
            assert len(entries) == 1


async def test_too_much_at_once_is_refused_and_a_plan_says_that_there_is_more(
    lists: RunLists, made: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput, match=r"Between 1 and 1,000"):
        await lists.start("cancel", [f"run-{place:08}" for place in range(1_001)])
    with pytest.raises(InvalidInput, match=r"Between 1 and 1,000"):
        await lists.start("cancel", [])
    with pytest.raises(InvalidInput, match="none of cancel, pause"):
        await lists.plan("erase", "")
    with pytest.raises(InvalidInput, match="none of cancel, pause"):
        await lists.start("kill", ["some-run-id"])
    with pytest.raises(InvalidInput, match="not an id"):
        await lists.plan("cancel", ["?"])
    monkeypatch.setattr(bulk, "MOST", 30)
    plan = await lists.plan("cancel", "workflow=digest")
    newest = [run for run in made if run.workflow == "digest"][:30]
    active = [run.id for run in newest if run.status in ("queued", "running", "waiting", "paused")]
    assert (plan.more, plan.ids) == (True, tuple(active))
    assert sum(one.number for one in plan.cannot) == 30 - len(active)
    plan = await lists.plan("cancel", [run.id for run in made])
    assert plan.more
    assert plan.number + sum(one.number for one in plan.cannot) == 30


async def test_what_is_no_bulk_is_not_shown_as_one(lists: RunLists, database: Database) -> None:
    await add(database, "no-bulk-run", NOW)
    for bulk_id in ("no-bulk-run", "unknown-run"):
        async with aclosing(lists.follow_bulk(bulk_id)) as views:
            assert (await anext(views)).missing


# Costs


class Priced(ScriptedProvider):
    """A model that says what each call took."""

    def __init__(self, *replies: object, model: str = "openai:gpt-4o-mini") -> None:
        super().__init__("instant", replies=replies)  # type: ignore[arg-type]
        self.id = model

    async def stream(self, request):  # type: ignore[no-untyped-def]
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Finished):
                    chunk = Finished(chunk.reason, Usage(1_000, 100))
                yield chunk


async def test_a_line_tells_what_its_own_run_has_cost_and_its_row_says_the_same(
    stage: AgentStage,
) -> None:
    boss = Agent("boss", "Lead.", asks=("helper",))
    helper = Agent("helper", "Help.", model=Priced("Three."))
    replies = [call("ask_helper", task="Count.")], "It is three."
    chat = await stage.open(boss, helper, provider=Priced(*replies))
    await answered(chat, "How many?", agent="boss")
    lines = {line.agent: line for line in (await chat.operations.lists.page()).lines}
    # The boss called twice, the helper once; neither is counted for the other.
    assert (lines["boss"].tokens, lines["helper"].tokens) == (2_200, 1_100)
    assert lines["boss"].cost_usd == pytest.approx(2 * lines["helper"].cost_usd)
    assert lines["helper"].cost_usd > 0
    assert not any(line.unpriced for line in lines.values())

    def read(session: Session) -> dict[str, tuple[int, float]]:
        told: dict[str, tuple[int, float]] = {}
        for one in session.exec(select(Spending)):
            tokens, cost = told.get(one.run_id, (0, 0.0))
            sum_of = one.input_tokens + one.output_tokens
            told[one.run_id] = tokens + sum_of, cost + (one.cost_usd or 0)
        return told

    spent = await chat._database.read(read)
    for run in await all_runs(chat._database):
        tokens, cost = spent[run.id]
        assert run.input_tokens + run.output_tokens == tokens
        assert run.cost_usd == pytest.approx(cost)


async def test_tokens_without_a_price_are_never_free(stage: AgentStage) -> None:
    helper = Agent("helper", "Help.", model=Priced("Three.", model="compatible:nobody-knows"))
    chat = await stage.open(helper)
    await answered(chat, "How many?")
    [line] = (await chat.operations.lists.page("workflow=reply")).lines
    assert (line.tokens, line.cost_usd, line.unpriced) == (1_100, 0.0, True)


async def test_a_run_that_waits_for_a_person_says_so(stage: AgentStage) -> None:
    @tool(approval=True)
    async def pay(amount: int) -> str:
        """Pay somebody."""
        return "paid"

    clerk = Agent("clerk", "Pay.", tools=(pay,))
    chat = await stage.open(clerk, replies=[[call("pay", amount=5)], "Done."])
    thread = await chat.create_thread("The boat", actor=ANN)
    await chat.send_message(thread.id, "pay", actor=ANN)
    async with asyncio.timeout(20), aclosing(chat.operations.lists.follow()) as pages:
        async for page in pages:
            if page.lines and page.lines[0].status == "waiting":
                break
    line = page.lines[0]
    assert line.why.startswith("waiting for approval")
    assert (line.thread_title, line.agent, line.user) == ("The boat", "clerk", "Ann")
    assert line.can == ("cancel", "pause")
