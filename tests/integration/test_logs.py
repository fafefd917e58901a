"""The log of a process: lines for people, or JSON that tells which run each is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from agentchat import Context, Settings, workflow
from agentchat.durable.app import Durable
from agentchat.errors import WrongState
from agentchat.observing.logs import JsonLines

SECRET = "what only the run's row may hold"
mine = logging.getLogger("tests.somebody")


class Lines(logging.Handler):
    """Keeps what a JSON log would write."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.setFormatter(JsonLines(secrets))
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))

    def of(self, words: str) -> dict[str, Any]:
        """The only line with these words in its message."""
        found = [json.loads(line) for line in self.written]
        [line] = [line for line in found if words in line["message"]]
        return dict(line)


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(("hunter2-the-password",)), logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)


async def says(what: str) -> None:
    mine.warning("inside a step")
    raise ValueError(f"{SECRET}: {what}")


@workflow(name="logging")
async def logs_much(ctx: Context) -> None:
    mine.warning("between steps")
    await ctx.step("says", says, SECRET)


async def test_each_line_tells_which_run_and_step_it_is_about(
    database_url: str, lines: Lines
) -> None:
    async with Durable(database_url, [logs_much]) as durable:
        run_id = await durable.runs.start(logs_much)
        await durable.runs.result(run_id)
        mine.warning("outside")

    about = {"run_id": run_id, "workflow": "logging"}
    between, inside = lines.of("between steps"), lines.of("inside a step")
    assert about.items() <= between.items()
    assert "step" not in between
    assert (about | {"step": "says"}).items() <= inside.items()
    assert inside["level"] == "warning"
    assert inside["logger"] == "tests.somebody"
    assert "run_id" not in lines.of("outside")


@workflow(name="crashing")
async def crashes(ctx: Context) -> None:
    raise ValueError(SECRET)


async def test_an_error_is_told_by_its_kind_and_place_and_without_contents(
    database_url: str, lines: Lines
) -> None:
    async with Durable(database_url, [crashes]) as durable:
        run_id = await durable.runs.start(crashes)
        assert (await durable.runs.result(run_id)).error == SECRET

    line = lines.of("failed")
    assert line["run_id"] == run_id
    assert line["error"]["kind"] == "ValueError"
    assert any("in crashes" in place for place in line["error"]["at"])
    assert not any(SECRET in written for written in lines.written)


def test_secrets_are_hidden_wherever_they_stand(lines: Lines) -> None:
    mine.warning("the password is hunter2-the-password and the key sk-ant-abcdefghij0123456789")
    mine.warning("could not: %s", ValueError(SECRET))
    mine.warning("refused: %s", WrongState("It is over."))
    mine.warning("placed", extra={"run_id": "r1", "thread_id": "t1"})

    told = lines.of("the password is")["message"]
    assert told == "the password is [redacted] and the key [redacted]"
    assert lines.of("could not")["message"] == "could not: ValueError"
    assert lines.of("refused")["message"] == "refused: It is over."
    assert {"run_id": "r1", "thread_id": "t1"}.items() <= lines.of("placed").items()


def test_a_line_is_one_line_whatever_it_says(lines: Lines) -> None:
    mine.warning("two\nlines and \u2028 a strange one: %s", {"a": 1})
    [written] = lines.written
    assert len(written.split("\n")) == 1
    assert json.loads(written)["message"].startswith("two\nlines")


def test_the_keys_among_the_settings_are_known() -> None:
    settings = Settings(
        db_url="postgresql://me:s3cret@example/db",
        metrics_token=SecretStr("token"),
        openai_api_key=SecretStr("sk-1"),
    )
    assert set(settings.secrets) == {"s3cret", "token", "sk-1"}
