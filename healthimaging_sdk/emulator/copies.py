"""CopyImageSet: two image sets locked, one version made, a mismatch told afterwards."""

from collections.abc import Mapping

from attrs import frozen

from healthimaging_sdk.copies import (
    COPY_IMAGE_SET,
    CopyDestinationImageSetProperties,
    CopyImageSetRequest,
    CopyImageSetResponse,
    CopySourceImageSetProperties,
)
from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._copy_rules import merged, promotable, selected
from healthimaging_sdk.emulator._documents import read_selection
from healthimaging_sdk.emulator._events import tell_of_image_set
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._image_set import ImageSet, Refused
from healthimaging_sdk.emulator._primary_index import PrimaryIndex
from healthimaging_sdk.emulator._settling import settling
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.errors import (
    ConflictException,
    ServiceQuotaExceededException,
    ValidationException,
)
from healthimaging_sdk.image_sets import ImageSetWorkflowStatus

handles = Handlers()


@frozen
class Copying:
    """A copy that has been accepted."""

    source: ImageSet
    destination: ImageSet
    outcome: Content | Refused
    """Known at once, since both are LOCKED until it is told."""


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
    promote, force = request.promote_to_primary is True, request.force is True
    existing = (
        _primary(state, datastore, request, source, content)
        if promote
        else _existing_destination(state, request, source)
    )
    if datastore.at_work(ImageSetWorkflowStatus.COPYING) >= state.quotas.concurrent_copies:
        raise ServiceQuotaExceededException("Too many copies of the data store are running.")
    into = existing.latest.content if existing else None
    primary = datastore.primary if promote else None
    outcome = _outcome(state, content, selection, into, primary, force=force)
    now = state.now()
    if existing is None:
        destination = state.add_image_set(
            datastore,
            ImageSetWorkflowStatus.COPYING,
            None,
            is_primary=promote,
            frames={},
            forced=force,
            coming=content,
        )
    else:
        destination = existing
        destination.begin_version(ImageSetWorkflowStatus.COPYING, now, forced=force)
    destination.last_accessed_at = now
    source.lock(ImageSetWorkflowStatus.COPYING_WITH_READ_ONLY_ACCESS, now)
    state.changed(source, destination)
    tell_of_image_set(state, destination, source=source)
    tell_of_image_set(state, source)
    return Copying(source, destination, outcome)


def _existing_destination(
    state: State, request: CopyImageSetRequest, source: ImageSet
) -> ImageSet | None:
    wanted = request.copy_image_set_information.destination_image_set
    if wanted is None:
        return None
    if wanted.image_set_id == source.id:
        raise ValidationException("The destination is the source.")
    return state.writable_image_set(
        request.datastore_id, wanted.image_set_id, wanted.latest_version_id
    )


def _primary(
    state: State,
    datastore: Datastore,
    request: CopyImageSetRequest,
    source: ImageSet,
    content: Content,
) -> ImageSet | None:
    """The primary image set of the series, to which a promotion adds; none means a new one.

    https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-image-sets.html
    """
    if request.copy_image_set_information.destination_image_set is not None:
        raise ValidationException("promoteToPrimary chooses the destination: give none.")
    for primary, _ in datastore.primary.of_series(content.series_uid):
        if primary is source:
            raise ValidationException("The image set is primary already.")
        return state.writable_image_set(datastore.id, primary.id, None)
    return None


def _outcome(
    state: State,
    content: Content,
    selection: Mapping[str, frozenset[str]] | None,
    into: Content | None,
    primary: PrimaryIndex | None,
    *,
    force: bool,
) -> Content | Refused:
    """What the copy will be. Raises `ServiceQuotaExceededException` for too much of it."""
    try:
        taken = selected(content, selection)
        frames = sum(1 for _ in taken.frame_ids())
        if frames > state.quotas.frames_per_copy:
            raise ServiceQuotaExceededException(
                f"A copy may have {state.quotas.frames_per_copy} image frames, not {frames}."
            )
        if into is not None:
            result = merged(taken, into, force=force)
        else:
            result = taken if primary is None else promotable(taken, primary)
    except Refused as refused:
        return refused
    state.check_size(result)
    return result


async def _copy(state: State, copying: Copying) -> None:
    source, destination = copying.source, copying.destination
    with settling(state, source, destination):
        await state.sleep(state.durations.copy)
        if isinstance(copying.outcome, Refused):
            message = str(copying.outcome)
            destination.fail(ImageSetWorkflowStatus.COPY_FAILED, message, state.now())
        else:
            wanted = source.frames.keys() & copying.outcome.frame_ids()
            destination.frames.update({id_: source.frames[id_] for id_ in wanted})
            destination.succeed(ImageSetWorkflowStatus.COPIED, copying.outcome, state.now())
        source.unlock()
    tell_of_image_set(state, destination)
