"""The verbs on the models that people may choose."""

from __future__ import annotations

from dataclasses import dataclass

from agentchat.errors import InvalidInput
from agentchat.inputs import checked_id
from agentchat.rights import Right
from agentchat.store import threads
from agentchat.verbs.inner import Inner
from agentchat.views import LOCAL, Actor


@dataclass(frozen=True)
class ModelChoice:
    """A model that people may choose: by which ``name``, and what it is called. ``media_types``
    are those of files that it takes as they are.
    """

    name: str
    label: str
    media_types: tuple[str, ...] = ()


class ModelVerbs(Inner):
    """What :class:`~agentchat.chat.AgentChat` lets the outside choose of models."""

    def models(self, *, actor: Actor = LOCAL) -> tuple[ModelChoice, ...]:
        """The models that people may choose instead of an agent's own, as the settings list them;
        none if they list none.
        """
        self._guard.person(actor)
        return tuple(
            ModelChoice(name, one.label, tuple(sorted(one.media_types)))
            for name, one in self._team.offered.items()
        )

    async def choose_model(self, thread_id: str, model: str, *, actor: Actor = LOCAL) -> None:
        """Let this model, one of :meth:`models`, answer in a thread from now on, whichever agent
        does; empty lets each agent ask its own. What waits already keeps what it was sent with.

        Raises ThreadNotFound, and InvalidInput for one that is not offered.
        """
        self._guard.person(actor)
        if not isinstance(model, str):
            raise InvalidInput("A model is chosen by its name.")
        self._team.check_offered(model)
        choose = self._guard.in_thread(threads.choose, actor, Right.WRITE)
        await self._database.write(choose, checked_id(thread_id), model=model)
