"""The colours are readable, in both modes and on paper, and the styles keep to the system."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import agentchat.ui
from agentchat.ui.theme import DARK, LIGHT, PRINT, stylesheet

STYLES = Path(agentchat.ui.__file__).parent / "styles"
SHEETS = {path.name: path.read_text("utf-8") for path in sorted(STYLES.glob("*.css"))}

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


@pytest.mark.parametrize(
    "colours", [LIGHT, DARK, {**LIGHT, **PRINT}], ids=["light", "dark", "paper"]
)
@pytest.mark.parametrize(("text", "surface"), TEXTS_ON)
def test_text_stands_out_from_its_surface(colours: dict[str, str], text: str, surface: str) -> None:
    assert _contrast(colours[text], colours[surface]) >= 4.5


def test_both_modes_have_the_same_names() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert PRINT.keys() < LIGHT.keys()


# What is said of a letter's size is of the text around it; where fingers write, a phone would
# enlarge the page for anything smaller than 1rem.
_SIZE = re.compile(r"var\(--text-(xs|sm|md|lg|xl|2xl)\)|[\d.]+em|1rem|inherit|max\(1rem, [^;]+\)")
# Signs that are no larger than a letter have corners of their own.
_CORNER = re.compile(r"var\(--radius-\w+\)|50%|inherit|0|[1-5]px")


def _other_than(allowed: re.Pattern[str], prop: str, *, each: bool = False) -> set[str]:
    found = set()
    for name, sheet in SHEETS.items():
        for value in re.findall(rf"(?<![\w-]){prop}: ([^;}}]+)", sheet):
            parts = value.split() if each else [value.strip()]
            found |= {f"{name}: {part}" for part in parts if not allowed.fullmatch(part)}
    return found


def test_there_are_six_sizes_of_letters_and_no_others() -> None:
    assert _other_than(_SIZE, "font-size") == set()


def test_corners_are_those_of_the_system() -> None:
    assert _other_than(_CORNER, "border-radius", each=True) == set()


def test_no_colour_is_written_down_beside_those_of_the_system() -> None:
    # A mask has no colour: black is where something is seen.
    found = {
        f"{name}: {colour}"
        for name, sheet in SHEETS.items()
        for colour in re.findall(
            r"#[0-9a-fA-F]{3,8}\b|\brgba?\([^)]*\)", re.sub(r"mask-image:[^;]+", "", sheet)
        )
    }
    assert found == set()


def test_every_name_that_is_used_is_one_that_there_is() -> None:
    sheet = stylesheet(STYLES)
    used = set(re.findall(r"var\((--[\w-]+)\)", sheet))
    given = set(re.findall(r"(--[\w-]+)\s*:", sheet))
    assert used - given == {"--radix-dropdown-menu-content-available-height"}


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
