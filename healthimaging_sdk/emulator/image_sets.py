"""Image sets: what is read of them, and their deletion."""

import asyncio
import gzip

from healthimaging_sdk.blobs import (
    GET_IMAGE_FRAME,
    GET_IMAGE_SET_METADATA,
    GetImageFrameRequest,
    GetImageFrameResponse,
    GetImageSetMetadataRequest,
    GetImageSetMetadataResponse,
)
from healthimaging_sdk.deletions import (
    DELETE_IMAGE_SET,
    DeleteImageSetRequest,
    DeleteImageSetResponse,
)
from healthimaging_sdk.emulator._content import encoded
from healthimaging_sdk.emulator._events import tell_of_image_set
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._image_set import FrameFile, ImageSet, Version
from healthimaging_sdk.emulator._pages import page_of
from healthimaging_sdk.emulator._settling import settling
from healthimaging_sdk.emulator._state import State
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ThrottlingException,
)
from healthimaging_sdk.image_sets import (
    GET_IMAGE_SET,
    GetImageSetRequest,
    GetImageSetResponse,
    ImageSetWorkflowStatus,
    Overrides,
)
from healthimaging_sdk.metadata import MetadataDocument
from healthimaging_sdk.versions import (
    LIST_IMAGE_SET_VERSIONS,
    ImageSetProperties,
    ListImageSetVersionsRequest,
    ListImageSetVersionsResponse,
)

handles = Handlers()

# Compressing more instances than this takes longer than a hop to a thread and back.
INSTANCES_COMPRESSED_AT_ONCE = 20


@handles(GET_IMAGE_SET)
async def get_image_set(state: State, request: GetImageSetRequest) -> GetImageSetResponse:
    image_set = state.image_set(request.datastore_id, request.image_set_id)
    version = _version(image_set, request.version_id)
    return GetImageSetResponse(
        datastore_id=request.datastore_id,
        image_set_id=image_set.id,
        version_id=str(version.number),
        image_set_state=version.state,
        image_set_workflow_status=version.workflow_status,
        created_at=image_set.created_at,
        updated_at=version.updated_at,
        deleted_at=image_set.deleted_at,
        message=version.message,
        image_set_arn=image_set.arn,
        overrides=_overrides(version),
        is_primary=image_set.is_primary,
        last_accessed_at=image_set.last_accessed_at,
        storage_tier=image_set.storage_tier(state.now()),
    )


def _version(image_set: ImageSet, number: str | None) -> Version:
    version = image_set.version(number)
    if version is None:
        raise ResourceNotFoundException("The image set has no such version.")
    return version


def _overrides(version: Version) -> Overrides | None:
    return Overrides(forced=True) if version.forced else None


@handles(GET_IMAGE_SET_METADATA)
async def get_image_set_metadata(
    state: State, request: GetImageSetMetadataRequest
) -> GetImageSetMetadataResponse:
    image_set = state.living_image_set(request.datastore_id, request.image_set_id)
    version = _version(image_set, request.version_id)
    content = version.content
    if content is None and image_set.is_locked:
        raise ConflictException(
            "Requested ImageSet metadata is not consistent yet. Please retry after a few seconds."
        )
    if content is None:
        raise ResourceNotFoundException("The image set has no metadata: its copy has failed.")
    state.accessed(image_set)
    document = content.document(request.datastore_id, image_set.id)
    if len(content.instances) > INSTANCES_COMPRESSED_AT_ONCE:
        blob = await asyncio.to_thread(_compressed, document)
    else:
        blob = _compressed(document)
    return GetImageSetMetadataResponse(
        image_set_metadata_blob=blob, content_type="application/json", content_encoding="gzip"
    )


def _compressed(document: MetadataDocument) -> bytes:
    return gzip.compress(encoded(document), 1, mtime=0)


@handles(GET_IMAGE_FRAME)
async def get_image_frame(state: State, request: GetImageFrameRequest) -> GetImageFrameResponse:
    image_set = state.living_image_set(request.datastore_id, request.image_set_id)
    frame = image_set.frames.get(request.image_frame_information.image_frame_id)
    if frame is None:
        raise ResourceNotFoundException("The image set has no such image frame.")
    state.accessed(image_set)
    data = await asyncio.to_thread(frame.read) if isinstance(frame, FrameFile) else frame.data
    return GetImageFrameResponse(image_frame_blob=data, content_type=frame.content_type)


@handles(LIST_IMAGE_SET_VERSIONS)
async def list_image_set_versions(
    state: State, request: ListImageSetVersionsRequest
) -> ListImageSetVersionsResponse:
    image_set = state.image_set(request.datastore_id, request.image_set_id)
    page, next_token = page_of(
        image_set.versions,
        lambda version: (version.number, image_set.id),
        descending=True,
        scope=("versions", image_set.id),
        next_token=request.next_token,
        max_results=request.max_results,
    )
    return ListImageSetVersionsResponse(
        image_set_properties_list=[_properties(image_set, version) for version in page],
        next_token=next_token,
    )


def _properties(image_set: ImageSet, version: Version) -> ImageSetProperties:
    return ImageSetProperties(
        image_set_id=image_set.id,
        version_id=str(version.number),
        image_set_state=version.state,
        image_set_workflow_status=version.workflow_status,
        created_at=image_set.created_at,
        updated_at=version.updated_at,
        deleted_at=image_set.deleted_at,
        message=version.message,
        overrides=_overrides(version),
        is_primary=image_set.is_primary,
    )


@handles(DELETE_IMAGE_SET)
async def delete_image_set(state: State, request: DeleteImageSetRequest) -> DeleteImageSetResponse:
    image_set = state.writable_image_set(request.datastore_id, request.image_set_id, None)
    datastore = state.datastore(request.datastore_id)
    if datastore.at_work(ImageSetWorkflowStatus.DELETING) >= state.quotas.concurrent_deletions:
        # DeleteImageSet has no ServiceQuotaExceededException among its errors.
        raise ThrottlingException("Too many image sets of the data store are being deleted.")
    image_set.lock(ImageSetWorkflowStatus.DELETING, state.now())
    state.changed(image_set)
    tell_of_image_set(state, image_set)
    state.run_in_background(_delete(state, image_set))
    return DeleteImageSetResponse(
        datastore_id=request.datastore_id,
        image_set_id=image_set.id,
        image_set_state=image_set.latest.state,
        image_set_workflow_status=image_set.latest.workflow_status,
    )


async def _delete(state: State, image_set: ImageSet) -> None:
    with settling(state, image_set):
        await state.sleep(state.durations.delete)
        image_set.delete(state.now())
    tell_of_image_set(state, image_set)
