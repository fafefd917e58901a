"""The pages on which somebody comes in: to log in, to make an account, and where links lead."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words, words_accounts
from agentchat.ui.components.accounts import EntryLink, LinkAsked, ProviderButton, entry_form
from agentchat.ui.components.languages import language_menu
from agentchat.ui.components.sidebar import theme_toggle
from agentchat.ui.said import said
from agentchat.ui.states.entry import EntryState


def login_page() -> rx.Component:
    """Name and password; where nobody has an account, the first one is made."""
    return _entry(rx.cond(EntryState.no_accounts, _first(), _login()))


def sign_up_page() -> rx.Component:
    """An account for whoever comes, if they may."""
    return _entry(
        rx.cond(
            EntryState.no_accounts,
            _first(),
            rx.cond(EntryState.may_sign_up, _sign_up(), _by_invitation()),
        )
    )


def link_page() -> rx.Component:
    """Where links lead: to an account, or to another password."""
    return _entry(
        LinkAsked.create(
            rx.match(
                EntryState.link,
                ("invite", _invited()),
                ("reset", _reset()),
                ("none", _over()),
                _waiting(),
            ),
            arrival=EntryState.arrival,
            on_look=EntryState.look,
        )
    )


def _entry(content: rx.Component) -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.span(
                rx.el.span(class_name="brand-mark", aria_hidden=True),
                words.APP,
                class_name="brand",
            ),
            language_menu(),
            theme_toggle(),
            class_name="entry-top",
        ),
        rx.el.div(
            rx.cond(
                EntryState.problem != "",
                _problem(),
                rx.cond(
                    EntryState.loaded,
                    rx.cond(EntryState.open, _nobody_logs_in(), content),
                    _waiting(),
                ),
            ),
            class_name="entry",
        ),
        class_name="entry-page",
    )


def _heading(title: str, more: str | rx.Var[str]) -> rx.Component:
    return rx.el.div(
        rx.el.h1(title, class_name="note-title"), rx.el.p(more), class_name="entry-heading"
    )


def _first() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.FIRST, words_accounts.FIRST_MORE),
        _provider(),
        entry_form(
            path="/auth/sign-up",
            fields=words_accounts.SIGN_UP_FIELDS,
            submit=words_accounts.FIRST,
            focus=True,
        ),
    )


def _login() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.LOGIN, words_accounts.LOGIN_MORE),
        _provider(),
        entry_form(
            path="/auth/login",
            fields=words_accounts.LOGIN_FIELDS,
            submit=words_accounts.LOGIN,
            focus=True,
        ),
        rx.el.p(
            rx.cond(
                EntryState.may_sign_up,
                rx.fragment(
                    words_accounts.NO_ACCOUNT,
                    " ",
                    EntryLink.create(words_accounts.SIGN_UP, to=words_accounts.SIGN_UP_PATH),
                ),
                words_accounts.FORGOT,
            ),
            class_name="entry-more",
        ),
    )


def _provider(link: str = "") -> rx.Component:
    """The way through an identity provider, where there is one."""
    return rx.cond(
        EntryState.provider != "",
        ProviderButton.create(
            words_accounts.WITH_PROVIDER,
            " ",
            EntryState.provider,
            link=link,
            words=words_accounts.PROVIDER,
        ),
    )


def _sign_up() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.SIGN_UP, words_accounts.SIGN_UP_MORE),
        _provider(),
        entry_form(
            path="/auth/sign-up",
            fields=words_accounts.SIGN_UP_FIELDS,
            submit=words_accounts.SIGN_UP,
            focus=True,
        ),
        rx.el.p(
            words_accounts.HAVE_ACCOUNT,
            " ",
            EntryLink.create(words_accounts.LOGIN, to=words_accounts.LOGIN_PATH),
            class_name="entry-more",
        ),
    )


def _by_invitation() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.SIGN_UP_CLOSED, words_accounts.NOT_INVITED),
        _way_on(words_accounts.TO_LOGIN, words_accounts.LOGIN_PATH),
    )


def _invited() -> rx.Component:
    more = rx.cond(EntryState.admin, words_accounts.INVITED_ADMIN_MORE, words_accounts.INVITED_MORE)
    return rx.fragment(
        _heading(words_accounts.INVITED_TITLE, more),
        _provider("invitation"),
        entry_form(
            path="/auth/sign-up",
            fields=words_accounts.SIGN_UP_FIELDS,
            link="invitation",
            submit=words_accounts.SIGN_UP,
            focus=True,
        ),
    )


def _reset() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.RESET, words_accounts.RESET_MORE),
        rx.el.p(
            words_accounts.RESET_FOR, " ", rx.el.strong(EntryState.name), class_name="entry-who"
        ),
        entry_form(
            path="/auth/reset",
            fields=words_accounts.RESET_FIELDS,
            link="token",
            person=EntryState.name,
            submit=words_accounts.RESET,
            focus=True,
        ),
    )


def _over() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.LINK_OVER, words_accounts.LINK_OVER_MORE),
        _way_on(words_accounts.TO_LOGIN, words_accounts.LOGIN_PATH),
    )


def _nobody_logs_in() -> rx.Component:
    return rx.fragment(
        _heading(words_accounts.OPEN_TITLE, words_accounts.OPEN_MORE),
        _way_on(words_accounts.BACK, "/"),
    )


def _problem() -> rx.Component:
    return rx.fragment(
        rx.el.h1(words_accounts.COME_IN, class_name="note-title"),
        rx.el.p(said(EntryState.problem), role="alert", class_name="entry-problem"),
        rx.el.button(
            words_accounts.AGAIN, type="button", class_name="button", on_click=EntryState.arrive
        ),
    )


def _waiting() -> rx.Component:
    return rx.fragment(
        rx.el.h1(words_accounts.COME_IN, class_name="visually-hidden"),
        rx.el.span(class_name="spinner late", aria_hidden=True),
    )


def _way_on(label: str, to: str) -> rx.Component:
    return rx.el.a(label, href=to, class_name="button primary")
