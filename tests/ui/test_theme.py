"""The colours are readable, in both modes."""

from __future__ import annotations

import pytest

from agentchat.ui.theme import DARK, LIGHT

TEXTS_ON = [
    *((text, surface) for text in ("text", "text-soft") for surface in ("hover", "bubble")),
    *(
        (text, surface)
        for text in ("text", "text-soft", "text-faint", "accent", "danger")
        for surface in ("surface", "sunken", "raised")
    ),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("danger", "danger-soft"),
    ("surface", "danger"),
    *((f"syntax-{kind}", "code") for kind in ("keyword", "string", "number", "comment", "type")),
]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), TEXTS_ON)
def test_text_stands_out_from_its_surface(colours: dict[str, str], text: str, surface: str) -> None:
    assert _contrast(colours[text], colours[surface]) >= 4.5


def test_both_modes_have_the_same_names() -> None:
    assert LIGHT.keys() == DARK.keys()


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
