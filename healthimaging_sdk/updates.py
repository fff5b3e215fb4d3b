"""Edits of an image set's metadata."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    BOOLEAN,
    DATASTORE_ID,
    IMAGE_SET_ID,
    IMAGE_SET_VERSION_ID,
    Blob,
    Structure,
)
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition, Target
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import Document, TaggedUnion, document_bytes
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus

# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_UpdateImageSetMetadata.html

DICOM_ATTRIBUTE = Blob(min=1, max=30_000)


def _removable_attributes(value: Document | None) -> bytes | None:
    return document_bytes("removable_attributes", value)


def _updatable_attributes(value: Document | None) -> bytes | None:
    return document_bytes("updatable_attributes", value)


@frozen(kw_only=True)
class DICOMUpdates:
    """Documents of attributes to remove and to insert or overwrite.

    Each is JSON text, or a mapping that is sent as JSON, at most 30,000 bytes; the service's
    quota for both together is 10 KB.
    """

    removable_attributes: bytes | None = field(
        default=None,
        converter=_removable_attributes,
        repr=redacted,
        validator=DICOM_ATTRIBUTE,
    )
    updatable_attributes: bytes | None = field(
        default=None,
        converter=_updatable_attributes,
        repr=redacted,
        validator=DICOM_ATTRIBUTE,
    )


@frozen(kw_only=True)
class MetadataUpdates(TaggedUnion):
    dicom_updates: DICOMUpdates | None = field(default=None, validator=Structure(DICOMUpdates))
    revert_to_version_id: str | None = field(default=None, validator=IMAGE_SET_VERSION_ID)


@frozen(kw_only=True)
class UpdateImageSetMetadataRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    latest_version_id: str = field(validator=IMAGE_SET_VERSION_ID)
    update_image_set_metadata_updates: MetadataUpdates = field(validator=Structure(MetadataUpdates))
    force: bool | None = field(default=None, validator=BOOLEAN)
    include_study_image_sets: bool | None = field(default=None, validator=BOOLEAN)


@frozen(kw_only=True)
class UpdateImageSetMetadataResponse:
    datastore_id: str
    image_set_id: str
    latest_version_id: str
    image_set_state: ImageSetState
    image_set_workflow_status: ImageSetWorkflowStatus | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    message: str | None = field(default=None, repr=redacted)


UPDATE_IMAGE_SET_METADATA = Operation(
    name="UpdateImageSetMetadata",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/updateImageSetMetadata",
    request=UpdateImageSetMetadataRequest,
    response=UpdateImageSetMetadataResponse,
    errors=(
        *USUAL_ERRORS,
        ConflictException,
        ResourceNotFoundException,
        ServiceQuotaExceededException,
    ),
    repetition=Repetition.GUARDED,
    rate=Rate(0.25, 1),
    query={
        "latest_version_id": "latestVersion",
        "force": "force",
        "include_study_image_sets": "includeStudyImageSets",
    },
    payload="update_image_set_metadata_updates",
    targets=(Target("image_set_id", "latest_version_id"),),
)

OPERATIONS = (UPDATE_IMAGE_SET_METADATA,)
