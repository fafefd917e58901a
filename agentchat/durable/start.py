"""A run about to be queued: what is stored of its workflow and its arguments."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentchat.durable.values import small_enough
from agentchat.errors import InvalidInput
from agentchat.inputs import checked_json
from agentchat.models import Run
from agentchat.store.runs import NewRun
from agentchat.views import Actor

if TYPE_CHECKING:
    from agentchat.durable.workflow import Workflow

_CHILDREN = uuid.UUID("0d3b0d2e-6b0b-4d3f-8f0c-8b5c7a3f5a10")
"""The namespace of the ids of runs that runs start."""


def unknown(name: str) -> InvalidInput:
    """What is raised for a workflow that the app was not opened with."""
    return InvalidInput(
        f"The workflow {name!r} is not one of this app: name it in workflows=[...]."
    )


def new_run(
    run_id: str, workflow: Workflow[..., Any], data: dict[str, Any], now: datetime, by: Actor
) -> NewRun:
    """A run of ``workflow``, started as its options say, with arguments by name as JSON; it acts
    with the rights of ``by``.

    Raises InvalidInput if they cannot be stored or are too large.
    """
    data = checked_json(data, f"The arguments of {workflow.name!r}")
    small_enough(data, f"What {workflow.name!r} is started with")
    options = workflow.start
    return NewRun(
        run_id,
        workflow.name,
        data,
        now,
        version=workflow.version,
        code=workflow.code,
        key=options.key,
        priority=options.priority,
        due_at=now + options.delay,
        started_by=by.name,
        user_id=by.id,
    )


def child_of(
    parent: Run,
    workflow: Workflow[..., Any],
    data: dict[str, Any],
    step: str,
    now: datetime,
    *,
    awaited: bool,
) -> NewRun:
    """The run that ``parent`` starts in this step, the same whenever it comes there again.

    Raises InvalidInput for one that would wait for its parent while that waits for it.
    """
    run_id = uuid.uuid5(_CHILDREN, f"{parent.id}\n{step}").hex
    child = new_run(run_id, workflow, data, now, Actor(parent.user_id, parent.started_by))
    if awaited and child.key is not None and child.key == parent.key:
        raise InvalidInput(
            f"Run {parent.id} holds the key {child.key!r}, and would wait for ever for a run"
            f" of {workflow.name!r} with the same key. Give it another, or start it with"
            " ctx.start."
        )
    child.parent_id = parent.id
    child.awaited = awaited
    child.priority = child.priority or parent.priority
    if awaited:
        child.thread_id = parent.thread_id
    return child
