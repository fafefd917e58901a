"""``agentchat users``: who may log in, while the app runs in another process and before."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agentchat import LOCAL
from agentchat.accounts.passwords import Passwords
from agentchat.cli import users as cli_users
from agentchat.durable.clock import SystemClock
from agentchat.errors import WrongPassword
from agentchat.store.database import Database
from tests.integration.accounts_stage import (
    ANN,
    BOB,
    CAT,
    accounts_on,
    actor_of,
    audited,
    becomes_nobodys,
)


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    words: str


Command = Callable[..., Awaitable[Done]]


async def call(*arguments: str, given: str = "") -> Done:
    """The command in this process: another one takes seconds to start."""
    done = await asyncio.to_thread(CliRunner().invoke, cli_users.app, arguments, input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("AGENTCHAT_DB_URL", database_url)
    return call


async def in_a_process(*arguments: str) -> int:
    """What a command ends with that runs in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agentchat", "users", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


async def test_an_operator_adds_people_and_lets_them_in_again_while_the_app_runs(
    command: Command, database: Database
) -> None:
    # As the command hashes: another of its hashes would be made anew.
    accounts = accounts_on(database, SystemClock(), Passwords())
    added = await command("add", "Ann", "--admin", "--display-name", "Ann Lee", given=f"{ANN}\n")
    assert (added.code, added.out) == (0, "Ann may log in, and is an admin.\n")
    token = await accounts.log_in("ann", ANN)
    assert (await actor_of(accounts, token)).admin

    listed = json.loads((await command("list", "--json")).out)
    assert [(one["name"], one["admin"], one["active"]) for one in listed] == [("ann", True, True)]
    table = (await command("list")).out.splitlines()
    assert table[0].split() == ["NAME", "SEEN", "AS", "ADMIN", "ACTIVE", "SINCE"]
    assert table[1].split()[:5] == ["ann", "Ann", "Lee", "yes", "yes"]

    made = await command("reset", "ann", "--make-password")
    assert made.code == 0
    password = made.out.splitlines()[-1].removeprefix("Password: ")
    await becomes_nobodys(accounts, token)
    with pytest.raises(WrongPassword):
        await accounts.log_in("ann", ANN)
    await accounts.log_in("ann", password)
    # What was made is shown, what was given is not.
    assert ANN not in added.out + added.words
    done = await audited(database)
    assert ("add", "you (command line)") in done
    assert ("set_password", "you (command line)") in done


async def test_a_person_deactivated_on_the_command_line_is_out_of_every_page_at_once(
    command: Command, database: Database
) -> None:
    accounts = accounts_on(database, SystemClock())
    await accounts.add("ann", ANN, admin=True, actor=LOCAL)
    await accounts.add("bob", BOB, admin=False, actor=LOCAL)
    async with aclosing(accounts.follow_login(await accounts.log_in("bob", BOB))) as followed:
        await anext(followed)
        ended = asyncio.ensure_future(anext(followed, None))
        assert await in_a_process("deactivate", "bob") == 0
        async with asyncio.timeout(30):
            assert await ended is None
    with pytest.raises(WrongPassword):
        await accounts.log_in("bob", BOB)
    assert (await command("activate", "bob")).code == 0
    await accounts.log_in("bob", BOB)

    last = await command("deactivate", "ann")
    assert (last.code, "last admin" in last.words) == (2, True)
    assert (await command("admin", "bob")).code == 0
    assert (await command("admin", "ann", "--no")).code == 0
    people = {one.name: one.admin for one in await accounts.people(LOCAL)}
    assert people == {"ann": False, "bob": True}


async def test_what_cannot_be_done_is_said_plainly(command: Command) -> None:
    for arguments, given, words in (
        (("reset", "nobody"), f"{CAT}\n", "nobody named 'nobody'"),
        (("add", "a b"), f"{CAT}\n", "no spaces"),
        (("add", "ann"), "short\n", "at least 8 characters"),
        (("add", "ann"), "", "at least 8 characters"),
        (("add", "ann"), "password1\n", "easily guessed"),
    ):
        done = await command(*arguments, given=given)
        assert (done.code, done.out) == (1, ""), arguments
        assert words in done.words


async def test_the_first_admin_can_be_there_before_the_app_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tmp_path / "new")
    monkeypatch.setenv("AGENTCHAT_DATA_DIR", folder)
    added = await call("add", "ann", "--admin", given=f"{ANN}\n")
    assert added.code == 0, added.words
    database = Database(f"sqlite:///{folder}/agentchat.db")
    database.open()
    try:
        accounts = accounts_on(database, SystemClock())
        assert not (await accounts.beginning()).no_accounts
        await accounts.log_in("ann", ANN)
    finally:
        await database.close()
