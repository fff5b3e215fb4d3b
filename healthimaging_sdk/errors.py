"""Everything that this package raises.

    HealthImagingError
    ├── ParamValidationError            also a ValueError; raised before any network traffic
    ├── ClientClosed
    ├── CredentialError
    ├── TransportError                  no complete answer: DNS, TLS, connection, read timeout
    │   └── StreamStalled
    ├── DeadlineExceeded                also a TimeoutError; an attempt was cut by the deadline
    ├── ResponseDecodeError             an answer that does not fit the service's model
    │   ├── BodyTruncated
    │   └── BodyCorrupt
    ├── ServiceError                    the service said no
    │   ├── AccessDeniedException  BadRequestException  InternalServerException
    │   ├── NotAcceptableException  ResourceNotFoundException
    │   ├── ServiceQuotaExceededException  ThrottlingException  ValidationException
    │   └── ConflictException
    │       └── StaleVersionError       our reading of a conflict: the caller's version is old
    ├── WriteOutcomeUnknown             a write was sent; nobody knows whether it was applied
    ├── PaginationError
    └── WaiterError
        ├── WaiterFailed                the service said that the awaited thing failed
        └── WaiterTimeout               also a TimeoutError

An error holds facts; the retry policy decides what to do about them. `str()` and `repr()` of
an error never show a sensitive value (rules R-21 and R-22): what the service wrote is in
`ServiceError.message`, as it came.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Literal


class Outcome(StrEnum):
    """What is known about a request whose attempt failed (rule R-2.2)."""

    NOT_SENT = "not sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""The codes that mean throttling, at any HTTP status (rule R-1)."""


class HealthImagingError(Exception):
    """The base of every error of this package."""

    outcome: Outcome = Outcome.NOT_SENT
    """What is known about the request that failed."""

    operation_name: str | None = None
    """The service's name of the operation, such as "GetImageSet"."""

    attempts: int = 0
    """How many requests were sent, or tried, for this call."""

    prior_outcome_unknown: bool = False
    """Whether an earlier attempt of the same call ended without a readable answer.

    A 404 or 409 on the repetition of a deletion may then be the trace of our own success.
    """

    retryable: bool = False
    """Whether the same request could succeed on another try, as far as the error knows."""

    retry_stopped_by: Literal["quota", "deadline"] | None = None
    """Why an error that could have been retried was not."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), self.args, self.__dict__))


def _restore(
    cls: type[HealthImagingError], args: tuple[object, ...], state: Mapping[str, object]
) -> HealthImagingError:
    error = cls.__new__(cls, *args)
    error.args = args  # which an OSError, and so a TimeoutError, does not take from `__new__`
    error.__dict__.update(state)
    return error


class ParamValidationError(HealthImagingError, ValueError):
    """A parameter that the service's model does not allow; its value is never shown."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class ClientClosed(HealthImagingError):
    """The client was closed before the call, or while it was under way."""

    def __init__(self, text: str, outcome: Outcome = Outcome.NOT_SENT) -> None:
        super().__init__(text)
        self.outcome = outcome


class CredentialError(HealthImagingError):
    """No credentials were found, or they could not be refreshed."""


class TransportError(HealthImagingError):
    """No complete answer came: name resolution, connection, TLS, or a silent peer."""

    def __init__(self, text: str, outcome: Outcome, *, retryable: bool = True) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.retryable = retryable


class StreamStalled(TransportError):
    """A body that arrived slower than a byte per second for twenty seconds (rule R-10)."""


class DeadlineExceeded(HealthImagingError, TimeoutError):
    """The call's deadline passed while an attempt was under way."""

    def __init__(self, text: str, outcome: Outcome = Outcome.NOT_SENT) -> None:
        super().__init__(text)
        self.outcome = outcome


class ResponseDecodeError(HealthImagingError):
    """An answer that does not fit the service's model; its content is never shown."""

    outcome = Outcome.UNKNOWN
    retryable = True


class BodyTruncated(ResponseDecodeError):
    """A body that ended early."""


class BodyCorrupt(ResponseDecodeError):
    """A body whose bytes are not what they claim to be, or that inflates beyond the limit."""


class ServiceError(HealthImagingError):
    """The service answered with an error.

    Nine classes below mirror the model's exceptions; an error with a code that the model does
    not have is a plain `ServiceError`.
    """

    outcome = Outcome.REJECTED
    http_status: ClassVar[int] = 400

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        status_code: int | None = None,
        request_id: str | None = None,
        operation_name: str | None = None,
        shown: str | None = None,
    ) -> None:
        self.message = message
        self.code = code or type(self).__name__
        self.status_code = status_code if status_code is not None else self.http_status
        self.request_id = request_id
        self.operation_name = operation_name
        self.retry_after: float | None = None
        """Seconds that the answer asks to wait."""
        self.server_ahead: float | None = None
        """Seconds that the answer's `Date` was ahead of our wall clock."""
        if self.status_code >= 500 and not self.is_throttling:
            self.outcome = Outcome.UNKNOWN
        super().__init__(self.code, message if shown is None else shown)

    @property
    def is_throttling(self) -> bool:
        """By code; a 429 whose code says nothing is one too (rule R-1)."""
        nameless = self.status_code == 429 and type(self) is ServiceError
        return self.code in THROTTLING_CODES or nameless

    def __str__(self) -> str:
        code, shown = self.args
        where = f" from {self.operation_name}" if self.operation_name else ""
        tail = f" (HTTP {self.status_code}, request {self.request_id or 'without id'})"
        return f"{code}{where}: {shown}{tail}" if shown else f"{code}{where}{tail}"


class AccessDeniedException(ServiceError):
    """The user does not have sufficient access to perform this action."""

    http_status = 403


class BadRequestException(ServiceError):
    """The frame request cannot be processed (GetImageFrame only)."""


class ConflictException(ServiceError):
    """Updating or deleting a resource can cause an inconsistent state."""

    http_status = 409


class InternalServerException(ServiceError):
    """An unexpected error occurred during processing of the request."""

    http_status = 500


class NotAcceptableException(ServiceError):
    """The frame cannot be served in an acceptable form (GetImageFrame only)."""

    http_status = 406


class ResourceNotFoundException(ServiceError):
    """The request references a resource which does not exist.

    The service says the same of a version that is not the latest: see `StaleVersionError`.
    """

    http_status = 404


class ServiceQuotaExceededException(ServiceError):
    """The request caused a service quota to be exceeded. HTTP 402, of all codes."""

    http_status = 402


class ThrottlingException(ServiceError):
    """The request was denied due to throttling."""

    http_status = 429


class ValidationException(ServiceError):
    """The input fails to satisfy the constraints set by the service."""


class StaleVersionError(ConflictException):
    """The image set has moved on: `expected` was given, `actual` is its latest version.

    The error that the service sent is the `__cause__`. Read the image set, decide whether the
    edit still makes sense, and send it again with the new version; the client never does.
    """

    def __init__(self, sent: ServiceError, image_set_id: str, expected: str, actual: str) -> None:
        super().__init__(
            sent.message,
            code=sent.code,
            status_code=sent.status_code,
            request_id=sent.request_id,
            operation_name=sent.operation_name,
            shown=f"image set {image_set_id} is at version {actual}, not {expected}",
        )
        self.image_set_id = image_set_id
        self.expected = expected
        self.actual = actual


class WriteOutcomeUnknown(HealthImagingError):
    """A write was sent and its answer was lost: it may have been applied.

    `failures` are the errors of the attempts, oldest first. `likely_applied` is true when the
    image set has since advanced by exactly one version; another writer could have done that.
    """

    outcome = Outcome.UNKNOWN

    def __init__(
        self,
        operation_name: str,
        resources: Mapping[str, str],
        failures: tuple[HealthImagingError, ...],
        *,
        likely_applied: bool = False,
    ) -> None:
        named = ", ".join(f"{name} {value}" for name, value in resources.items())
        super().__init__(f"{operation_name} was sent and its answer was lost ({named})")
        self.operation_name = operation_name
        self.resources = dict(resources)
        self.failures = failures
        self.likely_applied = likely_applied


class PaginationError(HealthImagingError):
    """The service's pages go in a circle: a token came back that was used before."""


class WaiterError(HealthImagingError):
    """The base of what a waiter raises by itself; `last_response` is what it saw last."""

    def __init__(self, text: str, last_response: object) -> None:
        super().__init__(text)
        self.last_response = last_response


class WaiterFailed(WaiterError):
    """The service said that what was awaited has failed; `message` is its reason, as it came."""

    def __init__(self, text: str, last_response: object, message: str | None = None) -> None:
        super().__init__(text, last_response)
        self.message = message


class WaiterTimeout(WaiterError, TimeoutError):
    """What was awaited did not happen within `timeout`; `last_response` is `None` without any."""
