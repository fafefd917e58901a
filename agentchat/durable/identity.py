"""Who a worker is, so that another on the same machine can tell that it is dead."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import uuid
from functools import cache
from pathlib import Path


def new_worker() -> str:
    """A name for a worker of this process: machine, process id, and something random."""
    return f"{_machine()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def is_dead(worker: str) -> bool:
    """Whether the worker's process is certainly gone: it was of this machine, since this
    boot, in this process namespace, and there is no such process now. In doubt false: then
    its lease has to lapse.
    """
    machine, _, rest = worker.partition(":")
    pid = rest.partition(":")[0]
    if machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _ended(int(pid))


def _ended(pid: int) -> bool:
    """Whether a process is over and only its parent has not asked for it yet, as happens in
    containers.
    """
    try:
        # The state follows the name, which may hold anything but ends with the last bracket.
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("Z", "X")


@cache
def _machine() -> str:
    marks = [platform.node(), f"{uuid.getnode():x}"]
    with contextlib.suppress(OSError):
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        marks.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("|".join(marks).encode()).hexdigest()[:12]


def host() -> str:
    """The name of this machine, as people know it."""
    return platform.node()
