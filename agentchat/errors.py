"""Everything that can go wrong, as one tree.

AgentChatError
├── ConfigError            a setting is missing or wrong; raised at start
├── SchemaMismatch         the database does not have the tables the code expects
├── InvalidInput           a value from outside is not acceptable; says what to do
│   └── FileTooLarge       a file has more bytes than are taken
├── NotAllowed             the acting user may not do this
│   └── WrongPassword      no account has this name and password
├── ProviderFailed         an identity provider did not answer as it should
├── TooManyTries           too often, or too many at once; says when it may be tried again
├── NotFound
│   ├── ThreadNotFound
│   ├── MessageNotFound
│   ├── RunNotFound
│   ├── ScheduleNotFound
│   ├── AskNotFound
│   └── AgentNotFound
├── StorageUnavailable     the database could not be written or read just now
├── WrongState             a run is not in a state in which that can be done
├── Fenced                 another attempt owns the run; nothing was written
├── JournalMismatch        a workflow asked for a step its journal does not hold here
├── StepFailed             a step came to an error, and its tries are over
│   └── OutcomeUnknown     a step that must not be repeated was interrupted
├── NonRetryable           raise it in a step when no other try could help
├── StepTimeout            a step took longer than its policy allows
├── WaitTimeout            the event that a run waited for did not come in time
├── ToolError              a tool tells the model what went wrong, so that it can go on
└── ModelError             a language model did not answer as asked
    ├── WrongKey, UnknownModel, QuotaExceeded, ContextTooLong, ModelRefused, BadRequest,
    │   InvalidOutput
    └── ModelUnavailable   worth another attempt
        ├── RateLimited, Overloaded, ModelTimeout
        └── ConnectionLost
            └── TruncatedStream

Control flow inside the engine derives from BaseException, so that a tool's
``except Exception`` can never swallow it:

ControlFlow
├── LeaseLost              the run has ended, or another worker owns it now
├── Suspend                the run waits for a time or an event
├── Pause                  the run goes on only when somebody resumes it
└── Cancelled              somebody cancelled the run; clean up, if need be

The first docstring line of a class is its default message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar


class AgentChatError(Exception):
    """Something went wrong.

    Only what says ``retryable`` is worth another try.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])


class ConfigError(AgentChatError):
    """A setting is missing or wrong."""


class SchemaMismatch(AgentChatError):
    """The database does not match the code."""


class InvalidInput(AgentChatError):
    """That value cannot be used."""


class FileTooLarge(InvalidInput):
    """That file is too large."""


class NotAllowed(AgentChatError):
    """You may not do this."""


class WrongPassword(NotAllowed):
    """The name or the password is wrong."""


class ProviderFailed(AgentChatError):
    """The identity provider did not answer as it should. Try again later."""

    retryable = True


class TooManyTries(AgentChatError):
    """That was tried too often; ``retry_after`` says how long to wait."""

    retryable = True

    def __init__(self, message: str = "", *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(AgentChatError):
    """There is no such thing here."""


class ThreadNotFound(NotFound):
    """This thread does not exist, or it was deleted."""


class MessageNotFound(NotFound):
    """This message does not exist, or it was deleted."""


class RunNotFound(NotFound):
    """This run does not exist."""


class ScheduleNotFound(NotFound):
    """This schedule does not exist, or it was deleted."""


class AskNotFound(NotFound):
    """This question does not exist, or it was deleted."""


class AgentNotFound(NotFound):
    """There is no agent of this name."""


class Fenced(AgentChatError):
    """Another attempt owns this run now, or it has ended; nothing was written."""


class JournalMismatch(AgentChatError):
    """The workflow asked for a step that its journal does not hold here."""


class StorageUnavailable(AgentChatError):
    """The database cannot be used just now."""

    retryable = True


class WrongState(AgentChatError):
    """The run is not in a state in which this can be done."""


class StepFailed(AgentChatError):
    """A step came to an error, and its tries are over.

    Raised in the workflow, also when the run is resumed: the failure is remembered.
    ``step`` is its key, ``kind`` the kind or class of the error, ``str()`` its words.
    Where it happened just now, ``__cause__`` is the error itself.
    """

    def __init__(self, message: str = "", *, step: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.step = step
        self.kind = kind


class OutcomeUnknown(StepFailed):
    """A step that must not be repeated was interrupted: nobody knows whether it happened."""


class NonRetryable(AgentChatError):
    """No other try could help."""


class StepTimeout(AgentChatError):
    """The step took longer than its policy allows."""

    kind: ClassVar[str] = "timeout"
    retryable = True


class WaitTimeout(AgentChatError):
    """The event did not come in time."""


class ToolError(AgentChatError):
    """The tool could not do that.

    Its words are told to the model, which may try something else.
    """

    retryable = False


class ModelError(AgentChatError):
    """The model did not answer.

    ``kind`` is stored with the run and the message; ``next_step`` tells a person
    what to do about it; ``retry_after`` is what the provider asked for, if it did.
    """

    kind: ClassVar[str] = "model"
    next_step: ClassVar[str] = "Try again, or choose another model."

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: timedelta | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.request_id = request_id


class WrongKey(ModelError):
    """The provider did not accept the API key."""

    kind = "wrong_key"
    next_step = "Check the key in the environment or in .env, then restart and send again."


class UnknownModel(ModelError):
    """The provider does not know this model."""

    kind = "unknown_model"
    next_step = "Check the model's name in AGENTCHAT_MODEL, then restart and send again."


class QuotaExceeded(ModelError):
    """The account at the provider has no credit left."""

    kind = "quota"
    next_step = "Add credit at the provider, or set another model, then send again."


class ContextTooLong(ModelError):
    """The conversation is longer than this model can read."""

    kind = "context_too_long"
    next_step = "Start a new thread, or choose a model with a larger context."


class ModelRefused(ModelError):
    """The model declined to answer."""

    kind = "refused"
    next_step = "Put the question differently."


class BadRequest(ModelError):
    """The provider did not accept the request."""

    kind = "bad_request"
    next_step = "Look at the detail; the model may not support what was asked of it."


class InvalidOutput(ModelError):
    """The model's answer does not have the form that was asked for."""

    kind = "invalid_output"
    next_step = "Try again, or choose a stronger model."


class ModelUnavailable(ModelError):
    """The provider has a problem."""

    kind = "unavailable"
    next_step = "Wait a little and send again."
    retryable = True


class RateLimited(ModelUnavailable):
    """The provider is limiting how often we may ask."""

    kind = "rate_limited"


class Overloaded(ModelUnavailable):
    """The provider is overloaded."""

    kind = "overloaded"


class ModelTimeout(ModelUnavailable):
    """The model took too long to answer."""

    kind = "timeout"


class ConnectionLost(ModelUnavailable):
    """The connection to the provider was lost."""

    kind = "connection_lost"
    next_step = "Check that the provider can be reached from this machine, then send again."


class TruncatedStream(ConnectionLost):
    """The answer ended before the model said it was done."""

    kind = "truncated"


class ControlFlow(BaseException):
    """Not an error: how the engine leaves a workflow early."""


class LeaseLost(ControlFlow):
    """Another worker owns this run now; whatever is still written changes no row."""


class Suspend(ControlFlow):
    """The run waits; it goes on, from the top and through its journal, when it is due."""


class Pause(ControlFlow):
    """The run goes on, from the top and through its journal, when somebody resumes it.

    ``kind`` and ``str()`` tell what is wrong; both are empty if somebody asked for it.
    """

    def __init__(self, message: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Cancelled(ControlFlow):
    """The run is being stopped. Steps in a ``finally`` or ``except Cancelled`` clean up."""
