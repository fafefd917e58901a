"""How much one address may ask for, by the clock."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agentchat.ui import rate_limits
from agentchat.ui.rate_limits import GENEROUS, MOST_WAIT, OPENING, OPENING_BURST, Addresses, Bucket


def test_a_bucket_lets_a_burst_through_and_then_so_many_a_second() -> None:
    pace = Bucket(10, 5.0)
    assert [pace.delay(100.0) for _ in range(10)] == [0.0] * 10
    assert pace.delay(100.0) == pytest.approx(0.2)
    assert pace.delay(100.2) == pytest.approx(0.2)
    assert pace.delay(1000.0) == 0.0
    assert [pace.delay(1000.0) for _ in range(9)] == [0.0] * 9
    assert pace.delay(1000.0) > 0


def test_what_costs_more_takes_more_and_what_is_not_let_through_takes_nothing() -> None:
    pace = Bucket(10, 5.0)
    assert pace.delay(100.0, 10.0) == 0.0
    assert pace.delay(100.0, 5.0, most=0.5) == pytest.approx(1.0)
    assert pace.delay(100.0, 5.0) == pytest.approx(1.0)
    assert pace.turn(100.0, 5.0 * MOST_WAIT) is None
    assert pace.turn(100.0, 5.0 * MOST_WAIT - 5) == pytest.approx(MOST_WAIT)


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    pace = Bucket(1, 5.0)
    assert pace.delay(100.0) == 0.0
    assert pace.delay(90.0) == pytest.approx(0.2)
    assert pace.delay(100.0) == pytest.approx(0.4)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def addresses(
    clock: Clock, *, most: int = 3, hops: int = 0, open_to_all: bool = False
) -> Addresses:
    return Addresses(clock, most_sockets=most, hops=hops, open_to_all=open_to_all)


def scope(peer: str, forwarded: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"type": "websocket", "client": (peer, 1234), "headers": headers}


def test_an_address_may_open_so_many_sockets_at_once_and_another_as_many() -> None:
    clock = Clock()
    known = addresses(clock)
    one = known.of(scope("203.0.113.7"))
    for _ in range(3):
        clock.now += 10
        assert one.wait_to_open(clock.now) == 0.0
        one.sockets += 1
    clock.now += 10
    assert one.wait_to_open(clock.now) is None
    assert known.of(scope("203.0.113.8")).wait_to_open(clock.now) == 0.0
    one.sockets -= 1
    assert known.of(scope("203.0.113.7")).wait_to_open(clock.now) == 0.0


def test_sockets_that_are_opened_too_fast_wait_and_then_are_refused() -> None:
    clock = Clock()
    one = addresses(clock, most=0).of(scope("203.0.113.7"))
    waits = [one.wait_to_open(clock.now) for _ in range(100)]
    assert waits[:OPENING_BURST] == [0.0] * OPENING_BURST
    let_in = [wait for wait in waits if wait is not None]
    assert let_in == sorted(let_in)
    assert len(let_in) == OPENING_BURST + MOST_WAIT * OPENING
    assert waits[len(let_in) :] == [None] * (100 - len(let_in))
    clock.now += 1
    # Those that were refused have used nothing up.
    again = [one.wait_to_open(clock.now) for _ in range(100)]
    assert sum(wait is not None for wait in again) == OPENING


def test_an_address_is_what_our_own_proxies_say_and_nobody_else() -> None:
    for hops, forwarded, same in (
        (0, ("1.1.1.1", "2.2.2.2"), True),
        (1, ("1.1.1.1", "2.2.2.2"), False),
        # What was there before our proxy added the last may be made up.
        (1, ("1.1.1.1, 9.9.9.9", "2.2.2.2, 9.9.9.9"), True),
        (2, ("1.1.1.1, 9.9.9.9", "2.2.2.2, 9.9.9.9"), False),
    ):
        known = addresses(Clock(), hops=hops)
        first, second = (known.of(scope("10.0.0.1", one)) for one in forwarded)
        assert (first is second) == same, (hops, forwarded)


def test_a_household_has_one_network_and_one_count() -> None:
    known = addresses(Clock())
    assert known.of(scope("2001:db8:1:2::1")) is known.of(scope("2001:db8:1:2:3::4"))
    assert known.of(scope("2001:db8:1:2::1")) is not known.of(scope("2001:db8:1:3::1"))


def test_only_who_sits_at_a_machine_without_accounts_may_do_much_more() -> None:
    clock = Clock()

    def at_once(peer: str, forwarded: str = "", *, hops: int = 0, open_to_all: bool) -> int:
        one = addresses(clock, most=0, hops=hops, open_to_all=open_to_all).of(
            scope(peer, forwarded)
        )
        return sum(one.wait_to_open(clock.now) == 0.0 for _ in range(1000))

    assert at_once("127.0.0.1", open_to_all=True) == GENEROUS * OPENING_BURST
    assert at_once("::1", open_to_all=True) == GENEROUS * OPENING_BURST
    assert at_once("127.0.0.1", open_to_all=False) == OPENING_BURST
    assert at_once("127.0.0.1", "203.0.113.7", hops=1, open_to_all=True) == OPENING_BURST


def test_many_addresses_take_a_bounded_memory_and_none_with_sockets_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limits, "MOST_ADDRESSES", 100)
    known = addresses(Clock())
    stays = known.of(scope("203.0.113.7"))
    stays.sockets = 3
    for number in range(10_000):
        known.of(scope(f"10.1.{number // 250}.{number % 250}"))
        assert len(known) <= 101
    assert known.of(scope("203.0.113.7")) is stays


async def test_the_log_is_told_once_a_minute_how_often_an_address_was_refused(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "HELD", 0.0)
    caplog.set_level(logging.WARNING)
    clock = Clock()
    known = addresses(clock)
    one = known.of(scope("203.0.113.7"))
    for _ in range(50):
        await known.refuse(one, "Sockets")
    assert len(caplog.messages) == 1
    assert "Sockets of 203.0.113.7 were refused" in caplog.messages[0]
    clock.now += 61
    await known.refuse(one, "Sockets")
    assert len(caplog.messages) == 2
    assert "(50 times since" in caplog.messages[1]
