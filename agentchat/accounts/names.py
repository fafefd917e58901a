"""Names of people: checked, spelled in one way, and made up for guests. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from agentchat.errors import InvalidInput
from agentchat.inputs import storable

MOST_NAME = 64
MOST_DISPLAY_NAME = 80
MOST_BROWSER = 200
GUEST = "guest-"
_NAME = re.compile(r"[\w.@+-]{2,64}")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

_ADJECTIVES = """
able amber ample azure bold brave brief bright brisk calm civil clear clever coral crisp dapper
eager early fair fleet fond frank fresh gentle glad golden grand happy hardy honest humble jolly
keen kind lively loyal lucid merry mild modest neat nimble noble olive placid plain polite proud
quick quiet rapid ready rosy royal russet sage scarlet serene silver sleek sober solid spry
"""
_ANIMALS = """
badger beaver bison bittern bunting cormorant crane curlew deer dipper dove dunlin egret eider
falcon ferret finch fox gannet goose grebe gull hare harrier hedgehog heron hobby ibis jackdaw jay
kestrel kite knot lapwing lark linnet lynx magpie marten martin merlin moorhen newt nuthatch oriole
osprey otter owl petrel pipit plover puffin quail raven redwing robin rook ruff shrike siskin snipe
starling stork
"""


def spelled_name(value: object) -> str:
    """A name in the one spelling in which it is kept and looked for, at most 64 characters of
    it; whatever was typed has one.
    """
    typed = storable(value)[: 4 * MOST_NAME] if isinstance(value, str) else ""
    # Folding may undo what normalising did.
    once = unicodedata.normalize("NFKC", typed.strip()).casefold()
    return unicodedata.normalize("NFKC", once)[:MOST_NAME]


def checked_name(value: object) -> str:
    """A name that somebody may log in with; raises InvalidInput."""
    if not isinstance(value, str) or len(value) > MOST_NAME:
        raise InvalidInput(f"A name has at most {MOST_NAME} characters.")
    name = spelled_name(value)
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"A name has 2 to {MOST_NAME} letters, digits or any of . _ @ + - and no spaces."
        )
    if name.startswith(GUEST):
        raise InvalidInput(f"Names that begin with {GUEST} are those of guests.")
    return name


def checked_display_name(value: object) -> str:
    """A name as others see it, on one line; raises InvalidInput."""
    if not isinstance(value, str):
        raise InvalidInput("A name is text.")
    name = unicodedata.normalize("NFC", " ".join(storable(value[:1_000]).split()))
    if not name:
        raise InvalidInput("Write a name first.")
    if len(name) > MOST_DISPLAY_NAME:
        raise InvalidInput(
            f"A name that others see has at most {MOST_DISPLAY_NAME} characters;"
            f" this has {len(name)}."
        )
    if any(unicodedata.category(letter) in _UNSEEN for letter in name):
        raise InvalidInput("This name holds characters that nobody can see. Type it again.")
    return name


def browser_name(value: str) -> str:
    """What a browser says that it is, as much of it as is kept."""
    return "".join(letter for letter in storable(value) if letter.isprintable())[:MOST_BROWSER]


def guest_names(guest_id: str) -> Iterator[str]:
    """Names for a guest, the shortest first: in an app of few the first is free."""
    for length in range(4, len(guest_id) + 1, 4):
        yield f"{GUEST}{guest_id[:length]}"


def guest_display_name(guest_id: str) -> str:
    """A friendly name, always the same for an id (hexadecimal digits)."""
    adjectives, animals = _ADJECTIVES.split(), _ANIMALS.split()
    animal, adjective = divmod(int(guest_id[:12], 16), len(adjectives))
    return f"{adjectives[adjective].title()} {animals[animal % len(animals)].title()}"
