"""Work that comes to no end: the emulator stops, is killed, or something in it breaks."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from account import ROLE, Account, open_account, until
from botocore.exceptions import ClientError
from held_time import HeldTime
from running_emulator import RunningEmulator, again, with_one_image_set

from healthimaging_sdk.emulator import Durations, Emulator

INTERRUPTED = "The work was interrupted before its end."
FOREVER = ("--duration", "1000")


def renamed(name: str) -> Any:
    return {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": name}}}


def test_what_was_under_way_when_the_process_died_is_settled(
    start: Callable[..., Emulator], data: Path, buckets: dict[str, Path]
) -> None:
    with start() as emulator:
        account, source = with_one_image_set(emulator)
        updated, deleted = (account.copy(source)["imageSetId"] for _ in range(2))

    with RunningEmulator(data, buckets, *FOREVER) as running:
        client = running.client()
        account = Account(emulator, client, account.datastore_id)
        account.start_update(updated, updates=renamed("Too^Late"))
        copied = account.start_copy(source)["destinationImageSetProperties"]["imageSetId"]
        client.delete_image_set(datastoreId=account.datastore_id, imageSetId=deleted)
        job_id = client.start_dicom_import_job(
            datastoreId=account.datastore_id,
            dataAccessRoleArn=ROLE,
            inputS3Uri="s3://input/",
            outputS3Uri="s3://output/",
        )["jobId"]
        created = client.create_datastore()["datastoreId"]
        running.kill()

    with start() as emulator:
        account = again(account, emulator)
        client = account.client
        status = "imageSetState", "imageSetWorkflowStatus", "versionId", "message"
        assert [
            [account.get(each).get(name) for name in status]
            for each in (source, updated, copied, deleted)
        ] == [
            ["ACTIVE", "CREATED", "1", None],
            ["ACTIVE", "UPDATE_FAILED", "2", INTERRUPTED],
            ["ACTIVE", "COPY_FAILED", "1", INTERRUPTED],
            ["DELETED", "DELETED", "1", None],
        ]
        assert account.document(updated)["Patient"] == account.document(source)["Patient"]
        job = account.ended_job(job_id)
        assert job["message"] == f"DICOM import job has failed. {INTERRUPTED}"
        answer = client.get_datastore(datastoreId=created)["datastoreProperties"]
        assert answer["datastoreStatus"] == "CREATE_FAILED"
        client.delete_datastore(datastoreId=created)


def test_what_is_under_way_when_it_stops_is_settled_without_a_folder_too(
    buckets: dict[str, Path],
) -> None:
    emulator = Emulator(buckets=buckets, durations=Durations.all(0))
    with emulator:
        account, image_set_id = with_one_image_set(emulator)
        emulator.durations = Durations.all(1000)
        account.start_update(image_set_id, updates=renamed("Too^Late"))
    with emulator:
        account = again(account, emulator)
        assert account.get(image_set_id)["imageSetWorkflowStatus"] == "UPDATE_FAILED"


class Breaking:
    """A `sleep` that passes at once, or breaks."""

    is_broken = False

    async def sleep(self, _: float) -> None:
        if self.is_broken:
            raise RuntimeError


def test_work_that_breaks_leaves_nothing_locked_and_no_job_running(
    start: Callable[..., Emulator],
) -> None:
    time = Breaking()
    with start(sleep=time.sleep) as emulator:
        account, source = with_one_image_set(emulator)
        deleted = account.copy(source)["imageSetId"]

        time.is_broken = True
        copied = account.copy(source)
        source_after = account.settled(source)
        account.update(source, updates=renamed("Never^Seen"))
        job = account.import_all()
        created = account.client.create_datastore()["datastoreId"]

        assert copied["imageSetWorkflowStatus"] == "COPY_FAILED"
        assert copied["message"] == INTERRUPTED
        assert source_after["imageSetWorkflowStatus"] == "CREATED"
        assert account.settled(source)["imageSetWorkflowStatus"] == "UPDATE_FAILED"
        assert account.delete(deleted)["imageSetWorkflowStatus"] == "DELETED"
        assert job["message"] == f"DICOM import job has failed. {INTERRUPTED}"
        until(
            lambda: account.client.get_datastore(datastoreId=created)["datastoreProperties"],
            lambda found: found["datastoreStatus"] == "CREATE_FAILED",
        )


def test_an_import_that_breaks_half_way_leaves_its_image_set_unlocked(
    start: Callable[..., Emulator],
) -> None:
    class BreaksOnThirdSleep(Breaking):
        asleep = 0

        async def sleep(self, _: float) -> None:
            self.asleep += self.is_broken
            if self.asleep > 2:  # after the job's two phases: the image set's own
                raise RuntimeError

    time = BreaksOnThirdSleep()
    with start(sleep=time.sleep) as emulator:
        account, image_set_id = with_one_image_set(emulator)
        before = account.document(image_set_id)
        time.is_broken = True
        assert account.import_all()["jobStatus"] == "FAILED"
        after = account.get(image_set_id)
        assert (after["imageSetWorkflowStatus"], after["message"]) == ("IMPORT_FAILED", INTERRUPTED)
        assert account.document(image_set_id) == before


def test_a_damaged_bucket_ends_the_job(
    start: Callable[..., Emulator], buckets: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    with start() as emulator:
        account = open_account(emulator)
        (buckets["output"] / "jobs").symlink_to(tmp_path / "elsewhere")
        assert account.import_all()["jobStatus"] == "FAILED"
        shutil.rmtree(buckets["output"])
        buckets["output"].touch()
        assert account.import_all()["message"].startswith(
            "DICOM import job has failed. A bucket failed"
        )


def status_of(call: Any, *args: Any) -> int:
    try:
        status: int = call(*args)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        answer: Any = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status


def test_what_cannot_be_saved_is_not_told_until_it_is(
    start: Callable[..., Emulator], held: HeldTime, data: Path
) -> None:
    with start(sleep=held.sleep) as emulator:
        account, image_set_id = with_one_image_set(emulator)
        held.is_held = True
        account.start_update(image_set_id, updates=renamed("MX^MX"))
        (data / "blobs").rename(data / "away")
        held.wake()

        until(lambda: status_of(account.get, image_set_id), lambda status: status == 500)
        assert status_of(account.client.list_datastores) == 500

        (data / "away").rename(data / "blobs")
        assert account.get(image_set_id)["imageSetWorkflowStatus"] == "UPDATED"

    with start() as emulator:
        document = again(account, emulator).document(image_set_id)
        assert document["Patient"]["DICOM"]["PatientName"] == "MX^MX"
