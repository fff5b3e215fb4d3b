"""boto3 at an emulator, with what the tests do again and again."""

import gzip
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from botocore.config import Config
from botocore.exceptions import ClientError

from healthimaging_sdk.emulator import Emulator

# Without types, and said so: nothing about boto3's answers is known before a test looks.
boto3: Any = import_module("boto3")

ROLE = "arn:aws:iam::123456789012:role/importer"
CONFIG = Config(inject_host_prefix=False, retries={"total_max_attempts": 1})


def boto3_client(emulator: Emulator, **options: Any) -> Any:
    settings: dict[str, Any] = {
        "region_name": emulator.region,
        "endpoint_url": emulator.endpoint_url,
        "aws_access_key_id": emulator.credentials.access_key_id,
        "aws_secret_access_key": emulator.credentials.secret_access_key,
        "config": CONFIG,
    }
    return boto3.client("medical-imaging", **{**settings, **options})


@frozen
class Account:
    """A data store of an emulator, as its user sees it."""

    emulator: Emulator
    client: Any
    datastore_id: str

    @property
    def inbox(self) -> Path:
        return self.emulator.buckets["input"]

    def import_all(self, prefix: str = "", **options: Any) -> Any:
        """Import what is in the inbox; the properties of the job that has ended."""
        job_id = self.client.start_dicom_import_job(
            datastoreId=self.datastore_id,
            dataAccessRoleArn=ROLE,
            inputS3Uri=f"s3://input/{prefix}",
            outputS3Uri="s3://output/jobs",
            **options,
        )["jobId"]
        return self.ended_job(job_id)

    def ended_job(self, job_id: str) -> Any:
        return until(
            lambda: self.client.get_dicom_import_job(datastoreId=self.datastore_id, jobId=job_id)[
                "jobProperties"
            ],
            lambda job: job["jobStatus"] in {"COMPLETED", "FAILED"},
        )

    def job_output(self, job: Any, name: str) -> Any:
        """A file of a job's output: a document, or the documents of its lines."""
        _, _, key = job["outputS3Uri"].removeprefix("s3://").partition("/")
        text = (self.emulator.buckets["output"] / key / name).read_text()
        return (
            [json.loads(line) for line in text.splitlines()] if "nd" in name else json.loads(text)
        )

    def image_set_ids(self) -> list[str]:
        """Oldest first."""
        found = self.client.search_image_sets(
            datastoreId=self.datastore_id,
            searchCriteria={"sort": {"sortField": "createdAt", "sortOrder": "ASC"}},
        )
        return [each["imageSetId"] for each in found["imageSetsMetadataSummaries"]]

    def get(self, image_set_id: str, **options: Any) -> Any:
        return self.client.get_image_set(
            datastoreId=self.datastore_id, imageSetId=image_set_id, **options
        )

    def settled(self, image_set_id: str) -> Any:
        """The image set once it is not LOCKED."""
        return until(
            lambda: self.get(image_set_id), lambda found: found["imageSetState"] != "LOCKED"
        )

    def document(self, image_set_id: str, **options: Any) -> Any:
        answer = self.client.get_image_set_metadata(
            datastoreId=self.datastore_id, imageSetId=image_set_id, **options
        )
        return json.loads(gzip.decompress(answer["imageSetMetadataBlob"].read()))

    def update(self, image_set_id: str, version: int = 1, **options: Any) -> Any:
        """Accept `updates`, `removals` or `revert_to`, and wait for the end."""
        self.start_update(image_set_id, version, **options)
        return self.settled(image_set_id)

    def start_update(
        self,
        image_set_id: str,
        version: int = 1,
        *,
        updates: Any = None,
        removals: Any = None,
        revert_to: str | None = None,
        **options: Any,
    ) -> Any:
        documents = {"updatableAttributes": updates, "removableAttributes": removals}
        changes: dict[str, Any] = {
            "DICOMUpdates": {
                name: each if isinstance(each, bytes) else json.dumps(each).encode()
                for name, each in documents.items()
                if each is not None
            }
        }
        return self.client.update_image_set_metadata(
            datastoreId=self.datastore_id,
            imageSetId=image_set_id,
            latestVersionId=str(version),
            updateImageSetMetadataUpdates=(
                {"revertToVersionId": revert_to} if revert_to else changes
            ),
            **options,
        )

    def start_copy(
        self,
        source: str,
        version: int = 1,
        *,
        destination: tuple[str, int] | None = None,
        selection: Any = None,
        **options: Any,
    ) -> Any:
        asked: dict[str, Any] = {"sourceImageSet": {"latestVersionId": str(version)}}
        if selection is not None:
            text = selection if isinstance(selection, str) else json.dumps(selection)
            asked["sourceImageSet"]["DICOMCopies"] = {"copiableAttributes": text}
        if destination is not None:
            asked["destinationImageSet"] = {
                "imageSetId": destination[0],
                "latestVersionId": str(destination[1]),
            }
        return self.client.copy_image_set(
            datastoreId=self.datastore_id,
            sourceImageSetId=source,
            copyImageSetInformation=asked,
            **options,
        )

    def copy(self, source: str, version: int = 1, **options: Any) -> Any:
        """The destination, once the copy has ended."""
        answer = self.start_copy(source, version, **options)
        return self.settled(answer["destinationImageSetProperties"]["imageSetId"])

    def delete(self, image_set_id: str) -> Any:
        self.client.delete_image_set(datastoreId=self.datastore_id, imageSetId=image_set_id)
        return self.settled(image_set_id)


def until(look: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Look until it is so; the test's own time limit ends what never is."""
    while not is_so(found := look()):
        pass
    return found


def open_account(emulator: Emulator, **options: Any) -> Account:
    client = boto3_client(emulator)
    datastore_id = client.create_datastore(clientToken="the-first", **options)["datastoreId"]
    until(
        lambda: client.get_datastore(datastoreId=datastore_id)["datastoreProperties"],
        lambda found: found["datastoreStatus"] == "ACTIVE",
    )
    return Account(emulator, client, datastore_id)


def refused(call: Any, *args: Any, **options: Any) -> tuple[int, str, str]:
    """Status, code and message of the error that the call ends in."""
    with pytest.raises(ClientError) as caught:
        call(*args, **options)
    answer: Any = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status, answer["Error"]["Code"], answer["Error"]["Message"]
