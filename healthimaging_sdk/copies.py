"""Copies of an image set, or of some of its instances."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    BOOLEAN,
    DATASTORE_ID,
    IMAGE_SET_ID,
    IMAGE_SET_VERSION_ID,
    Structure,
    Text,
)
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition, Target
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import Document, document_text
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus

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

OPERATIONS = (COPY_IMAGE_SET,)
