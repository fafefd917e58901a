"""One client floods a real server, and others work on: the proof, of each kind of flood.

``python -m tests.benchmarks.flood`` shows the figures, and measures for longer.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server
from tests.benchmarks.flood.__main__ import MOST
from tests.benchmarks.flood.measure import MARGIN, VARIANTS, flood_server, measure, p50, p95

pytestmark = pytest.mark.long

TRIES = 3
"""How often it is measured at most: a machine that does something else meanwhile is no proof."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = flood_server(tmp_path_factory.mktemp("flood"))
    yield server
    server.kill()


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_flood_of_one_client_keeps_others_waiting_twice_as_long_at_most(
    server: Server, variant: str
) -> None:
    for tried in range(TRIES):
        lines = len(server.output)
        [one] = [one async for one in measure(server, [variant], seconds=2.0, rounds=2)]
        for quiet, flooded in (
            (one.quiet.events, one.flooded.events),
            (one.quiet.answers, one.flooded.answers),
        ):
            print(f"{variant}: p50/p95 {p50(quiet):.4f}/{p95(quiet):.4f} quiet, flooded", end=" ")
            print(f"{p50(flooded):.4f}/{p95(flooded):.4f}", dict(one.did))
        assert one.did
        assert one.grew < 100_000_000
        # What floods us does not flood the log.
        assert len(server.output) - lines < 100
        slower = p95(one.flooded.events) - MARGIN > MOST * p95(one.quiet.events) or p95(
            one.flooded.answers
        ) - MARGIN > MOST * p95(one.quiet.answers)
        if not slower:
            return
        print(f"tried {tried + 1} times")
    pytest.fail(f"others waited more than {MOST:g} times as long")
