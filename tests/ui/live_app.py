"""The live app of the README."""

import reflex as rx
from sqlmodel import Session, func, select

from agentchat import AgentChat
from agentchat.models import Message
from agentchat.ui.live import LiveState, live, serving


def how_many(session: Session, role: str) -> int:
    return session.exec(select(func.count()).where(Message.role == role)).one()


class Messages(LiveState):
    role: str = "user"
    number: int = live(how_many, "role")


def index() -> rx.Component:
    return rx.text(Messages.number, " messages. ", Messages.problem)


app = rx.App()
app.add_page(index, on_load=Messages.follow)
app.register_lifespan_task(serving, chat=AgentChat())
