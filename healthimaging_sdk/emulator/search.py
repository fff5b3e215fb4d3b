"""SearchImageSets: filters, order and pages over the latest versions."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs

from healthimaging_sdk.emulator._content import text_of
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._image_set import ImageSet
from healthimaging_sdk.emulator._pages import Position, page_of
from healthimaging_sdk.emulator._state import State
from healthimaging_sdk.emulator._study_time import moment_of_query
from healthimaging_sdk.errors import ValidationException
from healthimaging_sdk.search import (
    SEARCH_IMAGE_SETS,
    ImageSetsMetadataSummary,
    Operator,
    SearchByAttributeValue,
    SearchFilter,
    SearchImageSetsRequest,
    SearchImageSetsResponse,
    Sort,
    SortField,
    SortOrder,
)

handles = Handlers()

Comparable = str | int | bool
BY_DEFAULT = Sort(sort_field=SortField.UPDATED_AT, sort_order=SortOrder.DESC)
RANGES = frozenset({"created_at", "updated_at", "dicom_study_date_and_time"})


@handles(SEARCH_IMAGE_SETS)
async def search_image_sets(
    state: State, request: SearchImageSetsRequest
) -> SearchImageSetsResponse:
    datastore = state.active_datastore(request.datastore_id)
    criteria = request.search_criteria
    accepted = [_test(each) for each in (criteria.filters if criteria else None) or ()]
    sort = criteria.sort if criteria else None
    order = sort or BY_DEFAULT
    page, next_token = page_of(
        (
            image_set
            for image_set in datastore.living_image_sets()
            if all(accepts(image_set) for accepts in accepted)
        ),
        _position(order),
        descending=_is_descending(order),
        scope=(datastore.id, criteria and attrs.asdict(criteria)),
        next_token=request.next_token,
        max_results=request.max_results,
    )
    now = state.now()
    return SearchImageSetsResponse(
        image_sets_metadata_summaries=[_summary(each, now) for each in page],
        sort=sort,
        next_token=next_token,
    )


# ── Filters ───────────────────────────────────────────────────────────────────


def _test(filter_: SearchFilter) -> Callable[[ImageSet], bool]:
    """A filter as a question to an image set."""
    given = [_given(value) for value in filter_.values]
    name = given[0][0]
    if any(other != name for other, _ in given):
        raise ValidationException("The values of a filter are of different attributes.")
    look = _LOOKS[name]
    bounds = [_comparable(value) for _, value in given]
    match filter_.operator, bounds:
        case Operator.EQUAL, [wanted]:
            return lambda image_set: look(image_set) == wanted
        case Operator.BETWEEN, [lower, upper] if name in RANGES:
            return lambda image_set: _is_between(look(image_set), lower, upper)
        case Operator.EQUAL, _:
            raise ValidationException("EQUAL takes one value.")
        case Operator.BETWEEN, _ if name not in RANGES:
            raise ValidationException("BETWEEN is only possible for dates.")
        case Operator.BETWEEN, _:
            raise ValidationException("BETWEEN takes a lower and an upper value.")
        case _:
            raise ValidationException("The operator is neither EQUAL nor BETWEEN.")


def _given(value: SearchByAttributeValue) -> tuple[str, Any]:
    """The one member of the union that is given."""
    members: dict[str, Any] = attrs.asdict(value, recurse=False)
    return next((name, each) for name, each in members.items() if each is not None)


def _comparable(value: Any) -> Comparable:
    match value:
        case datetime():
            return _milliseconds(value)
        case str():
            return text_of(value)
        case bool():
            return value
        case _:
            return moment_of_query(value)


def _is_between(value: Comparable | None, lower: Comparable, upper: Comparable) -> bool:
    match value, lower, upper:
        case int(found), int(low), int(high):
            return low <= found <= high
        case _:
            return False


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _tag(name: str) -> Callable[[ImageSet], Comparable | None]:
    def look(image_set: ImageSet) -> Comparable | None:
        content = image_set.latest.content
        value: Comparable | None = getattr(content.tags, name) if content else None
        return value

    return look


def _study_moment(image_set: ImageSet) -> int | None:
    content = image_set.latest.content
    return content.study_moment if content else None


_LOOKS: dict[str, Callable[[ImageSet], Comparable | None]] = {
    "dicom_patient_id": _tag("dicom_patient_id"),
    "dicom_accession_number": _tag("dicom_accession_number"),
    "dicom_study_id": _tag("dicom_study_id"),
    "dicom_study_instance_uid": _tag("dicom_study_instance_uid"),
    "dicom_series_instance_uid": _tag("dicom_series_instance_uid"),
    "created_at": lambda image_set: _milliseconds(image_set.created_at),
    "updated_at": lambda image_set: _milliseconds(image_set.updated_at),
    "dicom_study_date_and_time": _study_moment,
    "is_primary": lambda image_set: image_set.is_primary,
}


# ── Order ─────────────────────────────────────────────────────────────────────


def _position(sort: Sort) -> Callable[[ImageSet], Position]:
    match sort.sort_field:
        case SortField.UPDATED_AT:
            return lambda image_set: (_milliseconds(image_set.updated_at), image_set.id)
        case SortField.CREATED_AT:
            return lambda image_set: (_milliseconds(image_set.created_at), image_set.id)
        case SortField.DICOM_STUDY_DATE_AND_TIME:
            return lambda image_set: (_study_moment(image_set) or 0, image_set.id)
        case _:
            raise ValidationException("The sort field is not known.")


def _is_descending(sort: Sort) -> bool:
    match sort.sort_order:
        case SortOrder.DESC:
            return True
        case SortOrder.ASC:
            return False
        case _:
            raise ValidationException("The sort order is neither ASC nor DESC.")


# ── Results ───────────────────────────────────────────────────────────────────


def _summary(image_set: ImageSet, now: datetime) -> ImageSetsMetadataSummary:
    content = image_set.latest.content
    return ImageSetsMetadataSummary(
        image_set_id=image_set.id,
        version=image_set.latest.number,
        created_at=image_set.created_at,
        updated_at=image_set.updated_at,
        last_accessed_at=image_set.last_accessed_at,
        storage_tier=image_set.storage_tier(now),
        dicom_tags=content.tags if content else None,
        is_primary=image_set.is_primary,
    )
