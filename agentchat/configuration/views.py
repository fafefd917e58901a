"""What is shown of what is in force."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelLine:
    """A model that the app uses, and for what.

    ``key`` is what a test names it by. ``uses`` are answers, router, remember, memory, choice, and
    ``agents`` those with this model of their own. ``variable`` is the setting that chose it, empty
    if none did, and ``source`` where that stands: environment, .env, code, default, or found for a
    server on this machine. ``key_variable`` is the setting of its key, empty if it has none.
    ``input_usd`` and ``output_usd`` are what a million tokens cost, -1 if nobody knows;
    ``context_tokens`` is how much it reads, 0 if nobody knows, and then ``assumed_tokens`` are
    taken. ``progress`` is 0 to 1, or -1.
    """

    key: str
    id: str
    label: str
    uses: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    source: str = ""
    variable: str = ""
    base_url: str = ""
    here: bool = False
    key_variable: str = ""
    has_key: bool = False
    key_end: str = ""
    state: str = "ready"
    detail: str = ""
    progress: float = -1.0
    input_usd: float = -1.0
    output_usd: float = -1.0
    context_tokens: int = 0
    assumed_tokens: int = 0
    numbers: int = 0
    """Of an embedder: how many numbers a vector has."""


@dataclass(frozen=True)
class TrialView:
    """What came of a test. ``problem`` and ``next_step`` are words for people, empty if it
    answered; ``reply`` is how the answer began. ``listed`` says whether the server's own list has
    the model: yes, no, or empty where there is no such list; ``others`` are some that it has.
    Times are seconds; ``first_seconds`` is -1 if no words came, ``cost_usd`` -1 if nobody knows.
    """

    key: str = ""
    model: str = ""
    problem: str = ""
    next_step: str = ""
    reply: str = ""
    seconds: float = 0.0
    first_seconds: float = -1.0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost_usd: float = -1.0
    listed: str = ""
    others: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True)
class LimitLine:
    """A limit that is in force. ``most`` is -1 if there is none; ``used`` is how much of it this
    person has used, -1 where that is not counted. ``variable`` changes it, and is empty where
    only code does; then ``source`` is code, or fixed. ``text`` is what it is where it is no number.
    """

    group: str
    name: str
    most: float = -1.0
    unit: str = ""
    variable: str = ""
    source: str = "fixed"
    used: float = -1.0
    text: str = ""
    agent: str = ""


@dataclass(frozen=True)
class KeptLine:
    """How long something is kept: ``rule`` names the words, ``most`` fills in their number (-1 is
    no limit). ``variable`` changes it; empty where nothing does.
    """

    name: str
    rule: str
    most: float = -1.0
    variable: str = ""
    source: str = "fixed"


@dataclass(frozen=True)
class CountLine:
    """How many rows there are, counted up to ``most``; ``more`` says that there are more."""

    name: str
    number: int
    more: bool = False


@dataclass(frozen=True)
class SweptView:
    """What a sweep of this process has removed, and when (ISO 8601); empty if none has ended."""

    at: str = ""
    seconds: float = 0.0
    runs: int = 0
    deltas: int = 0
    threads: int = 0


@dataclass(frozen=True)
class StoredView:
    """What there is now. ``to_go`` are the runs that the next sweep may remove, ``oldest`` when
    the oldest finished run that is kept has ended (ISO 8601), ``file_bytes`` those of the files
    of messages, ``bytes`` those of the whole database.
    """

    counts: tuple[CountLine, ...] = ()
    to_go: int = 0
    to_go_more: bool = False
    oldest: str = ""
    file_bytes: int = 0
    file_bytes_more: bool = False
    bytes: int = 0
    swept: SweptView = SweptView()
    sweeping: bool = False
