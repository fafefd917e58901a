"""``python -m tests.benchmarks.search``: searching very many messages beside a read by key.

The messages are of words drawn as they are in a language, few of them very often (Zipf); a person
has a fiftieth of them, another has all. What is measured is CPU, of this process and of the server;
a server tells it in hundredths of a second.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import accumulate
from typing import Any

from sqlalchemy import create_engine, event, insert, text
from sqlmodel import Session

from agentchat.columns import table_of
from agentchat.models import Message, MessageStatus, Role, Thread
from agentchat.store.database import Database, know_words
from agentchat.verbs.searching import found
from tests.benchmarks.places import Place, places
from tests.benchmarks.runs_made import NOW

EACH = 50
"""Messages in a thread."""
LENGTH = 60
"""Words in a message."""
SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu", "pan", "ter", "min", "gol")
SCRIPTS = {
    1: str.maketrans("abegiklmnoprstuvz", "абегиклмнопрстувз"),
    2: str.maketrans("abegiklmnoprstuvz", "àbégîklmñôprštûvž"),
    3: str.maketrans("abegiklmnoprstuvz", "ابهغيكلمنورستفوثز"[:17]),
    5: str.maketrans("abegiklmnoprstuvz ", "กขคงจชซญดตถทธนบปผ" + "ๆ"),
    6: str.maketrans("abegiklmnoprstuvz", "가나다라마바사아자차카타파하거너더"),
    7: str.maketrans("abegiklmnoprstuvz", "कखगघचछजझटठडढणतथदध"),
}
"""Each tenth thread is in one of these, as if its words were written in it."""
ENDS = ("", "", "s", "ing", "ation", "ness")
CHINESE = 4
NAMES = {
    1: "Russian",
    2: "accents",
    3: "Arabic",
    4: "Chinese",
    5: "Thai",
    6: "Korean",
    7: "Hindi",
}
READS = {
    "nothing: threads used last": "",
    "a rare word": "needle",
    "a rare word, unfinished": "needl",
    "a common word": "{common} ",
    "a common word, unfinished": "{common}",
    "three letters": "{three}",
    "two letters": "{two}",
    "two common words": "{common} {other}",
    "a common and a rare word": "{common} needle",
    "what is nowhere": "abracadabra",
    "to be or not to be": "to be or not to be",
    "C++": "c++",
    **{f"a common word, {name}": f"{{script{number}}}" for number, name in NAMES.items()},
    "Chinese, rare": "搜索",
    "Chinese, one character": "国",
    "Chinese that is nowhere": "斑驴",
    "an emoji": "🎉",
    "signs": "%%%%",
    "32 words": "{many}",
}
PEOPLE = {"all": None, "a fiftieth": "person-07"}


def main() -> None:
    """Measure each query on both databases, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with places({"sqlite", "postgresql"}) as kinds:
        for kind in kinds:
            url, began = kind.fresh(), time.monotonic()
            words = _fill(url, given.messages)
            made = time.monotonic() - began
            print(f"{kind.name}: {given.messages:,} messages, made in {made:.0f} s")
            _measure(kind, url, words, given.rounds)


def _measure(place: Place, url: str, words: dict[str, str], rounds: int) -> None:
    database = Database(url)
    gc.collect()
    gc.freeze()
    for reader, reader_id in PEOPLE.items():
        print(f"  who may read {reader}")
        print(f"    {'query':30}{'threads':>8}{'mean, ms':>12}{'p95, ms':>10}{'ratio':>8}")
        by_key = _cpu(place, database, _by_key, rounds)
        print(f"    {'a message by its key':30}{'':8}{by_key[0]:12.2f}{by_key[1]:10.2f}{1:8.1f}")
        for name, query in READS.items():
            asked = query.format(**words)
            read = partial(found, text=asked, reader_id=reader_id, skip=0, limit=20)
            number = len(database._read_now(read, None).threads)
            mean, p95 = _cpu(place, database, read, rounds)
            ratio = mean / by_key[0]
            print(f"    {name:30}{number:8}{mean:12.2f}{p95:10.2f}{ratio:8.1f}", flush=True)
    database._threads.shutdown()
    database._reading.dispose()
    database._writing.dispose()


def _by_key(session: Session) -> Any:
    return session.get(Message, "m000050")


def _cpu(
    place: Place, database: Database, read: Callable[[Session], Any], rounds: int
) -> tuple[float, float]:
    took = []
    database._read_now(read, None)
    for _ in range(rounds):
        began = place.cpu()
        database._read_now(read, None)
        took.append(1000 * (place.cpu() - began))
    return statistics.mean(took), sorted(took)[int(0.95 * (rounds - 1) + 0.5)]


def _fill(url: str, number: int) -> dict[str, str]:
    """Write the messages, and give words that are often in them."""
    drawn = random.Random(7)
    words = sorted(
        {"".join(drawn.choices(SYLLABLES, k=drawn.randint(2, 4))) for _ in range(20_000)}
    )
    drawn.shuffle(words)
    words = [word + drawn.choice(ENDS) for word in words]
    weights = list(accumulate(1 / (place + 3) for place in range(len(words))))
    engine = create_engine(url)
    event.listen(engine, "connect", know_words)
    with engine.begin() as connection:
        for first in range(0, number, EACH):
            place = first // EACH
            connection.execute(insert(table_of(Thread)), _thread(place))
            rows = list(_messages(place, drawn, words, weights))
            connection.execute(insert(table_of(Message)), rows)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # As its autovacuum does within a minute.
            connection.execute(text("VACUUM ANALYZE messages"))
            connection.execute(text("VACUUM ANALYZE threads"))
    engine.dispose()
    scripts = {f"script{number}": _written([words[0]], number) for number in NAMES}
    return {
        "common": words[0],
        "other": words[1],
        "three": words[2][:3],
        "two": words[3][:2],
        "many": " ".join(words[:32])[:200],
        **scripts,
    }


def _written(said: list[str], script: int) -> str:
    if script == CHINESE:
        return "。".join("".join(map(_hanzi, said[at : at + 8])) for at in range(0, len(said), 8))
    return " ".join(said).translate(SCRIPTS.get(script, {}))


def _hanzi(word: str) -> str:
    """Two of three thousand, the same for the same word."""
    number = zlib.crc32(word.encode())
    return chr(0x4E00 + number % 3000) + chr(0x4E00 + number // 3000 % 3000)


def _thread(place: int) -> dict[str, Any]:
    return {
        "id": f"thread-{place:06}",
        "owner_id": f"person-{place % 50:02}",
        "title": f"Thread number {place}",
        "length": EACH,
        "created_at": NOW,
        "updated_at": NOW + timedelta(minutes=place),
    }


def _messages(
    place: int, drawn: random.Random, words: list[str], weights: list[float]
) -> Iterator[dict[str, Any]]:
    for position in range(EACH):
        said = drawn.choices(words, cum_weights=weights, k=LENGTH)
        if drawn.random() < 0.5:
            said.append(drawn.choice(("to be or not to be", "to be", "C++ or c", "not to be 🎉")))
        if drawn.random() < 0.0002:
            said.append("needle")
        if drawn.random() < 0.001:
            said.append("全文搜索")
        yield {
            "id": f"m{place * EACH + position:06}",
            "thread_id": f"thread-{place:06}",
            "position": position,
            "role": Role.USER,
            "status": MessageStatus.DONE,
            "text": _written(said, place // 50 % 10),
            "author": "Ann",
            "user_id": "person",
            "created_at": NOW + timedelta(minutes=place, seconds=position),
        }


if __name__ == "__main__":
    main()
