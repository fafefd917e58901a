"""Every error class of the vendors' SDKs is one of ours, chosen on purpose."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import anthropic
import httpx2
import openai
import pytest
from anthropic._error_classes import ERROR_CLASSES

from agentchat.llm.failures import Endpoint, explain
from tests.unit.sdk_errors import EXPECTED

ENDPOINT = Endpoint("OpenAI", "gpt-x")
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1")
SDKS = {"openai": openai, "anthropic": anthropic}
BASES = {"openai": openai.OpenAIError, "anthropic": anthropic.AnthropicError}
LATE_MODULES = (
    # Not loaded by "import openai" or "import anthropic", but perhaps by another test.
    "openai._extras._common",
    "openai.lib.beta.agents._files",
    "openai.lib.beta.agents._result",
    "anthropic.lib.tools._toolsets._browser",
)


def _family(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for child in base.__subclasses__():
        yield from _family(child)


FAMILIES = sorted(
    {(name, error) for name, base in BASES.items() for error in _family(base)},
    key=lambda pair: (pair[0], pair[1].__module__, pair[1].__name__),
)


@pytest.mark.parametrize(
    ("sdk", "error"), FAMILIES, ids=[f"{sdk}-{error.__name__}" for sdk, error in FAMILIES]
)
def test_every_error_class_of_the_sdks_is_mapped_on_purpose(
    sdk: str, error: type[Exception]
) -> None:
    chosen = EXPECTED[sdk].get(error.__name__)
    assert chosen is not None, (
        f"{sdk} has a new error class, {error.__module__}.{error.__name__}:"
        " decide what it means here and add it to tests/unit/sdk_errors.py"
    )
    assert type(explain(_instance(error), ENDPOINT, sdk=SDKS[sdk])) is chosen


@pytest.mark.parametrize("sdk", SDKS)
def test_no_class_is_mapped_that_the_sdk_no_longer_has(sdk: str) -> None:
    for module in LATE_MODULES:
        importlib.import_module(module)
    assert EXPECTED[sdk].keys() <= {error.__name__ for error in _family(BASES[sdk])}


def _instance(error: type[Exception]) -> Exception:
    """One as the SDK would raise it; classes we cannot build stay without attributes."""
    if issubclass(error, openai.APITimeoutError | anthropic.APITimeoutError):
        return error(REQUEST)
    if issubclass(error, openai.APIConnectionError | anthropic.APIConnectionError):
        return error(request=REQUEST)
    if issubclass(error, openai.APIResponseValidationError | anthropic.APIResponseValidationError):
        return error(httpx2.Response(200, request=REQUEST), None)
    if issubclass(error, openai.APIStatusError | anthropic.APIStatusError):
        known: dict[type[Exception], tuple[int, str | None]]
        known = {kind: key for key, kind in ERROR_CLASSES.items()}
        status, code = known.get(error, (getattr(error, "status_code", 500), None))
        details = {"details": {"error_code": code}} if code else {}
        body = {"error": {"message": "words", **details}}
        answer = httpx2.Response(status, request=REQUEST)
        if issubclass(error, openai.OAuthError):
            return error(response=answer, body=body)
        return error("words", response=answer, body=body)
    if issubclass(error, openai.APIError | anthropic.APIError):
        return error("words", REQUEST, body=None)
    try:
        return error("words")
    except TypeError:
        return error.__new__(error, "words")
