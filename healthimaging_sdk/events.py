"""The events that HealthImaging sends to Amazon EventBridge: the alternative to polling.

    event = parse_event(message)  # what a Lambda function, a queue or a topic gives
    match event:
        case ImageSetEvent(detail=detail) if detail.image_set_state == ImageSetState.ACTIVE:
            ...

https://docs.aws.amazon.com/healthimaging/latest/devguide/event-notifications.html

Delivery is best effort: an event can be late, come twice or never.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from attrs import field, frozen

from healthimaging_sdk._conversion import Misfit, structure_response
from healthimaging_sdk._json import NotJSON, loads
from healthimaging_sdk._naming import wire
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk.datastores import DatastoreStatus
from healthimaging_sdk.errors import ResponseDecodeError
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus
from healthimaging_sdk.import_jobs import JobStatus

SOURCE = "aws.medical-imaging"


@frozen(kw_only=True)
class HealthImagingEvent:
    """What all events have; of a kind that this version does not know, there is no more.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """

    version: str
    id: str
    """Unique for each event: one that comes twice has it twice."""
    detail_type: str = field(metadata=wire("detail-type"))
    """Such as `"Image Set Copied"`."""
    source: str
    account: str
    time: datetime
    """In whole seconds: it does not tell which of two events was first."""
    region: str
    resources: list[str]
    """The ARN of the data store, or of the image set."""


@frozen(kw_only=True)
class DataStoreEventDetail:
    datastore_id: str
    datastore_name: str | None = field(default=None, repr=redacted)
    datastore_status: DatastoreStatus
    imaging_version: str | None = None


@frozen(kw_only=True)
class DataStoreEvent(HealthImagingEvent):
    """Data Store Creating, Creation Failed, Created, Deleting, Deleted."""

    detail: DataStoreEventDetail


@frozen(kw_only=True)
class ImportJobEventDetail:
    datastore_id: str
    job_id: str
    job_name: str | None = field(default=None, repr=redacted)
    job_status: JobStatus
    input_s3_uri: str | None = field(default=None, repr=redacted)
    output_s3_uri: str | None = field(default=None, repr=redacted)
    imaging_version: str | None = None


@frozen(kw_only=True)
class ImportJobEvent(HealthImagingEvent):
    """Import Job Submitted, In Progress, Completed, Failed."""

    detail: ImportJobEventDetail


@frozen(kw_only=True)
class ImageSetEventDetail:
    datastore_id: str
    image_set_id: str = field(metadata=wire("imagesetId"))
    image_set_version: str | None = None
    image_set_state: ImageSetState
    image_set_workflow_status: ImageSetWorkflowStatus
    is_primary: bool | None = None
    source_image_set_arn: str | None = None
    """Of Image Set Copying: where the copy comes from."""
    imaging_version: str | None = None


@frozen(kw_only=True)
class ImageSetEvent(HealthImagingEvent):
    """Image Set Created, Copying, Copying With Read Only Access, Copied, Copy Failed, Updating,
    Updated, Update Failed, Deleting, Deleted.

    There is none for the statuses IMPORTING, IMPORTED, IMPORT_FAILED (an import into an image set
    that exists) and UPDATING_FOR_STUDY_CONSISTENCY.
    """

    detail: ImageSetEventDetail


_KINDS: Mapping[str, type[HealthImagingEvent]] = {
    "Data Store ": DataStoreEvent,
    "Import Job ": ImportJobEvent,
    "Image Set ": ImageSetEvent,
}


def parse_event(event: Mapping[str, object] | str | bytes) -> HealthImagingEvent:
    """An event as its model, from a mapping (as a Lambda function gets it) or from JSON.

    Unknown members are passed over. A new type of event is of the class that its first words
    name, else a plain `HealthImagingEvent`. Raises `ResponseDecodeError` for what is no event of
    HealthImaging; it names members and never shows values.
    """
    members = _mapping(event)
    if members.get("source") != SOURCE:
        raise ResponseDecodeError("the event is not one of HealthImaging")
    try:
        return structure_response(members, _kind(str(members.get("detail-type"))))
    except Misfit as misfit:
        raise ResponseDecodeError(f"the event does not fit its model: {misfit}") from None


def _mapping(event: Mapping[str, object] | str | bytes) -> Mapping[str, object]:
    if isinstance(event, Mapping):
        return dict(event)
    try:
        members = loads(event.encode() if isinstance(event, str) else event)
    except (NotJSON, UnicodeEncodeError) as error:
        raise ResponseDecodeError(f"the event is not JSON ({type(error).__name__})") from None
    if not isinstance(members, dict):
        raise ResponseDecodeError("the event is not a JSON object")
    return cast("dict[str, object]", members)  # JSON has no other keys


def _kind(detail_type: str) -> type[HealthImagingEvent]:
    kinds = (kind for words, kind in _KINDS.items() if detail_type.startswith(words))
    return next(kinds, HealthImagingEvent)
