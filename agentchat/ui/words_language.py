"""Every word about the language of the pages."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

LANGUAGE: Final = said("Language")
LANGUAGE_MORE: Final = said(
    "What you and others write stays in the language in which it was written."
)
