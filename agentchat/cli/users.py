"""``agentchat users``: who may log in, from the machine that the app runs on, also while it runs.

Whoever has the machine needs no password: this is the way in again for an admin who is locked
out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from agentchat.accounts import Accounts
from agentchat.accounts.passwords import made_password
from agentchat.accounts.views import PersonView
from agentchat.cli import check as cli_check
from agentchat.durable.clock import SystemClock
from agentchat.errors import AgentChatError, ConfigError, NotFound, WrongState
from agentchat.opening import owned
from agentchat.settings import load_settings
from agentchat.store import schema
from agentchat.store.database import Database
from agentchat.verbs.losing import Losing
from agentchat.views import LOCAL

NOT_FOUND, WRONG_STATE = 1, 2
ACTOR = replace(LOCAL, name=f"{LOCAL.name} (command line)")

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Who may log in, also while the app runs. Ends with 1 if there is no such person, 2 if"
        " that cannot be done to them."
    ),
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the person logs in with.")]
Made = Annotated[
    bool, typer.Option("--make-password", help="Make a password and print it, this once.")
]


@app.command()
def add(
    name: Name,
    display_name: Annotated[
        str, typer.Option("--display-name", help="What others see; the name, if not given.")
    ] = "",
    admin: Annotated[bool, typer.Option("--admin", help="They look after the app.")] = False,
    make_password: Made = False,
) -> None:
    """Make an account. The password is asked for, or read from a line of the input."""
    password = _password(make_password)

    async def do(accounts: Accounts) -> None:
        await accounts.add(name, password, display_name, admin=admin, actor=ACTOR)
        typer.echo(f"{name} may log in{', and is an admin' if admin else ''}.")

    _do(do)
    _tell(password, make_password)


@app.command("list")
def list_users(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List all who have an account."""

    async def do(accounts: Accounts) -> None:
        people = await accounts.people(ACTOR)
        if as_json:
            typer.echo(json.dumps([_line(one) for one in people], indent=2))
            return
        table = Table(box=None, pad_edge=False)
        for heading in ("NAME", "SEEN AS", "ADMIN", "ACTIVE", "SINCE"):
            table.add_column(heading)
        for one in people:
            since = f"{one.created_at:%Y-%m-%d}"
            table.add_row(one.name, one.display_name, _yes(one.admin), _yes(one.active), since)
        Console(markup=False, highlight=False).print(table)

    _do(do)


@app.command()
def reset(name: Name, make_password: Made = False) -> None:
    """Give a person another password; wherever they are logged in, that is over."""
    password = _password(make_password)

    async def do(accounts: Accounts) -> None:
        person = await _named(accounts, name)
        await accounts.set_password(person.id, password, ACTOR)
        typer.echo(f"{person.name} has another password, and is logged in nowhere.")

    _do(do)
    _tell(password, make_password)


@app.command()
def deactivate(name: Name) -> None:
    """Let a person log in no more; wherever they are logged in, that is over."""

    async def do(accounts: Accounts) -> None:
        person = await _named(accounts, name)
        await accounts.set_active(person.id, False, ACTOR)
        typer.echo(f"{person.name} cannot log in any more.")

    _do(do)


@app.command()
def activate(name: Name) -> None:
    """Let a person log in again who was deactivated."""

    async def do(accounts: Accounts) -> None:
        person = await _named(accounts, name)
        await accounts.set_active(person.id, True, ACTOR)
        typer.echo(f"{person.name} can log in again.")

    _do(do)


@app.command("admin")
def make_admin(
    name: Name,
    no: Annotated[bool, typer.Option("--no", help="They are one no more.")] = False,
) -> None:
    """Make a person an admin."""

    async def do(accounts: Accounts) -> None:
        person = await _named(accounts, name)
        await accounts.set_admin(person.id, not no, ACTOR)
        typer.echo(f"{person.name} is {'no admin any more' if no else 'an admin'}.")

    _do(do)


async def _named(accounts: Accounts, name: str) -> PersonView:
    found = await accounts.person(name, ACTOR)
    if found is None:
        raise NotFound(f"There is nobody named {name!r}. See: agentchat users list")
    return found


def _password(made: bool) -> str:
    if made:
        return made_password()
    if sys.stdin.isatty():
        entered: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return entered
    return sys.stdin.readline().rstrip("\r\n")


def _tell(password: str, made: bool) -> None:
    if made:
        typer.echo(f"Password: {password}")


def _line(one: PersonView) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "display_name": one.display_name,
        "admin": one.admin,
        "active": one.active,
        "created_at": one.created_at.isoformat(),
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _do(what: Callable[[Accounts], Awaitable[None]]) -> None:
    async def do() -> None:
        async with _opened() as accounts:
            await what(accounts)

    with _said_plainly():
        asyncio.run(do())


@asynccontextmanager
async def _opened() -> AsyncIterator[Accounts]:
    settings = load_settings()
    url = settings.database_url
    await asyncio.to_thread(_prepare, url)
    database = Database(url)
    database.open()
    try:
        losing = Losing(owned(cli_check.own(url)[0], here=False))
        yield Accounts(database, SystemClock(), settings, losing=losing)
    finally:
        await database.close()


def _prepare(url: str) -> None:
    """The first admin may be added before the app was ever started."""
    if url.startswith("sqlite"):
        file = Path(str(make_url(url).database))
        if not file.parent.parent.is_dir():
            raise ConfigError(f"There is no folder for {file}. Check AGENTCHAT_DATA_DIR.")
        schema.upgrade(url)
    else:
        schema.check(url)


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except AgentChatError as error:
        typer.echo(str(error), err=True)
        code = WRONG_STATE if isinstance(error, WrongState) else NOT_FOUND
        raise typer.Exit(code) from None
