"""A series has one primary image set, whatever is under way at the same time."""

from typing import Any

import pytest
from account import ROLE, Account, refused, until
from dicom_files import STUDY, write_instance
from held_time import HeldTime


def primary(account: Account) -> list[str]:
    return [each for each in account.image_set_ids() if account.get(each)["isPrimary"]]


def start_import(account: Account, prefix: str = "") -> str:
    job_id: str = account.client.start_dicom_import_job(
        datastoreId=account.datastore_id,
        dataAccessRoleArn=ROLE,
        inputS3Uri=f"s3://input/{prefix}",
        outputS3Uri="s3://output/",
    )["jobId"]
    return job_id


@pytest.fixture
def copies(account: Account, image_set_id: str) -> list[str]:
    """Two non-primary image sets of a series that has no primary one."""
    made = [account.copy(image_set_id)["imageSetId"] for _ in range(2)]
    account.delete(image_set_id)
    return made


def promoted(account: Account, source: str, **options: Any) -> str:
    """The image set that is being made."""
    started = account.start_copy(source, promoteToPrimary=True, **options)
    image_set_id: str = started["destinationImageSetProperties"]["imageSetId"]
    return image_set_id


def test_of_two_promotions_at_once_the_second_is_refused(
    account: Account, copies: list[str], held: HeldTime
) -> None:
    held.is_held = True
    first = promoted(account, copies[0])

    second = refused(promoted, account, copies[1])

    assert second[:2] == (409, "ConflictException")
    assert account.get(copies[1])["imageSetState"] == "ACTIVE"
    held.let_go()
    assert account.settled(first)["imageSetWorkflowStatus"] == "COPIED"
    assert primary(account) == [first]


def test_a_promotion_that_fails_leaves_the_series_to_the_next(
    account: Account, copies: list[str]
) -> None:
    absent: Any = {"Study": {"Series": {STUDY: {"Instances": {"1.2.3": {}}}}}}
    failed = account.settled(promoted(account, copies[0], selection=absent))
    assert (failed["imageSetWorkflowStatus"], failed["isPrimary"]) == ("COPY_FAILED", False)

    second = account.settled(promoted(account, copies[1]))

    assert primary(account) == [second["imageSetId"]]


def test_an_import_waits_for_a_promotion_and_adds_to_it(
    account: Account, copies: list[str], held: HeldTime
) -> None:
    write_instance(account.inbox / "more", 3)
    write_instance(account.inbox / "more", 1, SeriesInstanceUID=f"{STUDY}.2")
    held.is_held = True
    first = promoted(account, copies[0])
    promotion = held.taken()
    job_id = start_import(account, "more")
    held.let_go()
    # The other series has arrived: this one would have, too.
    until(account.image_set_ids, lambda found: len(found) == 4)
    assert account.get(first)["imageSetWorkflowStatus"] == "COPYING"
    held.wake_these(promotion)

    assert account.ended_job(job_id)["jobStatus"] == "COMPLETED"

    found = account.get(first)
    assert (found["versionId"], found["imageSetWorkflowStatus"]) == ("2", "IMPORTED")
    ((_, series),) = account.document(first)["Study"]["Series"].items()
    assert len(series["Instances"]) == 3
    assert len(primary(account)) == 2  # one of each series


def test_a_promotion_while_an_import_adds_is_refused(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    copied = account.copy(image_set_id)["imageSetId"]
    held.is_held = True
    job_id = start_import(account)
    held.wake()
    held.wake()
    until(
        lambda: account.get(image_set_id),
        lambda found: found["imageSetWorkflowStatus"] == "IMPORTING",
    )

    assert refused(promoted, account, copied)[:2] == (409, "ConflictException")

    held.let_go()
    account.ended_job(job_id)
    assert primary(account) == [image_set_id]


def test_of_two_imports_at_once_the_second_adds_to_the_first(
    account: Account, held: HeldTime
) -> None:
    for number in (1, 2):
        write_instance(account.inbox / str(number), number)
    held.is_held = True
    jobs = [start_import(account, prefix) for prefix in ("1/", "2/")]
    held.let_go()

    assert [account.ended_job(each)["jobStatus"] for each in jobs] == ["COMPLETED"] * 2

    (image_set_id,) = account.image_set_ids()
    found = account.get(image_set_id)
    assert (found["versionId"], found["isPrimary"]) == ("2", True)


def test_a_study_is_not_updated_while_one_of_its_series_is_promoted(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    """Or the new image set would come with what the study was before."""
    write_instance(account.inbox / "other", 1, SeriesInstanceUID=f"{STUDY}.2")
    account.import_all("other")
    (other,) = set(account.image_set_ids()) - {image_set_id}
    copied = account.copy(other)["imageSetId"]
    account.delete(other)
    held.is_held = True
    made = promoted(account, copied)
    edit = {"Patient": {"DICOM": {"PatientName": "MX^MX"}}}

    attempt = refused(account.start_update, image_set_id, updates=edit, includeStudyImageSets=True)

    assert attempt[:2] == (409, "ConflictException")
    held.let_go()
    account.settled(made)
    account.update(image_set_id, updates=edit, includeStudyImageSets=True)
    names = {account.document(each)["Patient"]["DICOM"]["PatientName"] for each in primary(account)}
    assert names == {"MX^MX"}


# ── Promotions into what there is ─────────────────────────────────────────────


@pytest.fixture
def variant(account: Account, image_set_id: str) -> str:
    """A non-primary image set of the same series: its instances are of another patient."""
    for number in (3, 4):
        write_instance(account.inbox / "variant", number, PatientID="P-9")
    account.import_all("variant")
    (made,) = set(account.image_set_ids()) - {image_set_id}
    found: str = made
    return found


def test_a_variant_whose_conflict_is_resolved_is_added_to_the_primary_image_set(
    account: Account, image_set_id: str, variant: str
) -> None:
    before = account.document(image_set_id)
    account.update(variant, updates={"Patient": {"DICOM": {"PatientID": "P-1"}}})

    done = account.copy(variant, 2, promoteToPrimary=True)

    assert done["imageSetId"] == image_set_id
    assert (done["versionId"], done["imageSetWorkflowStatus"]) == ("2", "COPIED")
    after = account.document(image_set_id)
    ((_, series),) = after["Study"]["Series"].items()
    assert len(series["Instances"]) == 4
    assert after["Patient"] == before["Patient"]
    assert primary(account) == [image_set_id]


def test_a_variant_that_still_conflicts_is_not_added(
    account: Account, image_set_id: str, variant: str
) -> None:
    failed = account.copy(variant, promoteToPrimary=True)

    assert (failed["imageSetId"], failed["imageSetWorkflowStatus"]) == (image_set_id, "COPY_FAILED")
    assert failed["message"].startswith("INVALID_REQUEST:  Patient of SourceImageSet")
    assert primary(account) == [image_set_id]


def test_instances_that_the_primary_image_set_has_are_not_added(
    account: Account, image_set_id: str
) -> None:
    copied = account.copy(image_set_id)["imageSetId"]

    failed = account.copy(copied, promoteToPrimary=True)

    assert (failed["imageSetId"], failed["imageSetWorkflowStatus"]) == (image_set_id, "COPY_FAILED")
    assert primary(account) == [image_set_id]


def test_a_series_that_conflicts_with_its_study_is_not_promoted(
    account: Account, image_set_id: str
) -> None:
    write_instance(account.inbox / "other", 1, SeriesInstanceUID=f"{STUDY}.2", PatientID="P-9")
    account.import_all("other")
    (other,) = set(account.image_set_ids()) - {image_set_id}

    failed = account.copy(other, promoteToPrimary=True)

    assert failed["imageSetWorkflowStatus"] == "COPY_FAILED"
    assert "primary image sets don't match" in failed["message"]
    assert primary(account) == [image_set_id]


def test_a_primary_image_set_is_not_promoted(account: Account, image_set_id: str) -> None:
    attempt = refused(promoted, account, image_set_id)

    assert attempt[:2] == (400, "ValidationException")
