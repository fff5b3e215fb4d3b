"""Import jobs: what becomes of files, jobs and image sets."""

from typing import Any

import pytest
from account import ROLE, Account, refused, until
from dicom_files import SERIES, STUDY, instance_uid, write_instance
from held_time import HeldTime


def start(account: Account, **options: Any) -> Any:
    asked = {
        "datastoreId": account.datastore_id,
        "dataAccessRoleArn": ROLE,
        "inputS3Uri": "s3://input",
        "outputS3Uri": "s3://output/jobs/",
    }
    return account.client.start_dicom_import_job(**{**asked, **options})


def look(account: Account, job_id: str) -> Any:
    answer = account.client.get_dicom_import_job(datastoreId=account.datastore_id, jobId=job_id)
    return answer["jobProperties"]


def only_instances(account: Account, image_set_id: str) -> dict[str, Any]:
    ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
    found: dict[str, Any] = series["Instances"]
    return found


# ── The job ───────────────────────────────────────────────────────────────────


def test_a_job_is_submitted_then_in_progress_then_completed(
    account: Account, held: HeldTime
) -> None:
    write_instance(account.inbox)
    held.is_held = True
    answer = start(account, jobName="first")
    job_id = answer["jobId"]
    assert answer["jobStatus"] == "SUBMITTED"
    submitted = look(account, job_id)
    assert (submitted["jobStatus"], submitted["jobName"]) == ("SUBMITTED", "first")
    assert submitted["inputS3Uri"] == "s3://input/"
    assert submitted["outputS3Uri"] == (
        f"s3://output/jobs/{account.datastore_id}-DicomImport-{job_id}/"
    )

    held.wake()
    running = until(lambda: look(account, job_id), lambda job: job["jobStatus"] != "SUBMITTED")
    assert running["jobStatus"] == "IN_PROGRESS"
    assert "endedAt" not in running
    held.let_go()

    done = account.ended_job(job_id)
    assert done["jobStatus"] == "COMPLETED"
    assert done["endedAt"] >= done["submittedAt"]
    assert done["dataAccessRoleArn"] == ROLE


def test_the_output_accounts_for_every_file(account: Account) -> None:
    write_instance(account.inbox / "good", 1)
    (account.inbox / "bad.txt").write_text("not DICOM")
    job = account.import_all()
    (image_set_id,) = account.image_set_ids()

    summary = account.job_output(job, "job-output-manifest.json")["jobSummary"]
    assert summary["numberOfScannedFiles"] == 2
    assert summary["numberOfImportedFiles"] == 1
    assert summary["numberOfFilesWithCustomerError"] == 1
    assert summary["imageSetsSummary"] == [
        {
            "imageSetId": image_set_id,
            "imageSetVersion": 1,
            "isPrimary": True,
            "numberOfMatchedSOPInstances": 1,
        }
    ]
    assert account.job_output(job, "SUCCESS/success.ndjson") == [
        {
            "inputFile": f"good/{instance_uid(1)}.dcm",
            "importResponse": {"imageSetId": image_set_id, "isPrimary": True},
        }
    ]
    (failure,) = account.job_output(job, "FAILURE/failure.ndjson")
    assert failure["inputFile"] == "bad.txt"
    assert failure["exception"]["exceptionType"] == "ValidationException"


def test_only_what_is_under_the_prefix_is_imported(account: Account) -> None:
    write_instance(account.inbox / "a", 1)
    write_instance(account.inbox / "b", 2)

    account.import_all("a/")

    (image_set_id,) = account.image_set_ids()
    assert list(only_instances(account, image_set_id)) == [instance_uid(1)]


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("inputS3Uri", "s3://elsewhere/a"),
        ("outputS3Uri", "s3://elsewhere/a"),
        ("inputS3Uri", "s3://input/../output"),
        ("outputS3Uri", "s3://output/../../a"),
    ],
)
def test_a_location_that_is_not_there_fails_the_job(account: Account, name: str, uri: str) -> None:
    job = account.ended_job(start(account, **{name: uri})["jobId"])

    assert job["jobStatus"] == "FAILED"
    assert job["message"].startswith("DICOM import job has failed.")


def test_an_output_that_cannot_be_written_fails_the_job(account: Account) -> None:
    (account.emulator.buckets["output"] / "jobs").write_text("a file, not a folder")

    job = account.ended_job(start(account)["jobId"])

    assert job["jobStatus"] == "FAILED"
    assert str(account.emulator.buckets["output"]) not in job["message"]


def test_the_same_client_token_is_the_same_job(account: Account) -> None:
    first = start(account, clientToken="t")
    again = start(account, clientToken="t")

    assert (again["jobId"], again["submittedAt"]) == (first["jobId"], first["submittedAt"])
    other = refused(start, account, clientToken="t", jobName="another")
    assert other[:2] == (409, "ConflictException")


def test_jobs_are_listed_by_status_newest_first(account: Account) -> None:
    good = [start(account)["jobId"] for _ in range(3)]
    bad = start(account, inputS3Uri="s3://elsewhere")["jobId"]
    for job_id in [*good, bad]:
        account.ended_job(job_id)

    def listed(**options: Any) -> list[str]:
        paginator = account.client.get_paginator("list_dicom_import_jobs")
        pages = paginator.paginate(
            datastoreId=account.datastore_id, PaginationConfig={"PageSize": 2}, **options
        )
        return [each["jobId"] for page in pages for each in page["jobSummaries"]]

    assert set(listed()) == {*good, bad}
    assert set(listed(jobStatus="COMPLETED")) == set(good)
    assert listed(jobStatus="FAILED") == [bad]
    assert listed(jobStatus="SUBMITTED") == []


def test_an_unknown_job_is_not_found(account: Account) -> None:
    assert refused(look, account, "0" * 32)[:2] == (404, "ResourceNotFoundException")


# ── Grouping ──────────────────────────────────────────────────────────────────

KEYS = [
    ("StudyDate", "20200101"),
    ("AccessionNumber", "A-9"),
    ("PatientID", "P-9"),
    ("StudyID", "9"),
    ("SeriesNumber", "9"),
]


def test_each_series_is_a_primary_image_set(account: Account) -> None:
    for series in (SERIES, f"{STUDY}.2"):
        for number in (1, 2):
            write_instance(account.inbox, number, SeriesInstanceUID=series)

    account.import_all()

    found = account.image_set_ids()
    assert [account.get(each)["isPrimary"] for each in found] == [True, True]
    assert [len(only_instances(account, each)) for each in found] == [2, 2]


@pytest.mark.parametrize(("keyword", "value"), KEYS)
def test_data_that_conflict_make_a_non_primary_image_set(
    account: Account, image_set_id: str, keyword: str, value: str
) -> None:
    write_instance(account.inbox / "other", 3, **{keyword: value})

    account.import_all("other")

    assert account.get(image_set_id)["versionId"] == "1"
    (made,) = set(account.image_set_ids()) - {image_set_id}
    assert not account.get(made)["isPrimary"]


def test_data_that_conflict_within_a_job_are_parted(account: Account) -> None:
    write_instance(account.inbox, 1)
    write_instance(account.inbox, 2, PatientID="P-9")

    account.import_all()

    primary = [account.get(each)["isPrimary"] for each in account.image_set_ids()]
    assert sorted(primary) == [False, True]


def test_another_series_of_a_conflicting_patient_is_not_primary(
    account: Account, image_set_id: str
) -> None:
    write_instance(account.inbox / "other", 1, SeriesInstanceUID=f"{STUDY}.2", PatientID="P-9")

    account.import_all("other")

    (made,) = set(account.image_set_ids()) - {image_set_id}
    assert not account.get(made)["isPrimary"]


def test_a_later_job_adds_to_the_primary_image_set(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    write_instance(account.inbox / "more", 3)
    job = account.import_all("more")

    found = account.get(image_set_id)
    assert (found["versionId"], found["imageSetWorkflowStatus"]) == ("2", "IMPORTED")
    assert len(only_instances(account, image_set_id)) == 3
    (summary,) = account.job_output(job, "job-output-manifest.json")["jobSummary"][
        "imageSetsSummary"
    ]
    assert summary["imageSetVersion"] == 2
    assert summary["numberOfMatchedSOPInstances"] == 1


def test_an_instance_imported_again_replaces_the_first(account: Account, image_set_id: str) -> None:
    before = only_instances(account, image_set_id)
    write_instance(account.inbox, 1, ImageComments="again")

    account.import_all()

    after = only_instances(account, image_set_id)
    assert account.get(image_set_id)["versionId"] == "2"
    assert after.keys() == before.keys()
    assert after[instance_uid(1)]["DICOM"]["ImageComments"].strip() == "again"
    assert "ImageComments" not in before[instance_uid(1)]["DICOM"]


def test_elements_that_differ_stay_as_they_are_with_a_warning(
    account: Account, image_set_id: str
) -> None:
    write_instance(account.inbox / "more", 3, PatientName="Other^Name", PatientSex="F")

    job = account.import_all("more")

    patient = account.document(image_set_id)["Patient"]["DICOM"]
    assert patient["PatientName"] == "Doe^Jane"
    assert patient["PatientSex"].strip() == "F"
    (warned,) = account.job_output(job, "WARNING/warning.ndjson")
    (warning,) = warned["importResponse"]["warnings"]
    assert warning["warning_reason_code"] == 0xB000
    assert "Other" not in str(warned)


@pytest.mark.filterwarnings("ignore:The value length")  # pydicom sees it, too
def test_a_text_that_is_too_long_is_imported_with_a_warning(account: Account) -> None:
    write_instance(account.inbox, 1, StudyID="X" * 17)

    job = account.import_all()

    (warned,) = account.job_output(job, "WARNING/warning.ndjson")
    (warning,) = warned["importResponse"]["warnings"]
    assert (warning["warning_reason_code"], warning["type"]) == (45570, "InvalidDicomValueLength")
    (image_set_id,) = account.image_set_ids()
    assert account.document(image_set_id)["Study"]["DICOM"]["StudyID"] == "X" * 17


def test_an_import_waits_for_an_image_set_that_is_locked(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    write_instance(account.inbox / "more", 3)
    write_instance(account.inbox / "more", 1, SeriesInstanceUID=f"{STUDY}.2")
    held.is_held = True
    account.start_update(image_set_id, updates={"Patient": {"DICOM": {"PatientName": "A"}}})
    update = held.taken()
    job_id = start(account, inputS3Uri="s3://input/more")["jobId"]
    held.let_go()
    # The other series has arrived: this one would have, too.
    until(account.image_set_ids, lambda found: len(found) == 2)
    assert look(account, job_id)["jobStatus"] == "IN_PROGRESS"
    assert account.get(image_set_id)["versionId"] == "2"
    held.wake_these(update)

    account.ended_job(job_id)

    found = account.get(image_set_id)
    assert (found["versionId"], found["imageSetWorkflowStatus"]) == ("3", "IMPORTED")
    assert account.document(image_set_id)["Patient"]["DICOM"]["PatientName"] == "A"


def test_an_addition_is_visible_as_importing(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    write_instance(account.inbox / "more", 3)
    held.is_held = True
    job_id = start(account, inputS3Uri="s3://input/more")["jobId"]
    held.wake()
    until(lambda: look(account, job_id), lambda job: job["jobStatus"] == "IN_PROGRESS")
    held.wake()

    found = until(lambda: account.get(image_set_id), lambda found: found["versionId"] == "2")

    assert (found["imageSetState"], found["imageSetWorkflowStatus"]) == ("LOCKED", "IMPORTING")


def test_an_import_of_a_deleted_series_starts_anew(account: Account, image_set_id: str) -> None:
    account.delete(image_set_id)

    account.import_all()

    (made,) = account.image_set_ids()
    assert made != image_set_id
    assert account.get(made)["isPrimary"]
    assert account.get(made)["versionId"] == "1"


def test_the_storage_format_is_the_data_stores(account: Account) -> None:
    datastore_id = account.client.create_datastore(losslessStorageFormat="JPEG_2000_LOSSLESS")[
        "datastoreId"
    ]
    other = Account(account.emulator, account.client, datastore_id)
    until(
        lambda: account.client.get_datastore(datastoreId=datastore_id)["datastoreProperties"],
        lambda found: found["datastoreStatus"] == "ACTIVE",
    )
    write_instance(account.inbox)

    other.import_all()

    (image_set_id,) = other.image_set_ids()
    (stored,) = only_instances(other, image_set_id).values()
    assert stored["StoredTransferSyntaxUID"] == "1.2.840.10008.1.2.4.90"
