"""Coming back to something later: promises that an agent keeps by itself."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from agentchat.agents.subs import root_of
from agentchat.agents.tools import UNTRUSTED, Tool, ToolContext, tool
from agentchat.durable.clock import Clock, SystemClock
from agentchat.durable.start import new_run
from agentchat.durable.workflow import Workflow
from agentchat.errors import ToolError
from agentchat.inputs import storable
from agentchat.store import ends, follow_ups, runs
from agentchat.store.writer import Tx

MOST_OPEN = 50
"""How many a person may have open."""
MOST_TEXT = 2_000
FARTHEST = timedelta(days=3_660)
_RUNS = uuid.UUID("c2d6f0f4-6f0e-4a26-9a4c-0f3c3a5f2f0b")
"""The namespace of the ids of their runs."""


def follow_up_tools(
    workflow: Workflow[..., Any], clock: Clock | None = None, zone: tzinfo | None = None
) -> tuple[Tool, ...]:
    """``schedule_follow_up``, ``list_follow_ups`` and ``cancel_follow_up``, which start runs of
    the app's ``follow_up`` workflow. Times without an offset are those of ``zone``, which is
    the machine's own if none is given. Once text from outside was read in a conversation, the
    person is asked before anything is scheduled there.
    """
    clock = clock or SystemClock()

    @tool(approval=UNTRUSTED, personal=True)
    def schedule_follow_up(tx: Tx, context: ToolContext, when: str, text: str) -> str:
        """Come back to this conversation by yourself at a later time: to remind the person of
        something, or to do something then. At that time you are told the text and answer.

        Turn words like "on Monday" or "in two hours" into a date and a time yourself; look up
        the present time first if you can.

        Args:
            when: A date and time like 2026-03-02T09:00, in the person's time zone, or with an
                offset like 2026-03-02T09:00+01:00.
            text: What to do then, with all that you need to know.
        """
        now, text = clock.now(), storable(text).strip()
        moment = _moment(when, zone)
        if moment <= now:
            raise ToolError(f"{when} is past: it is {_shown(now, zone)} now.")
        if moment > now + FARTHEST:
            raise ToolError("That is more than ten years from now.")
        if not 0 < len(text) <= MOST_TEXT:
            raise ToolError(f"Say in 1 to {MOST_TEXT:,} characters what to do then.")
        user_id = context.actor.id
        follow_ups.lock(tx, user_id)
        if len(follow_ups.of_user(tx, user_id, workflow.name)) >= MOST_OPEN:
            raise ToolError(f"There are {MOST_OPEN} follow-ups already. Cancel one first.")
        run_id = uuid.uuid5(_RUNS, context.idempotency_key).hex
        data = workflow.bind(
            thread_id=root_of(context),
            user_id=user_id,
            agent=context.agent,
            text=text,
            at=moment.astimezone(UTC),
        )
        # A key of its own: with one for the person, each would wait for those before it.
        own = workflow.options(key=follow_ups.key_of(user_id, run_id))
        runs.add_once(tx, new_run(run_id, own, data, now, context.actor))
        return f"It is scheduled for {_shown(moment, zone)} (id {run_id})."

    @tool(read_only=True)
    def list_follow_ups(tx: Tx, context: ToolContext) -> str:
        """List what is scheduled for the person, in all conversations, the next first."""
        found = follow_ups.of_user(tx, context.actor.id, workflow.name)
        if not found:
            return "Nothing is scheduled."
        ordered = sorted(found, key=lambda one: one.data["at"])
        return "\n".join(
            f"- {_shown(datetime.fromisoformat(one.data['at']), zone)}: {one.data['text']}"
            f" (id {one.id}{_where(one.data['thread_id'], context)})"
            for one in ordered
        )

    @tool
    def cancel_follow_up(tx: Tx, context: ToolContext, id: str) -> str:
        """Cancel something that is scheduled for the person.

        Args:
            id: Its id, as it was told when it was scheduled, or as the list has it.
        """
        open_ = {one.id for one in follow_ups.of_user(tx, context.actor.id, workflow.name)}
        if id not in open_:
            raise ToolError("There is no such follow-up. List them to find its id.")
        ends.kill(tx, id, by=context.actor.name, now=clock.now())
        return "It is cancelled."

    return schedule_follow_up, list_follow_ups, cancel_follow_up


def _moment(when: str, zone: tzinfo | None) -> datetime:
    try:
        moment = datetime.fromisoformat(when.strip())
        if moment.tzinfo is None:
            moment = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ToolError(
            f"{when[:60]!r} is no date and time. Write it like 2026-03-02T09:00."
        ) from error


def _shown(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%A, %Y-%m-%d %H:%M %Z}"


def _where(thread_id: str, context: ToolContext) -> str:
    return "" if thread_id == root_of(context) else ", in another conversation"
