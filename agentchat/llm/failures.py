"""What a vendor's SDK raised, said as one of our :class:`ModelError` classes.

Nothing here imports an SDK: the provider that caught the error passes its own. Both
SDKs come from one generator, so the classes used here have the same names in each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import ModuleType

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
    TruncatedStream,
    UnknownModel,
    WrongKey,
)
from agentchat.llm.complaint import read_complaint

LONGEST_DETAIL = 300
SHORTEST_KEY = 8  # what a compatible server takes for a key may be a plain word
LONGEST_WAIT = timedelta(days=30)

_PHRASES: Mapping[type[ModelError], str] = {
    WrongKey: "did not accept the API key",
    UnknownModel: "does not know the model {model}",
    QuotaExceeded: "says that the account has no credit left",
    ContextTooLong: "cannot read a conversation this long",
    ModelRefused: "declined to answer",
    BadRequest: "did not accept the request",
    RateLimited: "is limiting how often we may ask",
    Overloaded: "is overloaded",
    ModelTimeout: "took too long to answer",
    ConnectionLost: "dropped the connection",
    ModelUnavailable: "has a problem",
}

_KEY_LIKE = re.compile(
    r"(?:\b(?:sk|pk|rk|gsk|xai|key)[-_]|\bAIza)(?=[^\s\d*]*[\d*])[\w*.…-]{6,}"
    r"|\bBearer\s+\S+|\b[A-Za-z0-9*_]{32,}\b"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who was asked, so that an error can name it. The key never gets into a message."""

    vendor: str
    model: str
    key: str | None = field(default=None, repr=False)

    def clean(self, text: str) -> str:
        """``text`` on one line, short, and without anything that looks like a key."""
        if self.key and len(self.key) >= SHORTEST_KEY:
            text = text.replace(self.key, "[key]")
        text = " ".join(_KEY_LIKE.sub("[key]", text).split())
        return text if len(text) <= LONGEST_DETAIL else text[: LONGEST_DETAIL - 1] + "…"

    def truncated(self, request_id: str | None) -> TruncatedStream:
        """The stream ended, but the model never said that it was done."""
        return TruncatedStream(
            f"{self.vendor} ended the answer before it was done", request_id=request_id
        )

    def refused(self, words: str, request_id: str | None) -> ModelRefused:
        """The model declined, perhaps in ``words``, and said nothing else."""
        detail = f" ({self.clean(words)})" if words else ""
        return ModelRefused(f"{self.model} declined to answer{detail}", request_id=request_id)


def explain(
    error: Exception, endpoint: Endpoint, *, sdk: ModuleType, request_id: str | None = None
) -> ModelError:
    """The :class:`ModelError` that ``error``, raised while using ``sdk``, amounts to.

    ``request_id`` is used where the error carries none. Never raises.
    """
    import anyio
    import httpx2

    if isinstance(error, ModelError):
        return error
    if isinstance(error, sdk.APIResponseValidationError | json.JSONDecodeError | UnicodeError):
        return _unreadable(error, endpoint, request_id)
    # httpx2 lets a TLS stream that ends early escape as anyio's own error.
    lost = (sdk.APIConnectionError, httpx2.RequestError, OSError, anyio.EndOfStream)
    if isinstance(error, lost):
        cause = error.__cause__ if isinstance(error, sdk.APIConnectionError) else error
        if isinstance(error, sdk.APITimeoutError) and cause is None:
            cause = httpx2.ReadTimeout("")
        return _unreachable(cause or error, endpoint, request_id)
    if isinstance(error, sdk.APIError):
        return _answered(error, endpoint, request_id)
    return _given_up(error, endpoint, sdk, request_id)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the provider asks us to wait: milliseconds, seconds or an HTTP date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            wait = timedelta(seconds=float(value) * unit)
        except OverflowError:
            continue
        except ValueError:
            try:
                date = parsedate_to_datetime(value)
            except ValueError:
                continue
            wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
        if wait <= LONGEST_WAIT:
            return max(wait, timedelta(0))
    return None


def _answered(error: Exception, endpoint: Endpoint, request_id: str | None) -> ModelError:
    """The provider said no: with a status, or with an error event inside a stream of 200."""
    told = read_complaint(getattr(error, "body", None))
    response = getattr(error, "response", None)
    status: int | None = getattr(error, "status_code", None)
    if status is None or status < 400:
        status = told.status
    kind = told.kind(status)
    words = endpoint.clean(told.message) or _status_words(status)
    detail = f"{status}: {words}" if status else words
    return kind(
        f"{endpoint.vendor} {_phrase(kind, status, endpoint)} ({detail})",
        retry_after=None if response is None else retry_after(response.headers, datetime.now(UTC)),
        request_id=getattr(error, "request_id", None) or told.request_id or request_id,
    )


def _phrase(kind: type[ModelError], status: int | None, endpoint: Endpoint) -> str:
    if kind is WrongKey and status == 403:
        return "does not let this API key do that"
    return _PHRASES[kind].format(model=endpoint.model)


def _unreachable(cause: BaseException, endpoint: Endpoint, request_id: str | None) -> ModelError:
    import httpx2

    detail = endpoint.clean(f"{type(cause).__name__}: {cause}".removesuffix(": "))
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
        return ConnectionLost(
            f"{endpoint.vendor} could not be reached ({detail})", request_id=request_id
        )
    if isinstance(cause, httpx2.TimeoutException):
        return ModelTimeout(
            f"{endpoint.vendor} was silent for too long ({detail})", request_id=request_id
        )
    return ConnectionLost(
        f"The connection to {endpoint.vendor} was lost ({detail})", request_id=request_id
    )


def _unreadable(error: Exception, endpoint: Endpoint, request_id: str | None) -> ModelError:
    detail = endpoint.clean(f"{type(error).__name__}: {error}")
    return ModelUnavailable(
        f"{endpoint.vendor} sent something that cannot be read ({detail})", request_id=request_id
    )


def _given_up(
    error: Exception, endpoint: Endpoint, sdk: ModuleType, request_id: str | None
) -> ModelError:
    """The SDK itself could not go on, before or after the provider was asked."""
    detail = endpoint.clean(f"{type(error).__name__}: {error}")
    message = f"{endpoint.vendor} could not be asked ({detail})"
    if isinstance(error, getattr(sdk, "CredentialsError", ())):
        return WrongKey(message, request_id=request_id)
    if isinstance(error, getattr(sdk, "RetryableError", ())):
        return ModelUnavailable(message, request_id=request_id)
    return ModelError(message, request_id=request_id)


def _status_words(status: int | None) -> str:
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return "no reason given"
