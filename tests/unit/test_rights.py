"""Who may do what in a thread: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agentchat.models import MemberRole
from agentchat.rights import Access, Right, ends_at, is_visitor, may, role_of, visitor
from agentchat.views import LOCAL, Actor

ANN, BOB, CLEO, DAN = (Actor(name.lower(), name) for name in ("Ann", "Bob", "Cleo", "Dan"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ACCESS = Access(
    "thread",
    "ann",
    {"bob": MemberRole.MEMBER, "cleo": MemberRole.VIEWER},
    {"link-1": None, "link-3": SOON},
)


@pytest.mark.parametrize(
    ("actor", "rights"),
    [
        (ANN, {Right.READ, Right.WRITE, Right.OWN}),
        (BOB, {Right.READ, Right.WRITE}),
        (CLEO, {Right.READ}),
        (DAN, set()),
        (visitor("link-1"), {Right.READ}),
        (visitor("link-2"), set()),
        (visitor("link-3"), {Right.READ}),
        (Actor("dan", "Dan", admin=True), {Right.READ, Right.WRITE, Right.OWN}),
        (LOCAL, {Right.READ, Right.WRITE, Right.OWN}),
        (Actor("", "Ann"), set()),
    ],
    ids=lambda value: value.id if isinstance(value, Actor) else "",
)
def test_each_person_has_the_rights_of_their_role_and_no_more(
    actor: Actor, rights: set[Right]
) -> None:
    assert {right for right in Right if may(ACCESS, actor, right, NOW)} == rights


def test_a_visitor_is_no_person_even_with_the_id_of_one() -> None:
    access = Access("thread", "link:link-1", {"link:link-1": MemberRole.OWNER})
    assert is_visitor(visitor("link-1"))
    assert role_of(access, visitor("link-1"), NOW) is None
    assert not is_visitor(ANN)


def test_a_link_gives_nothing_from_the_moment_on_at_which_it_ends() -> None:
    bearer = visitor("link-3")
    assert ends_at(ACCESS, bearer) == SOON
    assert may(ACCESS, bearer, Right.READ, SOON - timedelta(microseconds=1))
    assert not may(ACCESS, bearer, Right.READ, SOON)
    assert ends_at(ACCESS, visitor("link-1")) is None
    assert ends_at(ACCESS, Actor("link-3", "Dan")) is None
