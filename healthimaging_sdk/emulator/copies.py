"""CopyImageSet: two image sets locked, one version made, a mismatch told afterwards."""

from collections.abc import Mapping

from attrs import frozen

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._copy_rules import merged, selected
from healthimaging_sdk.emulator._documents import read_selection
from healthimaging_sdk.emulator._events import tell_of_image_set
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._image_set import ImageSet, Refused
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.errors import (
    ConflictException,
    ServiceQuotaExceededException,
    ValidationException,
)
from healthimaging_sdk.image_sets import (
    COPY_IMAGE_SET,
    CopyDestinationImageSetProperties,
    CopyImageSetRequest,
    CopyImageSetResponse,
    CopySourceImageSetProperties,
    ImageSetWorkflowStatus,
)

handles = Handlers()


@frozen
class Copying:
    """A copy that has been accepted."""

    source: ImageSet
    destination: ImageSet
    content: Content
    selection: Mapping[str, frozenset[str]] | None
    force: bool


@handles(COPY_IMAGE_SET)
async def copy_image_set(state: State, request: CopyImageSetRequest) -> CopyImageSetResponse:
    copying = _accept(state, request)
    state.run_in_background(_copy(state, copying))
    source, destination = copying.source, copying.destination
    return CopyImageSetResponse(
        datastore_id=request.datastore_id,
        source_image_set_properties=CopySourceImageSetProperties(
            image_set_id=source.id,
            latest_version_id=str(source.latest.number),
            image_set_state=source.latest.state,
            image_set_workflow_status=source.latest.workflow_status,
            created_at=source.created_at,
            updated_at=source.updated_at,
            image_set_arn=source.arn,
        ),
        destination_image_set_properties=CopyDestinationImageSetProperties(
            image_set_id=destination.id,
            latest_version_id=str(destination.latest.number),
            image_set_state=destination.latest.state,
            image_set_workflow_status=destination.latest.workflow_status,
            created_at=destination.created_at,
            updated_at=destination.updated_at,
            image_set_arn=destination.arn,
        ),
    )


def _accept(state: State, request: CopyImageSetRequest) -> Copying:
    datastore = state.active_datastore(request.datastore_id)
    asked = request.copy_image_set_information
    copies = asked.source_image_set.dicom_copies
    selection = None if copies is None else read_selection(copies.copiable_attributes)
    source = state.writable_image_set(
        datastore.id, request.source_image_set_id, asked.source_image_set.latest_version_id
    )
    content = source.latest.content
    if content is None:
        raise ConflictException("The source image set is empty: its own copy has failed.")
    existing = _existing_destination(state, request, source)
    promote = request.promote_to_primary is True
    _check(state, datastore, content, selection, promote=promote)
    now = state.now()
    force = request.force is True
    if existing is None:
        destination = state.add_image_set(
            datastore,
            ImageSetWorkflowStatus.COPYING,
            None,
            is_primary=promote,
            frames={},
            forced=force,
        )
    else:
        destination = existing
        destination.begin_version(ImageSetWorkflowStatus.COPYING, now, forced=force)
    destination.last_accessed_at = now
    source.lock(ImageSetWorkflowStatus.COPYING_WITH_READ_ONLY_ACCESS, now)
    state.changed(source, destination)
    tell_of_image_set(state, destination, source=source)
    tell_of_image_set(state, source)
    return Copying(source, destination, content, selection, force)


def _existing_destination(
    state: State, request: CopyImageSetRequest, source: ImageSet
) -> ImageSet | None:
    wanted = request.copy_image_set_information.destination_image_set
    if wanted is None:
        return None
    if request.promote_to_primary:
        raise ValidationException("promoteToPrimary makes a new image set: give no destination.")
    if wanted.image_set_id == source.id:
        raise ValidationException("The destination is the source.")
    return state.writable_image_set(
        request.datastore_id, wanted.image_set_id, wanted.latest_version_id
    )


def _check(
    state: State,
    datastore: Datastore,
    content: Content,
    selection: Mapping[str, frozenset[str]] | None,
    *,
    promote: bool,
) -> None:
    """What the service refuses at once."""
    if datastore.at_work(ImageSetWorkflowStatus.COPYING) >= state.quotas.concurrent_copies:
        raise ServiceQuotaExceededException("Too many copies of the data store are running.")
    frames = sum(
        len(each.get("ImageFrames", ()))
        for uid, each in content.instances.items()
        if selection is None or uid in selection.get(content.series_uid, ())
    )
    if frames > state.quotas.frames_per_copy:
        raise ServiceQuotaExceededException(
            f"A copy may have at most {state.quotas.frames_per_copy} image frames, not {frames}."
        )
    if promote and any(
        other.series_uid == content.series_uid for _, other in datastore.primary_image_sets()
    ):
        raise ConflictException("A primary image set exists for the series.")


async def _copy(state: State, copying: Copying) -> None:
    source, destination = copying.source, copying.destination
    with state.settling(source, destination):
        await state.sleep(state.durations.copy)
        now = state.now()
        try:
            taken = selected(copying.content, copying.selection)
            into = destination.latest.content
            result = taken if into is None else merged(taken, into, force=copying.force)
        except Refused as refused:
            destination.fail(ImageSetWorkflowStatus.COPY_FAILED, str(refused), now)
        else:
            destination.frames.update({id_: source.frames[id_] for id_ in taken.frame_ids()})
            destination.succeed(ImageSetWorkflowStatus.COPIED, result, now)
        source.unlock()
    tell_of_image_set(state, destination)
