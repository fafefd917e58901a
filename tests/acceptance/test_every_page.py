"""Every page and state, at three widths and in both lights: all can use it, and nothing of it is
wider than the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.looks import LOOKS, SIZES, Look, Stage, seeing, staged
from tests.acceptance.operations_server import is_accessible
from tests.acceptance.person import Person

IN_SHORT = ((1440, "light"), (390, "dark"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("looks"), browser) as stage:
        yield stage


def kinds() -> Iterator[object]:
    """Each size in each light with all looks, and each time one half of the looks that are not
    rare at each of two sizes.
    """
    usual = [look for look in LOOKS if not look.rare]
    for scheme in ("light", "dark"):
        for width, height in SIZES:
            size, name, half = (width, height), f"{width}-{scheme}", []
            if (width, scheme) in IN_SHORT:
                half = usual[IN_SHORT.index((width, scheme)) :: len(IN_SHORT)]
                yield pytest.param(size, scheme, half, id=f"half-{name}")
            rest = [look for look in LOOKS if look not in half]
            yield pytest.param(size, scheme, rest, id=name, marks=pytest.mark.long)


@pytest.mark.parametrize(("size", "scheme", "looks"), list(kinds()))
def test_all_can_use_every_page_in_every_state(
    stage: Stage, size: tuple[int, int], scheme: str, looks: list[Look]
) -> None:
    with seeing(stage, *size, scheme) as person:
        for look in looks:
            _see(person(look.who), stage, look)


def _see(person: Person, stage: Stage, look: Look) -> None:
    try:
        look.go(person, stage)
        is_accessible(person)
        if look.back is not None:
            look.back(person.page)
    except Exception as error:
        raise AssertionError(f"{look.name}: {error}") from error
    if look.excused:
        # The browser itself says that there is no such page, or no line.
        person.complaints[:] = [one for one in person.complaints if look.excused not in one]


def test_a_thread_on_paper_is_all_there_in_black_on_white(stage: Stage) -> None:
    with seeing(stage, 1440, 900, "dark") as person:
        ann = person("ann")
        ann.open(stage.at["rich"])
        expect(ann.messages).to_have_count(2)
        ann.page.emulate_media(media="print", color_scheme="dark")
        # Nothing scrolls: what is below the first screen is on the next page.
        cut = "one => getComputedStyle(one).overflowY !== 'visible'"
        for part in ("body", ".shell", ".main", ".log-frame", ".scroller"):
            assert not ann.page.locator(part).first.evaluate(cut), part
        expect(ann.messages.first).to_be_visible()
        expect(ann.answer).to_be_visible()
        for pressed in (ann.message_box, ann.page.get_by_role("button")):
            expect(pressed.filter(visible=True)).to_have_count(0)
        colours = (
            "one => [getComputedStyle(one).color, getComputedStyle(document.body).backgroundColor]"
        )
        assert ann.answer.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        assert len(re.findall(rb"/Type\s*/Page\b", ann.page.pdf())) > 1
