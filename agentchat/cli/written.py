"""A file that a command writes: whole, or as it was before."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from agentchat.errors import InvalidInput

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def written(name: str) -> Iterator[TextIO]:
    """A file to write to that takes its name when all is in it and on the disk. If that fails,
    what was there stays. Raises :class:`~agentchat.errors.InvalidInput` with the reason.
    """
    file = Path(os.path.realpath(name))
    try:
        if file.exists() and not file.is_file():
            # A pipe or a device is nothing to replace.
            with file.open("w", encoding="utf-8") as to:
                yield to
        else:
            yield from _replacing(file)
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in _NO_ROOM:
            why = f"the disk is full ({why}). Make room, or name a file on another disk"
        raise InvalidInput(f"{name} cannot be written: {why}.") from error


def _replacing(file: Path) -> Iterator[TextIO]:
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with unfinished.open("x", encoding="utf-8") as to:
            yield to
            to.flush()
            os.fsync(to.fileno())
        if file.exists():
            shutil.copymode(file, unfinished)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    # The name is on the disk only with its folder.
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
