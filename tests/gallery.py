"""Pictures of every page and state: ``python -m tests.gallery FOLDER [NAME ...]``.

Each at three widths, in light and dark: FOLDER/NAME-1440-dark.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

from tests.acceptance.looks import LOOKS, SIZES, Look, Stage, seeing, staged
from tests.acceptance.person import Person
from tests.browser import FLAGS, ensure


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    looks = [look for look in LOOKS if not names or look.name in names]
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure(), args=list(FLAGS))
        with staged(Path(data), browser) as stage:
            for scheme in ("light", "dark"):
                for width, height in SIZES:
                    with seeing(stage, width, height, scheme, strict=False) as person:
                        for look in looks:
                            kind = f"{look.name}-{width}-{scheme}"
                            _take(person(look.who), stage, look, folder / f"{kind}.png")
        browser.close()


def _take(person: Person, stage: Stage, look: Look, file: Path) -> None:
    try:
        look.go(person, stage)
    except (AssertionError, Error) as error:
        print(f"{file.stem}: {error}", file=sys.stderr)
    person.page.wait_for_timeout(400)
    person.page.screenshot(path=file)
    for complaint in person.complaints:
        print(f"{file.stem}: {complaint}", file=sys.stderr)
    person.complaints.clear()
    if look.back is not None:
        look.back(person.page)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
