"""Files of messages; the sources are files.jsx and, for those on their way, attach.jsx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import reflex as rx

from agentchat.ui import words_files as words
from agentchat.ui.build import local_library
from agentchat.views import FileView


class MessageFiles(rx.Component):
    """Pictures that open large, and other files to read and to keep. ``at`` is where they lie,
    and ``readable`` whether their beginnings can be read there.
    """

    library = local_library("files.jsx")
    tag = "MessageFiles"
    lib_dependencies: list[str] = ["lucide-react@1.26.0", "@radix-ui/react-dialog@1.3.1"]

    files: rx.Var[Sequence[FileView]]
    at: rx.Var[str]
    readable: rx.Var[bool]
    words: rx.Var[Mapping[str, str]]


def files_of(files: rx.Var[tuple[FileView, ...]]) -> rx.Component:
    """The files of a message; nothing if it has none."""
    return rx.cond(files.length() > 0, MessageFiles.create(files=files, words=words.MESSAGE))
