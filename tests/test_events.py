"""Events of EventBridge: as AWS's page shows them, as they may become, and what is no event."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthimaging_sdk import (
    DataStoreEvent,
    DatastoreStatus,
    HealthImagingEvent,
    ImageSetEvent,
    ImageSetState,
    ImageSetWorkflowStatus,
    ImportJobEvent,
    JobStatus,
    ResponseDecodeError,
    parse_event,
)

DATASTORE_ID = "d" * 32
IMAGE_SET_ID = "a" * 32
JOB_ID = "b" * 32
ARN = f"arn:aws:medical-imaging:us-west-2:111122223333:datastore/{DATASTORE_ID}"
DATA_STORE = {"datastoreName": "ward-7", "datastoreStatus": "ACTIVE"}
IMPORT_JOB = {
    "jobId": JOB_ID,
    "jobName": "night-import",
    "jobStatus": "COMPLETED",
    "inputS3Uri": "s3://clinic/in/",
    "outputS3Uri": "s3://clinic/out/",
}
IMAGE_SET = {
    "isPrimary": True,
    "imageSetVersion": "3",
    "imagesetId": IMAGE_SET_ID,
    "imageSetState": "ACTIVE",
    "imageSetWorkflowStatus": "COPIED",
}


def event(detail_type: str, detail: Mapping[str, object], **members: object) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "7cf0fb1c-8720-4d48-baa3-6eb97b35a10e",
        "detail-type": detail_type,
        "source": "aws.medical-imaging",
        "account": "111122223333",
        "time": "2024-03-14T00:01:00Z",
        "region": "us-west-2",
        "resources": [ARN],
        "detail": {"imagingVersion": "1.0", "datastoreId": DATASTORE_ID, **detail},
        **members,
    }


def test_a_data_store_event() -> None:
    parsed = parse_event(event("Data Store Created", DATA_STORE))

    assert isinstance(parsed, DataStoreEvent)
    assert parsed.detail_type == "Data Store Created"
    assert parsed.time == datetime(2024, 3, 14, 0, 1, tzinfo=UTC)
    assert parsed.resources == [ARN]
    assert parsed.detail.datastore_id == DATASTORE_ID
    assert parsed.detail.datastore_name == "ward-7"
    assert parsed.detail.datastore_status is DatastoreStatus.ACTIVE
    assert parsed.detail.imaging_version == "1.0"


def test_an_import_job_event() -> None:
    parsed = parse_event(event("Import Job Completed", IMPORT_JOB))

    assert isinstance(parsed, ImportJobEvent)
    assert parsed.detail.job_id == JOB_ID
    assert parsed.detail.job_status is JobStatus.COMPLETED
    assert parsed.detail.output_s3_uri == "s3://clinic/out/"


def test_an_image_set_event() -> None:
    parsed = parse_event(event("Image Set Copied", IMAGE_SET))

    assert isinstance(parsed, ImageSetEvent)
    assert parsed.detail.image_set_id == IMAGE_SET_ID
    assert parsed.detail.image_set_version == "3"
    assert parsed.detail.image_set_state is ImageSetState.ACTIVE
    assert parsed.detail.image_set_workflow_status is ImageSetWorkflowStatus.COPIED
    assert parsed.detail.is_primary is True
    assert parsed.detail.source_image_set_arn is None


def test_a_copying_event_names_its_source() -> None:
    source = f"{ARN}/imageset/{IMAGE_SET_ID}"
    parsed = parse_event(event("Image Set Copying", {**IMAGE_SET, "sourceImageSetArn": source}))

    assert isinstance(parsed, ImageSetEvent)
    assert parsed.detail.source_image_set_arn == source


def test_mapping_text_and_bytes_are_one_event() -> None:
    members = event("Image Set Copied", IMAGE_SET)
    text = json.dumps(members)

    assert parse_event(members) == parse_event(text) == parse_event(text.encode())


def test_new_members_are_passed_over() -> None:
    members = event("Image Set Copied", {**IMAGE_SET, "weather": {"is": "fine"}}, season="spring")

    assert parse_event(members) == parse_event(event("Image Set Copied", IMAGE_SET))


def test_a_new_type_of_image_set_event_is_still_one() -> None:
    parsed = parse_event(
        event("Image Set Imported", {**IMAGE_SET, "imageSetWorkflowStatus": "MELTED"})
    )

    assert isinstance(parsed, ImageSetEvent)
    assert parsed.detail.image_set_workflow_status == "MELTED"


def test_an_event_of_an_unknown_kind_is_a_plain_one() -> None:
    parsed = parse_event(event("Weather Changed", {"patient": "DOE^JANE"}))

    assert type(parsed) is HealthImagingEvent
    assert parsed.detail_type == "Weather Changed"


def test_names_and_locations_are_not_shown() -> None:
    shown = repr(parse_event(event("Data Store Created", DATA_STORE)))
    shown += repr(parse_event(event("Import Job Completed", IMPORT_JOB)))

    for hidden in ("ward-7", "night-import", "clinic"):
        assert hidden not in shown
    assert DATASTORE_ID in shown


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        (b"\xff", "not JSON"),
        ("\ud800", "not JSON"),
        ({}, "not one of HealthImaging"),
        (event("Object Created", {}, source="aws.s3"), "not one of HealthImaging"),
        (event("Image Set Copied", {}), "required member missing"),
        ({**event("Image Set Copied", IMAGE_SET), "detail": None}, "not an object"),
        (event("Image Set Copied", IMAGE_SET, time="DOE^JANE"), "not a timestamp"),
        (event("Image Set Copied", {**IMAGE_SET, "imagesetId": 7}), "not a string"),
    ],
)
def test_what_is_no_event_is_refused(given_: Any, reason: str) -> None:
    with pytest.raises(ResponseDecodeError, match=reason) as caught:
        parse_event(given_)
    assert "DOE" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(
    st.dictionaries(
        st.sampled_from(["detail-type", "detail", "time", "resources", "id", "more"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.dictionaries(st.text(), st.integers())
        | st.lists(st.none() | st.text()),
    )
)
def test_nothing_but_our_own_error_is_raised(members: dict[str, Any]) -> None:
    try:
        parsed = parse_event(event("Image Set Copied", IMAGE_SET) | members)
    except ResponseDecodeError:
        return
    assert isinstance(parsed, HealthImagingEvent)
