"""Lists of runs, the views people keep of them, and actions on many: ``chat.operations.lists``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from agentchat.durable.clock import Clock
from agentchat.errors import InvalidInput, NotAllowed, NotFound
from agentchat.guard import PRIVATE, Guard
from agentchat.inputs import checked_id, storable
from agentchat.models import Run
from agentchat.operations import bulk, list_pages
from agentchat.operations.filters import Asked, Place, RunFilter, asked
from agentchat.operations.list_pages import Viewer
from agentchat.operations.list_views import (
    BulkPlan,
    BulkView,
    Choices,
    RunList,
    SavedViewView,
)
from agentchat.rights import Right
from agentchat.store import run_lists, run_names, runs, saved_views
from agentchat.store.database import Database
from agentchat.store.live import paced
from agentchat.views import LOCAL, Actor

MOST_NAME = 80
MOST_QUERY = 2_000


class RunLists:
    """What a page of runs shows: ``chat.operations.lists``.

    Every read takes about as long for a hundred runs as for a hundred thousand: a page is found
    by an index, counts go up to a thousand, and what no index finds is looked for among the
    newest 20,000 that fit the rest; the page says where looking stopped. Administrators
    see all runs, others those that they have started.
    """

    def __init__(self, database: Database, clock: Clock, guard: Guard) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard

    async def page(
        self, query: str | RunFilter = "", *, anchor: str = "", actor: Actor = LOCAL
    ) -> RunList:
        """A page of 50 runs, as an address or a filter asks for it."""
        self._guard.person(actor)
        return await self._database.read(
            list_pages.page, self._clock, _asked(query), _place(anchor), self._viewer(actor)
        )

    def follow(
        self, query: str | RunFilter = "", *, anchor: str = "", actor: Actor = LOCAL
    ) -> AsyncGenerator[RunList, None]:
        """Yield a page now and whenever it changes, up to twice a second.

        With an ``anchor``, the place of a run (``str(Place)``), the first page of the newest
        begins there, and says how many are newer.
        """
        self._guard.person(actor)
        return self._database.live.follow(
            list_pages.page, self._clock, _asked(query), _place(anchor), self._viewer(actor)
        )

    async def choices(self, *, actor: Actor = LOCAL) -> Choices:
        """Names to choose from: all workflows that have runs, the agents and people of the
        newest thousand, the models of the newest thousand calls.
        """
        self._guard.person(actor)
        return await self._database.read(_choices, self._viewer(actor))

    # Saved views

    def follow_views(self, *, actor: Actor = LOCAL) -> AsyncGenerator[tuple[SavedViewView, ...]]:
        """Yield the person's saved views by name, now and whenever they change."""
        self._guard.person(actor)
        return self._database.live.follow(_views, actor.id)

    async def save_view(
        self, name: str, query: str, *, view_id: str | None = None, actor: Actor = LOCAL
    ) -> None:
        """Keep a filter under a name; what was under it before is replaced.

        Raises InvalidInput for a name that is empty or too long, and for too many views.
        """
        self._guard.person(actor)
        kept = asked(query).filter.first_page().query
        if len(kept) > MOST_QUERY:
            raise InvalidInput("These filters are too long to be saved.")
        name, view_id = _name(name), checked_id(view_id)
        now = self._clock.now()
        await self._database.write(
            saved_views.add, view_id, actor.id, name=name, query=kept, now=now
        )

    async def rename_view(self, view_id: str, name: str, *, actor: Actor = LOCAL) -> None:
        """Give one's saved view another name; raises InvalidInput and NotFound."""
        self._guard.person(actor)
        await self._database.write(
            saved_views.rename, checked_id(view_id), actor.id, name=_name(name)
        )

    async def delete_view(self, view_id: str, *, actor: Actor = LOCAL) -> None:
        """Take one's saved view away."""
        self._guard.person(actor)
        await self._database.write(saved_views.remove, checked_id(view_id), actor.id)

    # Actions on many

    async def plan(
        self, action: str, runs: Sequence[str] | str | RunFilter, *, actor: Actor = LOCAL
    ) -> BulkPlan:
        """What an action would do now: to runs of these ids, or to all that fit a filter, up to a
        thousand, the newest. ``action`` is cancel, pause, resume or retry. Raises InvalidInput.
        """
        self._guard.person(actor)
        _checked_action(action)
        if isinstance(runs, str | RunFilter):
            found, more = await self._database.read(
                list_pages.fitting, self._clock, _asked(runs), self._viewer(actor)
            )
            gone = 0
        else:
            ids = tuple(dict.fromkeys(checked_id(run_id) for run_id in runs))
            more = len(ids) > bulk.MOST
            found = await self._database.read(run_lists.lines, ids[: bulk.MOST], PRIVATE)
            gone = min(len(ids), bulk.MOST) - len(found)
        rows = await self._database.read(_changeable, found, self._guard, actor)
        gone += len(found) - len(rows)
        return bulk.plan(action, rows, gone=gone, more=more)

    async def start(
        self,
        action: str,
        run_ids: Sequence[str],
        *,
        bulk_id: str | None = None,
        actor: Actor = LOCAL,
    ) -> str:
        """Do an action to these runs, by a run of its own, and return its id. The same ``bulk_id``
        is one action. Raises InvalidInput for more than a thousand runs, or none.
        """
        self._guard.person(actor)
        self._guard.pace(actor, "start")
        _checked_action(action)
        ids = tuple(dict.fromkeys(checked_id(run_id) for run_id in run_ids))
        if not 0 < len(ids) <= bulk.MOST:
            raise InvalidInput(f"Between 1 and {bulk.MOST:,} runs can be changed at once.")
        order, now = bulk.Order(action, ids, actor), self._clock.now()
        run = bulk.queued(checked_id(bulk_id), order, now)
        await self._database.write(runs.add_once, run)
        return run.id

    def follow_bulk(self, bulk_id: str, *, actor: Actor = LOCAL) -> AsyncGenerator[BulkView, None]:
        """Yield how far an action on many runs is, now and whenever that changes."""
        self._guard.person(actor)
        return self._database.live.follow(_bulk, checked_id(bulk_id), self._guard, actor)

    def _viewer(self, actor: Actor) -> Viewer:
        return Viewer(actor.id, everything=self._guard.sees_all(actor))


def _changeable(
    session: Session, rows: Sequence[Row[Any]], guard: Guard, actor: Actor
) -> list[tuple[Row[Any], bool]]:
    """The rows of which the person may know, each with whether they may change its run."""
    found = [(row, _may(session, row, guard, actor)) for row in rows]
    return [(row, may) for row, may in found if may is not None]


def _may(session: Session, row: Row[Any], guard: Guard, actor: Actor) -> bool | None:
    about = Run(
        id=row.id,
        workflow=row.workflow,
        status=row.status,
        data={"user_id": row.about or ""},
        thread_id=row.thread_id,
        user_id=row.user_id,
        due_at=None,
        created_at=row.created_at,
    )
    try:
        guard.run(session, about, actor, Right.WRITE)
    except NotAllowed:
        return False
    except NotFound:
        return None
    return True


def _asked(query: str | RunFilter) -> Asked:
    return Asked(query) if isinstance(query, RunFilter) else asked(query)


def _place(anchor: str) -> Place | None:
    try:
        return Place.of(anchor) if anchor else None
    except ValueError:
        return None


def _name(name: str) -> str:
    name = " ".join(storable(name).split()) if isinstance(name, str) else ""
    if not 0 < len(name) <= MOST_NAME:
        raise InvalidInput(f"A saved view needs a name of at most {MOST_NAME} characters.")
    return name


def _checked_action(action: str) -> None:
    if action not in bulk.ACTIONS:
        raise InvalidInput(f"{action!r} is none of {', '.join(bulk.ACTIONS)}.")


@paced(list_pages.PACE)
def _bulk(session: Session, bulk_id: str, guard: Guard, actor: Actor) -> BulkView:
    guard.run_id(session, bulk_id, actor, Right.READ)
    return bulk.bulk_view(session, bulk_id)


def _views(session: Session, user_id: str) -> tuple[SavedViewView, ...]:
    found = saved_views.of(session, user_id)
    return tuple(SavedViewView(view.id, view.name, view.query) for view in found)


def _choices(session: Session, viewer: Viewer) -> Choices:
    user_id = None if viewer.everything else viewer.user_id
    recent = run_names.recent_names(session, user_id)
    every = run_names.workflows(session, limit=100) if viewer.everything else recent.workflows
    return Choices(
        workflows=tuple(sorted(every)),
        agents=tuple(sorted(recent.agents)),
        models=tuple(run_names.recent_models(session, user_id)),
        users=tuple(sorted(recent.users)),
    )
