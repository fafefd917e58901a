"""The parts of the settings that are components of our own; their source is people.jsx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words_accounts as words
from agentchat.ui.build import local_library
from agentchat.ui.states.account import AccountState, Acted, LoginLine
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.people import LinkLine, PeopleState, PersonLine

_Named = rx.event.passthrough_event_spec(str, int)
_Invite = rx.event.passthrough_event_spec(bool, int)
_Act = rx.event.passthrough_event_spec(str, str, int)
_DIALOG = "@radix-ui/react-dialog@1.3.1"


class NameForm(rx.Component):
    """The name that others see."""

    library = local_library("people.jsx")
    tag = "NameForm"
    lib_dependencies: list[str] = ["lucide-react@1.26.0", _DIALOG]

    name: rx.Var[str]
    picking: rx.Var[bool]
    acted: rx.Var[Acted]
    words: rx.Var[Mapping[str, str]]
    on_rename: rx.EventHandler[_Named]


class Logins(rx.Component):
    """Where one is logged in."""

    library = local_library("people.jsx")
    tag = "Logins"

    logins: rx.Var[list[LoginLine]]
    acted: rx.Var[Acted]
    words: rx.Var[Mapping[str, str]]
    on_end: rx.EventHandler[_Named]


class People(rx.Component):
    """All who have an account, and links that let them in."""

    library = local_library("people.jsx")
    tag = "People"

    people: rx.Var[list[PersonLine]]
    links: rx.Var[list[LinkLine]]
    acted: rx.Var[Acted]
    words: rx.Var[Mapping[str, Any]]
    on_invite: rx.EventHandler[_Invite]
    on_act: rx.EventHandler[_Act]
    on_hide: rx.EventHandler[rx.event.no_args_event_spec]


def name_form() -> rx.Component:
    """A field with the name, empty as long as none was picked."""
    who = AuthState.who
    return NameForm.create(
        name=who.name,
        picking=who.open & ~who.named,
        acted=AccountState.renamed,
        words=words.NAME_WORDS,
        on_rename=AccountState.rename,
    )


def logins() -> rx.Component:
    """The logins, this browser's first."""
    return Logins.create(
        logins=AccountState.logins,
        acted=AccountState.acted,
        words=words.LOGIN_WORDS,
        on_end=AccountState.end,
    )


def people() -> rx.Component:
    """The people and their links."""
    return People.create(
        people=PeopleState.people,
        links=PeopleState.links,
        acted=PeopleState.acted,
        words=words.PEOPLE_WORDS,
        on_invite=PeopleState.invite,
        on_act=PeopleState.act,
        on_hide=PeopleState.arrive,
    )
