"""The states and versions of an image set, as boto3 sees them."""

from typing import Any

import pytest
from account import Account, refused
from held_time import HeldTime

RENAMED = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": "MX^MX"}}}
STALE = "Requested version(s) of ImageSet(s) is not the latest."


def state_of(found: Any) -> tuple[str, str, str]:
    return found["imageSetState"], found["imageSetWorkflowStatus"], found["versionId"]


def versions(account: Account, image_set_id: str) -> list[tuple[str, str, str]]:
    listed = account.client.list_image_set_versions(
        datastoreId=account.datastore_id, imageSetId=image_set_id
    )["imageSetPropertiesList"]
    return [
        (each["versionId"], each["imageSetState"], each["ImageSetWorkflowStatus"])
        for each in listed
    ]


def test_an_imported_image_set_is_created_at_version_1(account: Account, image_set_id: str) -> None:
    found = account.get(image_set_id)

    assert state_of(found) == ("ACTIVE", "CREATED", "1")
    assert "updatedAt" not in found
    assert found["isPrimary"]
    assert found["imageSetArn"].endswith(
        f":datastore/{account.datastore_id}/imageset/{image_set_id}"
    )
    assert found["storageTier"] == "FREQUENT_ACCESS"


def test_an_update_locks_makes_a_version_and_unlocks(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    held.is_held = True
    answer = account.start_update(image_set_id, updates=RENAMED)

    assert answer["latestVersionId"] == "2"
    assert (answer["imageSetState"], answer["imageSetWorkflowStatus"]) == ("LOCKED", "UPDATING")
    assert state_of(account.get(image_set_id)) == ("LOCKED", "UPDATING", "2")
    assert state_of(account.get(image_set_id, versionId="1")) == ("ACTIVE", "CREATED", "1")
    # Read access is left, to what it was.
    assert account.document(image_set_id)["Patient"]["DICOM"]["PatientName"] == "Doe^Jane"

    held.let_go()

    assert state_of(account.settled(image_set_id)) == ("ACTIVE", "UPDATED", "2")
    assert account.document(image_set_id)["Patient"]["DICOM"]["PatientName"] == "MX^MX"
    earlier = account.document(image_set_id, versionId="1")
    assert earlier["Patient"]["DICOM"]["PatientName"] == "Doe^Jane"


def test_nothing_is_written_to_a_locked_image_set(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    other = account.copy(image_set_id)["imageSetId"]
    held.is_held = True
    account.start_update(image_set_id, updates=RENAMED)

    attempts = [
        refused(account.start_update, image_set_id, 2, updates=RENAMED),
        refused(account.start_copy, image_set_id, 2),
        refused(account.start_copy, other, 1, destination=(image_set_id, 2)),
        refused(account.delete, image_set_id),
    ]

    assert {(status, code) for status, code, _ in attempts} == {(409, "ConflictException")}


def test_a_copy_locks_both_ends_and_leaves_the_source_as_it_was(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    before = account.get(image_set_id)
    held.is_held = True
    answer = account.start_copy(image_set_id)
    source, made = answer["sourceImageSetProperties"], answer["destinationImageSetProperties"]

    assert (source["imageSetState"], source["latestVersionId"]) == ("LOCKED", "1")
    assert source["imageSetWorkflowStatus"] == "COPYING_WITH_READ_ONLY_ACCESS"
    assert (made["imageSetState"], made["latestVersionId"]) == ("LOCKED", "1")
    assert made["imageSetWorkflowStatus"] == "COPYING"
    assert made["updatedAt"] == made["createdAt"]
    assert account.document(image_set_id)["ImageSetID"] == image_set_id
    status, code, message = refused(account.document, made["imageSetId"])
    assert (status, code) == (409, "ConflictException")
    assert message.startswith("Requested ImageSet metadata is not consistent yet.")

    held.let_go()

    copied = account.settled(made["imageSetId"])
    assert state_of(copied) == ("ACTIVE", "COPIED", "1")
    assert not copied["isPrimary"]
    after = account.get(image_set_id)
    untouched = before.keys() - {"ResponseMetadata", "lastAccessedAt"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}


def test_a_deleted_image_set_can_be_looked_at_but_not_used(
    account: Account, image_set_id: str, held: HeldTime
) -> None:
    held.is_held = True
    answer = account.client.delete_image_set(
        datastoreId=account.datastore_id, imageSetId=image_set_id
    )
    assert (answer["imageSetState"], answer["imageSetWorkflowStatus"]) == ("LOCKED", "DELETING")
    held.let_go()

    assert state_of(account.settled(image_set_id)) == ("DELETED", "DELETED", "1")
    assert "deletedAt" in account.get(image_set_id)
    assert versions(account, image_set_id) == [("1", "DELETED", "DELETED")]
    assert account.image_set_ids() == []
    attempts = [
        refused(account.document, image_set_id),
        refused(account.start_update, image_set_id, updates=RENAMED),
        refused(account.start_copy, image_set_id),
        refused(account.delete, image_set_id),
    ]
    assert {(status, code) for status, code, _ in attempts} == {(404, "ResourceNotFoundException")}


def test_a_stale_version_is_refused_in_the_services_words(
    account: Account, image_set_id: str
) -> None:
    other = account.copy(image_set_id)["imageSetId"]
    account.update(image_set_id, updates=RENAMED)

    attempts = [
        refused(account.start_update, image_set_id, 1, updates=RENAMED),
        refused(account.start_copy, image_set_id, 1),
        refused(account.start_copy, other, 1, destination=(image_set_id, 1)),
    ]

    assert set(attempts) == {(404, "ResourceNotFoundException", STALE)}


def test_a_failed_action_leaves_its_version_in_the_list(
    account: Account, image_set_id: str
) -> None:
    wrong = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"Modality": "CT"}}}
    failed = account.update(image_set_id, 1, updates=wrong)

    assert state_of(failed) == ("ACTIVE", "UPDATE_FAILED", "2")
    assert failed["message"].startswith("INVALID_REQUEST:  ")
    assert account.document(image_set_id)["Patient"]["DICOM"]["PatientName"] == "Doe^Jane"

    account.update(image_set_id, 2, updates=RENAMED)

    assert versions(account, image_set_id) == [
        ("3", "ACTIVE", "UPDATED"),
        ("2", "ACTIVE", "UPDATE_FAILED"),
        ("1", "ACTIVE", "CREATED"),
    ]


def test_every_version_tells_when_the_image_set_was_created(
    account: Account, image_set_id: str
) -> None:
    account.update(image_set_id, 1, updates=RENAMED)
    newest, first = account.client.list_image_set_versions(
        datastoreId=account.datastore_id, imageSetId=image_set_id
    )["imageSetPropertiesList"]

    assert newest["createdAt"] == first["createdAt"]
    assert "updatedAt" in newest
    assert "updatedAt" not in first


def test_versions_come_in_pages_newest_first(account: Account, image_set_id: str) -> None:
    for version in (1, 2, 3, 4):
        account.update(image_set_id, version, updates=RENAMED)
    pages = account.client.get_paginator("list_image_set_versions").paginate(
        datastoreId=account.datastore_id,
        imageSetId=image_set_id,
        PaginationConfig={"PageSize": 2},
    )

    numbers = [[each["versionId"] for each in page["imageSetPropertiesList"]] for page in pages]

    assert numbers == [["5", "4"], ["3", "2"], ["1"]]


@pytest.mark.parametrize("version_id", ["2", "0", "01", "9" * 5000])
def test_a_version_that_does_not_exist_is_not_found(
    account: Account, image_set_id: str, version_id: str
) -> None:
    status, code, _ = refused(account.get, image_set_id, versionId=version_id)

    assert (status, code) == (404, "ResourceNotFoundException")


def test_an_unknown_image_set_is_not_found(account: Account) -> None:
    attempts = [
        refused(account.get, "0" * 32),
        refused(account.document, "0" * 32),
        refused(account.start_copy, "0" * 32),
    ]

    assert {each[:2] for each in attempts} == {(404, "ResourceNotFoundException")}


def test_a_frame_is_served_as_it_is_stored(account: Account, image_set_id: str) -> None:
    (series,) = account.document(image_set_id)["Study"]["Series"].values()
    instance = series["Instances"]["1.2.826.0.1.1.1.1"]
    (frame,) = instance["ImageFrames"]

    answer = account.client.get_image_frame(
        datastoreId=account.datastore_id,
        imageSetId=image_set_id,
        imageFrameInformation={"imageFrameId": frame["ID"]},
    )

    assert answer["contentType"] == "image/jph"
    assert answer["imageFrameBlob"].read().startswith(b"\xff\x4f\xff\x51")


def test_an_unknown_frame_is_not_found(account: Account, image_set_id: str) -> None:
    status, code, _ = refused(
        account.client.get_image_frame,
        datastoreId=account.datastore_id,
        imageSetId=image_set_id,
        imageFrameInformation={"imageFrameId": "0" * 32},
    )

    assert (status, code) == (404, "ResourceNotFoundException")


def test_metadata_comes_compressed_and_says_so(account: Account, image_set_id: str) -> None:
    answer = account.client.get_image_set_metadata(
        datastoreId=account.datastore_id, imageSetId=image_set_id
    )

    assert answer["contentType"] == "application/json"
    assert answer["contentEncoding"] == "gzip"
    assert answer["imageSetMetadataBlob"].read(2) == b"\x1f\x8b"
