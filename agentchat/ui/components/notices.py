"""Lines above the messages: the connection, the model, and what could not be done."""

from __future__ import annotations

import reflex as rx

from agentchat.ui import words
from agentchat.ui.components.local import Lasting, OfAnotherBuild, Reload
from agentchat.ui.components.route import disconnected
from agentchat.ui.said import filled, said
from agentchat.ui.states.agents import AgentsState
from agentchat.ui.states.build import BuildState
from agentchat.ui.states.model import ModelState
from agentchat.ui.states.notice import NoticeState
from agentchat.ui.states.thread import ThreadState
from agentchat.ui.states.tool_servers import ToolServersState
from agentchat.views import ToolServerView


def connection_notice() -> rx.Component:
    """Says that the server cannot be reached, in place of Reflex's own overlays."""
    lost = rx.el.div(
        rx.el.span(class_name="spinner", aria_hidden=True),
        Lasting.create(first=words.LOST, then=words.LOST_LONG, seconds=words.LOST_LONG_AFTER),
        class_name="notice lost",
    )
    # Reflex adds the whole app as the last child of what is returned here.
    return rx.fragment(rx.el.div(rx.cond(disconnected, lost), role="status"))


def build_notice() -> rx.Component:
    """Says that there is a newer version of the page."""
    line = rx.el.div(rx.el.p(words.NEW_BUILD), Reload.create(words.RELOAD), class_name="notice")
    return rx.el.div(OfAnotherBuild.create(line, mark=BuildState.mark), role="status")


def model_notice() -> rx.Component:
    """The model on its way, out of order, or small."""
    model = ModelState.model
    return rx.match(
        model.state,
        ("pulling", _on_its_way(words.MODEL_PULLING)),
        ("loading", rx.cond(model.embedded, _on_its_way(words.MODEL_LOADING))),
        ("failed", _out_of_order()),
        rx.cond(model.embedded, _small()),
    )


def _on_its_way(heading: str) -> rx.Component:
    known = ModelState.percent >= 0
    return rx.el.div(
        rx.el.p(
            rx.el.strong(
                rx.cond(ModelState.model.detail != "", said(ModelState.model.detail), heading),
                rx.cond(known, f" · {ModelState.percent} %", ""),
            ),
            " ",
            words.MODEL_WAIT,
        ),
        rx.el.div(
            rx.el.div(style=rx.cond(known, {"width": f"{ModelState.percent}%"}, {})),
            class_name=rx.cond(known, "progress", "progress unknown"),
            role="progressbar",
            aria_label=heading,
            aria_valuenow=rx.cond(known, ModelState.percent, rx.Var("undefined")),
        ),
        class_name="notice working",
    )


def _out_of_order() -> rx.Component:
    return rx.el.div(
        rx.el.p(rx.el.strong(words.MODEL_FAILED, ". "), said(ModelState.model.detail)),
        rx.el.a(words.MODEL_SMALL_LINK, href=words.MODEL_HELP),
        class_name="notice failed",
        role="alert",
    )


def _small() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            rx.el.strong(words.MODEL_SMALL),
            " ",
            words.MODEL_SMALL_MORE,
            " ",
            rx.el.a(words.MODEL_SMALL_LINK, href=words.MODEL_HELP),
        ),
        class_name="notice small-model",
    )


def tools_notice() -> rx.Component:
    """Which servers of tools cannot be reached that the agents of this thread have tools of."""
    return rx.el.div(rx.foreach(ToolServersState.missing, _missing_tools), role="status")


def _missing_tools(server: rx.Var[ToolServerView]) -> rx.Component:
    concerns = (ThreadState.agent == "") | server.agents.contains(ThreadState.agent)
    return rx.cond(
        concerns & (server.agents.length() > 0),
        rx.el.div(
            rx.icon("plug", aria_hidden=True),
            rx.el.p(
                rx.el.strong(filled(words.TOOLS_MISSING, name=server.name), ":"),
                " ",
                said(server.why),
                " ",
                rx.el.span(
                    rx.cond(
                        server.agents.length() < AgentsState.agents.length(),
                        filled(words.TOOLS_MISSED_BY, agents=server.agents.join(", ")),
                        "",
                    ),
                    " ",
                    words.TOOLS_AGAIN,
                ),
            ),
            class_name="notice tools-missing",
            data_part="tools-missing",
            key=server.name,
        ),
    )


def problem_notice() -> rx.Component:
    """What the last click could not do."""
    return rx.cond(
        NoticeState.words != "",
        rx.el.div(
            rx.el.p(said(NoticeState.words)),
            rx.el.button(
                words.DISMISS,
                type="button",
                class_name="link-button",
                on_click=NoticeState.dismiss,
            ),
            class_name="notice failed",
            role="alert",
        ),
    )
