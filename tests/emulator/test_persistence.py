"""A folder keeps what an emulator holds, for the next one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from account import ROLE, Account, boto3_client, open_account, refused
from botocore.exceptions import ClientError
from dicom_files import write_instance
from running_emulator import again, with_one_image_set

from healthimaging_sdk.emulator import Emulator


def renamed(name: str) -> Any:
    return {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": name}}}


def everything(account: Account) -> Iterator[Any]:
    """Each answer that a client can get of a data store."""
    client, store = account.client, {"datastoreId": account.datastore_id}
    yield client.list_datastores()["datastoreSummaries"]
    properties = client.get_datastore(**store)["datastoreProperties"]
    yield properties
    yield client.list_tags_for_resource(resourceArn=properties["datastoreArn"])["tags"]
    for job in client.list_dicom_import_jobs(**store)["jobSummaries"]:
        yield client.get_dicom_import_job(**store, jobId=job["jobId"])["jobProperties"]
    yield client.search_image_sets(**store, searchCriteria={})["imageSetsMetadataSummaries"]
    for summary in client.search_image_sets(**store)["imageSetsMetadataSummaries"]:
        yield from everything_of(account, summary["imageSetId"])


def everything_of(account: Account, image_set_id: str) -> Iterator[Any]:
    client = account.client
    ids = {"datastoreId": account.datastore_id, "imageSetId": image_set_id}
    versions = client.list_image_set_versions(**ids)["imageSetPropertiesList"]
    yield versions
    for each in versions:
        found = client.get_image_set(**ids, versionId=each["versionId"])
        found.pop("ResponseMetadata")
        yield found
        answer = client.get_image_set_metadata(**ids, versionId=each["versionId"])
        yield answer["imageSetMetadataBlob"].read()
        yield from frames_of(account, image_set_id, each["versionId"])
        yield client.list_tags_for_resource(resourceArn=found["imageSetArn"])["tags"]


def frames_of(account: Account, image_set_id: str, version: str) -> Iterator[Any]:
    (series,) = account.document(image_set_id, versionId=version)["Study"]["Series"].values()
    for instance in series["Instances"].values():
        for frame in instance["ImageFrames"]:
            answer = account.client.get_image_frame(
                datastoreId=account.datastore_id,
                imageSetId=image_set_id,
                imageFrameInformation={"imageFrameId": frame["ID"]},
            )
            yield answer["contentType"], answer["imageFrameBlob"].read()


def test_everything_that_could_be_read_reads_the_same_after_a_restart(
    start: Callable[..., Emulator],
) -> None:
    with start() as emulator:
        account = open_account(emulator, datastoreName="kept", tags={"team": "a"})
        write_instance(account.inbox, 1)
        write_instance(account.inbox, 2, SeriesInstanceUID="1.2.3", SeriesNumber="9")
        account.import_all(jobName="first")
        write_instance(account.inbox, 3)
        account.import_all()
        first, second = account.image_set_ids()
        account.update(first, 2, updates=renamed("Dœ^Jane"))
        account.copy(second, 2)
        account.copy(second, 2, destination=(first, 3))  # a mismatch: its version has failed
        account.client.tag_resource(
            resourceArn=account.get(second)["imageSetArn"], tags={"kept": "yes", "empty": ""}
        )
        account.delete(account.copy(first, 4)["imageSetId"])
        before = list(everything(account))

    with start() as emulator:
        after = list(everything(again(account, emulator)))

    assert len(before) > 25
    assert after == before


def test_a_client_token_gets_its_first_answer_after_a_restart(
    start: Callable[..., Emulator],
) -> None:
    with start() as emulator:
        account = open_account(emulator)
        asked = {
            "datastoreId": account.datastore_id,
            "dataAccessRoleArn": ROLE,
            "inputS3Uri": "s3://input/",
            "outputS3Uri": "s3://output/",
            "clientToken": "once",
        }
        job_id = account.client.start_dicom_import_job(**asked)["jobId"]
        account.ended_job(job_id)

    with start() as emulator:
        client = boto3_client(emulator)
        assert client.create_datastore(clientToken="the-first")["datastoreId"] == (
            account.datastore_id
        )
        assert client.start_dicom_import_job(**asked)["jobId"] == job_id
        other = refused(client.create_datastore, clientToken="the-first", datastoreName="other")
        assert other[:2] == (409, "ConflictException")


def test_an_import_goes_on_with_the_image_sets_of_before(start: Callable[..., Emulator]) -> None:
    with start() as emulator:
        account, image_set_id = with_one_image_set(emulator)

    with start() as emulator:
        account = again(account, emulator)
        write_instance(account.inbox, 2)
        account.import_all()
        assert account.image_set_ids() == [image_set_id]
        assert account.get(image_set_id)["versionId"] == "2"


def test_what_is_deleted_leaves_the_folder_with_the_next_start(
    start: Callable[..., Emulator], data: Path
) -> None:
    with start() as emulator:
        account, image_set_id = with_one_image_set(emulator)
        account.delete(image_set_id)
    (data / "blobs" / f"{'0' * 64}.unfinished").touch()

    with start():
        assert list((data / "blobs").iterdir()) == []


def test_a_frame_that_is_damaged_is_not_served(start: Callable[..., Emulator], data: Path) -> None:
    with start() as emulator:
        account, image_set_id = with_one_image_set(emulator)
    with start() as emulator:
        account = again(account, emulator)
        for blob in (data / "blobs").iterdir():  # the document is read already
            blob.write_bytes(blob.read_bytes()[:-1])
        with pytest.raises(ClientError) as caught:
            list(frames_of(account, image_set_id, "1"))
        answer: Any = caught.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
