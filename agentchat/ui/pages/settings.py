"""The settings: who one is and where one is logged in, and what is in force in the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import reflex as rx

from agentchat.ui import words_accounts as words
from agentchat.ui import words_language
from agentchat.ui import words_settings as app_words
from agentchat.ui.components import configuration
from agentchat.ui.components.accounts import entry_form, for_operators, not_known_yet
from agentchat.ui.components.appearance import appearance_choice
from agentchat.ui.components.framed import framed
from agentchat.ui.components.languages import language_choice
from agentchat.ui.components.people import logins, name_form, people
from agentchat.ui.said import said
from agentchat.ui.states.account import AccountState
from agentchat.ui.states.audits import AuditsState
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.configuration import LimitsState, ModelsState, RetentionState
from agentchat.ui.states.people import PeopleState


def settings_page() -> rx.Component:
    """One's account: who one is, and the password."""
    who = AuthState.who
    language = _section(
        "language", words_language.LANGUAGE, words_language.LANGUAGE_MORE, language_choice()
    )
    appearance = _section(
        "appearance", app_words.APPEARANCE, app_words.APPEARANCE_MORE, appearance_choice()
    )
    profile = rx.cond(who.open, _open(), _profile())
    return _page("profile", rx.fragment(profile, appearance, language))


def logins_page() -> rx.Component:
    """Where one is logged in."""
    content = _live(AccountState.loaded, AccountState.problem, logins())
    nobody = _section("logins", words.LOGINS, words.OPEN_PEOPLE)
    return _page(
        "logins",
        rx.cond(
            AuthState.who.open,
            nobody,
            _section("logins", words.LOGINS, words.LOGINS_MORE, content),
        ),
    )


def people_page() -> rx.Component:
    """All who have an account, for those who look after the app."""
    content = _live(PeopleState.loaded, PeopleState.problem, people())
    return _page(
        "people",
        rx.cond(
            AuthState.who.open,
            _section("people", words.PEOPLE, words.OPEN_PEOPLE),
            for_operators(_section("people", words.PEOPLE, words.PEOPLE_MORE, content)),
        ),
    )


def models_settings_page() -> rx.Component:
    """The models of the app, each with a test."""
    content = _live(ModelsState.loaded, ModelsState.problem, configuration.models())
    section = _section("models", app_words.MODELS, app_words.MODELS_MORE, content)
    return _page("models", for_operators(section))


def limits_page() -> rx.Component:
    """The limits that are in force."""
    content = _live(LimitsState.loaded, LimitsState.problem, configuration.limits())
    return _page(
        "limits", _section("limits", app_words.LIMITS, app_words.LIMITS_MORE, content, _changed())
    )


def retention_page() -> rx.Component:
    """What is kept, and for how long."""
    content = _live(RetentionState.loaded, RetentionState.problem, configuration.kept())
    return _page("retention", _section("retention", app_words.KEPT, app_words.KEPT_MORE, content))


def audits_page() -> rx.Component:
    """What people did."""
    content = _live(AuditsState.loaded, AuditsState.problem, configuration.audits(), keep=True)
    section = _section("audits", app_words.AUDITS, app_words.AUDITS_MORE, content)
    return _page("audits", for_operators(section))


def _page(name: str, content: rx.Component) -> rx.Component:
    """Threads at the left; the parts of the settings, and one of them, at the right."""
    return framed(
        words.SETTINGS,
        rx.el.div(
            configuration.settings_places(),
            rx.el.div(
                rx.cond(AuthState.who.id != "", content, not_known_yet()),
                class_name="settings-part",
            ),
            class_name="settings-page",
            data_section=name,
        ),
    )


def _open() -> rx.Component:
    who = AuthState.who
    more = rx.cond(who.named, words.OPEN_NAMED, words.OPEN_YOU)
    return _section(
        "you",
        words.YOU,
        more,
        rx.cond(who.nameable, name_form(), rx.el.p(words.NO_COOKIES, class_name="entry-problem")),
    )


def _profile() -> rx.Component:
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
    )


def _changed() -> rx.Component:
    return rx.el.p(app_words.CHANGED, class_name="set-soft")


def _live(loaded: Any, problem: Any, content: rx.Component, *, keep: bool = False) -> rx.Component:
    """What is live, once it is there; ``keep`` shows what was there while another is fetched."""
    return rx.cond(
        problem != "",
        rx.el.p(said(problem), role="alert", class_name="entry-problem"),
        content if keep else rx.cond(loaded, content, rx.el.p(aria_busy=True)),
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


Page = tuple[Callable[[], rx.Component], str, list[Any]]
SETTINGS_PAGES: Final[dict[str, Page]] = {
    words.SETTINGS_PATH: (settings_page, words.SETTINGS, [AccountState.arrive]),
    app_words.LOGINS_PATH: (
        logins_page,
        app_words.LOGINS,
        [AccountState.arrive, AccountState.follow],
    ),
    app_words.PEOPLE_PATH: (
        people_page,
        app_words.PEOPLE,
        [PeopleState.arrive, PeopleState.follow],
    ),
    app_words.MODELS_PATH: (
        models_settings_page,
        app_words.MODELS,
        [ModelsState.arrive, ModelsState.follow],
    ),
    app_words.LIMITS_PATH: (limits_page, app_words.LIMITS, [LimitsState.follow]),
    app_words.KEPT_PATH: (
        retention_page,
        app_words.KEPT,
        [RetentionState.arrive, RetentionState.follow],
    ),
    app_words.AUDITS_PATH: (audits_page, app_words.AUDITS, [AuditsState.follow]),
}
"""The page of each address, its name, and what begins with it."""
