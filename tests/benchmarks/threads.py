"""``python -m tests.benchmarks.threads``: a list of very many threads beside one of a hundred.

What one change costs: the list is read again, and what is another is sent to the page. Both lists
are read in turn, forth and back; trust the ratio. A list that somebody has scrolled has a window
besides its front, so up to twice as many lines. Of PostgreSQL, time is told, for its CPU is
elsewhere.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, event, insert, text

from agentchat.columns import json_text, table_of
from agentchat.models import Message, Thread, ThreadMark, ThreadMember
from agentchat.shown.thread_lists import ThreadPlace, ThreadSummary
from agentchat.shown.threads import thread_list
from agentchat.store.database import Database, know_words
from agentchat.store.threads import Reader
from agentchat.ui.states.threads import PAGE
from agentchat.ui.thread_lines import Sent, Window, line_of
from tests.benchmarks.places import places

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = 100
TARGET = 1.5
ANN, BOB = "ann", "bob"
EACH = 2_000


def fill(url: str, number: int, others: int) -> None:
    """So many threads of Ann, each with an exchange, of which ten are Bob's and shared with her,
    and as many of others as are given that are not.
    """
    engine = create_engine(url, json_serializer=json_text)
    event.listen(engine, "connect", know_words)
    with engine.begin() as connection:
        for first in range(0, number + others, EACH):
            numbers = range(first, min(first + EACH, number + others))
            shared = [n for n in numbers if _is_shared(n)]
            marked = [n for n in numbers if n < number and n % 3 == 0]
            connection.execute(insert(table_of(Thread)), [_thread(n, number) for n in numbers])
            connection.execute(
                insert(table_of(Message)), [row for n in numbers for row in _messages(n)]
            )
            if shared:
                connection.execute(insert(table_of(ThreadMember)), [_member(n) for n in shared])
            if marked:
                connection.execute(insert(table_of(ThreadMark)), [_mark(n) for n in marked])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("threads", "messages", "thread_members", "thread_marks"):
            vacuum = engine.dialect.name == "postgresql"
            connection.execute(text(f"VACUUM ANALYZE {name}" if vacuum else "SELECT 1"))
    engine.dispose()


def _is_shared(n: int) -> bool:
    return n < 100 and n % 10 == 9


def _thread(n: int, number: int) -> dict[str, Any]:
    at = NOW - timedelta(minutes=n)
    owner = f"person-{n % 50}" if n >= number else BOB if _is_shared(n) else ANN
    return {
        "id": f"thread-{n:06}",
        "owner_id": owner,
        "title": f"What was said about number {n:,}",
        "length": 2,
        "state": {},
        # Those of others lie between hers.
        "created_at": at,
        "updated_at": at if n < number else at + timedelta(minutes=number, seconds=30),
    }


def _messages(n: int) -> list[dict[str, Any]]:
    about = {"thread_id": f"thread-{n:06}", "status": "done", "created_at": NOW}
    said = {"position": 0, "role": "user", "text": "What?", "user_id": ANN, "author": "Ann"}
    answer = {"position": 1, "role": "assistant", "text": "That.", "user_id": ANN, "author": "a"}
    return [{**about, "id": f"m-{n}-{one['position']}", **one} for one in (said, answer)]


def _member(n: int) -> dict[str, Any]:
    about = {"thread_id": f"thread-{n:06}", "user_id": ANN, "role": "member"}
    return {**about, "added_by": BOB, "added_at": NOW}


def _mark(n: int) -> dict[str, Any]:
    # One of some hundred is archived.
    archived = NOW if n % 300 == 0 else None
    return {
        "thread_id": f"thread-{n:06}",
        "user_id": ANN,
        "read_to": 2,
        "archived_at": archived,
        "folder": "",
    }


def main() -> None:
    """Measure both lists on both databases, and print what they took."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.threads", description=__doc__)
    parser.add_argument("--threads", type=int, default=20_000, help="of the long list")
    parser.add_argument("--others", type=int, default=20_000, help="threads of other people")
    parser.add_argument("--rounds", type=int, default=30, help="how often each is read")
    given = parser.parse_args()
    kinds = {"sqlite", "postgresql"}
    with places(kinds) as small, places(kinds) as large:
        for one, other in zip(small, large, strict=True):
            urls = one.fresh(), other.fresh()
            fill(urls[0], SMALL, 0)
            fill(urls[1], given.threads, given.others)
            print(f"{one.name}: {SMALL} and {given.threads:,} threads")
            clock = time.process_time if one.name == "sqlite" else time.perf_counter
            _measure(urls, given.threads, given.rounds, clock)


def _measure(urls: tuple[str, str], number: int, rounds: int, clock: Callable[[], float]) -> None:
    databases = [Database(url) for url in urls]
    deep = ThreadPlace(NOW - timedelta(minutes=number // 2), f"thread-{number // 2:06}")
    last = ThreadPlace(NOW - timedelta(minutes=number - PAGE), f"thread-{number - PAGE:06}")
    people = {"her own and shared": Reader(ANN), "everybody's": Reader(ANN, everything=True)}
    gc.collect()
    gc.freeze()
    print(f"  {'list':32}{'lines':>8}{'small, ms':>12}{'large, ms':>12}{'ratio':>8}{'bytes':>16}")
    for whose, who in people.items():
        for where, after in (("top", None), ("middle", deep), ("end", last)):
            reads = (_read(databases[0], who, None), _read(databases[1], who, after))
            took: tuple[list[float], list[float]] = ([], [])
            lines = [len(read()) for read in reads]
            for turn in range(rounds):
                for place in (0, 1) if turn % 2 else (1, 0):
                    began = clock()
                    reads[place]()
                    took[place].append(clock() - began)
            short, long = (1000 * statistics.median(times) for times in took)
            sent = "/".join(str(_sent(read())) for read in reads)
            ratio = long / short
            target = "ok" if ratio <= TARGET * max(1, lines[1] / lines[0]) else f"over {TARGET}"
            name = f"{whose}, {where}"
            told = "/".join(map(str, lines))
            print(f"  {name:32}{told:>8}{short:12.2f}{long:12.2f}{ratio:8.2f}{sent:>16}  {target}")
    for database in databases:
        database._threads.shutdown()
        database._reading.dispose()
        database._writing.dispose()


def _read(
    database: Database, who: Reader, after: ThreadPlace | None
) -> Callable[[], tuple[ThreadSummary, ...]]:
    return lambda: database._read_now(
        lambda session: thread_list(session, who, PAGE + 1, after=after), None
    )


def _sent(threads: tuple[ThreadSummary, ...]) -> int:
    """The bytes that a page is sent when one of them has got another title."""
    lines = [line_of(one) for one in threads]
    sent = Sent("0")
    sent.change(Window(tuple(lines)))
    lines[3] = replace(lines[3], title="Another")
    return len(json.dumps(asdict(sent.change(Window(tuple(lines))))))


if __name__ == "__main__":
    main()
