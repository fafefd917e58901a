"""Sharing the thread on the page; the source is sharing.jsx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words_sharing as words
from agentchat.ui.build import local_library
from agentchat.ui.states.account import Acted
from agentchat.ui.states.sharing import JoinState, MemberLine, ShareLine, SharingState
from agentchat.ui.states.thread import ThreadState

_Add = rx.event.passthrough_event_spec(str, str, str, int)
_Make = rx.event.passthrough_event_spec(str, str, float, int)
_Revoke = rx.event.passthrough_event_spec(str, str, int)
_Join = rx.event.passthrough_event_spec(str, int)
_DEPENDENCIES = ["lucide-react@1.26.0", "@radix-ui/react-dialog@1.3.1"]


class ShareButton(rx.Component):
    """With whom the thread is shared, and the dialog about it."""

    library = local_library("sharing.jsx")
    tag = "ShareButton"
    lib_dependencies: list[str] = _DEPENDENCIES

    thread: rx.Var[str]
    role: rx.Var[str]
    members: rx.Var[list[MemberLine]]
    links: rx.Var[list[ShareLine]]
    added: rx.Var[Acted]
    acted: rx.Var[Acted]
    linked: rx.Var[Acted]
    offers_public: rx.Var[bool]
    words: rx.Var[Mapping[str, Any]]
    on_add: rx.EventHandler[_Add]
    on_act: rx.EventHandler[_Add]
    on_make: rx.EventHandler[_Make]
    on_revoke: rx.EventHandler[_Revoke]
    on_hide: rx.EventHandler[rx.event.no_args_event_spec]


class JoinButton(rx.Component):
    """Joins the thread of the link that led to the page."""

    library = local_library("sharing.jsx")
    tag = "JoinButton"
    lib_dependencies: list[str] = _DEPENDENCIES

    acted: rx.Var[Acted]
    words: rx.Var[Mapping[str, str]]
    on_join: rx.EventHandler[_Join]


def share_button() -> rx.Component:
    """With whom the thread is shared; nothing where everybody may do everything."""
    return ShareButton.create(
        thread=ThreadState.shown,
        role=ThreadState.role,
        members=SharingState.members,
        links=SharingState.links,
        added=SharingState.added,
        acted=SharingState.acted,
        linked=SharingState.linked,
        offers_public=SharingState.public_links,
        words=words.SHARING,
        on_add=SharingState.add,
        on_act=SharingState.act,
        on_make=SharingState.make_link,
        on_revoke=SharingState.revoke_link,
        on_hide=SharingState.hide_link,
    )


def join_button() -> rx.Component:
    """Joins the thread of the link that led to the page."""
    return JoinButton.create(acted=JoinState.acted, words=words.JOIN, on_join=JoinState.join)


def read_only() -> rx.Component:
    """Where others have the message box: that one may read here."""
    return rx.el.p(
        rx.icon("eye", size=15, aria_hidden=True),
        rx.el.span(rx.el.strong(words.READ_ONLY), " ", words.READ_ONLY_MORE),
        class_name="read-only",
        data_part="read-only",
    )
