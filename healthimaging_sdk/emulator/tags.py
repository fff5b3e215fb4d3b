"""Tags on data stores and image sets."""

from collections.abc import Mapping

from healthimaging_sdk.datastores import DatastoreStatus
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._image_set import ImageSet
from healthimaging_sdk.emulator._limits import Quotas
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.errors import ResourceNotFoundException, ValidationException
from healthimaging_sdk.tags import (
    LIST_TAGS_FOR_RESOURCE,
    TAG_RESOURCE,
    UNTAG_RESOURCE,
    ListTagsForResourceRequest,
    ListTagsForResourceResponse,
    TagResourceRequest,
    TagResourceResponse,
    UntagResourceRequest,
    UntagResourceResponse,
)

handles = Handlers()


@handles(TAG_RESOURCE)
async def tag_resource(state: State, request: TagResourceRequest) -> TagResourceResponse:
    resource = _resource(state, request.resource_arn)
    tags = {**resource.tags, **request.tags}
    check_tags(tags, state.quotas)
    resource.tags = tags
    state.changed(resource)
    return TagResourceResponse()


@handles(UNTAG_RESOURCE)
async def untag_resource(state: State, request: UntagResourceRequest) -> UntagResourceResponse:
    resource = _resource(state, request.resource_arn)
    for key in request.tag_keys:
        resource.tags.pop(key, None)
    state.changed(resource)
    return UntagResourceResponse()


@handles(LIST_TAGS_FOR_RESOURCE)
async def list_tags_for_resource(
    state: State, request: ListTagsForResourceRequest
) -> ListTagsForResourceResponse:
    return ListTagsForResourceResponse(tags=dict(_resource(state, request.resource_arn).tags))


def check_tags(tags: Mapping[str, str], quotas: Quotas) -> None:
    if len(tags) > quotas.tags_per_resource:
        # TagResource has no ServiceQuotaExceededException among its errors.
        raise ValidationException(f"A resource has at most {quotas.tags_per_resource} tags.")


def _resource(state: State, arn: str) -> Datastore | ImageSet:
    for datastore in state.datastores.values():
        if not arn.startswith(datastore.arn) or datastore.status == DatastoreStatus.DELETED:
            continue
        if arn == datastore.arn:
            return datastore
        image_set = datastore.image_sets.get(arn.rpartition("/")[2])
        if image_set is not None and image_set.arn == arn and not image_set.is_deleted:
            return image_set
    raise ResourceNotFoundException("The resource does not exist.")
