"""Names of people, and the tokens of their browsers."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from agentchat.accounts import names, tokens
from agentchat.accounts.limits import place_of
from agentchat.accounts.names import checked_display_name, checked_name, spelled_name
from agentchat.errors import InvalidInput


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ann", "ann"),
        (" ann@example.org ", "ann@example.org"),
        ("Straße", "strasse"),
        ("\uff21\uff2e\uff2e", "ann"),
        ("Jürgen", "jürgen"),
        ("Ju\u0308rgen", "jürgen"),
    ],
)
def test_a_name_has_one_spelling(typed: str, kept: str) -> None:
    assert checked_name(typed) == kept
    assert spelled_name(kept) == kept


@pytest.mark.parametrize(
    "typed", ["", "a", "a b", "a\x00b c", "guest-7f3a", "Guest-x", "n" * 65, "a/b", None, 5, "<b>x"]
)
def test_a_name_that_is_none_is_refused(typed: Any) -> None:
    with pytest.raises(InvalidInput):
        checked_name(typed)


@pytest.mark.parametrize("typed", [None, 5, "x" * 100_000, "\ud800", "ß" * 64, "\u0130" * 64])
def test_whatever_was_typed_has_a_spelling_that_fits(typed: object) -> None:
    spelled = spelled_name(typed)
    assert len(spelled) <= names.MOST_NAME
    spelled.encode()


@pytest.mark.parametrize(("typed", "kept"), [("  Ann   Lee ", "Ann Lee"), ("Ann\nLee", "Ann Lee")])
def test_a_name_that_others_see_is_on_one_line(typed: str, kept: str) -> None:
    assert checked_display_name(typed) == kept


@pytest.mark.parametrize("typed", ["", " ", "x" * 81, "gpj\u202eexe", "A\u200bnn", "a\x07b", None])
def test_a_name_with_what_nobody_sees_is_refused(typed: Any) -> None:
    with pytest.raises(InvalidInput):
        checked_display_name(typed)


def test_guests_have_names_that_follow_from_their_ids() -> None:
    ids = [hashlib.sha256(bytes([n])).hexdigest()[:32] for n in range(200)]
    shown = [names.guest_display_name(one) for one in ids]
    assert shown == [names.guest_display_name(one) for one in ids]
    assert all(len(name.split()) == 2 for name in shown)
    assert len(set(shown)) > 150
    first, second, *_, last = names.guest_names(ids[0])
    assert (first, second) == (f"guest-{ids[0][:4]}", f"guest-{ids[0][:8]}")
    assert last == f"guest-{ids[0]}"


def test_tokens_are_unguessable_and_not_told_by_what_is_kept_of_them() -> None:
    made = {tokens.new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(tokens.is_token(one) for one in made)
    one = made.pop()
    assert one not in tokens.digest(one)
    assert tokens.guest_id(one) not in tokens.digest(one)


@pytest.mark.parametrize("value", ["", "x" * 42, "x" * 44, "x" * 42 + "=", None, "x" * 42 + "\n"])
def test_what_is_no_token_is_nobodys(value: object) -> None:
    assert not tokens.is_token(value)


def test_a_cookie_is_found_by_its_exact_name() -> None:
    one, other = tokens.new_token(), tokens.new_token()
    line = f"xagentchat={other}; agentchat={one}; __Host-agentchat={other}"
    assert tokens.token_in(line, "agentchat") == one
    assert tokens.token_in(line, tokens.cookie_name(secure=True)) == other
    assert tokens.token_in("agentchat=made up; other", "agentchat") == ""
    assert tokens.token_in("", "agentchat") == ""


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_addresses_of_one_household_are_one_place(address: str, place: str) -> None:
    assert place_of(address) == place
