"""What a refused write to an image set means: locked, stale, or applied without our knowing.

The service has one ConflictException, and says 404 of a stale version. The text of neither is
ever read: the client looks at the image sets (rules R-5a and R-5b).
"""

from collections.abc import Awaitable, Callable
from operator import attrgetter

from attrs import AttrsInstance, frozen

from healthimaging_sdk._operation import Operation, Repetition, Request, Response
from healthimaging_sdk._retrying import Call
from healthimaging_sdk.errors import (
    ConflictException,
    HealthImagingError,
    ResourceNotFoundException,
    ServiceError,
    StaleVersionError,
    WriteOutcomeUnknown,
)
from healthimaging_sdk.image_sets import GetImageSetResponse, ImageSetState

MIN_DELAY = 0.5
MAX_DELAY = 15.0


def member(request: AttrsInstance, dotted: str) -> object:
    """A request's attribute by its dotted name, or `None` where something above it is `None`."""
    try:
        return attrgetter(dotted)(request)
    except AttributeError:
        return None


def repetition_of(operation: Operation[Request, Response], request: Request) -> Repetition:
    """A guarded write without the member that guards it is an unguarded one."""
    unguarded = (
        operation.guarded_by is not None and member(request, operation.guarded_by) is None
    ) or (operation.unguarded_by is not None and member(request, operation.unguarded_by) is True)
    return Repetition.UNGUARDED if unguarded else operation.repetition


@frozen(eq=False, repr=False)
class Expectation:
    """An image set that a write locks, and the version that its caller takes for the latest."""

    image_set_id: str
    version_id: str | None


def expectations(
    operation: Operation[Request, Response], request: Request
) -> tuple[Expectation, ...]:
    found: list[Expectation] = []
    for target in operation.targets:
        image_set_id = member(request, target.image_set_id)
        version_id = member(request, target.version_id) if target.version_id else None
        if isinstance(image_set_id, str):
            found.append(Expectation(image_set_id, str(version_id) if version_id else None))
    return tuple(found)


@frozen(eq=False, repr=False)
class Conflicts:
    """Looks into refusals. `look` reads an image set, `pause` waits, both within the call."""

    look: Callable[[str], Awaitable[GetImageSetResponse]]
    pause: Callable[[float], Awaitable[object]]
    random: Callable[[], float]

    async def explain(
        self, error: ServiceError, expected: tuple[Expectation, ...], call: Call
    ) -> HealthImagingError:
        """The error to raise instead, or the same one, marked retryable if the lock has ended."""
        if not expected or not isinstance(error, ConflictException | ResourceNotFoundException):
            return error
        ceiling = MIN_DELAY
        while True:
            try:
                seen = [(each, await self.look(each.image_set_id)) for each in expected]
            except HealthImagingError:
                return error
            states = {image_set.image_set_state for _, image_set in seen}
            if ImageSetState.DELETED in states:
                return error
            for expectation, image_set in seen:
                if expectation.version_id not in (None, image_set.version_id):
                    # Of the image sets of a copy, the last one gets a new version: not the source.
                    ours = call.outcome_unknown and expectation is expected[-1]
                    return _moved_on(error, expectation, image_set, call, ours=ours)
            if not isinstance(error, ConflictException):
                return error
            if ImageSetState.LOCKED not in states:
                error.retryable = True
                return error
            delay = MIN_DELAY + self.random() * (ceiling - MIN_DELAY)
            ceiling = min(MAX_DELAY, ceiling * 2)
            if delay >= call.deadline.remaining():
                error.retry_stopped_by = "deadline"
                return error
            await self.pause(delay)


def _moved_on(
    error: ServiceError,
    expected: Expectation,
    found: GetImageSetResponse,
    call: Call,
    *,
    ours: bool,
) -> HealthImagingError:
    version_id = expected.version_id or ""
    if ours and found.version_id == str(int(version_id) + 1):
        # Our lost write, or another writer's: nobody can tell, so nobody says success.
        return WriteOutcomeUnknown(
            error.operation_name or "",
            {"image_set_id": expected.image_set_id},
            (*call.failures, error),
            likely_applied=True,
        )
    stale = StaleVersionError(error, expected.image_set_id, version_id, found.version_id)
    stale.__cause__ = error
    return stale
