"""The settings that are about the app, as components; their sources are the .jsx files named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.configuration.views import (
    KeptLine,
    LimitLine,
    ModelLine,
    StoredView,
    TrialView,
)
from agentchat.ui import words_audits
from agentchat.ui import words_settings as words
from agentchat.ui.build import local_library
from agentchat.ui.states.account import Acted
from agentchat.ui.states.audits import AuditsState, ShownAudits
from agentchat.ui.states.auth import AuthState
from agentchat.ui.states.configuration import LimitsState, ModelsState, RetentionState

_LUCIDE = "lucide-react@1.26.0"
_Named = rx.event.passthrough_event_spec(str, int)
_Attempt = rx.event.passthrough_event_spec(int)


class Models(rx.Component):
    """The models that are used, each with its test, and the way to others."""

    library = local_library("models.jsx")
    tag = "Models"
    lib_dependencies: list[str] = [_LUCIDE]

    models: rx.Var[list[ModelLine]]
    tried: rx.Var[TrialView]
    acted: rx.Var[Acted]
    presets: rx.Var[list[dict[str, str]]]
    words: rx.Var[Mapping[str, Any]]
    on_test: rx.EventHandler[_Named]


class LimitList(rx.Component):
    """The limits in groups."""

    library = local_library("limits.jsx")
    tag = "LimitList"

    limits: rx.Var[list[LimitLine]]
    words: rx.Var[Mapping[str, Any]]


class Kept(rx.Component):
    """What is kept for how long; for those who look after the app, how much there is."""

    library = local_library("kept.jsx")
    tag = "Kept"
    lib_dependencies: list[str] = ["@radix-ui/react-dialog@1.3.1"]

    kept: rx.Var[list[KeptLine]]
    stored: rx.Var[StoredView]
    operator: rx.Var[bool]
    acted: rx.Var[Acted]
    words: rx.Var[Mapping[str, Any]]
    on_sweep: rx.EventHandler[_Attempt]


class AuditList(rx.Component):
    """What people did, by the filters in the address."""

    library = local_library("audits.jsx")
    tag = "AuditList"
    lib_dependencies: list[str] = [_LUCIDE]

    shown: rx.Var[ShownAudits]
    words: rx.Var[Mapping[str, Any]]
    actions: rx.Var[Mapping[str, str]]


class SettingsPlaces(rx.Component):
    """Links to the parts of the settings that this person may see."""

    library = local_library("settings_places.jsx")
    tag = "SettingsPlaces"

    places: rx.Var[list[dict[str, Any]]]
    operator: rx.Var[bool]
    open: rx.Var[bool]
    who: rx.Var[str]
    label: rx.Var[str]


def settings_places() -> rx.Component:
    """The parts of the settings."""
    who = AuthState.who
    return SettingsPlaces.create(
        places=words.PLACES,
        operator=who.operator,
        open=who.open,
        who=who.id,
        label=words.SECTIONS,
    )


def models() -> rx.Component:
    """The models, live."""
    return Models.create(
        models=ModelsState.models,
        tried=ModelsState.tried,
        acted=ModelsState.acted,
        presets=words.PRESETS,
        words=words.MODEL_WORDS,
        on_test=ModelsState.test,
    )


def limits() -> rx.Component:
    """The limits, live."""
    return LimitList.create(limits=LimitsState.limits, words=words.LIMIT_WORDS)


def kept() -> rx.Component:
    """What is kept, live."""
    return Kept.create(
        kept=RetentionState.kept,
        stored=RetentionState.stored,
        operator=AuthState.who.operator,
        acted=RetentionState.acted,
        words=words.KEPT_WORDS,
        on_sweep=RetentionState.sweep,
    )


def audits() -> rx.Component:
    """The audits, live."""
    return AuditList.create(
        shown=AuditsState.shown, words=words_audits.AUDIT_WORDS, actions=words_audits.ACTIONS
    )
