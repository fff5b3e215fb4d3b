"""What the service tells EventBridge, told to the emulator's user: to a function, to a file.

https://docs.aws.amazon.com/healthimaging/latest/devguide/event-notifications.html
"""

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from attrs import define, field

from healthimaging_sdk.datastores import DatastoreStatus
from healthimaging_sdk.emulator._image_set import ImageSet
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.events import SOURCE
from healthimaging_sdk.image_sets import ImageSetWorkflowStatus
from healthimaging_sdk.import_jobs import DICOMImportJobProperties, JobStatus

OnEvent = Callable[[dict[str, object]], object]

_log = logging.getLogger(__name__)

_DATA_STORE = {
    DatastoreStatus.CREATING: "Data Store Creating",
    DatastoreStatus.CREATE_FAILED: "Data Store Creation Failed",
    DatastoreStatus.ACTIVE: "Data Store Created",
    DatastoreStatus.DELETING: "Data Store Deleting",
    DatastoreStatus.DELETED: "Data Store Deleted",
}
_IMPORT_JOB = {
    JobStatus.SUBMITTED: "Import Job Submitted",
    JobStatus.IN_PROGRESS: "Import Job In Progress",
    JobStatus.COMPLETED: "Import Job Completed",
    JobStatus.FAILED: "Import Job Failed",
}
_IMAGE_SET = {
    ImageSetWorkflowStatus.CREATED: "Image Set Created",
    ImageSetWorkflowStatus.COPYING: "Image Set Copying",
    ImageSetWorkflowStatus.COPYING_WITH_READ_ONLY_ACCESS: "Image Set Copying With Read Only Access",
    ImageSetWorkflowStatus.COPIED: "Image Set Copied",
    ImageSetWorkflowStatus.COPY_FAILED: "Image Set Copy Failed",
    ImageSetWorkflowStatus.UPDATING: "Image Set Updating",
    ImageSetWorkflowStatus.UPDATED: "Image Set Updated",
    ImageSetWorkflowStatus.UPDATE_FAILED: "Image Set Update Failed",
    ImageSetWorkflowStatus.DELETING: "Image Set Deleting",
    ImageSetWorkflowStatus.DELETED: "Image Set Deleted",
}
"""The others have no event."""


def tell_of_datastore(state: State, datastore: Datastore) -> None:
    detail = {
        "datastoreId": datastore.id,
        "datastoreName": datastore.name,
        "datastoreStatus": datastore.status.value,
    }
    _tell(state, _DATA_STORE.get(datastore.status), datastore.arn, detail)


def tell_of_job(state: State, datastore: Datastore, job: DICOMImportJobProperties) -> None:
    detail = {
        "datastoreId": datastore.id,
        "jobId": job.job_id,
        "jobName": job.job_name,
        "jobStatus": job.job_status.value,
        "inputS3Uri": job.input_s3_uri,
        "outputS3Uri": job.output_s3_uri,
    }
    _tell(state, _IMPORT_JOB.get(job.job_status), datastore.arn, detail)


def tell_of_image_set(state: State, image_set: ImageSet, *, source: ImageSet | None = None) -> None:
    """`source` is that of a copy which begins."""
    latest = image_set.latest
    detail = {
        "isPrimary": image_set.is_primary,
        "imageSetVersion": str(latest.number),
        "datastoreId": image_set.datastore_id,
        "imagesetId": image_set.id,  # sic
        "imageSetState": latest.state.value,
        "imageSetWorkflowStatus": latest.workflow_status.value,
    }
    if source is not None:
        detail["sourceImageSetArn"] = source.arn
    _tell(state, _IMAGE_SET.get(latest.workflow_status), image_set.arn, detail)


def _tell(state: State, detail_type: str | None, arn: str, detail: Mapping[str, object]) -> None:
    if detail_type is None:
        return
    state.tell(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": SOURCE,
            "account": state.account_id,
            "time": f"{state.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": state.region,
            "resources": [arn],
            "detail": {"imagingVersion": "1.0", **detail},
        }
    )


@define(eq=False)
class Listeners:
    """Who is told, in the order of what happens: before the answer that tells it to a client."""

    function: OnEvent | None = None
    path: Path | None = None
    """A file to which each event is added as a line."""
    _file: TextIO | None = field(default=None, init=False)

    def __call__(self, event: dict[str, object]) -> None:
        try:
            if self._file is not None:
                self._file.write(f"{json.dumps(event)}\n")
            if self.function is not None:
                self.function(event)
        except Exception:  # noqa: BLE001 - the user's code and disk: seen, and stopping nothing
            _log.exception("an event could not be told")

    def open(self) -> None:
        if self.path is not None:
            self._file = self.path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
