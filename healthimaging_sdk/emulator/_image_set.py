"""An image set and its versions: the state machine, without time and without HTTP.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-image-sets.html
"""

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus, StorageTier

IDLE_BEFORE_ARCHIVE = timedelta(days=30)
INTERRUPTED = "The work was interrupted before its end."

_FAILED = {
    ImageSetWorkflowStatus.COPYING: ImageSetWorkflowStatus.COPY_FAILED,
    ImageSetWorkflowStatus.IMPORTING: ImageSetWorkflowStatus.IMPORT_FAILED,
    ImageSetWorkflowStatus.UPDATING: ImageSetWorkflowStatus.UPDATE_FAILED,
    ImageSetWorkflowStatus.UPDATING_FOR_STUDY_CONSISTENCY: ImageSetWorkflowStatus.UPDATE_FAILED,
}


class StoredFrame(Protocol):
    """A frame as GetImageFrame serves it."""

    @property
    def data(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...


class Refused(Exception):
    """An action that ends in a failed version, whose message this is."""

    def __str__(self) -> str:
        # Two spaces, as the service writes it.
        return f"INVALID_REQUEST:  {super().__str__()}"


@define(eq=False)
class Version:
    """A failed action leaves its version behind, with the content of the last good one."""

    number: int
    workflow_status: ImageSetWorkflowStatus
    content: Content | None
    state: ImageSetState = ImageSetState.ACTIVE
    updated_at: datetime | None = None
    message: str | None = None
    forced: bool = False


@frozen
class FrameFile:
    """A frame that a data folder keeps."""

    path: Path
    """Its name is the SHA-256 of the frame."""
    content_type: str

    def read(self) -> bytes:
        """Raises `OSError`, for a file that is not what it was too."""
        data = self.path.read_bytes()
        if sha256(data).hexdigest() != self.path.name:
            raise OSError("a frame is damaged")
        return data

    @property
    def data(self) -> bytes:
        return self.read()


@frozen
class BeforeLock:
    """What a version told of itself before it was locked."""

    workflow_status: ImageSetWorkflowStatus
    updated_at: datetime | None


@define(eq=False)
class ImageSet:
    id: str
    datastore_id: str
    arn: str
    is_primary: bool
    created_at: datetime
    last_accessed_at: datetime
    versions: list[Version]
    """Oldest first."""
    frames: dict[str, StoredFrame] = field(factory=dict[str, StoredFrame])
    """Those of every version, by id."""
    tags: dict[str, str] = field(factory=dict[str, str])
    deleted_at: datetime | None = None
    before_lock: BeforeLock | None = None
    coming: Content | None = None
    """What a new image set, still LOCKED, is going to hold."""
    unlocked: asyncio.Event = field(factory=asyncio.Event)

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    @property
    def is_locked(self) -> bool:
        return self.latest.state == ImageSetState.LOCKED

    @property
    def is_deleted(self) -> bool:
        return self.latest.state == ImageSetState.DELETED

    @property
    def updated_at(self) -> datetime:
        return self.latest.updated_at or self.created_at

    def version(self, number: str | None) -> Version | None:
        """A version by its number, or the latest."""
        if number is None:
            return self.latest
        # Not int(): a number of five thousand digits is a legal version that nobody has.
        return next((each for each in self.versions if str(each.number) == number), None)

    def storage_tier(self, now: datetime) -> StorageTier:
        idle = now - self.last_accessed_at
        return (
            StorageTier.ARCHIVE_INSTANT_ACCESS
            if idle >= IDLE_BEFORE_ARCHIVE
            else StorageTier.FREQUENT_ACCESS
        )

    def begin_version(
        self, status: ImageSetWorkflowStatus, now: datetime, *, forced: bool = False
    ) -> None:
        """A write starts: locked, one version further, with the content as it was."""
        version = Version(
            number=self.latest.number + 1,
            workflow_status=status,
            content=self.latest.content,
            state=ImageSetState.LOCKED,
            updated_at=now,
            forced=forced,
        )
        self.versions.append(version)
        self.unlocked.clear()

    def succeed(self, status: ImageSetWorkflowStatus, content: Content, now: datetime) -> None:
        self.latest.content = content
        self._settle(status, now)

    def fail(self, status: ImageSetWorkflowStatus, message: str, now: datetime) -> None:
        self.latest.message = message
        # Without content it stands for no series.
        self.is_primary = self.is_primary and self.latest.content is not None
        self._settle(status, now)

    def _settle(self, status: ImageSetWorkflowStatus, now: datetime) -> None:
        self.coming = None
        self.latest.workflow_status = status
        self.latest.state = ImageSetState.ACTIVE
        if self.latest.number > 1:
            self.latest.updated_at = now
        self.unlocked.set()

    def lock(self, status: ImageSetWorkflowStatus, now: datetime) -> None:
        """Something happens to the set that makes no version of it; `unlock` takes it back."""
        self.before_lock = BeforeLock(self.latest.workflow_status, self.latest.updated_at)
        self.latest.workflow_status = status
        self.latest.state = ImageSetState.LOCKED
        self.latest.updated_at = now
        self.unlocked.clear()

    def unlock(self) -> None:
        before, self.before_lock = self.before_lock, None
        if before is not None:
            self.latest.workflow_status = before.workflow_status
            self.latest.updated_at = before.updated_at
        self.latest.state = ImageSetState.ACTIVE
        self.unlocked.set()

    def delete(self, now: datetime) -> None:
        """All versions go; what is left is the memory that there was an image set."""
        self.deleted_at = now
        self.before_lock = None
        self.frames.clear()
        self.tags.clear()
        for version in self.versions:
            version.content = None
            version.state = ImageSetState.DELETED
            version.workflow_status = ImageSetWorkflowStatus.DELETED
        self.unlocked.set()

    def abandon(self, now: datetime) -> bool:
        """Settle what was under way and comes to no end: it fails, but a deletion is finished.

        Whether it has a new status: the source of a copy is what it was before.
        """
        if not self.is_locked:
            return False
        match self.latest.workflow_status:
            case ImageSetWorkflowStatus.DELETING:
                self.delete(now)
            case ImageSetWorkflowStatus.COPYING_WITH_READ_ONLY_ACCESS:
                self.unlock()
                return False
            case status:
                self.fail(_FAILED[status], INTERRUPTED, now)
        return True
