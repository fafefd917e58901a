"""Which build of the pages this server has."""

from __future__ import annotations

from functools import cache

import reflex as rx
from reflex.utils.prerequisites import get_web_dir

from agentchat.ui.build import mark_of


class BuildState(rx.State):
    """What a page compares itself with: one that was loaded before the app was renewed goes on
    with the new server, and offers to be loaded again.
    """

    mark: str = ""

    @rx.event
    def tell(self):
        """Say it once the page is there, and whenever it is connected again."""
        self.mark = _mark()


@cache
def _mark() -> str:
    return mark_of(get_web_dir() / rx.constants.Dirs.STATIC)
