"""Our own React components, typed for Python. Their sources are the .jsx files beside this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from agentchat.ui import words as page_words
from agentchat.ui.build import local_library
from agentchat.ui.growth import Piece
from agentchat.ui.states.thread import Refusal
from agentchat.verbs.models import ModelChoice
from agentchat.verbs.waiting import ReturnedView
from agentchat.views import AgentView, AnswerSpentView, MessageView, ToolServerView

_LUCIDE = "lucide-react@1.26.0"
_DROPDOWN = "@radix-ui/react-dropdown-menu@2.2.1"

Send = rx.event.passthrough_event_spec(str, str, str, bool, int, str, list[str], str)
Text = rx.event.passthrough_event_spec(str)
TwoTexts = rx.event.passthrough_event_spec(str, str)


class Composer(rx.Component):
    """The message box with Send and Stop; below it who answers, and when."""

    library = local_library("composer.jsx")
    tag = "Composer"
    lib_dependencies: list[str] = [_LUCIDE, _DROPDOWN]

    shown: rx.Var[str]
    missing: rx.Var[bool]
    running: rx.Var[bool]
    beside: rx.Var[bool]
    several: rx.Var[bool]
    agents: rx.Var[list[AgentView]]
    agent: rx.Var[str]
    model: rx.Var[str]
    models: rx.Var[list[ModelChoice]]
    chosen_model: rx.Var[str]
    joins: rx.Var[bool]
    returned: rx.Var[tuple[ReturnedView, ...]]
    lacking: rx.Var[list[ToolServerView]]
    second: rx.Var[str]
    watched: rx.Var[bool]
    words: rx.Var[Mapping[str, Any]]
    agent_words: rx.Var[Mapping[str, str]]
    file_words: rx.Var[Mapping[str, str]]
    command_words: rx.Var[Mapping[str, Any]]
    waiting_words: rx.Var[Mapping[str, str]]
    on_send: rx.EventHandler[Send]
    on_stop: rx.EventHandler[Text]
    on_agent: rx.EventHandler[TwoTexts]
    on_model: rx.EventHandler[TwoTexts]
    on_collect: rx.EventHandler[Text]
    on_second: rx.EventHandler[TwoTexts]
    on_typing: rx.EventHandler[Text]


class NewThreadButton(rx.Component):
    """Goes to a new thread; what is typed on the way goes along."""

    library = local_library("new_thread.jsx")
    tag = "NewThreadButton"


class PassingButton(rx.Component):
    """A button that goes away when it is pressed and leaves the focus to the message box."""

    library = local_library("composer.jsx")
    tag = "PassingButton"

    on_press: rx.EventHandler[rx.event.no_args_event_spec]


class Outbox(rx.Component):
    """Bubbles of messages the server has not confirmed."""

    library = local_library("outbox.jsx")
    tag = "Outbox"

    shown: rx.Var[str]
    missing: rx.Var[bool]
    settled: rx.Var[list[MessageView]]
    live: rx.Var[list[MessageView]]
    accepted: rx.Var[str]
    rejected: rx.Var[dict[str, Refusal]]
    online: rx.Var[bool]
    words: rx.Var[Mapping[str, str]]
    file_words: rx.Var[Mapping[str, str]]
    on_send: rx.EventHandler[Send]


class Growth(rx.Component):
    """Puts the texts of growing messages together."""

    library = local_library("growth.js")
    tag = "Growth"

    tail: rx.Var[list[Piece]]
    live: rx.Var[list[MessageView]]
    on_missed: rx.EventHandler[rx.event.no_args_event_spec]


class SpentFeed(rx.Component):
    """Takes what an answer has cost to where it is shown."""

    library = local_library("spent.jsx")
    tag = "SpentFeed"

    spent: rx.Var[AnswerSpentView]
    problem: rx.Var[str]
    on_show: rx.EventHandler[Text]


class SpentFold(rx.Component):
    """A button of an answer that unfolds what it has cost."""

    library = local_library("spent.jsx")
    tag = "SpentFold"
    lib_dependencies: list[str] = [_LUCIDE]

    message: rx.Var[str]
    words: rx.Var[Mapping[str, str]]


class Welcome(rx.Component):
    """Shows its children while the thread has no message at all."""

    library = local_library("outbox.jsx")
    tag = "Welcome"

    empty: rx.Var[bool]


class Starter(rx.Component):
    """A suggestion for a first message."""

    library = local_library("outbox.jsx")
    tag = "Starter"

    title: rx.Var[str]
    text: rx.Var[str]


class Log(rx.Component):
    """The scrolling list of messages."""

    library = local_library("log.jsx")
    tag = "Log"
    lib_dependencies: list[str] = [_LUCIDE]

    shown: rx.Var[str]
    first: rx.Var[str]
    label: rx.Var[str]
    jump: rx.Var[str]


class Shell(rx.Component):
    """Sidebar and main part; the sidebar is a drawer on narrow screens."""

    library = local_library("shell.jsx")
    tag = "Shell"
    lib_dependencies: list[str] = [_LUCIDE]

    crash: rx.Var[Mapping[str, str]] = rx.Var.create(
        {
            "title": page_words.CRASH_TITLE,
            "text": page_words.CRASH,
            "reload": page_words.RELOAD,
        }
    )


class OfAnotherBuild(rx.Component):
    """Shows its children while the page is of another build than the server's."""

    library = local_library("shell.jsx")
    tag = "OfAnotherBuild"

    mark: rx.Var[str]


class Lasting(rx.Component):
    """A text, and another after so many seconds."""

    library = local_library("shell.jsx")
    tag = "Lasting"

    first: rx.Var[str]
    then: rx.Var[str]
    seconds: rx.Var[int]


class Reload(rx.Component):
    """A button that loads the page again."""

    library = local_library("shell.jsx")
    tag = "Reload"


class SkipLink(rx.Component):
    """Leads past the threads to the message box."""

    library = local_library("shell.jsx")
    tag = "SkipLink"


class Main(rx.Component):
    """The main part; out of reach while the drawer covers it."""

    library = local_library("shell.jsx")
    tag = "Main"


class DrawerButton(rx.Component):
    """Opens or closes the drawer."""

    library = local_library("shell.jsx")
    tag = "DrawerButton"

    opens: rx.Var[bool]
    label: rx.Var[str]


class ThreadLink(rx.Component):
    """A link to a thread that knows whether it is the current page."""

    library = local_library("threads.jsx")
    tag = "ThreadLink"

    to: rx.Var[str]
    others: rx.Var[list[str]]
