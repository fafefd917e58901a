"""Trying a step again: the policy, and tenacity as the one that carries it out."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from agentchat.durable.clock import Clock

MOST_PATIENT = timedelta(minutes=2)
"""The longest Retry-After that is waited out; beyond it, a person should know."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a step is tried, and how long between.

    The wait before try ``n`` is random within half to all of ``first * factor ** (n - 2)``,
    at most ``longest`` (equal jitter: tries of many runs spread out, none comes at once).
    What an error asks for (its ``retry_after``) is the least that is waited. Only errors
    that say ``retryable`` are tried again.
    """

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    longest: timedelta = timedelta(seconds=30)

    def may_retry(self, error: BaseException) -> bool:
        """Whether another try could help."""
        asked: timedelta | None = getattr(error, "retry_after", None)
        return bool(getattr(error, "retryable", False)) and (asked or timedelta()) <= MOST_PATIENT

    def delay(self, tries: int, error: BaseException | None, chance: random.Random) -> timedelta:
        """How long to wait after ``tries`` tries, the last of which ended in ``error``."""
        step = min(self.first * self.factor ** (tries - 1), self.longest)
        asked: timedelta | None = getattr(error, "retry_after", None)
        return max(step * (0.5 + chance.random() / 2), asked or timedelta())


NO_RETRY = RetryPolicy(attempts=1)

Error = BaseException | None
WillRetry = Callable[[int, int, timedelta, Error], Awaitable[None]]
"""Told before a wait: which try comes next, of how many, after how long, and why."""


def tries_of(
    policy: RetryPolicy, chance: random.Random, clock: Clock, will_retry: WillRetry
) -> AsyncRetrying:
    """The tries that the policy allows, one after another, for ``async for`` and ``with``.

    The error of the last is raised as it is.
    """

    def error_of(state: RetryCallState) -> Error:
        return state.outcome.exception() if state.outcome else None

    def wait(state: RetryCallState) -> float:
        return policy.delay(state.attempt_number, error_of(state), chance).total_seconds()

    async def sleep(seconds: float) -> None:
        await clock.sleep(timedelta(seconds=seconds))

    async def before_sleep(state: RetryCallState) -> None:
        delay = timedelta(seconds=state.next_action.sleep if state.next_action else 0)
        await will_retry(state.attempt_number + 1, policy.attempts, delay, error_of(state))

    return AsyncRetrying(
        retry=retry_if_exception(policy.may_retry),
        stop=stop_after_attempt(policy.attempts),
        wait=wait,
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )
