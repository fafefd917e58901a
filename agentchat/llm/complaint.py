"""What a provider's error says in its own words, and which of our errors that is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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

_BY_CODE: Mapping[str, type[ModelError]] = {
    # A provider's own code or type is surer than its status: OpenAI answers 429 both to
    # haste and to an empty account, and an error inside a stream has no status at all.
    "invalid_api_key": WrongKey,
    "authentication_error": WrongKey,
    "permission_error": WrongKey,
    "model_not_found": UnknownModel,
    "not_found_error": UnknownModel,
    "insufficient_quota": QuotaExceeded,
    "billing_hard_limit_reached": QuotaExceeded,
    "billing_not_active": QuotaExceeded,
    "billing_error": QuotaExceeded,
    "contract_spend_limit_reached": QuotaExceeded,
    "enforced_spend_limit_reached": QuotaExceeded,
    "context_length_exceeded": ContextTooLong,
    "exceed_context_size_error": ContextTooLong,
    "request_too_large": ContextTooLong,
    "content_filter": ModelRefused,
    "content_policy_violation": ModelRefused,
    "rate_limit_exceeded": RateLimited,
    "rate_limit_error": RateLimited,
    "overloaded_error": Overloaded,
    "timeout_error": ModelTimeout,
    "request_body_timeout": ModelTimeout,
}

_BY_STATUS: Mapping[int, type[ModelError]] = {
    401: WrongKey,
    402: QuotaExceeded,
    403: WrongKey,
    404: UnknownModel,
    408: ModelTimeout,
    409: ModelUnavailable,  # both SDKs count a conflict as worth another attempt
    413: ContextTooLong,
    429: RateLimited,
    499: ConnectionLost,
    503: Overloaded,
    504: ModelTimeout,
    529: Overloaded,
}

# Some limits are told in words only; looked for in a 400 and in errors inside a stream.
_BY_WORDS = (
    (re.compile(r"credit balance|billing", re.I), QuotaExceeded),
    (
        re.compile(r"prompt is too long|maximum context|context (length|limit|window|size)", re.I),
        ContextTooLong,
    ),
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The body of an error, in either wire format. ``codes``: the surest first."""

    message: str
    codes: tuple[str, ...]
    status: int | None
    request_id: str | None

    def kind(self, status: int | None) -> type[ModelError]:
        """The class of error; ``status`` is None for an error inside a stream."""
        for code in self.codes:
            if code in _BY_CODE:
                return _BY_CODE[code]
        if status in (None, 400):
            for pattern, kind in _BY_WORDS:
                if pattern.search(self.message):
                    return kind
        if status is None:
            in_vain = "invalid_request_error" in self.codes
            return BadRequest if in_vain else ModelUnavailable
        return _BY_STATUS.get(status, ModelUnavailable if status >= 500 else BadRequest)


def read_complaint(body: object) -> Complaint:
    """What ``body``, as an SDK parsed it, says; whatever is missing stays empty."""
    if isinstance(body, list) and body:
        body = body[0]  # Google's errors come in a list
    outer = body if isinstance(body, dict) else {}
    error = outer.get("error", outer)
    inner = error if isinstance(error, dict) else {}
    details = inner.get("details")
    code, request_id = inner.get("code"), outer.get("request_id")
    message = inner.get("message") or inner.get("detail")
    if not message and isinstance(error, str):
        message = error
    elif not message and isinstance(body, str) and not body.lstrip().startswith("<"):
        message = body  # a proxy's page of HTML would tell a person nothing
    found = (details.get("error_code") if isinstance(details, dict) else None, code)
    return Complaint(
        message=message if isinstance(message, str) else "",
        codes=tuple(word for word in (*found, inner.get("type")) if isinstance(word, str)),
        status=_as_status(code),
        request_id=request_id if isinstance(request_id, str) else None,
    )


def _as_status(code: object) -> int | None:
    """llama.cpp and some gateways put the HTTP status into ``code``."""
    text = str(code)
    return int(text) if re.fullmatch(r"[45]\d\d", text) else None
