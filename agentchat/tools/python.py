"""Running Python that a model wrote, where it can reach nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

from agentchat.agents.tools import Tool, tool
from agentchat.agents.untrusted import visible
from agentchat.errors import ToolError
from agentchat.tools.shown import shown

MOST_CODE = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use."""

    seconds: float = 5
    memory_bytes: int = 100_000_000
    depth: int = 400
    """Of calls within calls."""
    output_bytes: int = 40_000
    value_characters: int = 10_000
    error_characters: int = 4_000


class Python:
    """Runs code in processes of the sandbox Monty: no files, no network, no environment.

    Each run has a process of its own, which ends with it. ``at_once`` run at a time; others
    wait for their turn.
    """

    def __init__(self, limits: Limits | None = None, *, at_once: int = 2) -> None:
        self._limits = limits or Limits()
        self._turns = asyncio.Semaphore(at_once)

    async def run(self, code: str) -> str:
        """What the code printed, the value of its last expression, or its error.

        Raises :class:`ToolError` when the code is too long or the sandbox cannot be started.
        """
        if len(code) > MOST_CODE:
            raise ToolError(f"The code has more than {MOST_CODE:,} characters.")
        async with self._turns:
            monty = await asyncio.to_thread(_monty)
            return visible(await self._run(monty, code)).strip() or "(no output)"

    async def _run(self, monty: ModuleType, code: str) -> str:
        limits = self._limits
        output = monty.CollectString(max_bytes=limits.output_bytes)
        # The sandbox keeps its own time; the process is killed when it does not.
        grace = limits.seconds + 2
        try:
            async with (
                asyncio.timeout(grace + 10),
                monty.AsyncMonty(
                    min_processes=1, max_processes=1, request_timeout=grace
                ) as processes,
                processes.checkout(
                    limits={
                        "max_feed_duration_secs": limits.seconds,
                        "max_memory": limits.memory_bytes,
                        "max_recursion_depth": limits.depth,
                        "max_suspensions": 100,
                    },
                    os_policy={"sleep": "zero"},
                ) as session,
            ):
                value = await session.feed_run(code, print_callback=output)
        except (monty.MontySyntaxError, monty.MontyRuntimeError) as error:
            return self._told(output.output, self._words(error.display()))
        except monty.MontyCrashedError as error:
            late = f"It took longer than {limits.seconds:g} seconds and was stopped."
            return self._told(
                output.output, late if error.timed_out else "It was stopped: the sandbox broke."
            )
        except (monty.MontyError, OSError, RuntimeError) as error:
            raise ToolError("Python cannot be run here just now.") from error
        return self._told(
            output.output, "" if value is None else shown(value, limits.value_characters)
        )

    def _words(self, traceback: str) -> str:
        limits = self._limits
        if traceback.rstrip().endswith(f"> {limits.output_bytes} bytes"):
            return f"It was stopped: it printed more than {limits.output_bytes:,} bytes."
        if len(traceback) <= limits.error_characters:
            return traceback
        half = limits.error_characters // 2
        return f"{traceback[:half]}\n[…]\n{traceback[-half:]}"

    def _told(self, printed: str, rest: str) -> str:
        if printed and not printed.endswith("\n"):
            printed += "\n"
        return printed + rest


def python_tool(python: Python) -> Tool:
    """``run_python`` as a tool that runs code by ``python``."""

    @tool(name="run_python", read_only=True, timeout=timedelta(minutes=2))
    async def run(code: str) -> str:
        """Run Python code in a sandbox. Gives what it prints and the value of its last expression.

        Each run starts afresh. There are no files, no network and no packages. These modules
        can be imported: math, json, re, datetime, decimal, itertools, functools, collections,
        random, time, base64, hashlib, csv, dataclasses, bisect, copy, unicodedata. There is no
        ``yield``, no ``del`` and no ``input``.

        Args:
            code: The Python code, on as many lines as needed.
        """
        return await python.run(code)

    return run


def _monty() -> ModuleType:
    import pydantic_monty

    return pydantic_monty
