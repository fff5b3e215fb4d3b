"""Waiting for what the service does in its own time: copies, updates, deletions, imports.

The service has no waiters, and no way to be told but polling (or EventBridge). Rule R-19.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Generic, TypeVar

from attrs import field, frozen

from healthimaging_sdk._constraints import IMAGE_SET_VERSION_ID
from healthimaging_sdk.config import in_seconds
from healthimaging_sdk.datastores import DatastoreStatus, GetDatastoreResponse
from healthimaging_sdk.errors import (
    DeadlineExceeded,
    HealthImagingError,
    ParamValidationError,
    ResourceNotFoundException,
    ResponseDecodeError,
    WaiterFailed,
    WaiterTimeout,
)
from healthimaging_sdk.image_sets import GetImageSetResponse, ImageSetState, ImageSetWorkflowStatus
from healthimaging_sdk.import_jobs import GetDICOMImportJobResponse, JobStatus

Description = TypeVar("Description")

DONE_STATUSES = frozenset(
    {
        None,  # the model does not require the status
        ImageSetWorkflowStatus.CREATED,
        ImageSetWorkflowStatus.COPIED,
        ImageSetWorkflowStatus.UPDATED,
        ImageSetWorkflowStatus.IMPORTED,
    }
)
FAILED_STATUSES = frozenset(
    {
        ImageSetWorkflowStatus.COPY_FAILED,
        ImageSetWorkflowStatus.UPDATE_FAILED,
        ImageSetWorkflowStatus.IMPORT_FAILED,
    }
)


class Verdict(Enum):
    """What a description says of the thing that is awaited."""

    DONE = "done"
    FAILED = "failed"
    PENDING = "pending"


@frozen
class Judgement:
    verdict: Verdict
    message: str | None = None


DONE = Judgement(Verdict.DONE)
PENDING = Judgement(Verdict.PENDING)


def check_version_id(version_id: str | None) -> None:
    problem = None if version_id is None else IMAGE_SET_VERSION_ID.problem(version_id)
    if problem:
        raise ParamValidationError("version_id", problem)


def judge_settled(version_id: str | None) -> Callable[[GetImageSetResponse], Judgement]:
    """A copy or an update has finished: ACTIVE, and at least at the version that it returned.

    An older version still tells of the action before, and a newer one of the action after; an
    unknown status, of one under way.
    """
    check_version_id(version_id)

    def judge(image_set: GetImageSetResponse) -> Judgement:
        if image_set.image_set_state == ImageSetState.DELETED:
            return Judgement(Verdict.FAILED, "the image set was deleted")
        beyond = 0 if version_id is None else versions_beyond(image_set, version_id)
        if image_set.image_set_state != ImageSetState.ACTIVE or beyond < 0:
            return PENDING
        status = image_set.image_set_workflow_status
        if status in FAILED_STATUSES and beyond == 0:
            return Judgement(Verdict.FAILED, image_set.message)
        return DONE if status in DONE_STATUSES or beyond > 0 else PENDING

    return judge


def versions_beyond(image_set: GetImageSetResponse, version_id: str) -> int:
    """How many versions the image set is ahead of that one."""
    try:
        return int(image_set.version_id) - int(version_id)
    except ValueError:
        raise ResponseDecodeError("GetImageSetResponse: version_id is not a number") from None


def judge_deleted(image_set: GetImageSetResponse) -> Judgement:
    return DONE if image_set.image_set_state == ImageSetState.DELETED else PENDING


def judge_import_job(answer: GetDICOMImportJobResponse) -> Judgement:
    match answer.job_properties.job_status:
        case JobStatus.COMPLETED:
            return DONE
        case JobStatus.FAILED:
            return Judgement(Verdict.FAILED, answer.job_properties.message)
        case _:
            return PENDING


def judge_datastore_active(answer: GetDatastoreResponse) -> Judgement:
    match answer.datastore_properties.datastore_status:
        case DatastoreStatus.ACTIVE:
            return DONE
        case DatastoreStatus.CREATE_FAILED | DatastoreStatus.DELETING | DatastoreStatus.DELETED:
            return Judgement(Verdict.FAILED)
        case _:
            return PENDING


def judge_datastore_deleted(answer: GetDatastoreResponse) -> Judgement:
    status = answer.datastore_properties.datastore_status
    return DONE if status == DatastoreStatus.DELETED else PENDING


@frozen
class Patience:
    """How long to wait for something, and how long between two looks at it."""

    timeout: float = field(converter=in_seconds)
    min_delay: float = field(converter=in_seconds)
    max_delay: float = field(converter=in_seconds)

    def __attrs_post_init__(self) -> None:
        if not self.timeout > 0:
            raise ParamValidationError("timeout", "must be more than 0")
        if not 0 < self.min_delay <= self.max_delay:
            raise ParamValidationError("min_delay", "must be more than 0, and at most max_delay")


@frozen(kw_only=True, eq=False, repr=False)
class Waiter(Generic[Description]):
    """Polls until a judgement is reached. What `describe` and `on_poll` raise leaves the wait."""

    describe: Callable[[float], Awaitable[Description]]
    """One look, which may take that many seconds."""
    longest_look: float | None
    """Seconds that a look may take anyway."""
    judge: Callable[[Description], Judgement]
    patience: Patience
    on_poll: Callable[[Description], object] | None
    pause: Callable[[float], Awaitable[object]]
    clock: Callable[[], float]
    random: Callable[[], float]

    async def run(self, awaited: str) -> Description:
        shortest, longest = self.patience.min_delay, self.patience.max_delay
        began, paused, ceiling = self.clock(), 0.0, shortest
        description: Description | None = None
        while True:
            within = max(self._remaining(began, paused), shortest)
            try:
                description = await self.describe(within)
            except HealthImagingError as error:
                if self._was_cut(error, within):
                    raise self._timeout(awaited, description) from error
                raise
            if self.on_poll is not None:
                self.on_poll(description)
            judgement = self.judge(description)
            if judgement.verdict is Verdict.DONE:
                return description
            if judgement.verdict is Verdict.FAILED:
                # The service's reason can name a patient: it is an attribute, not the text.
                raise WaiterFailed(f"{awaited} failed", description, judgement.message)
            remaining = self._remaining(began, paused)
            if remaining <= 0:
                raise self._timeout(awaited, description)
            # The last look is at the deadline itself.
            delay = min(shortest + self.random() * (ceiling - shortest), remaining)
            ceiling = min(longest, ceiling * 2)
            await self.pause(delay)
            paused += delay

    async def run_until_gone(self, awaited: str) -> Description | None:
        """As `run`; `None` once the service answers that there is no such thing."""
        try:
            return await self.run(awaited)
        except ResourceNotFoundException:
            return None

    def _remaining(self, began: float, paused: float) -> float:
        # By the pauses too, so that a test's `sleep` may leave the clock as it is.
        return self.patience.timeout - max(self.clock() - began, paused)

    def _was_cut(self, error: HealthImagingError, within: float) -> bool:
        """Whether it was for this waiter's sake that a look got no more time."""
        cut = isinstance(error, DeadlineExceeded) or error.retry_stopped_by == "deadline"
        return cut and (self.longest_look is None or within <= self.longest_look)

    def _timeout(self, awaited: str, last_seen: Description | None) -> WaiterTimeout:
        timeout = self.patience.timeout
        return WaiterTimeout(f"{awaited} did not finish within {timeout:g} seconds", last_seen)
