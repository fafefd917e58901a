"""Writing down that an app was started with other settings than before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sqlmodel import Session

from agentchat.configuration.sources import SettingView, Source
from agentchat.durable.clock import Clock
from agentchat.store import audits
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.views import LOCAL, Actor

OPERATOR: Final = Actor(LOCAL.id, "the environment", admin=True)
"""Settings are changed where the app is started, by whoever has the machine."""
OF_A_PROCESS: Final = frozenset(
    {"host", "port", "data_dir", "models_dir", "db_url", "log_format", "log_level"}
)
"""Processes that share a database may differ in these."""


async def note_changes(database: Database, clock: Clock, settings: Iterable[SettingView]) -> None:
    """Write to the audits which settings are others than those of the start before."""
    now = _told(settings)
    before = await database.read(_noted)
    # A list: as a name, that of a key would be taken for one and its value hidden.
    changed = [
        {"setting": name, "from": before.get(name, ""), "to": now.get(name, "")}
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    if changed:
        detail = {"changed": changed, "settings": now}
        entry = Entry("app", "settings", "change", OPERATOR, detail)
        await database.write(audits.add, entry, now=clock.now())


def _told(settings: Iterable[SettingView]) -> dict[str, str]:
    """What is not as it comes; of what is secret only that it is set."""
    return {
        one.variable: "set" if one.secret else one.value
        for one in settings
        if one.name not in OF_A_PROCESS and one.source != Source.DEFAULT and one.value
    }


def _noted(session: Session) -> Mapping[str, str]:
    """What the start before has noted."""
    for row in audits.of(session, "app", "settings", limit=1):
        return dict(row.detail["settings"])
    return {}
