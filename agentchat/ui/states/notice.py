"""One line of plain words about something that could not be done."""

from __future__ import annotations

import reflex as rx


class NoticeState(rx.State):
    """What went wrong last in this tab, until it is dismissed or the page changes."""

    words: str = ""

    @rx.event
    def say(self, words: str):
        """Show these words."""
        self.words = words

    @rx.event
    def dismiss(self):
        """Take the words away."""
        if self.words:
            self.words = ""
