"""Where imported instances go: which image sets are made, and which get a new version.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-import-jobs.html
"""

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from healthimaging_sdk.emulator._content import Content, text_of
from healthimaging_sdk.emulator._dicom.data_warnings import DataWarning, Reason
from healthimaging_sdk.emulator._dicom.instance import DicomInstance, grouping_key
from healthimaging_sdk.emulator._events import tell_of_image_set
from healthimaging_sdk.emulator._image_set import ImageSet, StoredFrame
from healthimaging_sdk.emulator._settling import settling
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.errors import ConflictException
from healthimaging_sdk.image_sets import ImageSetWorkflowStatus
from healthimaging_sdk.metadata import Attributes

COERCED = DataWarning(
    Reason.COERCION,
    "The file was imported but Patient, Study or Series elements of it differ from those of "
    "its image set, which stay as they are.",
)


@frozen
class Arrival:
    """An instance that was read, and the file it is from."""

    input_file: str
    instance: DicomInstance


@frozen
class Group:
    """Instances that belong in one image set."""

    arrivals: tuple[Arrival, ...]
    content: Content
    frames: Mapping[str, StoredFrame]


@frozen
class Placement:
    group: Group
    image_set: ImageSet
    version: int
    coerced: frozenset[str]
    """The files whose elements above the instance's level were not taken over."""


def grouped(arrivals: Iterable[Arrival]) -> list[Group]:
    """By the seven elements that make an image set, in the order of first arrival."""
    groups: dict[object, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(grouping_key(arrival.instance), []).append(arrival)
    return [Group(tuple(each), _content(each), _frames(each)) for each in groups.values()]


def _content(arrivals: list[Arrival]) -> Content:
    """The first file decides; a later one adds what it has more, and replaces its instance."""
    patient: Attributes = {}
    study: Attributes = {}
    series: Attributes = {}
    for arrival in reversed(arrivals):
        patient |= arrival.instance.patient
        study |= arrival.instance.study
        series |= arrival.instance.series
    instances = {
        text_of(each.instance.sop_instance_uid): each.instance.document() for each in arrivals
    }
    return Content(patient, study, series, instances)


def _frames(arrivals: list[Arrival]) -> dict[str, StoredFrame]:
    return {frame.id: frame for each in arrivals for frame in each.instance.frames}


async def place(state: State, datastore: Datastore, group: Group) -> Placement:
    """Into the primary image set of its series, or a new one; non-primary if it conflicts.

    Raises `ServiceQuotaExceededException` for more metadata than an image set may have.
    """
    while True:
        target, conflicts = _existing(datastore, group.content)
        if target is None or conflicts:
            return _placed_anew(state, datastore, group, is_primary=not conflicts)
        if not target.is_locked:
            return await _placed_into(state, target, group)
        # Locked for a copy, an update or a deletion, after which the answer may be another.
        await target.unlocked.wait()


def _existing(datastore: Datastore, content: Content) -> tuple[ImageSet | None, bool]:
    """The primary image set of the series, and whether the data conflict with the study's."""
    target: ImageSet | None = None
    conflicts = not datastore.primary.agrees_with_study(content)
    for image_set, theirs in datastore.primary.of_series(content.series_uid):
        target = image_set
        agrees = (theirs.study_key, theirs.series_number) == (
            content.study_key,
            content.series_number,
        )
        conflicts = conflicts or not agrees
    return target, conflicts


def _placed_anew(
    state: State, datastore: Datastore, group: Group, *, is_primary: bool
) -> Placement:
    state.check_size(group.content)
    image_set = state.add_image_set(
        datastore,
        ImageSetWorkflowStatus.CREATED,
        group.content,
        is_primary=is_primary,
        frames=group.frames,
    )
    tell_of_image_set(state, image_set)
    return Placement(group, image_set, 1, _coerced(group, group.content))


def place_at_once(state: State, datastore: Datastore, group: Group) -> Placement:
    """The same without taking time. Raises `ConflictException` too: the image set is locked."""
    target, conflicts = _existing(datastore, group.content)
    if target is None or conflicts:
        return _placed_anew(state, datastore, group, is_primary=not conflicts)
    if target.is_locked:
        raise ConflictException("The image set is LOCKED.")
    content = _merged(state, target, group)
    target.begin_version(ImageSetWorkflowStatus.IMPORTING, state.now())
    with settling(state, target):
        return _added(state, target, group, content)


async def _placed_into(state: State, image_set: ImageSet, group: Group) -> Placement:
    content = _merged(state, image_set, group)
    image_set.begin_version(ImageSetWorkflowStatus.IMPORTING, state.now())
    state.changed(image_set)
    with settling(state, image_set):
        await state.sleep(state.durations.import_job)
        return _added(state, image_set, group, content)


def _merged(state: State, image_set: ImageSet, group: Group) -> Content:
    before = image_set.latest.content or group.content
    content = evolve(
        before,
        patient=group.content.patient | before.patient,
        study=group.content.study | before.study,
        series=group.content.series | before.series,
        instances={**before.instances, **group.content.instances},
    )
    state.check_size(content)
    return content


def _added(state: State, image_set: ImageSet, group: Group, content: Content) -> Placement:
    image_set.frames.update(group.frames)
    image_set.succeed(ImageSetWorkflowStatus.IMPORTED, content, state.now())
    return Placement(group, image_set, image_set.latest.number, _coerced(group, content))


def _coerced(group: Group, content: Content) -> frozenset[str]:
    def differs(instance: DicomInstance) -> bool:
        levels = (
            (instance.patient, content.patient),
            (instance.study, content.study),
            (instance.series, content.series),
        )
        return any(not theirs.items() <= ours.items() for theirs, ours in levels)

    return frozenset(each.input_file for each in group.arrivals if differs(each.instance))
