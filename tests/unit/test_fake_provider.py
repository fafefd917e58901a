"""The fake model server, used without an event loop as the acceptance tests do."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.fake_provider import FakeProvider, Reply

BODY = '{"model": "m", "messages": [{"role": "user", "content": "Hi."}]}'


def _post(fake: FakeProvider, path: str = "/v1/chat/completions") -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(urlsplit(fake.openai_url).netloc, timeout=30)
    connection.request("POST", path, BODY, {"X-Mine": "yes"})
    return connection


def test_it_answers_in_order_and_then_by_default() -> None:
    with FakeProvider(Reply("Default.")).running() as fake:
        fake.enqueue(Reply(status=529, headers={"retry-after": "3"}), Reply("Second."))
        seen = []
        for _ in range(3):
            with closing(_post(fake)) as connection:
                response = connection.getresponse()
                seen.append((response.status, response.headers["retry-after"], response.read()))
    assert [status for status, _, _ in seen] == [529, 200, 200]
    assert seen[0][1] == "3"
    assert b"Second." in seen[1][2]
    assert b"Default." in seen[2][2]
    assert seen[2][2].endswith(b"data: [DONE]\n\n")


def test_it_records_what_was_asked_and_that_nobody_left_early() -> None:
    with FakeProvider().running() as fake:
        with closing(_post(fake)) as connection:
            response = connection.getresponse()
            response.read()
            assert response.headers["x-request-id"] == "req_fake_1"
        fake.wait_for(lambda: fake.requests[0].closed_at)
    (request,) = fake.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["x-mine"] == "yes"
    assert request.json == json.loads(BODY)
    assert fake.rejected == []
    assert not request.closed_by_client


def test_it_refuses_what_the_real_server_refuses_and_uses_up_no_reply() -> None:
    with FakeProvider().running() as fake:
        fake.enqueue(Reply("Kept."))
        connection = http.client.HTTPConnection(urlsplit(fake.openai_url).netloc, timeout=30)
        with closing(connection):
            connection.request("POST", "/v1/chat/completions", '{"messages": []}')
            response = connection.getresponse()
            error = json.loads(response.read())["error"]
        with closing(_post(fake)) as connection:
            assert b"Kept." in connection.getresponse().read()
    assert (response.status, error["type"]) == (400, "invalid_request_error")
    assert fake.rejected == [error["message"]]
    fake.forget()
    assert fake.rejected == []


def test_it_sees_a_client_that_leaves() -> None:
    with FakeProvider(Reply("One. Two.", cut_after=1, cut="hold")).running() as fake:
        with closing(_post(fake)):
            fake.wait_for(lambda: fake.requests[0].pieces_sent == 1)
            assert fake.requests[0].closed_at is None
        fake.wait_for(lambda: fake.requests[0].closed_by_client)


def test_a_broken_connection_is_no_polite_end() -> None:
    with FakeProvider(Reply("One. Two.", cut_after=1, cut="drop")).running() as fake:
        connection = _post(fake)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            connection.getresponse().read()
        connection.close()


def test_a_path_it_does_not_know_is_not_found_and_waiting_ends() -> None:
    with FakeProvider().running() as fake:
        with closing(_post(fake, "/v2/nothing")) as connection:
            assert connection.getresponse().status == 404
        with pytest.raises(TimeoutError):
            fake.wait_for(lambda: fake.requests[7], timeout=0.01)
