"""What is under way for long is told of with one timer."""

from __future__ import annotations

import asyncio

import pytest

from agentchat.durable import late
from agentchat.durable.late import Late


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "LATE", 0.01)


async def test_only_what_has_not_ended_in_time_is_told_in_its_order() -> None:
    watch, told, all_told = Late(), list[int](), asyncio.Event()

    def tell(n: int) -> None:
        told.append(n)
        if n == 4:
            all_told.set()

    numbers = [watch.begin(lambda n=n: tell(n)) for n in range(5)]  # type: ignore[misc]
    for n in (0, 2, 3):
        watch.end(numbers[n])
    await asyncio.wait_for(all_told.wait(), 30)
    watch.end(numbers[4])
    assert told == [1, 4]


async def test_what_began_while_a_timer_was_set_for_another_is_told_no_sooner() -> None:
    loop, watch, told = asyncio.get_running_loop(), Late(), asyncio.Event()
    watch.end(watch.begin(lambda: None))
    await asyncio.sleep(0.005)
    began = loop.time()
    watch.begin(told.set)
    await asyncio.wait_for(told.wait(), 30)
    assert loop.time() - began >= 0.0095


async def test_after_a_time_with_nothing_under_way_it_tells_again() -> None:
    watch = Late()
    for _ in range(2):
        told = asyncio.Event()
        watch.begin(told.set)
        await asyncio.wait_for(told.wait(), 30)
        await asyncio.sleep(0.02)


async def test_a_thousand_steps_that_come_and_go_need_one_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, watch, timers = asyncio.get_running_loop(), Late(), list[float]()
    call_at = loop.call_at

    def counting(when: float, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(late, "LATE", 60)
    monkeypatch.setattr(loop, "call_at", counting)
    for _ in range(1_000):
        watch.end(watch.begin(lambda: None))
    assert len(timers) == 1
