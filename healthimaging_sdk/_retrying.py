"""When a failed call is tried again: the only door to tenacity.

The numbers are those of the AWS SDKs' retry specification 2.1 (rules R-1 to R-8).
"""

import os
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field, frozen

from healthimaging_sdk._deadlines import Deadline
from healthimaging_sdk._logs import retrying
from healthimaging_sdk._operation import Repetition
from healthimaging_sdk.errors import (
    ConflictException,
    HealthImagingError,
    Outcome,
    ServiceError,
)
from healthimaging_sdk.reports import CallReport

if TYPE_CHECKING:
    from tenacity import RetryCallState

Result = TypeVar("Result")

MAX_BACKOFF = 20.0
MAX_EXTRA_WAIT = 5.0
"""How much longer than its own delay a client lets a `retry-after` make it wait."""

TRANSIENT_CODES = frozenset(
    {"InternalServerException", "RequestTimeout", "RequestTimeoutException"}
)


class Kind(Enum):
    """Why a failure may pass by itself: the base of its delay in seconds, its cost in tokens."""

    THROTTLING = (1.0, 5)
    TRANSIENT = (0.05, 14)

    @property
    def base(self) -> float:
        return float(self.value[0])

    @property
    def cost(self) -> int:
        return int(self.value[1])


def kind_of(error: HealthImagingError, repetition: Repetition) -> Kind | None:
    """What sort of failure this is, or `None` if another try cannot help (R-1 to R-4)."""
    match error:
        case ServiceError(is_throttling=True):
            return Kind.THROTTLING
        case ServiceError(status_code=500 | 502 | 503 | 504):
            return Kind.TRANSIENT
        case ConflictException():
            # A read meets a conflict while an import or a copy settles. A write's conflict has
            # been looked into before it comes here, and says itself if the lock has ended.
            settling = repetition is Repetition.READ or error.retryable
            return Kind.THROTTLING if settling else None
        case ServiceError() if error.code in TRANSIENT_CODES:
            return Kind.TRANSIENT
        case _:
            return Kind.TRANSIENT if error.retryable else None


class RetryQuota:
    """The tokens that all retries of one client share (rule R-7). One process, no more."""

    def __init__(self, capacity: int = 500) -> None:
        self.capacity = self.available = capacity

    def take(self, cost: int) -> bool:
        if cost > self.available:
            return False
        self.available -= cost
        return True

    def give_back(self, tokens: int) -> None:
        self.available = min(self.capacity, self.available + tokens)


def _invocation_id() -> str:
    """A random UUID: the uuid module takes three times as long to write one."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


@define(eq=False, repr=False)
class Call:
    """What the attempts of one call have in common."""

    operation_name: str
    repetition: Repetition
    deadline: Deadline
    max_attempts: int
    report: CallReport | None = None
    """Filled in for the observers, if there are any."""

    invocation_id: str = field(factory=_invocation_id)
    """The same on all attempts, so that the service's logs can tell."""

    attempts: int = 0
    outcome: Outcome = Outcome.NOT_SENT
    """What is known of the latest attempt."""

    refusal: ServiceError | None = None
    """The refusal that is being looked into."""

    failures: tuple[HealthImagingError, ...] = ()
    held: int = 1
    """The tokens that success gives back: those of the last retry, or one without any."""

    @property
    def outcome_unknown(self) -> bool:
        """Whether an attempt may have been applied without our knowing."""
        return any(failure.outcome is Outcome.UNKNOWN for failure in self.failures)


@frozen(eq=False, repr=False)
class RetryPolicy:
    max_attempts: int
    quota: RetryQuota
    sleep: Callable[[float], Awaitable[object]]
    random: Callable[[], float]

    async def run(self, call: Call, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """The result of the first attempt that succeeds, or the error of the last one."""
        try:
            result = await attempt()
        except HealthImagingError as failure:
            result = await self._repeat(call, attempt, failure)
        self.quota.give_back(call.held)
        return result

    async def _repeat(
        self, call: Call, attempt: Callable[[], Awaitable[Result]], first: HealthImagingError
    ) -> Result:
        # Many processes never need it, and importing it is a part of every start.
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415

        def may_repeat(error: BaseException) -> bool:
            if not isinstance(error, HealthImagingError):
                return False
            call.failures += (error,)
            if error.outcome is Outcome.UNKNOWN and call.repetition is Repetition.UNGUARDED:
                return False
            return kind_of(error, call.repetition) is not None

        def give_up(state: "RetryCallState") -> bool:
            return self._give_up(call, state)

        def delay(state: "RetryCallState") -> float:
            return self.delay(call.failures[-1], call.repetition, state.attempt_number)

        def announce(state: "RetryCallState") -> None:
            failure, number = call.failures[-1], state.attempt_number
            retrying(call.operation_name, number, failure, state.upcoming_sleep)

        async def next_attempt() -> Result:
            # The first attempt has been made, without the cost of a controller.
            if not call.failures:
                raise first
            return await attempt()

        # A controller of its own per call: tenacity's are not safe to share between tasks.
        controller = AsyncRetrying(
            sleep=self._pause,
            stop=give_up,
            wait=delay,
            retry=retry_if_exception(may_repeat),
            before_sleep=announce,
            reraise=True,
        )
        return await controller(next_attempt)

    async def _pause(self, seconds: float) -> None:
        await self.sleep(seconds)

    def _give_up(self, call: Call, state: "RetryCallState") -> bool:
        if state.attempt_number >= self.max_attempts:
            return True
        failure = call.failures[-1]
        if state.upcoming_sleep >= call.deadline.remaining():
            failure.retry_stopped_by = "deadline"
            return True
        kind = kind_of(failure, call.repetition)
        if kind is None or not self.quota.take(kind.cost):
            failure.retry_stopped_by = "quota"
            return True
        call.held = kind.cost
        return False

    def delay(self, failure: HealthImagingError, repetition: Repetition, retry: int) -> float:
        """Seconds before the nth retry (R-6), or what the answer asked for, clamped (R-8)."""
        kind = kind_of(failure, repetition) or Kind.TRANSIENT
        own = self.random() * min(MAX_BACKOFF, kind.base * 2.0 ** min(retry - 1, 10))
        asked = failure.retry_after if isinstance(failure, ServiceError) else None
        return own if asked is None else min(max(asked, own), own + MAX_EXTRA_WAIT)
