"""Coming in and going out: forms, the gate before every page, and who one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words, words_accounts
from agentchat.ui.arrivals import ENTRANCES
from agentchat.ui.build import local_library
from agentchat.ui.components.local import ThreadLink
from agentchat.ui.said import said
from agentchat.ui.states.auth import AuthState

_Text = rx.event.passthrough_event_spec(str)


class EntryForm(rx.Component):
    """A form that is sent to an address under ``/auth``. ``link`` is the name of the field that
    holds the token of the link that led here, ``done`` what is said where the page stays.
    """

    library = local_library("accounts.jsx")
    tag = "EntryForm"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]

    path: rx.Var[str]
    fields: rx.Var[list[dict[str, Any]]]
    link: rx.Var[str]
    person: rx.Var[str]
    submit: rx.Var[str]
    done: rx.Var[str]
    focus: rx.Var[bool]
    words: rx.Var[Mapping[str, str]]


class EntryLink(rx.Component):
    """A link to another page on which one comes in."""

    library = local_library("accounts.jsx")
    tag = "EntryLink"

    to: rx.Var[str]


class ProviderButton(rx.Component):
    """Leaves for the identity provider; says what came of it last. ``link`` as in the form."""

    library = local_library("accounts.jsx")
    tag = "ProviderButton"

    link: rx.Var[str]
    words: rx.Var[Mapping[str, Any]]


class LinkAsked(rx.Component):
    """Asks what the link of the address is for, at each arrival."""

    library = local_library("accounts.jsx")
    tag = "LinkAsked"

    arrival: rx.Var[int]
    on_look: rx.EventHandler[_Text]


class LogOutButton(rx.Component):
    """Ends the login of this browser."""

    library = local_library("accounts.jsx")
    tag = "LogOutButton"

    login: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


class Gate(rx.Component):
    """Its children as long as somebody is logged in, then the way to the login."""

    library = local_library("accounts.jsx")
    tag = "Gate"

    over: rx.Var[bool]
    who: rx.Var[str]
    entrances: rx.Var[list[str]]
    login: rx.Var[str]


def gate() -> rx.Component:
    """Shuts every page but the entrances as soon as nobody is logged in any more."""
    return Gate.create(
        over=AuthState.over,
        who=AuthState.who.id,
        entrances=list(ENTRANCES),
        login=words_accounts.LOGIN_PATH,
    )


def entry_form(**props: Any) -> rx.Component:
    """A form with the words that all of them have."""
    return EntryForm.create(words=words_accounts.FORM, **props)


def whoever() -> rx.Component:
    """Who one is, at the foot of the sidebar: the way to the settings, and out."""
    who = AuthState.who
    named = ~who.open | who.named
    return rx.el.div(
        rx.cond(
            who.id != "",
            rx.fragment(
                ThreadLink.create(
                    rx.icon("circle-user-round", size=15, aria_hidden=True),
                    rx.el.span(words_accounts.SETTINGS, ": ", class_name="visually-hidden"),
                    rx.el.span(
                        rx.cond(named, who.name, words_accounts.FOOT_NOBODY),
                        class_name="thread-title",
                        data_part="who",
                    ),
                    rx.cond(
                        named,
                        rx.icon("settings", size=15, class_name="foot-more", aria_hidden=True),
                        rx.el.span(words_accounts.PICK_NAME, class_name="foot-more"),
                    ),
                    to=words_accounts.SETTINGS_PATH,
                    class_name="thread-link place-link",
                ),
                rx.cond(
                    ~who.open,
                    LogOutButton.create(login=words_accounts.LOGIN_PATH, words=words_accounts.FOOT),
                ),
            ),
        ),
        class_name="sidebar-foot",
    )


def for_operators(content: rx.Component) -> rx.Component:
    """What only administrators may see; for others, that it is so."""
    return rx.cond(
        AuthState.who.id != "",
        rx.cond(
            AuthState.who.operator,
            content,
            rx.el.div(
                rx.icon("shield", aria_hidden=True),
                rx.el.h2(words_accounts.ADMINS_TITLE, class_name="note-title"),
                rx.el.p(words_accounts.ADMINS),
                rx.el.a(words.START_OVER, href="/", class_name="button"),
                class_name="center-note",
                data_part="for-operators",
            ),
        ),
        not_known_yet(),
    )


def not_known_yet() -> rx.Component:
    """In place of what depends on who one is, until that is known: nothing, or why it is not."""
    return rx.cond(
        AuthState.problem != "",
        rx.el.p(said(AuthState.problem), role="alert", class_name="entry-problem"),
        rx.el.p(aria_busy=True),
    )
