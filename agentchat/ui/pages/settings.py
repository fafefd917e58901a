"""The settings: who one is, the password, where one is logged in; for admins, the people."""

from __future__ import annotations

from typing import Any

import reflex as rx

from agentchat.ui import words_accounts as words
from agentchat.ui.components.accounts import entry_form, not_known_yet
from agentchat.ui.components.framed import framed
from agentchat.ui.components.people import logins, name_form, people
from agentchat.ui.states.account import AccountState
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.people import PeopleState


def settings_page() -> rx.Component:
    """Threads at the left; one's account, and for admins those of others, at the right."""
    who = AuthState.who
    return framed(
        words.SETTINGS,
        rx.el.div(
            rx.cond(
                who.id != "",
                rx.cond(who.open, _open(), _accounts()),
                not_known_yet(),
            ),
            class_name="document settings-page",
        ),
    )


def _open() -> rx.Component:
    who = AuthState.who
    more = rx.cond(who.named, words.OPEN_NAMED, words.OPEN_YOU)
    return rx.fragment(
        _section(
            "you",
            words.YOU,
            more,
            rx.cond(
                who.nameable, name_form(), rx.el.p(words.NO_COOKIES, class_name="entry-problem")
            ),
        ),
        _section("people", words.PEOPLE, words.OPEN_PEOPLE),
    )


def _accounts() -> rx.Component:
    return rx.fragment(
        _section("you", words.YOU, words.DISPLAY_MORE, name_form()),
        _section(
            "password",
            words.PASSWORD,
            words.PASSWORD_MORE,
            entry_form(
                path="/auth/password",
                fields=words.PASSWORD_FIELDS,
                submit=words.PASSWORD_CHANGE,
                done=words.PASSWORD_CHANGED,
            ),
        ),
        _section(
            "logins",
            words.LOGINS,
            words.LOGINS_MORE,
            _live(AccountState.loaded, AccountState.problem, logins()),
        ),
        rx.cond(
            AuthState.who.operator,
            _section(
                "people",
                words.PEOPLE,
                words.PEOPLE_MORE,
                _live(PeopleState.loaded, PeopleState.problem, people()),
            ),
        ),
    )


def _live(loaded: Any, problem: Any, content: rx.Component) -> rx.Component:
    return rx.cond(
        problem != "",
        rx.el.p(problem, role="alert", class_name="entry-problem"),
        rx.cond(loaded, content, rx.el.p(aria_busy=True)),
    )


def _section(
    name: str, title: str, more: str | rx.Var[str], *content: rx.Component
) -> rx.Component:
    return rx.el.section(
        rx.el.h2(title, id=f"settings-{name}"),
        rx.el.p(more, class_name="memories-more"),
        *content,
        aria_labelledby=f"settings-{name}",
        class_name="settings",
        data_part=name,
    )
