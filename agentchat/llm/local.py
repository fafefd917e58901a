"""The embedded model: fetched, loaded, kept running and asked, with no key and no network."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

from agentchat.errors import ConnectionLost, ModelError, ModelUnavailable, UnknownModel
from agentchat.llm import weights
from agentchat.llm.base import Chunk, ModelRequest, ModelState, ModelStatus
from agentchat.llm.catalogue import find, known_file
from agentchat.llm.child import Sidecar
from agentchat.llm.deciding import stream_deciding
from agentchat.llm.openai import OpenAIProvider
from agentchat.llm.sidecar import CONTEXT_TOKENS, MODEL_NAME

log = logging.getLogger(__name__)

MAX_OUTPUT_TOKENS = 512
"""About half a minute at 17 tokens a second, the speed on two cores."""
LOAD_TRIES = 3
LONGEST_BACK_OFF = 30.0
"""Seconds before a child that keeps dying is started once more."""
STEADY_AFTER = 60.0
"""Seconds of life after which a death counts as the first again."""
NOTICE_DEATH = 1.0
"""Seconds to wait, after a lost connection, for the news that the child died."""


class LocalProvider:
    """A model on this machine, in a process of its own that is restarted when it dies.

    One answer is generated at a time, the others wait in the order they were asked; they
    also wait while the model is fetched, loaded or restarted. ``id`` and ``label`` tell which
    model is there: after a fallback they change.
    """

    def __init__(self, name: str, models_dir: Path | None = None) -> None:
        """``name`` as in the catalogue, or the path of a ``.gguf`` file.

        Raises :class:`UnknownModel` when there is no such model or file.
        """
        if weights.is_file_name(name):
            path = Path(name).expanduser()
            if not path.is_file():
                raise UnknownModel(f"There is no file {path}.")
            self._title = path.stem
        else:
            self._title = find(name).label
        self._asked_for = self._name = name
        self._models_dir = models_dir or weights.default_models_dir()
        self._report: Callable[[ModelStatus], None] = lambda status: None
        self._task: asyncio.Task[None] | None = None
        self._child: Sidecar | None = None
        self._wire: OpenAIProvider | None = None
        self._failure: str | None = None
        self._closed = False
        self._settled = asyncio.Event()
        """Set while there is a model to ask or a reason why there is none."""
        self._turn = asyncio.Lock()

    @property
    def id(self) -> str:
        return f"local:{self._name}"

    @property
    def label(self) -> str:
        return f"{self._title} (built in)"

    @property
    def embedded(self) -> bool:
        return True

    @property
    def context_tokens(self) -> int | None:
        return CONTEXT_TOKENS

    @property
    def max_output_tokens(self) -> int:
        return MAX_OUTPUT_TOKENS

    @property
    def media_types(self) -> frozenset[str]:
        return frozenset()

    @property
    def pid(self) -> int | None:
        """The process id of the child while there is one to ask."""
        return self._child.pid if self._child else None

    async def start(self, report: Callable[[ModelStatus], None]) -> None:
        """See :meth:`agentchat.llm.base.Provider.start`."""
        self._report = report
        self._begin()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See :meth:`agentchat.llm.base.Provider.stream`.

        Raises :class:`ModelUnavailable` with the reason when the model cannot be had; asking
        once more then also tries everything once more.
        """
        request = replace(request, max_tokens=min(request.max_tokens, MAX_OUTPUT_TOKENS))
        async with self._turn:
            wire = await self._ready()
            child = self._child
            try:
                async with aclosing(stream_deciding(wire, request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except ConnectionLost:
                # Whoever asks again is to wait for the new child, not to meet the dead one.
                if child is not None:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(child.wait(), NOTICE_DEATH)
                raise

    async def close(self) -> None:
        """End the pull or the child. Safe to call twice."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._settle("The app is shutting down.")

    def _begin(self) -> None:
        if not self._closed and (self._task is None or self._task.done()):
            self._failure = None
            self._settled.clear()
            self._task = asyncio.create_task(self._live(), name="embedded model")

    async def _ready(self) -> OpenAIProvider:
        if self._task is None:
            self._begin()
        if self._closed:
            raise ModelUnavailable("The app is shutting down.")
        await self._settled.wait()
        if self._wire is not None:
            return self._wire
        reason = self._failure or "It stopped."
        self._begin()
        raise ModelUnavailable(reason)

    def _settle(self, failure: str | None = None) -> None:
        self._failure = failure
        self._settled.set()

    def _tell(self, state: ModelState, detail: str, progress: float | None = None) -> None:
        self._report(ModelStatus(state, detail, progress))

    async def _live(self) -> None:
        try:
            await self._keep_running(await self._pull())
        except ModelError as error:
            self._fail(str(error))
        except Exception:
            log.exception("the embedded model cannot be kept running")
            self._fail("The built-in model cannot be started; the server's log says why.")

    def _fail(self, reason: str) -> None:
        log.error("no embedded model: %s", reason)
        self._settle(reason)
        self._tell(ModelState.FAILED, reason)

    async def _pull(self) -> Path:
        """The model's file. The thread that fetches it has ended when this returns."""
        loop, cancel, told = asyncio.get_running_loop(), threading.Event(), -1

        def progress(done: int, total: int) -> None:
            nonlocal told
            if (percent := done * 100 // total) != told:
                told = percent
                loop.call_soon_threadsafe(self._tell_pull, done, total)

        fetch = asyncio.ensure_future(
            asyncio.to_thread(
                weights.pull, self._asked_for, self._models_dir, progress, cancel=cancel
            )
        )
        try:
            path = await asyncio.shield(fetch)
        except asyncio.CancelledError:
            cancel.set()
            await asyncio.gather(fetch, return_exceptions=True)
            raise
        if (taken := known_file(path)) and not weights.is_file_name(self._asked_for):
            self._name, self._title = taken.name, taken.label
        return path

    def _tell_pull(self, done: int, total: int) -> None:
        if done < total:
            detail = f"Fetching {self._title}: {done // 10**6} of {total // 10**6} MB"
        else:
            detail = f"Checking {self._title}"
        self._tell(ModelState.PULLING, detail, done / total)

    async def _keep_running(self, path: Path) -> None:
        """Have a child for as long as this is not cancelled.

        Raises :class:`ModelUnavailable` when the model does not load.
        """
        failed_loads = quick_deaths = 0
        detail = f"Loading {self._title}"
        while True:
            self._tell(ModelState.LOADING, detail)
            try:
                child = await Sidecar.start(path)
            except ModelUnavailable as error:
                failed_loads += 1
                if failed_loads == LOAD_TRIES:
                    raise ModelUnavailable(f"{self._title} did not load. {error}") from error
                await asyncio.sleep(_back_off(failed_loads))
                continue
            failed_loads, since = 0, time.monotonic()
            code = await self._while_alive(child)
            steady = time.monotonic() - since > STEADY_AFTER
            quick_deaths = 0 if steady else quick_deaths + 1
            log.warning("the embedded model's process ended with %s; starting it again", code)
            detail = f"{self._title} stopped by itself and is being started again"
            self._tell(ModelState.LOADING, detail)
            await asyncio.sleep(_back_off(quick_deaths))

    async def _while_alive(self, child: Sidecar) -> int:
        self._child = child
        self._wire = OpenAIProvider(
            MODEL_NAME,
            child.key,
            child.base_url,
            id_prefix="local",
            label=self.label,
            embedded=True,
            context_tokens=CONTEXT_TOKENS,
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )
        try:
            await self._wire.start(lambda status: None)
            self._settle()
            self._tell(ModelState.READY, f"{self._title} is ready", 1.0)
            return await child.wait()
        finally:
            self._settled.clear()
            wire, self._wire, self._child = self._wire, None, None
            await child.stop()
            await wire.close()


def _back_off(times: int) -> float:
    """Seconds to wait after so many failures in a row: half a second, doubling."""
    return min(0.5 * 2.0 ** (times - 1), LONGEST_BACK_OFF) if times else 0.0
