"""The verbs by which one sees what is in force: ``chat.configuration``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

from agentchat.configuration import limits, retention, trial
from agentchat.configuration.changes import note_changes
from agentchat.configuration.limits import DAY, InForce
from agentchat.configuration.models import EMBEDDER, Models
from agentchat.configuration.sources import SettingView, settings_in_force
from agentchat.configuration.views import (
    KeptLine,
    LimitLine,
    ModelLine,
    StoredView,
    SweptView,
    TrialView,
)
from agentchat.durable.app import Durable
from agentchat.durable.clock import Clock
from agentchat.errors import NotFound, WrongState
from agentchat.guard import Guard
from agentchat.settings import Settings
from agentchat.shown import thread as reads
from agentchat.store import audits
from agentchat.store.audits import Entry
from agentchat.store.database import Database
from agentchat.views import LOCAL, Actor

PACE = timedelta(seconds=10)
"""How often it is counted anew how much there is."""
LOOK = timedelta(seconds=0.5)
"""How soon it is told that a sweep began or ended."""
MOST_NAME = 80


class Configuration:
    """What is in force in an app: ``chat.configuration``. Everything is as it was when the app was
    opened; to change it is to change the environment, or the code, and to start the app again.

    What is about the app as a whole is for those who look after it: NotAllowed for others.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guard: Guard,
        settings: Settings,
        models: Models,
        durable: Durable,
        model_id: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard
        self._settings = settings
        self._models = models
        self._durable = durable
        self._model_id = model_id
        self._sources = {one.name: one for one in settings_in_force(settings)}
        self._testing = set[str]()

    async def begin(self) -> None:
        """Write down with which settings the app is started, if they are others than before."""
        await note_changes(self._database, self._clock, self._sources.values())

    def settings(self, *, actor: Actor = LOCAL) -> tuple[SettingView, ...]:
        """Every setting with its value and where that came from; of what is secret only that it
        is there.
        """
        self._guard.operator(actor)
        return tuple(self._sources.values())

    async def follow_models(self, *, actor: Actor = LOCAL) -> AsyncGenerator[tuple[ModelLine, ...]]:
        """Yield the models that are used, the app's own first, now and whenever its state changes;
        the embedder is the last.
        """
        self._guard.operator(actor)
        label = self._models.team.provider.label
        # What they cost is looked up in a large table.
        lines = self._models.lines
        states = self._database.live.follow(reads.model_view, self._model_id, label)
        async with aclosing(states) as followed:
            async for own in followed:
                yield await asyncio.to_thread(lines, own, self._sources.values())

    async def test(self, key: str, *, actor: Actor = LOCAL) -> TrialView:
        """Ask the model of this ``key`` (of a :class:`~agentchat.configuration.views.ModelLine`)
        something small, and say what came of it; it may take half a minute. What is wrong with the
        model is told in the answer.

        Raises NotFound, TooManyTries, and WrongState while another test of this person is under
        way.
        """
        self._guard.operator(actor)
        provider, embedder = self._models.providers.get(key), self._models.vectors
        if provider is None and (key != EMBEDDER or embedder is None):
            raise NotFound("This app does not use such a model any more.")
        if actor.id in self._testing:
            raise WrongState("A test of yours is under way. Wait until it is over.")
        self._guard.pace(actor, "test")
        self._testing.add(actor.id)
        try:
            named = embedder if provider is None else provider
            assert named is not None
            entry = Entry("model", named.id[:200], "test", actor)
            await self._database.write(audits.add, entry, now=self._clock.now())
            if provider is not None:
                name = provider.id.partition(":")[2]
                return self._without_secrets(await trial.tried(provider, key, name))
            assert embedder is not None
            return await trial.embedded(embedder, key)
        finally:
            self._testing.discard(actor.id)

    async def follow_limits(self, *, actor: Actor = LOCAL) -> AsyncGenerator[tuple[LimitLine, ...]]:
        """Yield the limits that are in force, with what this person has used of them, now and
        whenever that changes.
        """
        self._guard.person(actor)
        team = self._models.team
        known = InForce(
            self._settings,
            self._sources,
            tuple(team.agents.values()),
            team.allowance,
            self._durable.most_runs,
        )
        since = self._clock.now() - DAY
        found = self._database.live.follow(limits.used, actor.id, since)
        async with aclosing(found) as followed:
            async for mine in followed:
                yield known.lines(mine)

    def kept(self, *, actor: Actor = LOCAL) -> tuple[KeptLine, ...]:
        """What is kept for how long."""
        self._guard.person(actor)
        return tuple(retention.kept(self._settings, self._sources))

    async def stored(self, *, actor: Actor = LOCAL) -> StoredView:
        """How much there is, counted up to 100,000 of each, and what was removed last."""
        self._guard.operator(actor)
        return await self._database.read(retention.counted, self._durable.keeper)

    async def follow_stored(self, *, actor: Actor = LOCAL) -> AsyncGenerator[StoredView]:
        """Yield what :meth:`stored` gives, now and every ten seconds, and when a sweep of this
        process begins and ends.
        """
        keeper, last = self._durable.keeper, None
        while True:
            seen = (keeper.sweeping, keeper.last)
            view = await self.stored(actor=actor)
            if view != last:
                yield view
            last, waited = view, timedelta()
            while waited < PACE and (keeper.sweeping, keeper.last) == seen:
                await asyncio.sleep(LOOK.total_seconds())
                waited += LOOK

    async def sweep(self, *, actor: Actor = LOCAL) -> SweptView:
        """Remove now what need not be kept, as is done every ten minutes, and say what that was.
        Raises WrongState while it is being done.
        """
        self._guard.operator(actor)
        keeper = self._durable.keeper
        if keeper.sweeping:
            raise WrongState("It is being done already.")
        entry = Entry("app", "retention", "sweep", actor)
        await self._database.write(audits.add, entry, now=self._clock.now())
        await keeper.sweep()
        return retention.swept(keeper)

    def _without_secrets(self, view: TrialView) -> TrialView:
        """Servers may say anything, also what they were sent."""

        def clean(text: str) -> str:
            for secret in self._settings.secrets:
                text = text.replace(secret, "[key]")
            return text

        return replace(
            view,
            reply=clean(view.reply),
            problem=clean(view.problem),
            others=tuple(clean(one)[:MOST_NAME] for one in view.others),
            request_id=clean(view.request_id)[:MOST_NAME],
        )
