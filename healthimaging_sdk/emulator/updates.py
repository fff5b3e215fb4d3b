"""UpdateImageSetMetadata: edits, reversions, and edits of a whole study."""

from collections.abc import Callable

from attrs import frozen

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._documents import read_edit
from healthimaging_sdk.emulator._events import tell_of_image_set
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._image_set import ImageSet, Refused
from healthimaging_sdk.emulator._settling import settling
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.emulator._update_rules import Rules, edited
from healthimaging_sdk.errors import (
    ConflictException,
    ServiceQuotaExceededException,
    ValidationException,
)
from healthimaging_sdk.image_sets import ImageSetWorkflowStatus
from healthimaging_sdk.updates import (
    UPDATE_IMAGE_SET_METADATA,
    DICOMUpdates,
    UpdateImageSetMetadataRequest,
    UpdateImageSetMetadataResponse,
)

handles = Handlers()

Change = Callable[[Content], Content]
"""The new content of an image set; raises `Refused`."""

FAILED = ImageSetWorkflowStatus.UPDATE_FAILED


@frozen
class Updating:
    """What an accepted update does to one image set."""

    image_set: ImageSet
    outcome: Content | Refused
    """Known at once, since the image set is LOCKED until it is told."""


@handles(UPDATE_IMAGE_SET_METADATA)
async def update_image_set_metadata(
    state: State, request: UpdateImageSetMetadataRequest
) -> UpdateImageSetMetadataResponse:
    datastore = state.active_datastore(request.datastore_id)
    image_set = state.writable_image_set(
        datastore.id, request.image_set_id, request.latest_version_id
    )
    work = _accept(state, datastore, image_set, request)
    now = state.now()
    for each in work:
        status = (
            ImageSetWorkflowStatus.UPDATING
            if each.image_set is image_set
            else ImageSetWorkflowStatus.UPDATING_FOR_STUDY_CONSISTENCY
        )
        each.image_set.begin_version(status, now, forced=request.force is True)
        each.image_set.last_accessed_at = now
        tell_of_image_set(state, each.image_set)
    state.changed(*(each.image_set for each in work))
    state.run_in_background(_update(state, work))
    return UpdateImageSetMetadataResponse(
        datastore_id=datastore.id,
        image_set_id=image_set.id,
        latest_version_id=str(image_set.latest.number),
        image_set_state=image_set.latest.state,
        image_set_workflow_status=image_set.latest.workflow_status,
        created_at=image_set.created_at,
        updated_at=image_set.updated_at,
    )


def _accept(
    state: State,
    datastore: Datastore,
    image_set: ImageSet,
    request: UpdateImageSetMetadataRequest,
) -> list[Updating]:
    """What the service refuses at once; for the rest, the work."""
    content = image_set.latest.content
    if content is None:
        raise ConflictException("The image set is empty: its copy has failed.")
    running = datastore.at_work(ImageSetWorkflowStatus.UPDATING)
    if running >= state.quotas.concurrent_updates:
        raise ServiceQuotaExceededException("Too many updates of the data store are running.")
    asked = request.update_image_set_metadata_updates
    if asked.dicom_updates is None:
        change = _reversion(image_set, asked.revert_to_version_id)
        if request.include_study_image_sets:
            raise ValidationException("includeStudyImageSets is not possible with a reversion.")
        return [Updating(image_set, _outcome(state, content, change))]
    rules = Rules(force=request.force is True, is_primary=image_set.is_primary)
    own, of_the_study = _edits(state, asked.dicom_updates, rules)
    work = [Updating(image_set, _outcome(state, content, own))]
    if request.include_study_image_sets:
        work += [
            Updating(sibling, _outcome(state, theirs, of_the_study))
            for sibling, theirs in _siblings(datastore, image_set, content)
        ]
    return work


def _outcome(state: State, content: Content, change: Change) -> Content | Refused:
    """Raises `ServiceQuotaExceededException` if it is too large."""
    try:
        result = change(content)
    except Refused as refused:
        return refused
    state.check_size(result)
    return result


def _reversion(image_set: ImageSet, number: str | None) -> Change:
    version = image_set.version(number)
    if version is None or version is image_set.latest:
        raise ValidationException("revertToVersionId is not an earlier version of the image set.")
    earlier = version.content
    if earlier is None or version.message is not None:
        raise ValidationException("revertToVersionId is a version that has failed.")
    return lambda _: earlier


def _edits(state: State, updates: DICOMUpdates, rules: Rules) -> tuple[Change, Change]:
    """The change of the image set itself, and that of the others of its study."""
    documents = (updates.removable_attributes, updates.updatable_attributes)
    if documents == (None, None):
        raise ValidationException("Neither removableAttributes nor updatableAttributes is given.")
    size = sum(len(document or b"") for document in documents)
    if size > state.quotas.update_payload_bytes:
        raise ServiceQuotaExceededException(
            f"An update may have {state.quotas.update_payload_bytes} bytes, not {size}."
        )
    removals, additions = map(read_edit, documents)
    return (
        lambda content: edited(content, removals, additions, rules),
        lambda content: edited(content, removals.of_the_study(), additions.of_the_study(), rules),
    )


def _siblings(
    datastore: Datastore, image_set: ImageSet, content: Content
) -> list[tuple[ImageSet, Content]]:
    if not image_set.is_primary:
        raise ValidationException("includeStudyImageSets needs a primary image set.")
    siblings = [
        (each, theirs)
        for each, theirs in datastore.primary_image_sets()
        if each is not image_set and theirs.study_uid == content.study_uid
    ]
    if any(each.is_locked for each, _ in siblings):
        raise ConflictException("Another image set of the study is LOCKED.")
    return siblings


async def _update(state: State, work: list[Updating]) -> None:
    with settling(state, *(each.image_set for each in work)):
        await state.sleep(state.durations.update)
        now = state.now()
        refusals = [each.outcome for each in work if isinstance(each.outcome, Refused)]
        for each in work:
            # All of them or none.
            if refusals or isinstance(each.outcome, Refused):
                each.image_set.fail(FAILED, str(refusals[0]), now)
            else:
                each.image_set.succeed(ImageSetWorkflowStatus.UPDATED, each.outcome, now)
    for each in work:
        tell_of_image_set(state, each.image_set)
