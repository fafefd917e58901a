"""What machines ask of a real server: is it alive, is it ready, what has it done."""

from __future__ import annotations

import json

from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.server import Server
from tests.integration.observing_stage import ask
from tests.waiting import eventually_now


def test_the_served_app_tells_its_health_and_its_metrics(server: Server) -> None:
    eventually_now(lambda: ask(f"{server.url}/ready").status == 200)
    assert json.loads(ask(f"{server.url}/ready").text)["checks"]["worker"]["ok"]
    assert json.loads(ask(f"{server.url}/health").text)["status"] == "alive"
    answer = ask(f"{server.url}/metrics")

    assert answer.status == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    [up] = families["agentchat_database_up"].samples
    assert up.value == 1
    assert "agentchat_runs_started" in families
    # As everything that is served, and beside what Reflex answers itself.
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ask(f"{server.url}/ping").status == 200
