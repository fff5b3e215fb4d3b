"""Data stores from CREATING to DELETED, storage tiers, and tags."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from account import Account, boto3_client, open_account, refused, until
from dicom_files import write_instance
from held_time import HeldTime

from healthimaging_sdk.emulator import Durations, Emulator, Quotas

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:alias/images"
AUTHORIZER = "arn:aws:lambda:us-east-1:123456789012:function:authorizer"


@pytest.fixture
def client(emulator: Emulator) -> Any:
    return boto3_client(emulator)


def status(client: Any, datastore_id: str) -> str:
    found: str = client.get_datastore(datastoreId=datastore_id)["datastoreProperties"][
        "datastoreStatus"
    ]
    return found


def test_a_data_store_is_created_used_and_deleted(client: Any, held: HeldTime) -> None:
    held.is_held = True
    created = client.create_datastore(datastoreName="store")
    datastore_id = created["datastoreId"]
    assert created["datastoreStatus"] == "CREATING"
    assert status(client, datastore_id) == "CREATING"
    early = refused(client.search_image_sets, datastoreId=datastore_id, searchCriteria={})
    assert early[:2] == (409, "ConflictException")
    assert refused(client.delete_datastore, datastoreId=datastore_id)[0] == 409
    held.let_go()
    until(lambda: status(client, datastore_id), lambda found: found == "ACTIVE")

    held.is_held = True
    assert client.delete_datastore(datastoreId=datastore_id)["datastoreStatus"] == "DELETING"
    # The end is the same as after the first.
    assert client.delete_datastore(datastoreId=datastore_id)["datastoreStatus"] == "DELETING"
    held.let_go()

    until(lambda: status(client, datastore_id), lambda found: found == "DELETED")
    late = refused(client.search_image_sets, datastoreId=datastore_id, searchCriteria={})
    assert late[:2] == (404, "ResourceNotFoundException")
    assert refused(client.delete_datastore, datastoreId=datastore_id)[0] == 404


def test_a_data_store_keeps_what_it_was_created_with(client: Any) -> None:
    datastore_id = client.create_datastore(
        datastoreName="a/store",
        kmsKeyArn=KMS_KEY,
        lambdaAuthorizerArn=AUTHORIZER,
        losslessStorageFormat="JPEG_2000_LOSSLESS",
        tags={"team": "radiology"},
    )["datastoreId"]

    found = client.get_datastore(datastoreId=datastore_id)["datastoreProperties"]

    arn = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{datastore_id}"
    assert found["datastoreName"] == "a/store"
    assert (found["kmsKeyArn"], found["lambdaAuthorizerArn"]) == (KMS_KEY, AUTHORIZER)
    assert found["losslessStorageFormat"] == "JPEG_2000_LOSSLESS"
    assert found["datastoreArn"] == arn
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "radiology"}


def test_htj2k_is_the_format_unless_another_is_asked_for(account: Account) -> None:
    found = account.client.get_datastore(datastoreId=account.datastore_id)["datastoreProperties"]

    assert found["losslessStorageFormat"] == "HTJ2K"


def test_a_data_store_with_image_sets_is_not_deleted(account: Account, image_set_id: str) -> None:
    attempt = refused(account.client.delete_datastore, datastoreId=account.datastore_id)
    assert attempt[:2] == (409, "ConflictException")

    account.delete(image_set_id)

    deleting = account.client.delete_datastore(datastoreId=account.datastore_id)
    assert deleting["datastoreStatus"] == "DELETING"


def test_a_data_store_with_a_running_job_is_not_deleted(account: Account, held: HeldTime) -> None:
    held.is_held = True
    account.client.start_dicom_import_job(
        datastoreId=account.datastore_id,
        dataAccessRoleArn="arn:aws:iam::123456789012:role/importer",
        inputS3Uri="s3://input",
        outputS3Uri="s3://output",
    )

    attempt = refused(account.client.delete_datastore, datastoreId=account.datastore_id)

    assert attempt[:2] == (409, "ConflictException")


def test_an_unknown_data_store_is_not_found(client: Any) -> None:
    for call in (client.get_datastore, client.delete_datastore, client.list_dicom_import_jobs):
        assert refused(call, datastoreId="0" * 32)[:2] == (404, "ResourceNotFoundException")


def test_the_same_client_token_is_the_same_data_store(client: Any) -> None:
    first = client.create_datastore(clientToken="t", datastoreName="a")["datastoreId"]
    again = client.create_datastore(clientToken="t", datastoreName="a")["datastoreId"]

    assert again == first
    other = refused(client.create_datastore, clientToken="t", datastoreName="b")
    assert other[:2] == (409, "ConflictException")


def test_data_stores_are_listed_in_pages_and_by_status(client: Any) -> None:
    made = [client.create_datastore()["datastoreId"] for _ in range(3)]
    for each in made:
        until(partial(status, client, each), lambda found: found == "ACTIVE")
    client.delete_datastore(datastoreId=made[0])
    until(lambda: status(client, made[0]), lambda found: found == "DELETED")

    def listed(**options: Any) -> list[list[str]]:
        pages = client.get_paginator("list_datastores").paginate(
            PaginationConfig={"PageSize": 2}, **options
        )
        return [[each["datastoreId"] for each in page["datastoreSummaries"]] for page in pages]

    assert [len(page) for page in listed()] == [2, 1]
    assert {each for page in listed() for each in page} == set(made)
    assert {each for page in listed(datastoreStatus="ACTIVE") for each in page} == set(made[1:])
    assert listed(datastoreStatus="DELETED") == [[made[0]]]


# ── Tags ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of", ["datastore", "image set"])
def test_tags_are_added_changed_and_removed(account: Account, image_set_id: str, of: str) -> None:
    datastore = account.client.get_datastore(datastoreId=account.datastore_id)
    arn = datastore["datastoreProperties"]["datastoreArn"]
    if of == "image set":
        arn = account.get(image_set_id)["imageSetArn"]
    account.client.tag_resource(resourceArn=arn, tags={"a": "1", "b/c:d": "2"})
    account.client.tag_resource(resourceArn=arn, tags={"a": "3", "e": ""})
    account.client.untag_resource(resourceArn=arn, tagKeys=["b/c:d", "unknown"])

    found = account.client.list_tags_for_resource(resourceArn=arn)["tags"]

    assert found == {"a": "3", "e": ""}


def test_a_resource_has_at_most_fifty_tags(account: Account, image_set_id: str) -> None:
    arn = account.get(image_set_id)["imageSetArn"]
    account.client.tag_resource(resourceArn=arn, tags={f"t{n}": "" for n in range(50)})

    attempt = refused(account.client.tag_resource, resourceArn=arn, tags={"one": "more"})

    assert attempt[:2] == (400, "ValidationException")
    assert len(account.client.list_tags_for_resource(resourceArn=arn)["tags"]) == 50


def test_what_does_not_exist_has_no_tags(account: Account, image_set_id: str) -> None:
    arn = account.get(image_set_id)["imageSetArn"]
    account.delete(image_set_id)
    absent = [
        arn,
        arn.replace("123456789012", "210987654321"),
        arn.replace("us-east-1", "us-west-2"),
        f"{arn[:-1]}0" if arn[-1] != "0" else f"{arn[:-1]}1",
    ]

    attempts = [refused(account.client.list_tags_for_resource, resourceArn=each) for each in absent]

    assert {each[:2] for each in attempts} == {(404, "ResourceNotFoundException")}


# ── Storage tiers ─────────────────────────────────────────────────────────────


class Calendar:
    """A wall clock that a test can put forward; it starts with the real one, for signatures."""

    def __init__(self) -> None:
        self.days = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.days


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def aging(buckets: dict[str, Path], calendar: Calendar) -> Iterator[Account]:
    with Emulator(
        buckets=buckets,
        durations=Durations.all(0),
        quotas=Quotas(datastores=1),
        clock=calendar.now,
    ) as emulator:
        yield open_account(emulator)


def test_what_nobody_reads_for_a_month_is_archived(
    aging: Account, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", calendar.now)
    write_instance(aging.inbox)
    aging.import_all()
    (image_set_id,) = aging.image_set_ids()
    created = aging.get(image_set_id)["lastAccessedAt"]

    calendar.days = timedelta(days=31)
    found = aging.get(image_set_id)
    assert (found["storageTier"], found["lastAccessedAt"]) == ("ARCHIVE_INSTANT_ACCESS", created)

    aging.document(image_set_id)
    found = aging.get(image_set_id)
    assert found["storageTier"] == "FREQUENT_ACCESS"
    assert found["lastAccessedAt"] > created


def test_an_account_has_a_quota_of_data_stores(aging: Account) -> None:
    attempt = refused(aging.client.create_datastore)

    assert attempt[:2] == (402, "ServiceQuotaExceededException")
