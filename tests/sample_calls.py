"""Calls of every sort, and answers to them, for tests that look at how calls fail."""

from collections.abc import Awaitable, Callable
from typing import Any

from scripted_server import Step, answer

from healthimaging_sdk import (
    CopyDestinationImageSet,
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    HealthImagingClient,
    MetadataUpdates,
)
from healthimaging_sdk._retrying import RetryQuota

DATASTORE_ID = "d" * 32
IMAGE_SET_ID = "1" * 32
DESTINATION_ID = "2" * 32
ARN = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{DATASTORE_ID}"
ROLE = "arn:aws:iam::123456789012:role/importer"


def quota_of(client: HealthImagingClient) -> RetryQuota:
    """What no user sees: the tokens that the retries of a client share."""
    return client._calls._policy.quota  # pyright: ignore[reportPrivateUsage]


CallIt = Callable[[HealthImagingClient], Awaitable[object]]


def get(client: HealthImagingClient) -> Awaitable[object]:
    return client.get_datastore(DATASTORE_ID)


def look(client: HealthImagingClient) -> Awaitable[object]:
    return client.get_image_set(DATASTORE_ID, IMAGE_SET_ID)


def create(client: HealthImagingClient) -> Awaitable[object]:
    return client.create_datastore(datastore_name="a-name")


def start_import(client: HealthImagingClient) -> Awaitable[object]:
    return client.start_dicom_import_job(
        DATASTORE_ID,
        data_access_role_arn=ROLE,
        input_s3_uri="s3://input/",
        output_s3_uri="s3://output/",
    )


def delete(client: HealthImagingClient) -> Awaitable[object]:
    return client.delete_image_set(DATASTORE_ID, IMAGE_SET_ID)


def delete_store(client: HealthImagingClient) -> Awaitable[object]:
    return client.delete_datastore(DATASTORE_ID)


def tag(client: HealthImagingClient) -> Awaitable[object]:
    return client.tag_resource(ARN, tags={"key": "value"})


def untag(client: HealthImagingClient) -> Awaitable[object]:
    return client.untag_resource(ARN, tag_keys=["key"])


def update(client: HealthImagingClient) -> Awaitable[object]:
    """Of version 1."""
    return client.update_image_set_metadata(
        DATASTORE_ID,
        IMAGE_SET_ID,
        latest_version_id="1",
        update_image_set_metadata_updates=MetadataUpdates(revert_to_version_id="1"),
    )


def _copy(client: HealthImagingClient, *, into: bool, promote: bool | None) -> Awaitable[object]:
    return client.copy_image_set(
        DATASTORE_ID,
        IMAGE_SET_ID,
        promote_to_primary=promote,
        copy_image_set_information=CopyImageSetInformation(
            source_image_set=CopySourceImageSetInformation(latest_version_id="1"),
            destination_image_set=CopyDestinationImageSet(
                image_set_id=DESTINATION_ID, latest_version_id="3"
            )
            if into
            else None,
        ),
    )


def copy(client: HealthImagingClient) -> Awaitable[object]:
    """Into a new image set: nothing guards it against being done twice."""
    return _copy(client, into=False, promote=None)


def copy_promoting(client: HealthImagingClient) -> Awaitable[object]:
    return _copy(client, into=True, promote=True)


def copy_into(client: HealthImagingClient) -> Awaitable[object]:
    """Version 1 into version 3 of another image set."""
    return _copy(client, into=True, promote=None)


def image_set(state: str = "ACTIVE", version_id: str = "1") -> Step:
    """GetImageSet's answer, and UpdateImageSetMetadata's and DeleteImageSet's as well."""
    body = {
        "datastoreId": DATASTORE_ID,
        "imageSetId": IMAGE_SET_ID,
        "versionId": version_id,
        "latestVersionId": version_id,
        "imageSetState": state,
        "imageSetWorkflowStatus": "UPDATING",
    }
    return answer(body=body)


COPIED = answer(
    body={
        "datastoreId": DATASTORE_ID,
        "sourceImageSetProperties": {"imageSetId": IMAGE_SET_ID, "latestVersionId": "1"},
        "destinationImageSetProperties": {"imageSetId": DESTINATION_ID, "latestVersionId": "1"},
    }
)
DATASTORE: dict[str, Any] = {
    "datastoreProperties": {
        "datastoreId": DATASTORE_ID,
        "datastoreName": "a-name",
        "datastoreStatus": "ACTIVE",
    },
    "datastoreId": DATASTORE_ID,
    "datastoreStatus": "CREATING",
    "jobId": "a-job",
    "jobStatus": "SUBMITTED",
    "submittedAt": 1.7e9,
}
OK = answer(body=DATASTORE)
"""Success for the calls about data stores, import jobs and tags."""
