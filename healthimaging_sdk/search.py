"""SearchImageSets: find image sets by patient, study, series, date or primacy."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    BOOLEAN,
    DATASTORE_ID,
    MAX_RESULTS,
    NEXT_TOKEN,
    TIMESTAMP,
    UID,
    Choice,
    ListOf,
    Structure,
    Text,
)
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import OpenEnum, TaggedUnion
from healthimaging_sdk.errors import ConflictException, ResourceNotFoundException
from healthimaging_sdk.image_sets import StorageTier

TEXT_512 = Text(min=0, max=512)


class Operator(OpenEnum):
    """EQUAL takes one value, BETWEEN a lower and an upper one."""

    EQUAL = "EQUAL"
    BETWEEN = "BETWEEN"


class SortOrder(OpenEnum):
    ASC = "ASC"
    DESC = "DESC"


class SortField(OpenEnum):
    UPDATED_AT = "updatedAt"
    CREATED_AT = "createdAt"
    DICOM_STUDY_DATE_AND_TIME = "DICOMStudyDateAndTime"


# ── SearchImageSets ───────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_SearchImageSets.html


@frozen(kw_only=True)
class DICOMStudyDateAndTime:
    """A study date as `yyyyMMdd` and a time as `HHmmss.FFFFFF`; without a time, midnight."""

    dicom_study_date: str = field(repr=redacted, validator=Text(min=0, max=36))
    dicom_study_time: str | None = field(default=None, repr=redacted, validator=Text(min=0, max=56))


@frozen(kw_only=True)
class SearchByAttributeValue(TaggedUnion):
    dicom_patient_id: str | None = field(default=None, repr=redacted, validator=TEXT_512)
    dicom_accession_number: str | None = field(default=None, repr=redacted, validator=TEXT_512)
    dicom_study_id: str | None = field(default=None, repr=redacted, validator=TEXT_512)
    dicom_study_instance_uid: str | None = field(default=None, repr=redacted, validator=UID)
    dicom_series_instance_uid: str | None = field(default=None, repr=redacted, validator=UID)
    created_at: datetime | None = field(default=None, repr=redacted, validator=TIMESTAMP)
    updated_at: datetime | None = field(default=None, repr=redacted, validator=TIMESTAMP)
    dicom_study_date_and_time: DICOMStudyDateAndTime | None = field(
        default=None, repr=redacted, validator=Structure(DICOMStudyDateAndTime)
    )
    is_primary: bool | None = field(default=None, repr=redacted, validator=BOOLEAN)


@frozen(kw_only=True)
class SearchFilter:
    values: list[SearchByAttributeValue] = field(
        repr=redacted, validator=ListOf(Structure(SearchByAttributeValue), min=1, max=2)
    )
    operator: Operator = field(repr=redacted, validator=Choice(Operator))


@frozen(kw_only=True)
class Sort:
    sort_order: SortOrder = field(validator=Choice(SortOrder))
    sort_field: SortField = field(validator=Choice(SortField))


@frozen(kw_only=True)
class SearchCriteria:
    """Up to two filters, of which both have to hold, and an order; by default newest first."""

    filters: list[SearchFilter] | None = field(
        default=None, repr=redacted, validator=ListOf(Structure(SearchFilter), min=1, max=2)
    )
    sort: Sort | None = field(default=None, repr=redacted, validator=Structure(Sort))


@frozen(kw_only=True)
class SearchImageSetsRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    search_criteria: SearchCriteria | None = field(
        default=None, repr=redacted, validator=Structure(SearchCriteria)
    )
    max_results: int | None = field(default=None, validator=MAX_RESULTS)
    next_token: str | None = field(default=None, repr=redacted, validator=NEXT_TOKEN)


# Without slots, like the versions of an image set: pages have thousands.
@frozen(kw_only=True, slots=False)
class DICOMTags:
    """What a search result tells of an image set's patient, study and series."""

    dicom_patient_id: str | None = field(default=None, repr=redacted)
    dicom_patient_name: str | None = field(default=None, repr=redacted)
    dicom_patient_birth_date: str | None = field(default=None, repr=redacted)
    dicom_patient_sex: str | None = field(default=None, repr=redacted)
    dicom_study_instance_uid: str | None = field(default=None, repr=redacted)
    dicom_study_id: str | None = field(default=None, repr=redacted)
    dicom_study_description: str | None = field(default=None, repr=redacted)
    dicom_number_of_study_related_series: int | None = None
    dicom_number_of_study_related_instances: int | None = None
    dicom_accession_number: str | None = field(default=None, repr=redacted)
    dicom_series_instance_uid: str | None = field(default=None, repr=redacted)
    dicom_series_modality: str | None = field(default=None, repr=redacted)
    dicom_series_body_part: str | None = field(default=None, repr=redacted)
    dicom_series_number: int | None = field(default=None, repr=redacted)
    dicom_study_date: str | None = field(default=None, repr=redacted)
    dicom_study_time: str | None = field(default=None, repr=redacted)


@frozen(kw_only=True, slots=False)
class ImageSetsMetadataSummary:
    image_set_id: str
    version: int | None = None
    """A number here, and a string of digits everywhere else in the API."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_accessed_at: datetime | None = None
    storage_tier: StorageTier | None = None
    dicom_tags: DICOMTags | None = None
    is_primary: bool | None = None


@frozen(kw_only=True)
class SearchImageSetsResponse:
    image_sets_metadata_summaries: list[ImageSetsMetadataSummary]
    sort: Sort | None = None
    next_token: str | None = field(default=None, repr=redacted)


SEARCH_IMAGE_SETS = Operation(
    name="SearchImageSets",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/searchImageSets",
    request=SearchImageSetsRequest,
    response=SearchImageSetsResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(25, 50),
    query={"max_results": "maxResults", "next_token": "nextToken"},
    payload="search_criteria",
    items="image_sets_metadata_summaries",
)

OPERATIONS = (SEARCH_IMAGE_SETS,)
