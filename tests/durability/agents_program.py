"""An app with agents that do one of everything, made to be killed: what they do, what their
model says, and a process that carries it out. See :mod:`tests.durability.program`.

The model has no memory: what it says depends on what it is told alone, so that it says the same
when it is asked again. What tools do outside the database is a line in the witness.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agentchat import Agent, AgentChat, ToolContext, Tx, tool
from agentchat import Settings as AppSettings
from agentchat.durable import engine
from agentchat.durable.context import Context
from agentchat.errors import ModelError
from agentchat.llm.anthropic import AnthropicProvider
from agentchat.llm.base import ModelRequest, Provider, Reasoning, ToolCall, Turn
from agentchat.llm.openai import OpenAIProvider
from agentchat.llm.scripted import ScriptedProvider
from agentchat.store import schema, threads
from tests.durability import program

BOOKED = ("lead", "second", "helper", "errand", "paid")
"""What is booked in a whole answer, each once."""
QUESTION = "Do one of everything."
WORDS = "All is done. Nothing is left to do. Good bye."
RUSH = timedelta(milliseconds=10)

Point = Callable[[str], Awaitable[None]]


async def nowhere(_what: str) -> None:
    """Nothing happens at this point."""


# What the tools do


def book_in(tx: Tx, what: str) -> str:
    """A row to be counted."""
    threads.create(
        tx, uuid.uuid4().hex, owner_id="booked", title=f"booked {what}", now=datetime.now(UTC)
    )
    return f"booked {what}"


@tool
def book(tx: Tx, what: str) -> str:
    """Book something: a transaction."""
    return book_in(tx, what)


@tool(approval=True)
def pay(tx: Tx, amount: int) -> str:
    """Pay, if a person says so: a transaction."""
    return f"{book_in(tx, 'paid')} {amount}"


def agents(did: Callable[[str], None], point: Point = nowhere) -> list[Agent]:
    """The agents; ``did`` is told what tools do, and ``point`` is passed within them."""

    @tool
    async def count(context: ToolContext) -> str:
        """Do something outside that knows no repetition."""
        await point("before count")
        did(f"count {context.idempotency_key}")
        await point("after count")
        return "counted"

    @tool
    async def outside(context: ToolContext) -> str:
        """Do something outside that tells a repetition by its key."""
        await point("before outside")
        did(f"outside {context.idempotency_key}")
        await point("after outside")
        return "done outside"

    @tool
    async def errand(ctx: Context, what: str) -> str:
        """Do something in several steps."""

        async def go() -> str:
            await point("before errand")
            did(f"errand {ctx.idempotency_key}")
            await point("after errand")
            return "went"

        went = await ctx.step("go", go)
        await ctx.sleep("rest", RUSH)
        booked = await ctx.transaction("book", book_in, what)
        return f"{went}, {booked}"

    tools = (count, outside, book, pay, errand)
    return [
        Agent("lead", "You lead.", tools=tools, asks=("helper",), hand_overs=("closer",)),
        Agent("helper", "You help.", tools=(book,)),
        Agent("closer", "You close."),
    ]


# What the model says


@dataclass(frozen=True, slots=True)
class Says:
    """A text and the calls after it."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    reasoning: str = ""


def says(instructions: str, rounds: int) -> Says:
    """What the model says to an agent that has called tools so often."""
    if instructions == "You help.":
        return Says("Helped.") if rounds else Says(calls=(("book", {"what": "helper"}),))
    if instructions == "You close.":
        return Says(WORDS)
    first: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("count", {}),
        ("outside", {}),
        ("book", {"what": "lead"}),
        ("pay", {"amount": 50}),
        ("no_tool", {}),
    )
    second = (
        ("ask_helper", {"task": "Help me."}),
        ("errand", {"what": "errand"}),
        ("book", {"what": "second"}),
    )
    return (
        Says("First. Let me see. ", first, "I think of everything."),
        Says("", second),
        Says("Over to you. ", (("hand_over_to_closer", {"reason": "I am done."}),)),
    )[rounds]


def reply(request: ModelRequest) -> list[str | Reasoning | ToolCall]:
    """What a scripted model replies."""
    said = says(request.instructions, sum(bool(turn.calls) for turn in request.turns))
    calls = [
        ToolCall(f"c{number}", name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(said.calls)
    ]
    thought = [Reasoning(said.reasoning, '{"seal": 1}')] if said.reasoning else []
    return [*thought, said.text, *calls]


# The process


@dataclass(slots=True)
class Settings(program.Settings):
    """``model`` is openai or anthropic, at ``server``; else the scripted one answers. So many
    ``threads`` are asked the question, unless they were before.
    """

    model: str = ""
    server: str = ""
    threads: int = 0


def provider_of(settings: Settings) -> Provider:
    """The model that answers in a process."""
    if settings.model == "openai":
        return OpenAIProvider("gpt-4o", "key", settings.server)
    if settings.model == "anthropic":
        return AnthropicProvider("claude-sonnet-4-5", "key", settings.server)
    return ScriptedProvider("instant", replies=[reply] * 1_000, pace=timedelta(milliseconds=2))


def did(what: str) -> None:
    """Tell of what a tool did."""
    program.leave("did", what)


async def slowly(_what: str) -> None:
    """Tools take a moment, in which their process may be killed."""
    await asyncio.sleep(0.01)


async def work(settings: Settings) -> None:
    """Answer until told to end by SIGTERM."""
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    async with opened(settings) as chat:
        for number in range(settings.threads):
            await chat.send_message(
                thread_of(number),
                QUESTION,
                message_id=f"question-{number:04}",
                create_thread=True,
            )
        await ending.wait()


def thread_of(number: int) -> str:
    """The id of one of the threads."""
    return f"thread-{number:04}"


def opened(settings: Settings) -> AgentChat:
    """The app of a process."""
    engine.MOST_CRASHES = 1_000_000
    return AgentChat(
        AppSettings(db_url=settings.url, titles=False),
        agents=agents(did, slowly),
        provider=provider_of(settings),
    )


def child(settings: Settings) -> None:
    """The life of a forked process."""
    ctypes.CDLL(None).prctl(program.KILLED_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(settings.log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    for number in (1, 2):
        os.dup2(log, number)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    logging.basicConfig(
        level=logging.INFO, format=f"%(relativeCreated)d {os.getpid()} %(levelname)s %(message)s"
    )
    program.configure(settings)
    asyncio.run(work(settings))


def warm_up() -> None:
    """Do once what the first answer in a process would do."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/warm.db"
        schema.upgrade(url)
        os.environ[program.WITNESS] = os.devnull

        async def once() -> None:
            async with opened(Settings(url, os.devnull)) as chat:
                thread = await chat.create_thread()
                await chat.send_message(thread.id, QUESTION)
                async for waiting in chat.inbox.follow():
                    if waiting:
                        await chat.inbox.approve(waiting[0].id)
                        break
                async for view in chat.follow(thread.id):
                    if not view.running:
                        break
            for model in ("openai", "anthropic"):
                # Nobody is there; but what it takes to ask is loaded.
                provider = provider_of(Settings(url, "", model=model, server="http://127.0.0.1:9"))
                request = ModelRequest("x", (Turn("user", "x"),))
                with suppress(ModelError):
                    async with aclosing(provider.stream(request)) as chunks:
                        async for _ in chunks:
                            pass
                await provider.close()

        asyncio.run(once())


def main() -> None:
    """Fork a process for every line of input."""
    warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    for line in sys.stdin:
        settings = Settings(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            try:
                child(settings)
            except BaseException:
                logging.exception("the process failed")
            finally:
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def told(settings: Settings) -> str:
    """Settings as a line for the parent."""
    return json.dumps(asdict(settings)) + "\n"


def lines(file: Path) -> list[str]:
    """What the tools did, in order."""
    return [" ".join(one[3:]) for one in program.lines(file) if one[2] == "did"]


if __name__ == "__main__":
    main()
