"""Sizes and times beyond the service's quotas, with quotas that a test can reach."""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from account import ROLE, Account, open_account, refused
from dicom_files import SERIES, STUDY, instance_uid, write_instance
from held_time import HeldTime

from healthimaging_sdk.emulator import Durations, Emulator, Quotas

TOO_MUCH = (402, "ServiceQuotaExceededException")
Opened = Callable[[Quotas], AbstractContextManager[Account]]


@pytest.fixture
def opened(buckets: dict[str, Path]) -> Opened:
    @contextmanager
    def opened(quotas: Quotas) -> Generator[Account]:
        with Emulator(buckets=buckets, durations=Durations.all(0), quotas=quotas) as emulator:
            yield open_account(emulator)

    return opened


@pytest.fixture
def account(opened: Opened) -> Generator[Account]:
    """An account whose image sets have room for one instance and a half."""
    with opened(Quotas()) as roomy:
        write_instance(roomy.inbox, 1)
        roomy.import_all()
        (image_set_id,) = roomy.image_set_ids()
        size = len(json.dumps(roomy.document(image_set_id)))
    with opened(Quotas(metadata_bytes=size * 3 // 2)) as account:
        account.import_all()
        yield account


def test_an_import_beyond_the_metadata_of_an_image_set_is_in_the_failure_file(
    account: Account,
) -> None:
    (image_set_id,) = account.image_set_ids()
    write_instance(account.inbox / "more", 2)
    write_instance(account.inbox / "more", 1, SeriesInstanceUID=f"{STUDY}.2")

    job = account.import_all("more")

    assert job["jobStatus"] == "COMPLETED"
    (failed,) = account.job_output(job, "FAILURE/failure.ndjson")
    assert failed["inputFile"] == f"more/{instance_uid(2)}.dcm"
    assert failed["exception"]["exceptionType"] == TOO_MUCH[1]
    summary = account.job_output(job, "job-output-manifest.json")["jobSummary"]
    assert summary["numberOfFilesWithCustomerError"] == 1
    assert summary["numberOfImportedFiles"] == summary["numberOfGeneratedImageSets"] == 1
    assert account.get(image_set_id)["versionId"] == "1"


def test_a_new_image_set_with_too_much_metadata_is_not_made(account: Account) -> None:
    for number in (1, 2):
        write_instance(account.inbox / "more", number, SeriesInstanceUID=f"{STUDY}.2")

    job = account.import_all("more")

    assert len(account.job_output(job, "FAILURE/failure.ndjson")) == 2
    assert len(account.image_set_ids()) == 1


def test_a_copy_into_too_much_metadata_is_refused(account: Account) -> None:
    (image_set_id,) = account.image_set_ids()
    write_instance(account.inbox / "more", 2, PatientID="P-9")
    account.import_all("more")
    (other,) = set(account.image_set_ids()) - {image_set_id}

    attempt = refused(account.start_copy, image_set_id, destination=(other, 1), force=True)

    assert attempt[:2] == TOO_MUCH
    for each in (image_set_id, other):
        found = account.get(each)
        assert (found["imageSetState"], found["versionId"]) == ("ACTIVE", "1")
    assert account.copy(image_set_id)["imageSetWorkflowStatus"] == "COPIED"


def test_an_update_to_too_much_metadata_is_refused(account: Account) -> None:
    (image_set_id,) = account.image_set_ids()
    name = account.document(image_set_id)["Patient"]["DICOM"]["PatientName"]
    comments = {
        "Study": {"DICOM": {"StudyDescription": "x", "AdditionalPatientHistory": "x" * 9000}}
    }

    attempt = refused(account.start_update, image_set_id, updates=comments)

    assert attempt[:2] == TOO_MUCH
    assert name not in attempt[2]
    assert account.get(image_set_id)["versionId"] == "1"
    small = {"Study": {"Series": {SERIES: {"DICOM": {"Modality": "CR"}}}}}
    assert account.update(image_set_id, updates=small)["imageSetWorkflowStatus"] == "UPDATED"


def test_files_bytes_and_folders_of_a_job_are_limited(
    opened: Opened, buckets: dict[str, Path]
) -> None:
    for number in (1, 2):
        write_instance(buckets["input"] / str(number), number)
    limits = {
        "FILE_COUNTS_LIMIT_EXCEEDED": Quotas(files_per_import_job=1),
        "FILE_SIZES_LIMIT_EXCEEDED": Quotas(bytes_per_import_job=1000),
        "NESTED_FOLDERS_LIMIT_EXCEEDED": Quotas(folders_per_import_job=1),
    }
    for reason, quotas in limits.items():
        with opened(quotas) as account:
            job = account.import_all()
            assert job["jobStatus"] == "FAILED"
            assert job["message"].startswith(f"DICOM import job has failed. {reason}")


def test_sydney_has_a_smaller_quota_of_jobs(held: HeldTime) -> None:
    """https://docs.aws.amazon.com/healthimaging/latest/devguide/endpoints-quotas.html"""
    with Emulator(
        region="ap-southeast-2", durations=Durations.all(0), sleep=held.sleep
    ) as emulator:
        account = open_account(emulator)
        held.is_held = True
        job = {
            "datastoreId": account.datastore_id,
            "dataAccessRoleArn": ROLE,
            "inputS3Uri": "s3://input/",
            "outputS3Uri": "s3://output/",
        }
        for _ in range(20):
            account.client.start_dicom_import_job(**job)
        assert refused(account.client.start_dicom_import_job, **job)[:2] == TOO_MUCH


def test_a_job_is_listed_for_ninety_days_after_its_end(
    buckets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = timedelta()

    def now() -> datetime:
        return datetime.now(UTC) + passed

    monkeypatch.setattr("botocore.auth.get_current_datetime", now)
    with Emulator(buckets=buckets, durations=Durations.all(0), clock=now) as emulator:
        account = open_account(emulator)
        job_id = account.import_all()["jobId"]
        store = {"datastoreId": account.datastore_id}

        passed = timedelta(days=89)
        (listed,) = account.client.list_dicom_import_jobs(**store)["jobSummaries"]
        assert listed["jobId"] == job_id
        account.client.get_dicom_import_job(**store, jobId=job_id)

        passed = timedelta(days=91)
        assert account.client.list_dicom_import_jobs(**store)["jobSummaries"] == []
        absent = refused(account.client.get_dicom_import_job, **store, jobId=job_id)
        assert absent[:2] == (404, "ResourceNotFoundException")
