"""The events that the emulator tells: which, in which order, and what is in them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from account import CONFIG, Account, boto3, open_account, until
from dicom_files import write_instance
from held_time import HeldTime

from healthimaging_sdk import DataStoreEvent, ImageSetEvent, ImportJobEvent, parse_event
from healthimaging_sdk.emulator import Durations, Emulator
from healthimaging_sdk.emulator._emulator import PUBLISHED

KINDS = {
    "Data Store": DataStoreEvent,
    "Import Job": ImportJobEvent,
    "Image Set ": ImageSetEvent,
}
PATIENT = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientSex": "O"}}}


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def emulator(
    buckets: dict[str, Path], held: HeldTime, events: list[dict[str, Any]]
) -> Iterator[Emulator]:
    durations = Durations.all(0)
    with Emulator(
        buckets=buckets, durations=durations, sleep=held.sleep, on_event=events.append
    ) as emulator:
        yield emulator


def types(events: list[dict[str, Any]]) -> list[str]:
    return [each["detail-type"] for each in events]


def test_the_life_of_a_data_store(account: Account, events: list[dict[str, Any]]) -> None:
    account.client.delete_datastore(datastoreId=account.datastore_id)
    until(
        lambda: account.client.get_datastore(datastoreId=account.datastore_id),
        lambda found: found["datastoreProperties"]["datastoreStatus"] == "DELETED",
    )

    assert types(events) == [
        "Data Store Creating",
        "Data Store Created",
        "Data Store Deleting",
        "Data Store Deleted",
    ]
    assert [each["detail"] for each in events] == [
        {
            "imagingVersion": "1.0",
            "datastoreId": account.datastore_id,
            "datastoreName": account.datastore_id,
            "datastoreStatus": status,
        }
        for status in ("CREATING", "ACTIVE", "DELETING", "DELETED")
    ]


def test_an_event_is_wrapped_as_eventbridge_wraps_it(
    account: Account, events: list[dict[str, Any]]
) -> None:
    first = events[0]
    arn = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{account.datastore_id}"
    told = datetime.strptime(first["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    assert {name: each for name, each in first.items() if name not in {"id", "time", "detail"}} == {
        "version": "0",
        "detail-type": "Data Store Creating",
        "source": "aws.medical-imaging",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [arn],
    }
    assert abs(datetime.now(UTC) - told) < timedelta(hours=1)
    assert len({each["id"] for each in events}) == len(events)


def test_an_import_tells_of_its_job_and_of_what_it_makes(
    account: Account, image_set_id: str, events: list[dict[str, Any]]
) -> None:
    job = account.client.list_dicom_import_jobs(datastoreId=account.datastore_id)["jobSummaries"][0]
    job = account.ended_job(job["jobId"])
    submitted, _, created, _ = told = events[2:]

    assert types(told) == [
        "Import Job Submitted",
        "Import Job In Progress",
        "Image Set Created",
        "Import Job Completed",
    ]
    assert submitted["detail"] == {
        "imagingVersion": "1.0",
        "datastoreId": account.datastore_id,
        "jobId": job["jobId"],
        "jobName": job["jobName"],
        "jobStatus": "SUBMITTED",
        "inputS3Uri": job["inputS3Uri"],
        "outputS3Uri": job["outputS3Uri"],
    }
    assert created["resources"] == [account.get(image_set_id)["imageSetArn"]]
    assert created["detail"] == {
        "imagingVersion": "1.0",
        "isPrimary": True,
        "imageSetVersion": "1",
        "datastoreId": account.datastore_id,
        "imagesetId": image_set_id,
        "imageSetState": "ACTIVE",
        "imageSetWorkflowStatus": "CREATED",
    }


def test_an_import_into_an_image_set_tells_of_the_job_only(
    account: Account, image_set_id: str, events: list[dict[str, Any]]
) -> None:
    del events[:]
    account.import_all()

    assert account.get(image_set_id)["imageSetWorkflowStatus"] == "IMPORTED"
    assert types(events) == [
        "Import Job Submitted",
        "Import Job In Progress",
        "Import Job Completed",
    ]


def test_a_job_that_fails_tells_so(account: Account, events: list[dict[str, Any]]) -> None:
    job_id = account.client.start_dicom_import_job(
        datastoreId=account.datastore_id,
        dataAccessRoleArn="arn:aws:iam::123456789012:role/importer",
        inputS3Uri="s3://elsewhere/",
        outputS3Uri="s3://output/",
    )["jobId"]
    account.ended_job(job_id)

    last = parse_event(events[-1])
    assert isinstance(last, ImportJobEvent)
    assert (last.detail_type, last.detail.job_id) == ("Import Job Failed", job_id)


def test_a_copy_tells_of_both_image_sets(
    account: Account, image_set_id: str, events: list[dict[str, Any]]
) -> None:
    del events[:]
    copy = account.copy(image_set_id)
    copying, read_only, copied = map(parse_event, events)

    assert types(events) == [
        "Image Set Copying",
        "Image Set Copying With Read Only Access",
        "Image Set Copied",
    ]
    assert isinstance(copying, ImageSetEvent)
    assert copying.detail.image_set_id == copy["imageSetId"]
    assert copying.detail.image_set_state == "LOCKED"
    assert copying.detail.source_image_set_arn == account.get(image_set_id)["imageSetArn"]
    assert isinstance(read_only, ImageSetEvent)
    assert read_only.detail.image_set_id == image_set_id
    assert read_only.detail.image_set_state == "LOCKED"
    assert isinstance(copied, ImageSetEvent)
    assert copied.detail.image_set_state == "ACTIVE"
    assert copied.detail.source_image_set_arn is None


def test_a_copy_that_fails_tells_so(
    account: Account, image_set_id: str, events: list[dict[str, Any]]
) -> None:
    account.copy(image_set_id, selection={"Study": {"Series": {"1.2": {"Instances": {"3": {}}}}}})

    assert types(events)[-1] == "Image Set Copy Failed"
    assert events[-1]["detail"]["imageSetState"] == "ACTIVE"


def test_updates_and_deletion_tell_of_their_versions(
    account: Account, image_set_id: str, events: list[dict[str, Any]]
) -> None:
    del events[:]
    account.update(image_set_id, 1, updates=PATIENT)
    account.update(image_set_id, 2, updates={"Study": {"DICOM": {"PatientSex": "O"}}})
    account.delete(image_set_id)

    assert [(each["detail-type"], each["detail"]["imageSetVersion"]) for each in events] == [
        ("Image Set Updating", "2"),
        ("Image Set Updated", "2"),
        ("Image Set Updating", "3"),
        ("Image Set Update Failed", "3"),
        ("Image Set Deleting", "3"),
        ("Image Set Deleted", "3"),
    ]
    assert events[-1]["detail"]["imageSetState"] == "DELETED"


def test_an_event_is_told_when_it_happens(
    account: Account, image_set_id: str, held: HeldTime, events: list[dict[str, Any]]
) -> None:
    held.is_held = True
    account.start_update(image_set_id, updates=PATIENT)
    assert types(events)[-1] == "Image Set Updating"

    held.let_go()
    account.settled(image_set_id)
    assert types(events)[-1] == "Image Set Updated"


def test_our_models_read_whatever_the_emulator_tells(
    account: Account, image_set_id: str, events: list[dict[str, Any]]
) -> None:
    account.copy(image_set_id)
    account.delete(image_set_id)

    for each in events:
        parsed = parse_event(json.dumps(each))
        assert parsed.detail_type == each["detail-type"]
        assert type(parsed) is KINDS[each["detail-type"][:10]]


def test_a_listener_that_raises_is_seen_and_stops_nothing(
    buckets: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: dict[str, Any]) -> None:
        raise ValueError("the listener's own business")

    with Emulator(buckets=buckets, durations=Durations.all(0), on_event=broken) as emulator:
        account = open_account(emulator)
        write_instance(account.inbox)
        assert account.import_all()["jobStatus"] == "COMPLETED"

    first = caplog.records[0]
    assert first.levelname == "ERROR"
    assert first.message == "an event could not be told"
    assert "the listener's own business" in caplog.text


def test_a_file_gets_a_line_for_each_event_and_keeps_the_old_ones(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    for _ in range(2):
        with Emulator(durations=Durations.all(0), events=file) as emulator:
            open_account(emulator)

    told = [parse_event(line).detail_type for line in file.read_text().splitlines()]
    assert told == ["Data Store Creating", "Data Store Created"] * 2


def test_the_program_writes_events_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    program = [sys.executable, "-m", "healthimaging_sdk.emulator", "--port=0", f"--events={file}"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        client = boto3.client(
            "medical-imaging",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id=PUBLISHED.access_key_id,
            aws_secret_access_key=PUBLISHED.secret_access_key,
            config=CONFIG,
        )
        client.create_datastore(clientToken="the-first")
        first = file.read_text().splitlines()[0]
        running.terminate()

    assert parse_event(first).detail_type == "Data Store Creating"
