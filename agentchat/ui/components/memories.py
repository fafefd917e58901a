"""Memories on a page: the list of a kind, a line of it, and the way to forget everything."""

from __future__ import annotations

from typing import Any

import reflex as rx

from agentchat.ui import words_memory as words
from agentchat.ui.build import local_library
from agentchat.ui.said import said
from agentchat.ui.states.memories import SHOWN, MemoriesState, MemoryLine


class Day(rx.Component):
    """A day, as the reader's language writes it."""

    library = local_library("day.jsx")
    tag = "Day"

    at: rx.Var[str]


def memories(kind: str, lines: Any) -> rx.Component:
    """All memories of a kind under their heading; nothing if there are none."""
    return rx.cond(
        lines.length() > 0,
        rx.el.section(
            rx.el.h2(words.KINDS[kind], id=f"memories-{kind}"),
            rx.el.p(words.KINDS_MORE[kind], class_name="memories-more"),
            rx.el.ul(rx.foreach(lines, _line)),
            rx.cond(lines.length() >= SHOWN, rx.el.p(words.NEWEST, class_name="memories-more")),
            aria_labelledby=f"memories-{kind}",
            class_name="memories",
            data_part=kind,
        ),
    )


def _line(memory: rx.Var[MemoryLine]) -> rx.Component:
    return rx.el.li(
        rx.cond(MemoriesState.editing == memory.id, _form(memory), _shown(memory)),
        key=memory.id,
        class_name="memory",
    )


def _shown(memory: rx.Var[MemoryLine]) -> rx.Component:
    return rx.fragment(
        rx.el.p(memory.text, id=f"memory-{memory.id}", class_name="memory-text"),
        rx.el.p(
            Day.create(at=memory.at),
            rx.cond(
                memory.thread_id != "",
                rx.el.span(
                    words.FROM,
                    " ",
                    rx.el.a(memory.thread_title, href=f"/t/{memory.thread_id}"),
                ),
            ),
            rx.cond(memory.agent != "", rx.el.span(words.ONLY_FOR, " ", memory.agent)),
            class_name="memory-origin",
        ),
        rx.el.div(
            _button("pencil", words.EDIT, memory, MemoriesState.edit(memory.id)),
            _button("trash-2", words.DELETE, memory, MemoriesState.forget(memory.id)),
            class_name="memory-actions",
        ),
    )


def _button(icon: str, label: str, memory: rx.Var[MemoryLine], press: object) -> rx.Component:
    return rx.el.button(
        rx.icon(icon, aria_hidden=True),
        type="button",
        class_name="icon-button",
        aria_label=label,
        aria_describedby=f"memory-{memory.id}",
        title=label,
        on_click=press,
    )


def _form(memory: rx.Var[MemoryLine]) -> rx.Component:
    return rx.el.form(
        rx.el.textarea(
            name="text",
            default_value=memory.text,
            aria_label=words.EDIT_LABEL,
            max_length=4000,
            rows=3,
            auto_focus=True,
        ),
        rx.el.div(
            rx.el.button(
                words.CANCEL,
                type="button",
                class_name="button small",
                on_click=MemoriesState.edit(""),
            ),
            rx.el.button(words.SAVE, type="submit", class_name="button primary small"),
            class_name="memory-form-actions",
        ),
        on_submit=MemoriesState.save,
        class_name="memory-form",
    )


def outcome() -> rx.Component:
    """What came of the last action, with the way back."""
    return rx.el.div(
        rx.cond(
            MemoriesState.said != "",
            rx.el.p(
                said(MemoriesState.said),
                rx.cond(
                    MemoriesState.undoable,
                    rx.el.button(
                        words.UNDO,
                        type="button",
                        class_name="link-button",
                        on_click=MemoriesState.undo,
                    ),
                ),
                class_name="memory-said",
            ),
        ),
        role="status",
    )


def forget_everything() -> rx.Component:
    """Asks before it does it."""
    return rx.cond(
        MemoriesState.asked,
        rx.el.div(
            rx.el.p(words.FORGET_ALL_SURE, id="forget-all"),
            rx.el.div(
                rx.el.button(
                    words.CANCEL,
                    type="button",
                    class_name="button small",
                    auto_focus=True,
                    on_click=MemoriesState.ask(False),
                ),
                rx.el.button(
                    words.FORGET_ALL_YES,
                    type="button",
                    class_name="button danger small",
                    on_click=MemoriesState.forget_all,
                ),
                class_name="memory-form-actions",
            ),
            role="group",
            aria_labelledby="forget-all",
            class_name="memory-sure",
        ),
        rx.el.button(
            words.FORGET_ALL,
            type="button",
            class_name="button small",
            on_click=MemoriesState.ask(True),
        ),
    )
