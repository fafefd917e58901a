"""The limits that are in force, and how much of them a person has used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlmodel import Session

from agentchat.accounts import limits as logins
from agentchat.agents.agent import Agent, Limits
from agentchat.agents.team import Allowance
from agentchat.configuration.sources import SettingView, Source
from agentchat.configuration.views import LimitLine
from agentchat.inputs import MOST_CHARACTERS, MOST_TITLE
from agentchat.models import Thread
from agentchat.settings import Settings
from agentchat.store import attachments, spendings
from agentchat.verbs.spent import allowance_of

MEGABYTE = 1_000_000
DAY = timedelta(days=1)
_UNITS = {"wall": "minutes", "tokens": "tokens", "cost_usd": "usd"}


@dataclass(frozen=True)
class Used:
    """What a person has used: bytes of files, and of the last 24 hours tokens and US dollars."""

    file_bytes: int = 0
    day_tokens: int = 0
    day_usd: float = 0.0


def used(session: Session, user_id: str, since: datetime) -> Used:
    """What this person has used."""
    spent = spendings.of_user(session, user_id, since=since)
    return Used(
        attachments.bytes_of(session, user_id),
        spent.input_tokens + spent.output_tokens,
        spent.cost_usd or 0.0,
    )


@dataclass(frozen=True)
class InForce:
    """What limits an app has: its settings, its agents, what all of them may spend, and how many
    runs are at work at once in a process.
    """

    settings: Settings
    sources: Mapping[str, SettingView]
    agents: Iterable[Agent]
    allowance: Allowance
    most_runs: int

    def lines(self, mine: Used) -> tuple[LimitLine, ...]:
        """Every limit, with what this person has used."""
        return (
            *self._messages(mine),
            *self._spending(mine),
            *self._answers(),
            *self._people(),
            *self._work(),
        )

    def _messages(self, mine: Used) -> Iterator[LimitLine]:
        yield LimitLine("messages", "characters", MOST_CHARACTERS, "characters")
        yield LimitLine("messages", "title", MOST_TITLE, "characters")
        yield self._set("messages", "file_mb", unit="bytes", times=MEGABYTE)
        yield self._set("messages", "message_files", unit="files", none=False)
        yield self._set(
            "messages", "person_files_mb", unit="bytes", times=MEGABYTE, used=mine.file_bytes
        )
        usual = str(Thread.model_fields["second_message"].default)
        yield LimitLine("messages", "second", text=usual)

    def _spending(self, mine: Used) -> Iterator[LimitLine]:
        spent = {"user_day_tokens": mine.day_tokens, "user_day_usd": mine.day_usd}
        given = self.allowance != allowance_of(self.settings)
        for field in fields(Allowance):
            unit = "usd" if field.name.endswith("usd") else "tokens"
            most = getattr(self.allowance, field.name)
            line = self._set("spending", field.name, unit=unit, used=spent.get(field.name, -1.0))
            if given:
                source, most = Source.CODE, -1.0 if most is None else float(most)
                line = LimitLine("spending", field.name, most, unit, "", source, line.used)
            yield line

    def _answers(self) -> Iterator[LimitLine]:
        usual = Limits()
        for field in fields(Limits):
            yield self._of_answer(usual, field.name, "")
            for agent in self.agents:
                if getattr(agent.limits, field.name) != getattr(usual, field.name):
                    yield self._of_answer(agent.limits, field.name, agent.name)

    def _of_answer(self, found: Limits, name: str, agent: str) -> LimitLine:
        value = getattr(found, name)
        if isinstance(value, timedelta):
            value = value.total_seconds() / 60
        most = -1.0 if value is None else float(value)
        return LimitLine("answers", name, most, _UNITS.get(name, ""), "", Source.CODE, agent=agent)

    def _people(self) -> Iterator[LimitLine]:
        yield self._set("people", "address_sockets")
        if self.settings.auth == "open":
            return
        yield self._set("people", "minute_most")
        for name, rule in (
            ("login_pair", logins.PAIR),
            ("login_place", logins.PLACE),
            ("login_name", logins.NAME),
            ("sign_ups", logins.SIGN_UPS),
        ):
            minutes = rule.per.total_seconds() / 60
            yield LimitLine("people", name, rule.most, text=f"{minutes:.0f}")
        yield self._set("people", "login_days", unit="days", none=False)

    def _work(self) -> Iterator[LimitLine]:
        yield LimitLine("work", "runs_at_once", self.most_runs)
        yield self._set("work", "context_tokens", unit="tokens")

    def _set(
        self,
        group: str,
        name: str,
        *,
        unit: str = "",
        times: float = 1,
        used: float = -1.0,
        none: bool = True,
    ) -> LimitLine:
        """One that a setting says; there 0 is no limit, unless that means none at all."""
        value, known = float(getattr(self.settings, name)) * times, self.sources[name]
        most = value if value or not none else -1.0
        return LimitLine(group, name, most, unit, known.variable, known.source, used)
