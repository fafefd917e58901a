"""What went wrong at a provider, as one of our errors with words a person can use."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import ModuleType

import anthropic
import anyio
import httpx2
import openai
import pytest

from agentchat.errors import (
    BadRequest,
    ConnectionLost,
    ContextTooLong,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    UnknownModel,
    WrongKey,
)
from agentchat.llm.failures import LONGEST_DETAIL, Endpoint, explain, retry_after

KEY = "sk-ant-api03-abcdef0123456789"
ENDPOINT = Endpoint("OpenAI", "gpt-x", KEY)
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1")
NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)

SDKS = {"openai": openai, "anthropic": anthropic}


def _status_error(
    sdk: ModuleType, status: int, body: object, headers: Mapping[str, str] | None = None
) -> Exception:
    """What the SDK makes of an HTTP answer, by its own code."""
    key = {"api_key": KEY, "base_url": "http://127.0.0.1"}
    client = sdk.OpenAI(**key) if sdk is openai else sdk.Anthropic(**key)
    text = body if isinstance(body, str) else json.dumps(body)
    answer = httpx2.Response(status, text=text, headers=headers, request=REQUEST)
    with client:
        error: Exception = client._make_status_error_from_response(answer)
    return error


@pytest.mark.parametrize(
    ("status", "body", "expected", "words"),
    [
        (401, {"message": "Bad key.", "code": "invalid_api_key"}, WrongKey, "401: Bad key."),
        (403, {"message": "No entry"}, WrongKey, "does not let this API key do that (403: No"),
        (404, {"message": "No gpt-x", "code": "model_not_found"}, UnknownModel, "the model gpt-x"),
        (400, {"message": "x", "code": "model_not_found"}, UnknownModel, "400: x"),
        (429, {"message": "x", "type": "insufficient_quota"}, QuotaExceeded, "no credit left"),
        (429, {"message": "x", "type": "tokens", "code": "rate_limit_exceeded"}, RateLimited, "x"),
        (402, {"message": "x"}, QuotaExceeded, "402: x"),
        (400, {"message": "Your credit balance is too low"}, QuotaExceeded, "credit balance"),
        (400, {"message": "x", "code": "context_length_exceeded"}, ContextTooLong, "400: x"),
        (400, {"message": "x", "type": "exceed_context_size_error"}, ContextTooLong, "400: x"),
        (400, {"message": "prompt is too long: 9 > 8"}, ContextTooLong, "9 > 8"),
        (400, {"message": "This model's maximum context length is 8"}, ContextTooLong, "is 8"),
        (400, {"message": "input and max_tokens exceed context limit"}, ContextTooLong, "limit"),
        (413, {"message": "x", "type": "request_too_large"}, ContextTooLong, "413: x"),
        (400, {"message": "x", "code": "content_filter"}, ModelRefused, "declined to answer"),
        (400, {"message": "Unknown parameter"}, BadRequest, "400: Unknown parameter"),
        (422, {"message": "x"}, BadRequest, "422: x"),
        (408, {"message": "x"}, ModelTimeout, "took too long"),
        (504, {"message": "x"}, ModelTimeout, "took too long"),
        (409, {"message": "x"}, ModelUnavailable, "409: x"),
        (500, {"message": "x", "type": "server_error"}, ModelUnavailable, "has a problem (500: x)"),
        (503, {"message": "x", "type": "server_error"}, Overloaded, "is overloaded (503: x)"),
        (529, {"message": "x", "type": "overloaded_error"}, Overloaded, "is overloaded"),
        (599, {}, ModelUnavailable, "599: no reason given"),
        (500, {"message": "The context window is stuck"}, ModelUnavailable, "500: The context"),
        (400, {"message": "Billing is off"}, QuotaExceeded, "400: Billing is off"),
        (400, {"message": "beyond the context window"}, ContextTooLong, "beyond"),
        (429, {"type": "rate_limit_error", "code": "insufficient_quota"}, QuotaExceeded, "429"),
        (429, {"code": "x", "type": "insufficient_quota"}, QuotaExceeded, "429"),
    ],
)
@pytest.mark.parametrize("sdk", SDKS.values(), ids=SDKS)
def test_a_status_and_a_body_become_our_error_with_the_providers_words(
    sdk: ModuleType, status: int, body: dict[str, str], expected: type[ModelError], words: str
) -> None:
    error = explain(_status_error(sdk, status, {"error": body}), ENDPOINT, sdk=sdk)
    assert type(error) is expected
    assert str(error).startswith("OpenAI ")
    assert words in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "No such route"}, "(404: No such route)"),
        ([{"error": {"message": "No such model", "code": 404}}], "(404: No such model)"),
        ({"error": "model 'x' not found"}, "(404: model 'x' not found)"),
        ("plain words", "(404: plain words)"),
        ("\n <html>a page</html>", "(404: Not Found)"),
        ([], "(404: Not Found)"),
        ("", "(404: Not Found)"),
        ([1, 2], "(404: Not Found)"),
        ({"error": {"message": {"odd": 1}, "code": [], "details": 3}}, "(404: Not Found)"),
    ],
)
@pytest.mark.parametrize("sdk", SDKS.values(), ids=SDKS)
def test_bodies_of_other_servers_are_read_too(sdk: ModuleType, body: object, words: str) -> None:
    error = explain(_status_error(sdk, 404, body), ENDPOINT, sdk=sdk)
    assert type(error) is UnknownModel
    assert str(error) == f"OpenAI does not know the model gpt-x {words}"


@pytest.mark.parametrize(
    ("body", "expected", "words"),
    [
        ({"type": "overloaded_error", "message": "Busy"}, Overloaded, "is overloaded (Busy)"),
        ({"code": "rate_limit_exceeded", "message": "x"}, RateLimited, "(x)"),
        ({"code": 502, "message": "Upstream"}, ModelUnavailable, "(502: Upstream)"),
        ({"code": 503, "message": "Upstream"}, Overloaded, "(503: Upstream)"),
        ({"code": "404", "message": "Upstream"}, UnknownModel, "(404: Upstream)"),
        ({"code": 40_400, "message": "Upstream"}, ModelUnavailable, "(Upstream)"),
        ({"type": "invalid_request_error", "message": "x"}, BadRequest, "(x)"),
        ({"message": "maximum context length is 8"}, ContextTooLong, "is 8"),
        ({"message": "The server had an error"}, ModelUnavailable, "has a problem"),
        ("just words", ModelUnavailable, "(just words)"),
        (None, ModelUnavailable, "(no reason given)"),
    ],
)
def test_an_error_inside_a_stream_is_told_by_its_body(
    body: object, expected: type[ModelError], words: str
) -> None:
    plain = openai.APIError("", REQUEST, body=body)
    status_200 = anthropic.APIStatusError(
        "", response=httpx2.Response(200, request=REQUEST), body={"type": "error", "error": body}
    )
    for error, sdk in ((plain, openai), (status_200, anthropic)):
        failure = explain(error, ENDPOINT, sdk=sdk, request_id="req_1")
        assert type(failure) is expected
        assert words in str(failure)
        assert failure.request_id == "req_1"


@pytest.mark.parametrize(
    ("expected", "codes"),
    [
        (WrongKey, "invalid_api_key authentication_error permission_error"),
        (UnknownModel, "model_not_found not_found_error"),
        (QuotaExceeded, "insufficient_quota billing_hard_limit_reached billing_not_active"),
        (QuotaExceeded, "billing_error contract_spend_limit_reached enforced_spend_limit_reached"),
        (ContextTooLong, "context_length_exceeded exceed_context_size_error request_too_large"),
        (ModelRefused, "content_filter content_policy_violation"),
        (RateLimited, "rate_limit_exceeded rate_limit_error"),
        (Overloaded, "overloaded_error"),
        (ModelTimeout, "timeout_error request_body_timeout"),
    ],
)
def test_a_code_is_enough_to_tell_an_error_inside_a_stream(
    expected: type[ModelError], codes: str
) -> None:
    for code in codes.split():
        for name in ("code", "type"):
            error = openai.APIError("", REQUEST, body={name: code})
            assert type(explain(error, ENDPOINT, sdk=openai)) is expected, (name, code)


def test_the_detail_of_an_error_is_surer_than_its_code_and_the_body_may_name_the_request() -> None:
    said = {
        "code": "rate_limit_exceeded",
        "details": {"error_code": "enforced_spend_limit_reached"},
    }
    answer = httpx2.Response(200, request=REQUEST)
    body = {"type": "error", "error": said, "request_id": "req_body"}
    error = anthropic.APIStatusError("", response=answer, body=body)
    failure = explain(error, ENDPOINT, sdk=anthropic, request_id="req_1")
    assert type(failure) is QuotaExceeded
    assert failure.request_id == "req_body"


@pytest.mark.parametrize(
    ("key", "said", "shown"),
    [
        ("local", "Is the local server up?", "Is the local server up?"),
        ("sesame99", "No sesame99 here.", "No [key] here."),
        (None, "Is the server up?", "Is the server up?"),
    ],
)
def test_only_a_key_that_is_no_plain_word_is_hidden(key: str | None, said: str, shown: str) -> None:
    assert Endpoint("A server", "m", key).clean(said) == shown


def test_a_refusal_is_told_in_clean_words() -> None:
    assert str(ENDPOINT.refused("", None)) == "gpt-x declined to answer"
    refusal = ENDPOINT.refused(f"Not with\n{KEY}.", "req_4")
    assert str(refusal) == "gpt-x declined to answer (Not with [key].)"
    assert refusal.request_id == "req_4"


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (httpx2.ConnectError("refused"), ConnectionLost, "could not be reached (ConnectError: re"),
        (httpx2.ConnectTimeout(""), ConnectionLost, "could not be reached (ConnectTimeout)"),
        (httpx2.ReadTimeout(""), ModelTimeout, "was silent for too long"),
        (httpx2.WriteTimeout(""), ModelTimeout, "was silent for too long"),
        (httpx2.PoolTimeout(""), ModelTimeout, "was silent for too long"),
        (
            httpx2.RemoteProtocolError("gone"),
            ConnectionLost,
            "was lost (RemoteProtocolError: gone)",
        ),
        (httpx2.ReadError(""), ConnectionLost, "The connection to OpenAI was lost"),
        (httpx2.ProxyError("no"), ConnectionLost, "The connection to OpenAI was lost"),
        (httpx2.DecodingError("no"), ConnectionLost, "The connection to OpenAI was lost"),
        (ssl.SSLError(1, "bad record"), ConnectionLost, "bad record"),
        (anyio.EndOfStream(), ConnectionLost, "EndOfStream"),
        (json.JSONDecodeError("no", "{", 0), ModelUnavailable, "cannot be read"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), ModelUnavailable, "cannot be read"),
        (AttributeError("odd"), ModelError, "could not be asked (AttributeError: odd)"),
    ],
)
@pytest.mark.parametrize("sdk", SDKS.values(), ids=SDKS)
def test_what_breaks_below_the_sdk_becomes_our_error(
    sdk: ModuleType, error: Exception, expected: type[ModelError], words: str
) -> None:
    failure = explain(error, ENDPOINT, sdk=sdk, request_id="req_2")
    assert type(failure) is expected
    assert words in str(failure)
    assert failure.request_id == "req_2"
    if isinstance(error, httpx2.ConnectError):
        wrapped = sdk.APIConnectionError(request=REQUEST)
        wrapped.__cause__ = error
        assert str(explain(wrapped, ENDPOINT, sdk=sdk)) == str(failure)


def test_our_own_error_passes_unchanged() -> None:
    error = RateLimited("as it was")
    assert explain(error, ENDPOINT, sdk=openai) is error


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "sk-proj-********wxyz",
        "sk-ABCDEFGH12345678",
        "gsk_abcdefgh12345678",
        "AIzaSy-12345_abcde-xyz",
        "Bearer abc.def",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_no_error_repeats_a_key(secret: str) -> None:
    body = {"error": {"message": f"Not this one: {secret}."}}
    error = explain(_status_error(openai, 401, body), ENDPOINT, sdk=openai)
    assert secret not in str(error)
    assert "Not this one: [key]" in str(error)
    assert KEY not in repr(ENDPOINT)


@pytest.mark.parametrize(
    "name", ["claude-sonnet-4-5-20250929", "gpt-4o-mini", "risk-free-1", "key-exchange"]
)
def test_names_that_are_no_keys_stay(name: str) -> None:
    assert ENDPOINT.clean(f"model: {name}") == f"model: {name}"


def test_a_long_message_is_cut_and_kept_on_one_line() -> None:
    cleaned = ENDPOINT.clean("first\nsecond " + "word " * 500)
    assert cleaned.startswith("first second word")
    assert len(cleaned) == LONGEST_DETAIL
    assert cleaned.endswith("…")
    just = "ab " * (LONGEST_DETAIL // 3 - 1) + "abc"
    assert ENDPOINT.clean(just) == just


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
        ({"retry-after-ms": "250", "retry-after": "1"}, timedelta(milliseconds=250)),
        ({"retry-after-ms": "soon", "retry-after": "1"}, timedelta(seconds=1)),
        (
            {"retry-after": format_datetime(NOW + timedelta(hours=1), usegmt=True)},
            timedelta(hours=1),
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, timedelta(0)),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:05 -0000"}, timedelta(seconds=5)),
        ({"retry-after-ms": "1e300", "retry-after": "1"}, timedelta(seconds=1)),
        ({"retry-after": "-3"}, timedelta(0)),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e300"}, None),
        ({"retry-after": "99999999"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_milliseconds_or_date(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    assert retry_after(headers, NOW) == wait


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_wait_that_was_asked_for_is_kept_with_the_error(status: int) -> None:
    error = _status_error(anthropic, status, {}, {"Retry-After": "9", "request-id": "req_9"})
    failure = explain(error, ENDPOINT, sdk=anthropic)
    assert failure.retry_after == timedelta(seconds=9)
    assert failure.request_id == "req_9"
    assert failure.retryable
