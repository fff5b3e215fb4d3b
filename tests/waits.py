"""The six waiters, and the answers that keep them waiting or end them."""

from typing import Any

import pytest
from attrs import frozen
from scripted_server import Step, answer, error

from healthimaging_sdk import HealthImagingClient

DATASTORE_ID = "d" * 32
IMAGE_SET_ID = "1" * 32
JOB_ID = "9" * 32
GONE = error(404, "ResourceNotFoundException")
LOST = error(500, "InternalServerException")


def image_set(
    state: str, status: str | None = None, version: str = "2", message: str | None = None
) -> Step:
    members = {
        "datastoreId": DATASTORE_ID,
        "imageSetId": IMAGE_SET_ID,
        "versionId": version,
        "imageSetState": state,
        "imageSetWorkflowStatus": status,
        "message": message,
    }
    return answer(200, members)


def import_job(status: str, message: str | None = None) -> Step:
    members = {
        "jobId": JOB_ID,
        "jobName": "a job",
        "jobStatus": status,
        "datastoreId": DATASTORE_ID,
        "dataAccessRoleArn": "arn:aws:iam::123456789012:role/importer",
        "inputS3Uri": "s3://input/",
        "outputS3Uri": "s3://output/",
        "message": message,
    }
    return answer(200, {"jobProperties": members})


def datastore(status: str) -> Step:
    members = {
        "datastoreId": DATASTORE_ID,
        "datastoreName": "a data store",
        "datastoreStatus": status,
    }
    return answer(200, {"datastoreProperties": members})


COPYING, UPDATING = image_set("LOCKED", "COPYING"), image_set("LOCKED", "UPDATING")
DELETING = image_set("LOCKED", "DELETING")


@frozen
class Wait:
    """A waiter, with an answer that makes it go on, and with answers that end it."""

    method: str
    ids: tuple[str, ...]
    pending: Step
    done: Step
    failed: tuple[Step, ...] = ()
    shortest: float = 0.5
    longest: float = 15

    async def begin(self, client: HealthImagingClient, **options: Any) -> Any:
        return await getattr(client, self.method)(*self.ids, **{"timeout": 300, **options})


COPIED = Wait(
    "wait_until_image_set_copied",
    (DATASTORE_ID, IMAGE_SET_ID),
    COPYING,
    image_set("ACTIVE", "COPIED"),
    (
        image_set("ACTIVE", "COPY_FAILED", message="no room for canary"),
        image_set("DELETED", "DELETED"),
    ),
)
UPDATED = Wait(
    "wait_until_image_set_updated",
    (DATASTORE_ID, IMAGE_SET_ID),
    UPDATING,
    image_set("ACTIVE", "UPDATED"),
    (
        image_set("ACTIVE", "UPDATE_FAILED", message="not for canary"),
        image_set("ACTIVE", "IMPORT_FAILED", message="not for canary"),
        image_set("DELETED", "DELETED"),
    ),
)
DELETED = Wait(
    "wait_until_image_set_deleted",
    (DATASTORE_ID, IMAGE_SET_ID),
    DELETING,
    image_set("DELETED", "DELETED"),
)
IMPORTED = Wait(
    "wait_until_dicom_import_job_completed",
    (DATASTORE_ID, JOB_ID),
    import_job("IN_PROGRESS"),
    import_job("COMPLETED"),
    (import_job("FAILED", message="no such patient as canary"),),
    shortest=2,
    longest=60,
)
CREATED = Wait(
    "wait_until_datastore_active",
    (DATASTORE_ID,),
    datastore("CREATING"),
    datastore("ACTIVE"),
    (datastore("CREATE_FAILED"), datastore("DELETING"), datastore("DELETED")),
    shortest=2,
    longest=60,
)
REMOVED = Wait(
    "wait_until_datastore_deleted",
    (DATASTORE_ID,),
    datastore("DELETING"),
    datastore("DELETED"),
    shortest=2,
    longest=60,
)
ALL = (COPIED, UPDATED, DELETED, IMPORTED, CREATED, REMOVED)


def over(waits: tuple[Wait, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("wait", waits, ids=[wait.method for wait in waits])
