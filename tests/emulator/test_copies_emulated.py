"""CopyImageSet: what is taken along, what fits, and what does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account import ROLE, Account, open_account, refused
from dicom_files import SERIES, STUDY, instance_uid, write_instance
from held_time import HeldTime

from healthimaging_sdk.emulator import Durations, Emulator, Quotas


def selection(*uids: str, series: str = SERIES) -> Any:
    instances: dict[str, Any] = {uid: {} for uid in uids}
    return {"SchemaVersion": "1.1", "Study": {"Series": {series: {"Instances": instances}}}}


def instances(account: Account, image_set_id: str) -> list[str]:
    ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
    return sorted(series["Instances"])


@pytest.fixture
def one_id(account: Account, image_set_id: str) -> str:
    """A copy of the first instance only."""
    copied = account.copy(image_set_id, selection=selection(instance_uid(1)))
    one: str = copied["imageSetId"]
    return one


def test_a_copy_has_the_same_content_under_its_own_id(account: Account, image_set_id: str) -> None:
    copied = account.copy(image_set_id)["imageSetId"]

    original, other = account.document(image_set_id), account.document(copied)
    assert other == {**original, "ImageSetID": copied}


def test_the_frames_of_a_copy_outlive_the_source(account: Account, image_set_id: str) -> None:
    copied = account.copy(image_set_id)["imageSetId"]
    account.delete(image_set_id)
    (series,) = account.document(copied)["Study"]["Series"].values()
    (frame,) = series["Instances"][instance_uid(1)]["ImageFrames"]

    answer = account.client.get_image_frame(
        datastoreId=account.datastore_id,
        imageSetId=copied,
        imageFrameInformation={"imageFrameId": frame["ID"]},
    )

    assert answer["imageFrameBlob"].read()


def test_a_subset_is_copied_alone(account: Account, one_id: str) -> None:
    assert instances(account, one_id) == [instance_uid(1)]


def test_a_copy_into_a_destination_is_its_next_version(
    account: Account, image_set_id: str, one_id: str
) -> None:
    copied = account.copy(
        image_set_id, destination=(one_id, 1), selection=selection(instance_uid(2))
    )

    assert (copied["imageSetId"], copied["versionId"]) == (one_id, "2")
    assert copied["imageSetWorkflowStatus"] == "COPIED"
    assert instances(account, one_id) == [instance_uid(1), instance_uid(2)]


def test_instances_that_are_there_already_fail_the_copy(
    account: Account, image_set_id: str, one_id: str
) -> None:
    failed = account.copy(image_set_id, destination=(one_id, 1), force=True)

    assert (failed["imageSetState"], failed["imageSetWorkflowStatus"]) == ("ACTIVE", "COPY_FAILED")
    assert "overlap" in failed["message"]
    assert instances(account, one_id) == [instance_uid(1)]


MISMATCHES = [
    ("Patient", {"Patient": {"DICOM": {"PatientName": "X"}}}),
    ("Study", {"Study": {"DICOM": {"StudyDescription": "X"}}}),
    ("Series", {"Study": {"Series": {SERIES: {"DICOM": {"Modality": "X"}}}}}),
]


@pytest.mark.parametrize(("level", "edit"), MISMATCHES)
def test_levels_that_differ_fail_the_copy_afterwards(
    account: Account, image_set_id: str, one_id: str, level: str, edit: Any
) -> None:
    account.update(one_id, 1, updates=edit)

    failed = account.copy(
        image_set_id, destination=(one_id, 2), selection=selection(instance_uid(2))
    )

    assert (failed["imageSetState"], failed["imageSetWorkflowStatus"]) == ("ACTIVE", "COPY_FAILED")
    # The two spaces are the service's.
    expected = f"INVALID_REQUEST:  {level} of SourceImageSet and DestinationImageSet don't match."
    assert failed["message"] == expected
    assert account.get(image_set_id)["imageSetWorkflowStatus"] == "CREATED"


@pytest.mark.parametrize(("level", "edit"), MISMATCHES)
def test_with_force_the_levels_of_the_destination_win(
    account: Account, image_set_id: str, one_id: str, level: str, edit: Any
) -> None:
    account.update(one_id, 1, updates=edit)
    before = account.document(one_id)

    copied = account.copy(
        image_set_id, destination=(one_id, 2), selection=selection(instance_uid(2)), force=True
    )

    assert copied["overrides"] == {"forced": True}
    assert instances(account, one_id) == [instance_uid(1), instance_uid(2)]
    after = account.document(one_id)
    assert after["Patient"] == before["Patient"]
    assert after["Study"]["DICOM"] == before["Study"]["DICOM"]
    assert after["Study"]["Series"][SERIES]["DICOM"] == before["Study"]["Series"][SERIES]["DICOM"]


@pytest.mark.parametrize(
    "wanted", [selection("1.2.3"), selection(instance_uid(1), series="1.2")], ids=["sop", "series"]
)
def test_selecting_what_is_not_there_fails_the_copy_afterwards(
    account: Account, image_set_id: str, wanted: Any
) -> None:
    failed = account.copy(image_set_id, selection=wanted)

    assert failed["imageSetWorkflowStatus"] == "COPY_FAILED"
    assert failed["message"].endswith("is not in SourceImageSet.")
    _, code, _ = refused(account.document, failed["imageSetId"])
    assert code == "ResourceNotFoundException"
    empty = [
        refused(account.start_copy, failed["imageSetId"]),
        refused(account.start_update, failed["imageSetId"], updates={"Patient": {}}),
    ]
    assert {each[:2] for each in empty} == {(409, "ConflictException")}


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "{",
        "[]",
        "{}",
        {"Study": {"Series": {SERIES: {"Instances": {}}}}},
        {"Study": {"Series": {SERIES: {"DICOM": {}}}}},
        {"Study": {"Series": {SERIES: {"Instances": {instance_uid(1): {"DICOM": {}}}}}}},
        {"Patient": {}},
    ],
)
def test_a_malformed_selection_is_refused_at_once(
    account: Account, image_set_id: str, wanted: Any
) -> None:
    status, code, _ = refused(account.start_copy, image_set_id, selection=wanted or " ")

    assert (status, code) == (400, "ValidationException")


def test_an_image_set_is_not_copied_into_itself(account: Account, image_set_id: str) -> None:
    status, code, _ = refused(account.start_copy, image_set_id, destination=(image_set_id, 1))

    assert (status, code) == (400, "ValidationException")


# ── promoteToPrimary ──────────────────────────────────────────────────────────


def test_a_promotion_is_a_new_primary_image_set(account: Account, image_set_id: str) -> None:
    copied = account.copy(image_set_id)["imageSetId"]
    account.delete(image_set_id)

    promoted = account.copy(copied, promoteToPrimary=True)

    assert promoted["isPrimary"]
    assert promoted["imageSetId"] not in {image_set_id, copied}
    assert not account.get(copied)["isPrimary"]


def test_a_promotion_takes_no_destination(account: Account, image_set_id: str) -> None:
    copied = account.copy(image_set_id)["imageSetId"]

    status, code, _ = refused(
        account.start_copy, image_set_id, destination=(copied, 1), promoteToPrimary=True
    )

    assert (status, code) == (400, "ValidationException")


# ── Quotas ────────────────────────────────────────────────────────────────────


@pytest.fixture
def tight(buckets: dict[str, Path], held: HeldTime) -> Iterator[Account]:
    """An account with hardly any quota, and an image set of three frames in each of two series."""
    quotas = Quotas(
        frames_per_copy=2,
        concurrent_copies=1,
        concurrent_updates=1,
        concurrent_deletions=1,
        concurrent_import_jobs=1,
    )
    with Emulator(
        buckets=buckets, durations=Durations.all(0), sleep=held.sleep, quotas=quotas
    ) as emulator:
        account = open_account(emulator)
        for series in ("1", "2", "3"):
            write_instance(
                account.inbox, 1, NumberOfFrames="2", SeriesInstanceUID=f"{STUDY}.{series}"
            )
        write_instance(account.inbox, 2, SeriesInstanceUID=f"{STUDY}.1")
        account.import_all()
        yield account


def by_frames(account: Account) -> list[str]:
    def frames(image_set_id: str) -> int:
        ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
        return sum(len(each["ImageFrames"]) for each in series["Instances"].values())

    return sorted(account.image_set_ids(), key=frames)


def test_a_copy_of_too_many_frames_is_beyond_the_quota(tight: Account) -> None:
    *_, largest = by_frames(tight)
    status, code, _ = refused(tight.start_copy, largest)
    assert (status, code) == (402, "ServiceQuotaExceededException")

    subset = selection(instance_uid(1, f"{STUDY}.1"), series=f"{STUDY}.1")
    assert tight.copy(largest, selection=subset)["imageSetWorkflowStatus"] == "COPIED"


def test_too_many_imports_at_once_are_beyond_the_quota(tight: Account, held: HeldTime) -> None:
    held.is_held = True
    job = {"dataAccessRoleArn": ROLE, "inputS3Uri": "s3://input", "outputS3Uri": "s3://output"}
    tight.client.start_dicom_import_job(datastoreId=tight.datastore_id, **job)

    attempt = refused(tight.client.start_dicom_import_job, datastoreId=tight.datastore_id, **job)

    assert attempt[:2] == (402, "ServiceQuotaExceededException")


def test_too_many_writes_at_once_are_beyond_the_quota(tight: Account, held: HeldTime) -> None:
    first, second, third = by_frames(tight)
    edit = {"Patient": {"DICOM": {"PatientName": "A"}}}
    held.is_held = True
    tight.start_copy(first)
    assert refused(tight.start_copy, second)[:2] == (402, "ServiceQuotaExceededException")
    tight.start_update(second, updates=edit)
    assert refused(tight.start_update, third, updates=edit)[:2] == (
        402,
        "ServiceQuotaExceededException",
    )
    held.let_go()
    for each in (first, second):
        tight.settled(each)

    held.is_held = True
    tight.client.delete_image_set(datastoreId=tight.datastore_id, imageSetId=first)
    # DeleteImageSet has no ServiceQuotaExceededException.
    assert refused(tight.delete, second)[:2] == (429, "ThrottlingException")
