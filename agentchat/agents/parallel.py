"""Several agents at once, asked by one: a tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from agentchat.agents.agent import NAME
from agentchat.agents.tools import MOST_CHARACTERS, Tool, ToolContext, tool
from agentchat.durable.context import Context
from agentchat.errors import AgentNotFound, StepFailed, ToolError

MOST_TASKS = 10
MOST_WORDS = 200

OnFailure = Literal["some", "all"]


@dataclass(frozen=True, slots=True)
class _Outcome:
    agent: str
    text: str
    failed: bool = False


def ask_agents_tool(
    agents: Sequence[str],
    on_failure: OnFailure = "some",
    *,
    name: str = "ask_agents",
    description: str = "",
) -> Tool:
    """A tool that lets up to ten of these agents work side by side, each in a run and a thread
    of its own, and waits for all of them.

    With ``on_failure="some"`` the model is told the answers that came, and who failed; the call
    fails only if all did. With ``"all"`` it fails if one did, naming who. ``description`` says
    what the agents are good for. Raises ValueError for what is no name.
    """
    if not agents or not all(NAME.fullmatch(one) for one in agents):
        raise ValueError(f"{agents!r} are no names of agents")
    who: Any = Literal[tuple(agents)]
    task: Any = create_model(
        "Task",
        __config__=ConfigDict(extra="forbid"),
        agent=(who, Field(description="Who is to do it.")),
        task=(str, Field(description="What is to be done, with all that one needs to know.")),
    )
    told = description or f"The agents are {', '.join(agents)}."

    async def ask(ctx: Context, context: ToolContext, tasks: list[BaseModel]) -> str:
        async def one(agent: str, text: str) -> _Outcome:
            try:
                return _Outcome(agent, await context.ask_agent(agent, text))
            except (ToolError, StepFailed, AgentNotFound) as error:
                return _Outcome(agent, str(error), failed=True)

        pairs = [(str(getattr(each, "agent")), str(getattr(each, "task"))) for each in tasks]  # noqa: B009
        outcomes = await ctx.gather(*(one(agent, text) for agent, text in pairs))
        return _told(outcomes, on_failure)

    ask.__annotations__["tasks"] = Annotated[
        list[task],
        Field(min_length=1, max_length=MOST_TASKS),
    ]
    return tool(
        name=name,
        description=(
            f"Let several agents work at the same time, and get all their answers. {told}\n\n"
            "None of them knows this conversation, or what the others do: write down in each"
            f" task all that it needs. At most {MOST_TASKS} tasks; an agent may be given several."
        ),
        timeout=None,
    )(ask)


def _told(outcomes: Sequence[_Outcome], on_failure: OnFailure) -> str:
    numbered = list(enumerate(outcomes, 1))
    failed = [f"{number} ({one.text[:MOST_WORDS]})" for number, one in numbered if one.failed]
    words = f"{len(failed)} of {len(outcomes)} tasks failed: {'; '.join(failed)}."
    if failed and (on_failure == "all" or len(failed) == len(outcomes)):
        raise ToolError(words)
    # Room for all: what is too long would be cut at the end, where the last answers are.
    most = MOST_CHARACTERS // len(outcomes) - len(words) - 200
    answers = [
        f"## Task {number}, {one.agent}\n\n{_shortened(one.text, most)}"
        for number, one in numbered
        if not one.failed
    ]
    return "\n\n".join([*answers, words] if failed else answers)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[The rest is not shown.]"
