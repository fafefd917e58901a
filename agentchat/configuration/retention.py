"""What is kept for how long, and how much there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from sqlmodel import Session

from agentchat.accounts.limits import LONG
from agentchat.configuration.sources import SettingView
from agentchat.configuration.views import CountLine, KeptLine, StoredView, SweptView
from agentchat.durable.keeper import UNUSED, Keeper
from agentchat.operations.shown import iso
from agentchat.settings import Settings
from agentchat.store import overviews, retention, stored

MOST_COUNTED = 100_000
MOST_TO_GO = 10_000


def kept(settings: Settings, sources: Mapping[str, SettingView]) -> Iterator[KeptLine]:
    """What is kept for how long."""
    for name in ("keep_days", "keep_runs"):
        most, known = float(getattr(settings, name) or -1), sources[name]
        yield KeptLine("runs", name, most, known.variable, known.source)
    for name in ("messages", "memories", "spendings", "audits"):
        yield KeptLine(name, "always")
    known = sources["deleted_days"]
    yield KeptLine("deleted", "days", settings.deleted_days, known.variable, known.source)
    yield KeptLine("deltas", "answered")
    for name in ("threads", "uploads"):
        yield KeptLine(name, "unused", UNUSED / timedelta(hours=1))
    if settings.auth == "password":
        known = sources["login_days"]
        yield KeptLine("logins", "days", settings.login_days, known.variable, known.source)
        yield KeptLine("tries", "hours", LONG / timedelta(hours=1))


def counted(session: Session, keeper: Keeper) -> StoredView:
    """How much there is now; nothing is counted further than to 100,000."""
    numbers = {name: stored.number(session, name, most=MOST_COUNTED) for name in stored.COUNTED}
    upto, to_go = keeper.newest_to_go(session), 0
    if upto is not None:
        to_go = retention.number_to_go(session, upto=upto, most=MOST_TO_GO)
    oldest = stored.oldest_end(session)
    return StoredView(
        tuple(
            CountLine(name, min(number, MOST_COUNTED), number > MOST_COUNTED)
            for name, number in numbers.items()
        ),
        min(to_go, MOST_TO_GO),
        to_go > MOST_TO_GO,
        "" if oldest is None else iso(oldest),
        stored.file_bytes(session, most=MOST_COUNTED),
        numbers["files"] > MOST_COUNTED,
        overviews.size(session),
        swept(keeper),
        keeper.sweeping,
    )


def swept(keeper: Keeper) -> SweptView:
    """What the last sweep of this process has removed."""
    last = keeper.last
    if last is None:
        return SweptView()
    return SweptView(iso(last.at), last.took.total_seconds(), last.runs, last.deltas, last.threads)
