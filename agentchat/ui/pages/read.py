"""Where a public link leads: a thread that anybody reads who has it."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_accounts, words_sharing
from agentchat.ui.components.accounts import LinkAsked
from agentchat.ui.components.languages import language_menu
from agentchat.ui.components.local import Growth, Log
from agentchat.ui.components.read import FurtherButton, read_messages
from agentchat.ui.components.sidebar import theme_toggle
from agentchat.ui.said import filled, said
from agentchat.ui.states.read import ReadState

_growing = ReadState.far + ReadState.live
_messages = ReadState.far + ReadState.older + ReadState.settled + ReadState.live
_good = ReadState.link == "good"

read_title = rx.cond(
    _good & (ReadState.title != ""),
    f"{ReadState.title} · {words.APP}",
    f"{rx.Var.create(words_sharing.READ_TITLE)} · {words.APP}",
)
"""What the browser calls the page."""


def read_page() -> rx.Component:
    """The thread of the link, as it grows; nothing of it once the link is good for nothing."""
    return rx.el.main(
        _header(),
        LinkAsked.create(
            rx.cond(
                ReadState.problem != "",
                _problem(),
                rx.match(ReadState.link, ("good", _thread()), ("none", _over()), _waiting()),
            ),
            arrival=ReadState.arrival,
            on_look=ReadState.look,
        ),
        class_name="read-page",
    )


def _header() -> rx.Component:
    return rx.el.header(
        rx.el.span(class_name="brand-mark", aria_hidden=True),
        rx.cond(
            _good,
            rx.el.div(
                rx.el.h1(
                    rx.cond(ReadState.title != "", ReadState.title, words.UNTITLED),
                    class_name="header-title",
                ),
                rx.el.p(
                    filled(words_sharing.SHARED_BY, name=ReadState.by),
                    class_name="read-by",
                    data_part="shared-by",
                ),
                class_name="read-about",
            ),
            rx.el.span(words.APP, class_name="brand read-about"),
        ),
        rx.cond(
            ReadState.own != "",
            rx.el.a(
                words_sharing.OPEN_OWN,
                href=ReadState.own,
                class_name="button small",
                data_part="open-own",
            ),
        ),
        language_menu(),
        theme_toggle(),
        class_name="header read-header",
    )


def _thread() -> rx.Component:
    return rx.fragment(
        Growth.create(tail=ReadState.tail, live=_growing, on_missed=ReadState.catch_up),
        Log.create(
            rx.cond(
                _messages.length() == 0,
                rx.el.p(words_sharing.READ_EMPTY, class_name="read-empty"),
                rx.fragment(
                    rx.cond(
                        ReadState.more_before,
                        rx.el.p(
                            FurtherButton.create(
                                words.LOAD_EARLIER, on_more=ReadState.further_back
                            ),
                            class_name="earlier",
                        ),
                    ),
                    read_messages(_messages),
                ),
            ),
            shown=ReadState.key,
            first=rx.cond(_messages.length() == 0, "", _messages[0].id),
            label=words.MESSAGES,
            jump=words.LATEST,
        ),
        rx.el.div(
            rx.el.p(
                rx.el.span(
                    rx.el.span(class_name="live-dot", aria_hidden=True),
                    words_sharing.LIVE,
                    class_name="read-live",
                ),
                rx.el.span(words_sharing.READ),
                class_name="read-only",
                data_part="read-only",
            ),
            class_name="dock",
        ),
    )


def _over() -> rx.Component:
    return rx.el.div(
        rx.el.h1(words_sharing.LINK_OVER, class_name="note-title"),
        rx.el.p(words_sharing.LINK_OVER_MORE),
        class_name="center-note",
        role="alert",
        data_part="over",
    )


def _problem() -> rx.Component:
    return rx.el.div(
        rx.el.h1(words_sharing.READ_PROBLEM, class_name="note-title"),
        rx.el.p(said(ReadState.problem), role="alert"),
        rx.el.button(
            words_accounts.AGAIN, type="button", class_name="button", on_click=ReadState.catch_up
        ),
        class_name="center-note",
    )


def _waiting() -> rx.Component:
    return rx.el.div(
        rx.el.h1(words_sharing.READ_TITLE, class_name="visually-hidden"),
        rx.el.span(class_name="spinner late", aria_hidden=True),
        class_name="center-note",
        aria_busy=True,
    )
