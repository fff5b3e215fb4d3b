"""What this client is built on, and nothing of its own: near what a call costs at the least.

Documents by isal and msgspec, versions as frozen attrs objects, one signature by botocore for
a start. Nothing is checked or repeated, and no garbage is collected after the imports.
"""

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any

import bare
import cattrs  # noqa: F401 - a part of each start
import msgspec
from attrs import frozen
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from isal import igzip, isal_zlib
from sample import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, job_from_arguments, run_async


class State(StrEnum):
    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"


class WorkflowStatus(StrEnum):
    COPIED = "COPIED"
    UPDATED = "UPDATED"


STATES = {each.value: each for each in State}
WORKFLOW_STATUSES = {each.value: each for each in WorkflowStatus}


@frozen(kw_only=True, slots=False)
class Version:
    image_set_id: str
    version_id: str
    image_set_state: State
    image_set_workflow_status: WorkflowStatus | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    message: str | None = None
    overrides: object | None = None
    is_primary: bool | None = None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Client(bare.Client):
    loads: Callable[[bytes], Any] = staticmethod(msgspec.json.decode)
    decompress: Callable[[bytes], bytes] = staticmethod(igzip.decompress)
    decompressobj = isal_zlib.decompressobj

    async def get_image_set(self) -> Any:
        credentials = ReadOnlyCredentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None)
        request = AWSRequest("POST", f"{self.path}/getImageSet")
        SigV4Auth(credentials, "medical-imaging", REGION).add_auth(request)
        async with self.post(request.url, headers=dict(request.headers)) as response:
            return self.loads(await response.read())

    def versions(self, page: dict[str, Any]) -> list[Any]:
        return [
            Version(
                image_set_id=each["imageSetId"],
                version_id=each["versionId"],
                image_set_state=STATES[each["imageSetState"]],
                image_set_workflow_status=WORKFLOW_STATUSES.get(each.get("ImageSetWorkflowStatus")),
                created_at=_moment(each.get("createdAt")),
                updated_at=_moment(each.get("updatedAt")),
                deleted_at=_moment(each.get("deletedAt")),
                message=each.get("message"),
                overrides=each.get("overrides"),
                is_primary=each.get("isPrimary"),
            )
            for each in page["imageSetPropertiesList"]
        ]


if __name__ == "__main__":
    gc.disable()
    run_async(job_from_arguments(), partial(bare.opened, client=Client))
