"""Trying a step again: the policy, and tenacity as the one that carries it out."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a step is tried, how long between, and what happens when that is over.

    Every error is tried again but those that say ``retryable = False`` (all of
    :mod:`agentchat.errors` but a few, :class:`~agentchat.errors.NonRetryable` for one) and
    those named in ``non_retryable``. The wait before try ``n`` is random within half to all
    of ``first * factor ** (n - 2)``, at most ``longest`` (equal jitter: tries of many runs
    spread out, none comes at once). What an error asks for (its ``retry_after``) is the
    least that is waited, unless it is more than ``longest_retry_after``: then the step has
    failed, so that a person knows. A wait of more than a few seconds holds nothing.

    A try may take ``timeout`` in all, and ``idle`` without a ``ctx.heartbeat()``; beyond it
    is cut off with :class:`~agentchat.errors.StepTimeout`, which is tried again too.

    When no try is left, ``then`` says whether the step fails, which the workflow may catch,
    or the run pauses until somebody has mended what was wrong and resumes it.
    """

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    longest: timedelta = timedelta(seconds=30)
    longest_retry_after: timedelta | None = None
    timeout: timedelta | None = None
    idle: timedelta | None = None
    non_retryable: tuple[type[Exception], ...] = ()
    then: Literal["fail", "pause"] = "fail"

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("a step is tried at least once")
        if self.factor < 1 or self.first < timedelta() or self.longest < timedelta():
            raise ValueError("waits between tries do not shrink, and are not negative")

    def may_retry(self, error: BaseException) -> bool:
        """Whether another try could help."""
        if not isinstance(error, Exception) or isinstance(error, self.non_retryable):
            return False
        asked: timedelta | None = getattr(error, "retry_after", None)
        if asked and self.longest_retry_after is not None and asked > self.longest_retry_after:
            return False
        return bool(getattr(error, "retryable", True))

    def delay(self, tries: int, error: BaseException | None, chance: random.Random) -> timedelta:
        """How long to wait after ``tries`` tries, the last of which ended in ``error``."""
        try:
            step = min(self.first * self.factor ** (tries - 1), self.longest)
        except OverflowError:
            step = self.longest
        asked: timedelta | None = getattr(error, "retry_after", None)
        return max(step * (0.5 + chance.random() / 2), asked or timedelta())


NO_RETRY = RetryPolicy(attempts=1)

Error = BaseException | None
Wait = Callable[[int, timedelta, Error], Awaitable[None]]
"""Called after a try that failed: how many there were, how long to wait, and the error."""


def tries_of(
    policy: RetryPolicy, chance: random.Random, wait: Wait, *, done: int = 0
) -> AsyncRetrying:
    """The tries that the policy allows after ``done`` of them, for ``async for`` and ``with``.

    The error of the last is raised as it is.
    """

    def error_of(state: RetryCallState) -> Error:
        return state.outcome.exception() if state.outcome else None

    def seconds(state: RetryCallState) -> float:
        tries = done + state.attempt_number
        return policy.delay(tries, error_of(state), chance).total_seconds()

    async def before_sleep(state: RetryCallState) -> None:
        delay = timedelta(seconds=state.next_action.sleep if state.next_action else 0)
        await wait(done + state.attempt_number, delay, error_of(state))

    async def slept(_seconds: float) -> None:
        """The wait has waited."""

    return AsyncRetrying(
        retry=retry_if_exception(policy.may_retry),
        stop=stop_after_attempt(max(1, policy.attempts - done)),
        wait=seconds,
        sleep=slept,
        before_sleep=before_sleep,
        reraise=True,
    )
