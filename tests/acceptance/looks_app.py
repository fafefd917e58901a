"""The app of agents_app full of what people have in it: a program to serve.

A file ``seed/NAME`` in its data folder holds somebody's id; what was made for them is then in
``seeded/NAME``: addresses by name.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agentchat import Agent, AgentChat, frontend, tool
from agentchat.agents.router import Routed
from agentchat.agents.tools import Source, ToolOutput
from agentchat.durable.triggers import Cron, Every
from agentchat.errors import QuotaExceeded
from agentchat.llm.base import ModelRequest, Reasoning
from agentchat.llm.scripted import Answer
from agentchat.settings import Settings, load_settings
from agentchat.store import schema
from agentchat.ui import words_sharing
from agentchat.verbs.files import NewFile
from agentchat.views import Actor
from tests.acceptance.agents_app import Told, Words, agents, call, folder, search
from tests.acceptance.runs_app import WORKFLOWS
from tests.acceptance.test_files_page import png

RICH = r"""Show me **all** of it, with a [link](https://example.org/page) and `code`.

```python
def merged(one: list[int], other: list[int]) -> list[int]:
    # In order, whatever they were.
    return sorted([*one, *other])  # quick enough
```

| database | processes | setup |
|---|---|---|
| SQLite | one | none |
| PostgreSQL | many | a server |

- [x] measured
- [ ] written down

The mean is $\bar{x} = \frac{1}{n} \sum_{i=1}^{n} x_i$, and

$$
\int_0^1 x^2 \, dx = \tfrac{1}{3}
$$
"""
UNBROKEN = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenfach"
"""A name of 62 letters that nothing can be broken at."""
HERONS = """Most of them **stay**. When the upper river freezes they gather where it does not:

| where | when | how many |
|---|---|---|
| Mudflats below the harbour | November to February | 40 to 60 |
| The lee side of the island | in hard frost | about 25 |
| Weir and fish ladder | all winter | 10 to 15 |

The fish ladder never freezes, so a few are there on any day. For a photograph, come at **low \
tide, an hour after sunrise**: then they stand close together and have the light on them."""
SAID = {
    "rich": RICH,
    "herons": "Where do the herons of our river spend the winter?",
    "search": "search for herons",
    "pay": "pay Bo for the boat",
    "choose": "choose a colour",
    "team": "team, count",
    "refuse": "refuse, please",
    "broken": "break, please",
    "unbroken": f"{UNBROKEN}: {UNBROKEN.lower()}{UNBROKEN.upper()}",
    "rtl": "مرحبا! كيف يمكنني حساب المتوسط في Python 3.11 بسرعة؟\n\nWhat does *that* say?",
}
WAIT = ("pay", "choose")
TITLES = {
    "rich": "How to merge two lists",
    "herons": "Herons in winter",
    "pay": "Pay Bo for the boat",
    "choose": "The colour of the boat",
    "team": "Counting along the coast",
    "refuse": "When the harbour is open",
    "broken": "Tides on Saturday",
    "files": "Pictures from the hide",
    "side": "In a few words",
}


@tool
def look_up(place: str) -> ToolOutput:
    """Look up what was counted at a place."""
    return ToolOutput(
        "Counts of the last three winters.",
        sources=(
            Source("Winter counts along the river", "https://birds.example/winter"),
            Source("Where herons fish when it freezes", "https://river.example/herons"),
        ),
    )


class Moody(Told):
    """One that knows about herons, and whose provider has no credit left when it is asked to
    break.
    """

    def _answer(self, request: ModelRequest) -> Answer:
        last = request.turns[-1]
        if last.text.startswith("break"):
            raise QuotaExceeded("You exceeded your current quota, please check your plan.")
        if last.text == SAID["herons"]:
            thought = Reasoning("They ask about winter and one river: the counts will say it.")
            return [
                thought,
                "I look at the counts of the last winters.",
                call("look_up", place="river"),
            ]
        if any(turn.text == SAID["herons"] for turn in request.turns) and last.results:
            return HERONS
        return super()._answer(request)


class Guide(Words):
    """Sends whoever asks about herons to the researcher."""

    async def route(self, ctx: Any, agents: Sequence[Agent], said: Sequence[Any]) -> Routed:
        if said[-1].text == SAID["herons"]:
            why = "it asks for something to be looked up"
            return Routed("researcher", "example", why, {"writer": 0.41, "clerk": 0.2})
        return await super().route(ctx, agents, said)


def crew() -> list[Agent]:
    """The agents of agents_app, of whom the researcher can look up counts as well."""
    about = "Looks things up."
    researcher = Agent("researcher", "The researcher", description=about, tools=(search, look_up))
    return [researcher if one.name == "researcher" else one for one in agents()]


class Full(AgentChat):
    """Makes for people what they are to have, as long as it is open."""

    _making: asyncio.Task[None]

    async def __aenter__(self) -> Full:
        await super().__aenter__()
        self._making = asyncio.create_task(self._make())
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._making.cancel()
        await super().__aexit__(*error)

    async def _make(self) -> None:
        wanted, made = folder() / "seed", folder() / "seeded"
        for place in (wanted, made):
            place.mkdir(exist_ok=True)
        while True:
            for file in wanted.glob("*.id"):
                who = Actor(file.read_text(), file.stem.title(), admin=True)
                file.unlink()
                draft = made / f"{file.stem}.draft"
                draft.write_text(json.dumps(await self._for(who)))
                draft.rename(draft.with_suffix(".json"))
            await asyncio.sleep(0.05)

    async def _for(self, who: Actor) -> dict[str, str]:
        runs = [await self.runs.by(who).start(WORKFLOWS[name]) for name in WORKFLOWS]
        ids = await self._threads(who)
        for title, fate in (
            ("Boats for sale", self.archive_thread),
            ("Notes about boats", self.archive_thread),
            ("An old draft", self.delete_thread),
        ):
            thread = await self.create_thread(title, actor=who)
            await self.send_message(thread.id, title, actor=who)
            await self._settled(thread.id, who)
            await fate(thread.id, actor=who)
        for text in ("Answers are to be short.", "The boat is in the harbour of Stade."):
            await self.memories.remember(text, actor=who)
        await self.memories.remember("Counts herons on Mondays.", agent="clerk", actor=who)
        schedules = self.schedules.by(who)
        nightly = Cron("0 3 * * *", timezone="Europe/Berlin")
        await schedules.create("Count the herons", nightly, "note", {"number": 3})
        await schedules.create(UNBROKEN, Every(timedelta(days=9)), "nap")
        token = await self.sharing.make_link(ids["search"], "viewer", public=True, actor=who)
        join = await self.sharing.make_link(ids["search"], "member", actor=who)
        return {
            **{name: f"/t/{one}" for name, one in ids.items()},
            **{name: f"/runs/{one}" for name, one in zip(WORKFLOWS, runs, strict=True)},
            "read": f"{words_sharing.READ_PATH}#{token}",
            "join": f"{words_sharing.JOIN_PATH}#{join}",
        }

    async def _threads(self, who: Actor) -> dict[str, str]:
        made = {}
        for name, text in SAID.items():
            thread = await self.create_thread(actor=who)
            await self.send_message(thread.id, text, actor=who)
            made[name] = thread.id
        files = [
            NewFile("herons.png", "image/png", png(400, 300)),
            NewFile(f"{UNBROKEN}.txt", "text/plain", b"Herons nest in March.\n" * 20),
        ]
        thread = await self.create_thread(actor=who)
        await self.send_message(thread.id, "What is in these?", files=files, actor=who)
        made["files"] = thread.id
        thread = await self.create_thread(actor=who)
        await self.send_message(thread.id, "@writer Say it in a few words.", actor=who)
        made["side"] = thread.id
        await self.regenerate(await self._settled(thread.id, who), actor=who)
        imported = await self.import_threads(json.dumps([_diary()]).encode(), actor=who)
        made["long"] = imported.threads[0].id
        for name, thread_id in made.items():
            if name not in WAIT:
                await self._settled(thread_id, who)
            if name in TITLES:
                await self.rename_thread(thread_id, TITLES[name], actor=who)
        return made

    async def _settled(self, thread_id: str, who: Actor) -> str:
        """The id of its last message, once nothing in it grows any more."""
        async for view in self.follow(thread_id, actor=who):
            if view.messages and all(one.status in ("done", "failed") for one in view.messages):
                return view.messages[-1].id
        raise LookupError(thread_id)


def _diary() -> dict[str, Any]:
    """A long conversation, as Claude exports one."""
    said = [
        {"sender": sender, "text": text, "created_at": f"2026-01-{day:02}T{hour:02}:00:00Z"}
        for day in range(1, 32)
        for hour in (9, 16)
        for sender, text in (
            (
                "human",
                f"Day {day}, {hour}:00: {day % 7 + 2} herons at the weir, one is young.",
            ),
            ("assistant", f"Noted: {day % 7 + 2} herons, which makes {day * 5} since new year."),
        )
    ]
    return {"uuid": "diary", "name": "Diary of January", "chat_messages": said}


def chat_of(settings: Settings) -> AgentChat:
    provider = Moody("instant", pace=timedelta(milliseconds=2))
    workflows = list(WORKFLOWS.values())
    return Full(settings, agents=crew(), router=Guide(), provider=provider, workflows=workflows)


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    schema.upgrade(settings.database_url)
    (folder() / "gate").touch()
    (folder() / "road").unlink(missing_ok=True)
    frontend.serve(settings, chat_of(settings))


if __name__ == "__main__":
    main()
