"""Messages as whoever comes with a public link reads them: nothing of them can be pressed but what
copies and unfolds. What is only here is in read.jsx.
"""

from __future__ import annotations

from collections.abc import Mapping

import reflex as rx

from agentchat.ui import words, words_run, words_sharing
from agentchat.ui.build import local_library
from agentchat.ui.components.further import gap_line
from agentchat.ui.components.markdown import Plain, copy_message, markdown
from agentchat.ui.components.message import is_live
from agentchat.ui.components.parts import Parts, sources_of
from agentchat.ui.components.rows import rows
from agentchat.ui.downloads import ADMISSION
from agentchat.ui.said import said
from agentchat.ui.states.read import ReadState
from agentchat.views import FileView, MessageView

_LIBRARY = local_library("read.jsx")
_LUCIDE = "lucide-react@1.26.0"


class ReadFiles(rx.Component):
    """The files of a message, which open for whoever has the ``link``."""

    library = _LIBRARY
    tag = "ReadFiles"
    lib_dependencies: list[str] = [_LUCIDE]

    path: rx.Var[str]
    link: rx.Var[str]
    files: rx.Var[tuple[FileView, ...]]
    label: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


class FurtherButton(rx.Component):
    """Shows more of what was said before, or after."""

    library = _LIBRARY
    tag = "FurtherButton"

    on_more: rx.EventHandler[rx.event.no_args_event_spec]


def read_messages(views: rx.Var[list[MessageView]] | list[MessageView]) -> rx.Component:
    """The messages of the thread that is read."""
    return rows(
        views,
        lambda view: read_body(view=view, link=ReadState.key),
        several=False,
        gap=ReadState.gap,
        between=gap_line(
            ReadState.gap,
            FurtherButton.create(words.LOAD_LATER, on_more=ReadState.further_on),
            FurtherButton.create(words.LOAD_EARLIER, on_more=ReadState.from_end),
        ),
    )


@rx.memo
def read_body(view: rx.Var[MessageView], link: rx.Var[str]) -> rx.Component:
    """A message of the thread that is read under the ``link`` of this name."""
    return rx.cond(view.role == "user", _from_person(view, link), _from_assistant(view))


def _from_person(view: rx.Var[MessageView], link: rx.Var[str]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(view.author, class_name="message-author"),
        rx.el.div(Plain.create(text=view.text), class_name="text", data_part="text"),
        rx.cond(
            view.files.length() > 0,
            ReadFiles.create(
                path=ADMISSION,
                link=link,
                files=view.files,
                label=words.FILES,
                words=words_sharing.READ_FILES,
            ),
        ),
        rx.cond(
            view.joins,
            rx.el.p(rx.icon("corner-left-up", aria_hidden=True), words.JOINED, class_name="joins"),
        ),
    )


def _from_assistant(view: rx.Var[MessageView]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(
            rx.cond(view.author != "", view.author, words.ASSISTANT), class_name="message-author"
        ),
        Parts.create(
            parts=view.parts,
            run="",
            refused=rx.Var.create({}),
            may_write=False,
            words=words.PARTS,
            ask_words=words.ASKS,
            run_words=words_run.CHIP,
            markdown_words=words.MARKDOWN,
        ),
        markdown(view.text, message=view.id, growing=is_live(view)),
        sources_of(view),
        rx.el.div(
            rx.cond(is_live(view), _at_work(view), _at_rest(view)), class_name="message-foot"
        ),
    )


def _at_work(view: rx.Var[MessageView]) -> rx.Component:
    return rx.el.span(
        rx.el.span(rx.el.i(), rx.el.i(), rx.el.i(), class_name="pulse", aria_hidden=True),
        rx.el.span(_words(view), data_part="words"),
        class_name="message-words",
    )


def _at_rest(view: rx.Var[MessageView]) -> rx.Component:
    return rx.fragment(
        rx.cond(view.text != "", copy_message(view.text)),
        rx.cond(view.status != "done", rx.el.span(_words(view), data_part="words")),
    )


def _words(view: rx.Var[MessageView]) -> rx.Var[str]:
    status = rx.match(view.status, *words.STATUS.items(), "")
    return rx.cond(view.words != "", said(view.words), status)
