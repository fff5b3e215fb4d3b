"""The end of an image set."""

from attrs import field, frozen

from healthimaging_sdk._constraints import DATASTORE_ID, IMAGE_SET_ID
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition, Target
from healthimaging_sdk.errors import ConflictException, ResourceNotFoundException
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus

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

OPERATIONS = (DELETE_IMAGE_SET,)
