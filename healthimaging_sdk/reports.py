"""What calls do, for whoever wants to watch them: never what they say (rule R-21).

An observer is called with the report of each call before its first attempt, in the caller's
task. The context that it returns is entered there, and left when the call ends, with the
exception that ends it, if any:

    @contextmanager
    def observer(report: CallReport) -> Generator[None]:
        yield
        print(report.operation_name, len(report.attempts))

    client = HealthImagingClient(config=Config(observers=(observer,)))

An observer changes nothing. What it raises is logged and goes no further, and it cannot
suppress the call's exception: a write that was accepted is never lost to a counter.
"""

import logging
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from traceback import extract_tb

from attrs import define, field, frozen

from healthimaging_sdk.errors import Outcome, ServiceError

_log = logging.getLogger("healthimaging_sdk")


@frozen(kw_only=True)
class AttemptReport:
    """One request and what became of it. That of a stream ends with the head of its answer."""

    operation_name: str
    """The call's, or "GetImageSet" where a refused write made the client look at the image set."""

    number: int
    """Of the operation, from 1."""

    seconds: float
    """From the sending on; neither the queue nor the pause before it."""

    status_code: int | None
    """`None` if no answer came."""

    request_id: str | None
    """AWS's own, from the answer."""

    error_code: str | None
    """What failed: the service's code, or the name of an exception's class. An attempt that was
    cut, by a deadline or by its caller, says `CancelledError`."""

    throttled: bool
    outcome: Outcome | None
    """What is known about a failed request; `None` after a success."""


@define(eq=False)
class CallReport:
    """What one call did, filled in while it runs and complete when it ends.

    A call is one method of the client; the pages of a pager and the looks of a waiter are calls
    of their own. A stream is a call until its `async with` block is left, and ends with the
    exception that leaves the block. Arguments that are refused make no call.
    """

    operation_name: str
    """Such as "GetImageSet"."""

    region: str | None = None
    """`None` until the client has found it, which it does within its first call."""

    attempts: list[AttemptReport] = field(factory=list[AttemptReport])
    """Every request, in the order in which they ended: the looks at image sets after a refused
    write stand between the write's own. Without credentials there are none."""

    pacing_seconds: float = 0.0
    """Spent in the queue of the client's own pace."""

    received_bytes: int = 0
    """Of the bodies of all answers as they came: compressed, if they were."""

    @property
    def last_attempt(self) -> AttemptReport | None:
        """The latest one of the operation itself."""
        own = (each for each in reversed(self.attempts) if self._is_own(each))
        return next(own, None)

    @property
    def throttles(self) -> int:
        """How often the service answered that it is asked too much."""
        return sum(each.throttled for each in self.attempts)

    @property
    def outcome_unknown(self) -> bool:
        """Whether the call failed and nobody knows what one of its requests did.

        If it was a write, it may have been applied.
        """
        last = self.last_attempt
        own = filter(self._is_own, self.attempts)
        unknown = any(each.outcome is Outcome.UNKNOWN for each in own)
        return last is not None and last.outcome is not None and unknown

    def _is_own(self, attempt: AttemptReport) -> bool:
        return attempt.operation_name == self.operation_name


Observer = Callable[[CallReport], AbstractContextManager[object]]
"""Called with a report at the beginning of each call; its context is left at the end."""


def error_code(error: BaseException) -> str:
    """The service's code, or the name of the class; never a text, which could name a patient."""
    return error.code if isinstance(error, ServiceError) else type(error).__name__


@contextmanager
def observed(observers: tuple[Observer, ...], report: CallReport) -> Generator[CallReport]:
    """The contexts of all observers, who can change nothing of what is inside."""
    entered: list[AbstractContextManager[object]] = []
    try:
        for observer in observers:
            _enter(observer, report, entered)
        yield report
    except BaseException as error:
        _leave(entered, error)
        raise
    _leave(entered, None)


def _enter(
    observer: Observer, report: CallReport, entered: list[AbstractContextManager[object]]
) -> None:
    try:
        context = observer(report)
        context.__enter__()
        entered.append(context)
    except Exception as fault:  # noqa: BLE001  # is no fault of the call
        _log_fault(fault)


def _leave(entered: list[AbstractContextManager[object]], error: BaseException | None) -> None:
    for context in reversed(entered):
        try:
            if error is None:
                context.__exit__(None, None, None)
            else:
                context.__exit__(type(error), error, error.__traceback__)
        except Exception as fault:  # noqa: BLE001  # is no fault of the call
            _log_fault(fault)


def _log_fault(fault: Exception) -> None:
    """Neither its text nor a traceback: they may quote what the observer was told elsewhere."""
    where = extract_tb(fault.__traceback__)[-1]
    _log.error("an observer raised %s at %s:%s", error_code(fault), where.filename, where.lineno)
