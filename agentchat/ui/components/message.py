"""One message: what was said, what became of it, and what can be done."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_run
from agentchat.ui.components.actions import answer_actions, origin, own_text
from agentchat.ui.components.files import files_of
from agentchat.ui.components.further import Further, gap_line
from agentchat.ui.components.local import PassingButton, SpentFold
from agentchat.ui.components.markdown import Plain, copy_message, markdown
from agentchat.ui.components.parts import parts_of, sources_of
from agentchat.ui.components.rows import rows
from agentchat.ui.components.run import RunChip
from agentchat.ui.components.variants import again_button, variant, variants
from agentchat.ui.said import said
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.thread import ThreadState
from agentchat.views import MessageView

_several = AgentsState.agents.length() > 1
_may_write = ThreadState.role != "viewer"


def messages(views: rx.Var[list[MessageView]] | list[MessageView]) -> rx.Component:
    """The messages of the thread; an answer that has others beside it, with those."""
    gap = ThreadState.gap
    between = gap_line(
        gap,
        Further.create(words.LOAD_LATER, to=gap.down),
        Further.create(words.LOAD_EARLIER, to=gap.up),
    )
    return rows(views, _one_or_several, several=True, gap=gap, between=between)


def _one_or_several(view: rx.Var[MessageView]) -> rx.Component:
    return rx.cond(
        view.variants > 1,
        several_answers(view=view),
        message_body(view=view, may_write=_may_write),
    )


@rx.memo
def several_answers(view: rx.Var[MessageView]) -> rx.Component:
    """The answers at one place of the thread, which has the ``view`` as the one that is kept."""
    return variants(
        view,
        variant(view, _article(view)),
        # Those of other places too: which are of this one is found out where they are drawn.
        rx.foreach(ThreadState.others, lambda other: variant(other, _article(other))),
    )


def _article(view: rx.Var[MessageView]) -> rx.Component:
    return article(view, message_body(view=view, may_write=_may_write))


@rx.memo
def message_body(view: rx.Var[MessageView], may_write: rx.Var[bool]) -> rx.Component:
    """A message with all that may be done with it.

    It uses no var of the thread: with each piece of a growing answer all messages would be drawn.
    """
    return rx.cond(view.role == "user", _from_person(view), _from_assistant(view, may_write))


def article(view: rx.Var[MessageView], what: rx.Component) -> rx.Component:
    """What is shown of a message, as an article that names its role and status."""
    return rx.el.article(
        what,
        key=view.id,
        class_name="message",
        data_role=view.role,
        data_status=view.status,
        data_id=view.id,
        aria_busy=is_live(view),
    )


def is_live(view: rx.Var[MessageView]) -> rx.Var[bool]:
    """Whether it waits or grows."""
    return (view.status == "running") | (view.status == "pending")


def _of_another(view: rx.Var[MessageView]) -> rx.Var[bool]:
    """Whether somebody else wrote it than who looks at it. What was copied is nobody's, and told
    apart by names.
    """
    me = AuthState.who
    by_name = (view.author != "") & (me.name != "") & (view.author != me.name)
    return rx.cond((view.user_id != "") & (me.id != ""), view.user_id != me.id, by_name).to(bool)


def _from_person(view: rx.Var[MessageView]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(
            rx.cond(_of_another(view), view.author, words.YOU),
            class_name=rx.cond(_of_another(view), "message-author", "visually-hidden"),
        ),
        own_text(
            view,
            rx.el.div(Plain.create(text=view.text), class_name="text", data_part="text"),
            files_of(view.files),
            rx.cond(
                view.joins,
                rx.el.p(
                    rx.icon("corner-left-up", aria_hidden=True), words.JOINED, class_name="joins"
                ),
            ),
        ),
        origin(view),
    )


def _from_assistant(view: rx.Var[MessageView], may_write: rx.Var[bool]) -> rx.Component:
    named = _several & (view.author != "")
    return rx.fragment(
        rx.el.h2(
            rx.cond(named, view.author, words.ASSISTANT),
            class_name=rx.cond(named, "message-author", "visually-hidden"),
        ),
        parts_of(view, may_write),
        markdown(view.text, message=view.id, growing=is_live(view)),
        sources_of(view),
        rx.cond(view.status == "failed", _failure(view, may_write)),
        rx.el.div(
            rx.cond(is_live(view), _at_work(view), _at_rest(view, may_write)),
            rx.cond(
                view.run_id != "",
                RunChip.create(run=view.run_id, message=view.id, words=words_run.CHIP),
            ),
            rx.cond(is_live(view), rx.fragment(), answer_actions(view)),
            class_name="message-foot",
        ),
        origin(view),
    )


def _at_work(view: rx.Var[MessageView]) -> rx.Component:
    return rx.el.span(
        rx.el.span(rx.el.i(), rx.el.i(), rx.el.i(), class_name="pulse", aria_hidden=True),
        rx.el.span(_words(view), data_part="words"),
        class_name="message-words",
    )


def _at_rest(view: rx.Var[MessageView], may_write: rx.Var[bool]) -> rx.Component:
    return rx.fragment(
        rx.cond(view.text != "", copy_message(view.text)),
        rx.cond((view.status == "done") & ~view.hidden & may_write, again_button(view)),
        rx.match(
            view.status,
            ("failed", rx.fragment()),
            ("stopped", _stopped(view, may_write)),
            rx.cond(view.words != "", rx.el.span(said(view.words), data_part="words")),
        ),
        rx.cond(view.model != "", rx.el.span(view.model, class_name="message-model")),
        SpentFold.create(message=view.id, words=words.SPENT),
    )


def _stopped(view: rx.Var[MessageView], may_write: rx.Var[bool]) -> rx.Component:
    return rx.fragment(
        rx.el.span(_words(view), data_part="words"),
        rx.cond(
            may_write,
            PassingButton.create(
                words.TRY_AGAIN,
                class_name="link-button",
                on_press=ThreadState.retry(view.id),
            ),
        ),
    )


def _failure(view: rx.Var[MessageView], may_write: rx.Var[bool]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.strong(_words(view), data_part="words"),
            rx.el.span(said(view.next_step)),
        ),
        rx.cond(
            may_write,
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
    return rx.cond(view.words != "", said(view.words), fallback)
