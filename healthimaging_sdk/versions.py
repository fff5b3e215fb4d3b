"""The versions of an image set."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import DATASTORE_ID, IMAGE_SET_ID, MAX_RESULTS, NEXT_TOKEN
from healthimaging_sdk._naming import wire
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk.errors import ConflictException, ResourceNotFoundException
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus, Overrides

# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_ListImageSetVersions.html


@frozen(kw_only=True)
class ListImageSetVersionsRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    next_token: str | None = field(default=None, repr=redacted, validator=NEXT_TOKEN)
    max_results: int | None = field(default=None, validator=MAX_RESULTS)


# Pages have thousands of them. Without slots a frozen object takes three fifths to make.
@frozen(kw_only=True, slots=False)
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

OPERATIONS = (LIST_IMAGE_SET_VERSIONS,)
