"""Image sets and their state. Their contents and changes have files of their own."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import DATASTORE_ID, IMAGE_SET_ID, IMAGE_SET_VERSION_ID
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import OpenEnum
from healthimaging_sdk.errors import ConflictException, ResourceNotFoundException


class ImageSetState(OpenEnum):
    """LOCKED: an asynchronous action is running, and no other write may start."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    DELETED = "DELETED"


class ImageSetWorkflowStatus(OpenEnum):
    CREATED = "CREATED"
    COPIED = "COPIED"
    COPYING = "COPYING"
    COPYING_WITH_READ_ONLY_ACCESS = "COPYING_WITH_READ_ONLY_ACCESS"
    COPY_FAILED = "COPY_FAILED"
    UPDATING = "UPDATING"
    UPDATING_FOR_STUDY_CONSISTENCY = "UPDATING_FOR_STUDY_CONSISTENCY"
    UPDATED = "UPDATED"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETING = "DELETING"
    DELETED = "DELETED"
    IMPORTING = "IMPORTING"
    IMPORTED = "IMPORTED"
    IMPORT_FAILED = "IMPORT_FAILED"


class StorageTier(OpenEnum):
    FREQUENT_ACCESS = "FREQUENT_ACCESS"
    ARCHIVE_INSTANT_ACCESS = "ARCHIVE_INSTANT_ACCESS"


@frozen(kw_only=True)
class Overrides:
    """What was overridden when a version was made: `forced`, if the write was."""

    forced: bool | None = None


# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetImageSet.html


@frozen(kw_only=True)
class GetImageSetRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    version_id: str | None = field(default=None, validator=IMAGE_SET_VERSION_ID)


@frozen(kw_only=True)
class GetImageSetResponse:
    datastore_id: str
    image_set_id: str
    version_id: str
    image_set_state: ImageSetState
    image_set_workflow_status: ImageSetWorkflowStatus | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    message: str | None = field(default=None, repr=redacted)
    image_set_arn: str | None = None
    overrides: Overrides | None = None
    is_primary: bool | None = None
    last_accessed_at: datetime | None = None
    storage_tier: StorageTier | None = None


GET_IMAGE_SET = Operation(
    name="GetImageSet",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/getImageSet",
    request=GetImageSetRequest,
    response=GetImageSetResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(25, 50),
    query={"version_id": "version"},
)

OPERATIONS = (GET_IMAGE_SET,)
