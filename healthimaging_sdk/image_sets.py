"""Image sets: read, edit, copy, delete, and their versions, metadata and frames."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    BOOLEAN,
    DATASTORE_ID,
    IMAGE_FRAME_ID,
    IMAGE_SET_ID,
    IMAGE_SET_VERSION_ID,
    MAX_RESULTS,
    NEXT_TOKEN,
    Blob,
    Structure,
    Text,
)
from healthimaging_sdk._naming import wire
from healthimaging_sdk._operation import (
    RUNTIME,
    USUAL_ERRORS,
    Operation,
    Rate,
    Repetition,
    Target,
)
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import (
    Document,
    OpenEnum,
    TaggedUnion,
    document_bytes,
    document_text,
)
from healthimaging_sdk.errors import (
    BadRequestException,
    ConflictException,
    NotAcceptableException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)
from healthimaging_sdk.metadata import MetadataDocument, parse_document


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


# ── GetImageSet ───────────────────────────────────────────────────────────────
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


# ── GetImageSetMetadata ───────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetImageSetMetadata.html


@frozen(kw_only=True)
class GetImageSetMetadataRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    version_id: str | None = field(default=None, validator=IMAGE_SET_VERSION_ID)


@frozen(kw_only=True)
class GetImageSetMetadataResponse:
    image_set_metadata_blob: bytes = field(repr=redacted)
    """The metadata document, decompressed and checked to its last byte."""
    content_type: str | None = None
    content_encoding: str | None = None
    """As the header said, although the blob is decompressed."""

    def document(self, *, lazy: bool = False) -> MetadataDocument:
        """The blob, parsed. Raises `ResponseDecodeError` if it is not a JSON object.

        A large one takes a while, 100 ms for 20 MB, in which the whole process stands still. A
        lazy document looks the same, but parses an instance when it is asked for, each time anew,
        and raises there. To make it in a thread, `await asyncio.to_thread(response.document,
        lazy=True)`, stops the event loop for no more than 10 ms at a time. This needs the extra
        `speedups`; without it, all is parsed at once.
        """
        return parse_document(self.image_set_metadata_blob, lazy=lazy)


GET_IMAGE_SET_METADATA = Operation(
    name="GetImageSetMetadata",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/getImageSetMetadata",
    request=GetImageSetMetadataRequest,
    response=GetImageSetMetadataResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(50, 100),
    query={"version_id": "version"},
    headers={"content_type": "Content-Type", "content_encoding": "Content-Encoding"},
    blob="image_set_metadata_blob",
    gzipped=True,
)


# ── GetImageFrame ─────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetImageFrame.html


@frozen(kw_only=True)
class ImageFrameInformation:
    image_frame_id: str = field(validator=IMAGE_FRAME_ID)


@frozen(kw_only=True)
class GetImageFrameRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    image_frame_information: ImageFrameInformation = field(
        validator=Structure(ImageFrameInformation)
    )


@frozen(kw_only=True)
class GetImageFrameResponse:
    image_frame_blob: bytes = field(repr=redacted)
    """The frame as it is stored, never transcoded; `content_type` says in which codec."""
    content_type: str | None = None


GET_IMAGE_FRAME = Operation(
    name="GetImageFrame",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/getImageFrame",
    request=GetImageFrameRequest,
    response=GetImageFrameResponse,
    errors=(
        *USUAL_ERRORS,
        ConflictException,
        ResourceNotFoundException,
        NotAcceptableException,
        BadRequestException,
    ),
    repetition=Repetition.READ,
    rate=Rate(1000, 2000),
    payload="image_frame_information",
    headers={"content_type": "Content-Type"},
    blob="image_frame_blob",
)


# ── ListImageSetVersions ──────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_ListImageSetVersions.html


@frozen(kw_only=True)
class ListImageSetVersionsRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    next_token: str | None = field(default=None, repr=redacted, validator=NEXT_TOKEN)
    max_results: int | None = field(default=None, validator=MAX_RESULTS)


@frozen(kw_only=True)
class ImageSetProperties:
    """A version of an image set. A failed action leaves its version in the list."""

    image_set_id: str
    version_id: str
    image_set_state: ImageSetState
    # Capital I on the wire, here and nowhere else.
    image_set_workflow_status: ImageSetWorkflowStatus | None = field(
        default=None, metadata=wire("ImageSetWorkflowStatus")
    )
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    message: str | None = field(default=None, repr=redacted)
    overrides: Overrides | None = None
    is_primary: bool | None = None


@frozen(kw_only=True)
class ListImageSetVersionsResponse:
    image_set_properties_list: list[ImageSetProperties]
    next_token: str | None = field(default=None, repr=redacted)


LIST_IMAGE_SET_VERSIONS = Operation(
    name="ListImageSetVersions",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/listImageSetVersions",
    request=ListImageSetVersionsRequest,
    response=ListImageSetVersionsResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(25, 50),
    query={"next_token": "nextToken", "max_results": "maxResults"},
    items="image_set_properties_list",
)


# ── UpdateImageSetMetadata ────────────────────────────────────────────────────
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


# ── CopyImageSet ──────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_CopyImageSet.html


def _copiable_attributes(value: Document) -> str:
    return document_text("copiable_attributes", value)


@frozen(kw_only=True)
class MetadataCopies:
    copiable_attributes: str = field(
        converter=_copiable_attributes, repr=redacted, validator=Text(min=1, max=260_000)
    )
    """A document that selects SOP instances; a mapping is sent as JSON."""


@frozen(kw_only=True)
class CopySourceImageSetInformation:
    latest_version_id: str = field(validator=IMAGE_SET_VERSION_ID)
    dicom_copies: MetadataCopies | None = field(default=None, validator=Structure(MetadataCopies))


@frozen(kw_only=True)
class CopyDestinationImageSet:
    image_set_id: str = field(validator=IMAGE_SET_ID)
    latest_version_id: str = field(validator=IMAGE_SET_VERSION_ID)


@frozen(kw_only=True)
class CopyImageSetInformation:
    """What to copy, and where to: without a destination, a new image set is made."""

    source_image_set: CopySourceImageSetInformation = field(
        validator=Structure(CopySourceImageSetInformation)
    )
    destination_image_set: CopyDestinationImageSet | None = field(
        default=None, validator=Structure(CopyDestinationImageSet)
    )


@frozen(kw_only=True)
class CopyImageSetRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    source_image_set_id: str = field(validator=IMAGE_SET_ID)
    copy_image_set_information: CopyImageSetInformation = field(
        validator=Structure(CopyImageSetInformation)
    )
    force: bool | None = field(default=None, validator=BOOLEAN)
    promote_to_primary: bool | None = field(default=None, validator=BOOLEAN)


@frozen(kw_only=True)
class CopySourceImageSetProperties:
    image_set_id: str
    latest_version_id: str
    image_set_state: ImageSetState | None = None
    image_set_workflow_status: ImageSetWorkflowStatus | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    image_set_arn: str | None = None


@frozen(kw_only=True)
class CopyDestinationImageSetProperties:
    image_set_id: str
    latest_version_id: str
    image_set_state: ImageSetState | None = None
    image_set_workflow_status: ImageSetWorkflowStatus | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    image_set_arn: str | None = None


@frozen(kw_only=True)
class CopyImageSetResponse:
    datastore_id: str
    source_image_set_properties: CopySourceImageSetProperties
    destination_image_set_properties: CopyDestinationImageSetProperties


COPY_IMAGE_SET = Operation(
    name="CopyImageSet",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{source_image_set_id}/copyImageSet",
    request=CopyImageSetRequest,
    response=CopyImageSetResponse,
    errors=(
        *USUAL_ERRORS,
        ConflictException,
        ResourceNotFoundException,
        ServiceQuotaExceededException,
    ),
    repetition=Repetition.GUARDED,
    rate=Rate(0.25, 1),
    query={"force": "force", "promote_to_primary": "promoteToPrimary"},
    payload="copy_image_set_information",
    targets=(
        Target(
            "source_image_set_id",
            "copy_image_set_information.source_image_set.latest_version_id",
        ),
        Target(
            "copy_image_set_information.destination_image_set.image_set_id",
            "copy_image_set_information.destination_image_set.latest_version_id",
        ),
    ),
    # Each acceptance makes a new image set, and there is no token.
    guarded_by="copy_image_set_information.destination_image_set",
    unguarded_by="promote_to_primary",
)


# ── DeleteImageSet ────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_DeleteImageSet.html


@frozen(kw_only=True)
class DeleteImageSetRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)


@frozen(kw_only=True)
class DeleteImageSetResponse:
    datastore_id: str
    image_set_id: str
    image_set_state: ImageSetState
    image_set_workflow_status: ImageSetWorkflowStatus


DELETE_IMAGE_SET = Operation(
    name="DeleteImageSet",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/deleteImageSet",
    request=DeleteImageSetRequest,
    response=DeleteImageSetResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.IDEMPOTENT,
    rate=Rate(0.25, 1),
    targets=(Target("image_set_id"),),
)

OPERATIONS = (
    GET_IMAGE_SET,
    GET_IMAGE_SET_METADATA,
    GET_IMAGE_FRAME,
    LIST_IMAGE_SET_VERSIONS,
    UPDATE_IMAGE_SET_METADATA,
    COPY_IMAGE_SET,
    DELETE_IMAGE_SET,
)
