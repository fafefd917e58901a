"""Where a link into a thread leads: what it is, and the way in."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_accounts, words_sharing
from agentchat.ui.components.accounts import LinkAsked
from agentchat.ui.components.languages import language_menu
from agentchat.ui.components.sharing import join_button
from agentchat.ui.components.sidebar import theme_toggle
from agentchat.ui.said import filled, said
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.sharing import JoinState


def join_page() -> rx.Component:
    """For whoever is logged in: who shares a thread with them, and a button that joins."""
    return rx.el.main(
        rx.el.div(
            rx.el.a(
                rx.el.span(class_name="brand-mark", aria_hidden=True),
                words.APP,
                href="/",
                class_name="brand",
            ),
            language_menu(),
            theme_toggle(),
            class_name="entry-top",
        ),
        rx.el.div(
            rx.cond(
                AuthState.who.open,
                _note(words_accounts.OPEN_TITLE, words_accounts.OPEN_MORE),
                LinkAsked.create(_of_link(), arrival=JoinState.arrival, on_look=JoinState.look),
            ),
            class_name="entry",
        ),
        class_name="entry-page",
    )


def _of_link() -> rx.Component:
    return rx.cond(
        JoinState.problem != "",
        _problem(),
        rx.match(
            JoinState.link,
            ("good", _good()),
            ("none", _note(words_sharing.LINK_OVER, words_sharing.LINK_OVER_MORE)),
            _waiting(),
        ),
    )


def _good() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.h1(filled(words_sharing.SHARES, name=JoinState.by), class_name="note-title"),
            rx.el.p(rx.match(JoinState.role, *words_sharing.JOIN_AS.items(), "")),
            class_name="entry-heading",
        ),
        join_button(),
    )


def _note(title: str, more: str) -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.h1(title, class_name="note-title"), rx.el.p(more), class_name="entry-heading"
        ),
        rx.el.a(words_sharing.BACK, href="/", class_name="button primary"),
    )


def _problem() -> rx.Component:
    return rx.fragment(
        rx.el.h1(words_sharing.JOIN_TITLE, class_name="note-title"),
        rx.el.p(said(JoinState.problem), role="alert", class_name="entry-problem"),
        rx.el.button(
            words_accounts.AGAIN, type="button", class_name="button", on_click=JoinState.arrive
        ),
    )


def _waiting() -> rx.Component:
    return rx.fragment(
        rx.el.h1(words_sharing.JOIN_TITLE, class_name="visually-hidden"),
        rx.el.span(class_name="spinner late", aria_hidden=True),
    )
