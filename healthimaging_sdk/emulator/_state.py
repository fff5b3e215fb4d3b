"""Everything that the emulated account holds, and what runs in its background.

One event loop owns it: between two awaits a handler has it for itself.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, cast

from attrs import AttrsInstance, define, field, frozen

from healthimaging_sdk.datastores import DatastoreStatus, LosslessStorageFormat
from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._image_set import ImageSet, StoredFrame, Version
from healthimaging_sdk.emulator._limits import Durations, Quotas
from healthimaging_sdk.emulator._primary_index import PrimaryIndex
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus
from healthimaging_sdk.import_jobs import DICOMImportJobProperties, JobStatus

Answer = TypeVar("Answer", bound=AttrsInstance)

_ENDS = {
    DatastoreStatus.CREATING: DatastoreStatus.CREATE_FAILED,
    DatastoreStatus.DELETING: DatastoreStatus.DELETED,
}
"""Of what comes to no end."""

_log = logging.getLogger(__name__)


def new_id() -> str:
    return uuid.uuid4().hex


def wall_clock() -> datetime:
    return datetime.now(UTC)


@define(eq=False)
class Datastore:
    id: str
    arn: str
    name: str
    status: DatastoreStatus
    created_at: datetime
    updated_at: datetime
    lossless_storage_format: LosslessStorageFormat
    kms_key_arn: str | None = None
    lambda_authorizer_arn: str | None = None
    tags: dict[str, str] = field(factory=dict[str, str])
    image_sets: dict[str, ImageSet] = field(factory=dict[str, ImageSet])
    jobs: dict[str, DICOMImportJobProperties] = field(factory=dict[str, DICOMImportJobProperties])
    primary: PrimaryIndex = field(factory=PrimaryIndex)

    def living_image_sets(self) -> Iterator[ImageSet]:
        return (each for each in self.image_sets.values() if not each.is_deleted)

    def primary_image_sets(self) -> Iterator[tuple[ImageSet, Content]]:
        """The primary image sets, with what their latest version holds or is going to hold."""
        for each in self.living_image_sets():
            content = each.latest.content or each.coming
            if each.is_primary and content is not None:
                yield each, content

    def running_jobs(self) -> list[DICOMImportJobProperties]:
        running = (JobStatus.SUBMITTED, JobStatus.IN_PROGRESS)
        return [each for each in self.jobs.values() if each.job_status in running]

    def at_work(self, *statuses: ImageSetWorkflowStatus) -> int:
        """How many image sets are locked in one of these statuses."""
        return sum(
            each.is_locked and each.latest.workflow_status in statuses
            for each in self.image_sets.values()
        )

    @property
    def is_under_way(self) -> bool:
        return self.status in _ENDS

    def abandon(self, now: datetime) -> bool:
        """Settle what was under way and comes to no end: a creation fails, a deletion is done.

        Whether it has a new status.
        """
        if not self.is_under_way:
            return False
        self.status, self.updated_at = _ENDS[self.status], now
        return True


@frozen
class FirstAnswer:
    """What a client token was used for, and what came of it."""

    client_token: str
    request: AttrsInstance = field(repr=False)
    answer: AttrsInstance = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return type(self.request).__name__, self.client_token


Record = Datastore | ImageSet | DICOMImportJobProperties | FirstAnswer


class Saver(Protocol):
    """Takes records to a place that outlives the process."""

    def changed(self, records: Iterable[Record]) -> None: ...
    def accessed(self, image_set: ImageSet) -> None: ...
    def when_saved(self, tell: Callable[[], None]) -> None: ...
    async def saved(self) -> None: ...


@define(eq=False, kw_only=True)
class State:
    region: str
    account_id: str
    buckets: Mapping[str, Path]
    durations: Durations
    quotas: Quotas
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[object]]
    on_event: Callable[[dict[str, object]], None] | None = None
    datastores: dict[str, Datastore] = field(factory=dict[str, Datastore])
    saver: Saver | None = None
    """None if everything is in memory only."""
    _answered: dict[tuple[str, str], FirstAnswer] = field(
        factory=dict[tuple[str, str], FirstAnswer]
    )
    _background: "set[asyncio.Task[None]]" = field(factory=set["asyncio.Task[None]"])

    def now(self) -> datetime:
        """The time in milliseconds, as the service tells it."""
        now = self.clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    # ── Looking things up ─────────────────────────────────────────────────────

    def datastore(self, datastore_id: str) -> Datastore:
        try:
            return self.datastores[datastore_id]
        except KeyError:
            raise ResourceNotFoundException("The data store does not exist.") from None

    def active_datastore(self, datastore_id: str) -> Datastore:
        datastore = self.datastore(datastore_id)
        if datastore.status == DatastoreStatus.DELETED:
            raise ResourceNotFoundException("The data store is deleted.")
        if datastore.status != DatastoreStatus.ACTIVE:
            raise ConflictException(f"The data store is {datastore.status}, not ACTIVE.")
        return datastore

    def image_set(self, datastore_id: str, image_set_id: str) -> ImageSet:
        """An image set, deleted or not."""
        try:
            return self.active_datastore(datastore_id).image_sets[image_set_id]
        except KeyError:
            raise ResourceNotFoundException("The image set does not exist.") from None

    def living_image_set(self, datastore_id: str, image_set_id: str) -> ImageSet:
        image_set = self.image_set(datastore_id, image_set_id)
        if image_set.is_deleted:
            raise ResourceNotFoundException("The image set is deleted.")
        return image_set

    def writable_image_set(
        self, datastore_id: str, image_set_id: str, latest_version_id: str | None
    ) -> ImageSet:
        """An image set that a write may lock, at the version that the writer has seen."""
        image_set = self.living_image_set(datastore_id, image_set_id)
        if image_set.is_locked:
            status = image_set.latest.workflow_status
            raise ConflictException(f"The image set is LOCKED ({status}).")
        if latest_version_id not in (None, str(image_set.latest.number)):
            # The service says it with a 404.
            raise ResourceNotFoundException(
                "Requested version(s) of ImageSet(s) is not the latest."
            )
        return image_set

    def check_size(self, content: Content) -> None:
        """Raises `ServiceQuotaExceededException` for more metadata than an image set may have."""
        if content.size > self.quotas.metadata_bytes:
            raise ServiceQuotaExceededException(
                f"The metadata of an image set may have {self.quotas.metadata_bytes} bytes, "
                f"not {content.size}."
            )

    # ── Making things ─────────────────────────────────────────────────────────

    def datastore_arn(self, datastore_id: str) -> str:
        return f"arn:aws:medical-imaging:{self.region}:{self.account_id}:datastore/{datastore_id}"

    def add_image_set(
        self,
        datastore: Datastore,
        status: ImageSetWorkflowStatus,
        content: Content | None,
        *,
        is_primary: bool,
        frames: Mapping[str, StoredFrame],
        forced: bool = False,
        coming: Content | None = None,
    ) -> ImageSet:
        """A new image set at version 1: usable if it has content, else locked until it has."""
        now = self.now()
        state = ImageSetState.LOCKED if content is None else ImageSetState.ACTIVE
        version = Version(1, status, content, state=state, forced=forced)
        image_set_id = new_id()
        image_set = ImageSet(
            id=image_set_id,
            datastore_id=datastore.id,
            arn=f"{datastore.arn}/imageset/{image_set_id}",
            is_primary=is_primary,
            created_at=now,
            last_accessed_at=now,
            versions=[version],
            frames=dict(frames),
            coming=coming,
        )
        datastore.image_sets[image_set_id] = image_set
        self.changed(image_set)
        return image_set

    def answer_once(
        self, request: AttrsInstance, client_token: str, act: Callable[[], Answer]
    ) -> Answer:
        """The first answer again for the same client token: the work is not done twice."""
        first = self._answered.get((type(request).__name__, client_token))
        if first is not None:
            if first.request != request:
                raise ConflictException("The client token was used with other parameters.")
            return cast("Answer", first.answer)  # requests of one class get answers of one class
        answer = act()
        first = FirstAnswer(client_token, request, answer)
        self._answered[first.key] = first
        self.changed(first)
        return answer

    # ── Keeping things ────────────────────────────────────────────────────────

    def changed(self, *records: Record) -> None:
        """Said after every change, and before the next await: what is saved is of one moment."""
        for record in records:
            if isinstance(record, ImageSet):
                self.datastores[record.datastore_id].primary.put(record)
        if self.saver is not None:
            self.saver.changed(records)

    def accessed(self, image_set: ImageSet) -> None:
        """Metadata or a frame are read: worth keeping, but not worth waiting for."""
        image_set.last_accessed_at = self.now()
        if self.saver is not None:
            self.saver.accessed(image_set)

    def tell(self, event: dict[str, object]) -> None:
        """An event of what has just changed: once that is where it outlives the process."""
        if self.on_event is None:
            return
        if self.saver is None:
            self.on_event(event)
        else:
            self.saver.when_saved(partial(self.on_event, event))

    async def saved(self) -> None:
        """Everything that has changed is where it outlives the process."""
        if self.saver is not None:
            await self.saver.saved()

    def restore(self, records: Iterable[Record]) -> None:
        """Go on with what was saved, data stores first."""
        self.datastores.clear()
        self._answered.clear()
        for record in records:
            match record:
                case Datastore():
                    self.datastores[record.id] = record
                case ImageSet():
                    datastore = self.datastores[record.datastore_id]
                    datastore.image_sets[record.id] = record
                    datastore.primary.put(record)
                case DICOMImportJobProperties():
                    self.datastores[record.datastore_id].jobs[record.job_id] = record
                case FirstAnswer():
                    self._answered[record.key] = record

    def put_job(self, job: DICOMImportJobProperties) -> None:
        self.datastores[job.datastore_id].jobs[job.job_id] = job
        self.changed(job)

    # ── The background ────────────────────────────────────────────────────────

    def run_in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its text could hold a patient's.
            _log.error("background work failed: %s", type(error).__name__)

    async def stop(self) -> None:
        running = list(self._background)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
