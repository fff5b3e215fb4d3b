"""What comes to no end tells so: once it is settled, and once that is on the disk."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from account import ROLE, Account, until
from botocore.exceptions import ClientError
from held_time import HeldTime
from running_emulator import RunningEmulator, with_one_image_set

from healthimaging_sdk import parse_event
from healthimaging_sdk.emulator import Emulator

ENDS = [
    "Data Store Creation Failed",
    "Data Store Deleted",
    "Image Set Copy Failed",
    "Image Set Deleted",
    "Image Set Update Failed",
    "Import Job Failed",
]
PATIENT = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientSex": "O"}}}


def begin_everything(account: Account, updated: str, deleted: str, copied: str) -> None:
    """One of each kind of work, of which none ends before the test lets it."""
    client, store = account.client, account.datastore_id
    account.start_update(updated, updates=PATIENT)
    account.start_copy(copied)
    client.delete_image_set(datastoreId=store, imageSetId=deleted)
    client.start_dicom_import_job(
        datastoreId=store,
        dataAccessRoleArn=ROLE,
        inputS3Uri="s3://input/",
        outputS3Uri="s3://output/",
    )
    client.create_datastore()


def with_image_sets(emulator: Emulator) -> tuple[Account, list[str], str]:
    """An account with three image sets, and an empty data store."""
    account, image_set_id = with_one_image_set(emulator)
    copies = [account.copy(image_set_id)["imageSetId"] for _ in range(2)]
    empty = account.client.create_datastore(datastoreName="empty")["datastoreId"]
    return account, [image_set_id, *copies], empty


def types(lines: list[str]) -> list[str]:
    return sorted(parse_event(each).detail_type for each in lines)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


def test_what_a_kill_interrupts_is_told_when_the_folder_is_opened_again(
    start: Callable[..., Emulator], data: Path, buckets: dict[str, Path], file: Path
) -> None:
    with start() as emulator:
        account, image_set_ids, empty = with_image_sets(emulator)
    with RunningEmulator(data, buckets, "--duration", "1000") as running:
        account = Account(emulator, running.client(), account.datastore_id)
        begin_everything(account, *image_set_ids)
        account.client.delete_datastore(datastoreId=empty)
        running.kill()

    with start(events=file):
        told = file.read_text().splitlines()
    assert types(told) == ENDS

    file.unlink()
    with start(events=file):
        assert file.read_text() == ""


def test_what_a_stop_interrupts_is_told_before_it_has_stopped(
    start: Callable[..., Emulator], held: HeldTime
) -> None:
    events: list[dict[str, Any]] = []
    with start(sleep=held.sleep, on_event=events.append) as emulator:
        account, image_set_ids, empty = with_image_sets(emulator)
        held.is_held = True
        begin_everything(account, *image_set_ids)
        account.client.delete_datastore(datastoreId=empty)
        del events[:]

    assert types([json.dumps(each) for each in events]) == ENDS
    (failed,) = [each["detail"] for each in events if "Update" in each["detail-type"]]
    assert failed["imagesetId"] == image_set_ids[0]
    assert failed["imageSetVersion"] == "2"
    assert (failed["imageSetState"], failed["imageSetWorkflowStatus"]) == (
        "ACTIVE",
        "UPDATE_FAILED",
    )


def test_a_change_that_is_not_saved_yet_is_not_told(
    start: Callable[..., Emulator], held: HeldTime, data: Path
) -> None:
    events: list[dict[str, Any]] = []
    with start(sleep=held.sleep, on_event=events.append) as emulator:
        account, image_set_id = with_one_image_set(emulator)
        held.is_held = True
        account.start_update(image_set_id, updates=PATIENT)
        (data / "blobs").rename(data / "away")  # the disk refuses
        held.wake()
        until(lambda: outcome(account.get, image_set_id), lambda status: status == 500)
        assert events[-1]["detail-type"] == "Image Set Updating"

        (data / "away").rename(data / "blobs")
        assert account.get(image_set_id)["imageSetWorkflowStatus"] == "UPDATED"
        assert events[-1]["detail-type"] == "Image Set Updated"


def outcome(call: Any, *args: Any) -> int:
    try:
        answer = call(*args)
    except ClientError as error:
        answer = cast("Any", error.response)
    status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status
