"""Threads as files; the source is transfer.jsx."""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui.build import local_library
from agentchat.ui.words_transfer import FILES

_LIBRARY = local_library("transfer.jsx")


class FileMenu(rx.Component):
    """Exports the thread on the page, and leads to where threads are imported."""

    library = _LIBRARY
    tag = "FileMenu"
    lib_dependencies: list[str] = [
        "lucide-react@1.26.0",
        "@radix-ui/react-dropdown-menu@2.2.1",
    ]

    thread: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


class ImportBox(rx.Component):
    """Takes a file, and shows what became of it."""

    library = _LIBRARY
    tag = "ImportBox"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]

    words: rx.Var[Mapping[str, str]]


def file_menu(thread: rx.Var[str] | str) -> rx.Component:
    """The menu with which a thread is exported."""
    return FileMenu.create(thread=thread, words=FILES)


def import_box() -> rx.Component:
    """The box that takes a file of threads."""
    return ImportBox.create(words=FILES)
