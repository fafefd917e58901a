"""One message: what was said, what became of it, and what can be done."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_run
from agentchat.ui.components.local import PassingButton, SpentFold
from agentchat.ui.components.markdown import copy_message, markdown
from agentchat.ui.components.parts import parts_of, sources_of
from agentchat.ui.components.run import RunChip
from agentchat.ui.components.variants import again_button, variant, variants
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.thread import ThreadState
from agentchat.views import FileView, MessageView

_several = AgentsState.agents.length() > 1
_may_write = ThreadState.role != "viewer"


def message(view: rx.Var[MessageView]) -> rx.Component:
    """A message of the thread; an answer that has others beside it, with those."""
    return rx.cond(view.variants > 1, _several_answers(view), _article(view))


def _several_answers(view: rx.Var[MessageView]) -> rx.Component:
    return variants(
        view,
        variant(view, _article(view)),
        # Those of other places too: which are of this one is found out where they are drawn.
        rx.foreach(ThreadState.others, lambda other: variant(other, _article(other))),
    )


def _article(view: rx.Var[MessageView]) -> rx.Component:
    """A message as an article that names its role and status."""
    return rx.el.article(
        rx.cond(view.role == "user", _from_person(view), _from_assistant(view)),
        key=view.id,
        class_name="message",
        data_role=view.role,
        data_status=view.status,
        data_id=view.id,
        aria_busy=_is_live(view),
    )


def _is_live(view: rx.Var[MessageView]) -> rx.Var[bool]:
    return (view.status == "running") | (view.status == "pending")


def _of_another(view: rx.Var[MessageView]) -> rx.Var[bool]:
    """Whether somebody else wrote it than who looks at it, as far as names tell."""
    me = AuthState.who
    return (view.author != "") & (me.name != "") & (view.author != me.name)


def _from_person(view: rx.Var[MessageView]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(
            rx.cond(_of_another(view), view.author, words.YOU),
            class_name=rx.cond(_of_another(view), "message-author", "visually-hidden"),
        ),
        rx.el.div(view.text, class_name="text", data_part="text"),
        rx.cond(
            view.files.length() > 0,
            rx.el.ul(rx.foreach(view.files, _file), class_name="files", aria_label=words.FILES),
        ),
        rx.cond(
            view.joins,
            rx.el.p(rx.icon("corner-left-up", aria_hidden=True), words.JOINED, class_name="joins"),
        ),
    )


def _file(file: rx.Var[FileView]) -> rx.Component:
    return rx.el.li(
        rx.icon("paperclip", aria_hidden=True),
        rx.el.span(file.name, class_name="file-name"),
        rx.el.span(_size(file.size), class_name="file-size"),
        key=file.id,
        class_name="file",
        title=file.media_type,
    )


def _size(size: rx.Var[int]) -> rx.Var[str]:
    """How large a file is, as people say it."""
    return rx.cond(
        size < 1_000,
        f"{size} B",
        rx.cond(
            size < 1_000_000,
            f"{rx.Var(f'Math.round({size!s} / 1000)')} kB",
            f"{rx.Var(f'({size!s} / 1e6).toFixed(1)')} MB",
        ),
    )


def _from_assistant(view: rx.Var[MessageView]) -> rx.Component:
    named = _several & (view.author != "")
    return rx.fragment(
        rx.el.h2(
            rx.cond(named, view.author, words.ASSISTANT),
            class_name=rx.cond(named, "message-author", "visually-hidden"),
        ),
        parts_of(view),
        markdown(view.text, message=view.id, growing=_is_live(view)),
        sources_of(view),
        rx.cond(view.status == "failed", _failure(view)),
        rx.el.div(
            rx.cond(_is_live(view), _at_work(view), _at_rest(view)),
            rx.cond(
                view.run_id != "",
                RunChip.create(run=view.run_id, message=view.id, words=words_run.CHIP),
            ),
            class_name="message-foot",
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
        rx.cond((view.status == "done") & ~view.hidden & _may_write, again_button(view)),
        rx.match(
            view.status,
            ("failed", rx.fragment()),
            ("stopped", _stopped(view)),
            rx.cond(view.words != "", rx.el.span(view.words, data_part="words")),
        ),
        rx.cond(view.model != "", rx.el.span(view.model, class_name="message-model")),
        SpentFold.create(message=view.id, words=words.SPENT),
    )


def _stopped(view: rx.Var[MessageView]) -> rx.Component:
    return rx.fragment(
        rx.el.span(_words(view), data_part="words"),
        rx.cond(
            _may_write,
            PassingButton.create(
                words.TRY_AGAIN,
                class_name="link-button",
                on_press=ThreadState.retry(view.id),
            ),
        ),
    )


def _failure(view: rx.Var[MessageView]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.strong(_words(view), data_part="words"),
            rx.el.span(view.next_step),
        ),
        rx.cond(
            _may_write,
            PassingButton.create(
                words.TRY_AGAIN,
                class_name="button small",
                on_press=ThreadState.retry(view.id),
            ),
        ),
        class_name="failure",
        role="alert",
    )


def _words(view: rx.Var[MessageView]) -> rx.Var[str]:
    fallback = rx.match(view.status, *words.STATUS.items(), "")
    return rx.cond(view.words != "", view.words, fallback)
