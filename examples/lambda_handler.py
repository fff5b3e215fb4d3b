"""An AWS Lambda function that EventBridge calls with the events of HealthImaging.

Set the function's handler to `lambda_handler.handler`, give it a rule with the pattern
`{"source": ["aws.medical-imaging"]}`, and the policy `docs/iam/watcher.json`. For each new image
set it counts instances and frames; for each import job that has ended it looks up how.

The event loop and the client are made once for a process: a warm invocation finds credentials and
connections as the one before left them. An event can come twice or late, so that the function
looks at how things stand now, and only reads. What it raises makes Lambda call it again.

Against the emulator, without Lambda:

    python -m healthimaging_sdk.emulator --port 4600 --bucket input=DIR --events events.ndjson
    export AWS_ENDPOINT_URL_MEDICAL_IMAGING=http://127.0.0.1:4600 AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...  # as the emulator prints them
    tail -f events.ndjson | python examples/lambda_handler.py
"""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from healthimaging_sdk import (
    HealthImagingClient,
    ImageSetEvent,
    ImageSetWorkflowStatus,
    ImportJobEvent,
    JobStatus,
    ResourceNotFoundException,
    parse_event,
)

TO_FINISH = 0.5
"""Seconds before Lambda ends the invocation in which it can still report an error."""

log = logging.getLogger(__name__)
runner = asyncio.Runner()
client = HealthImagingClient()  # connects at its first call


def handler(event: Mapping[str, object], context: Any) -> dict[str, object]:
    """What Lambda calls: the answer for the asynchronous destination, if there is one."""
    remaining: float = context.get_remaining_time_in_millis() / 1000
    return runner.run(answer_within(remaining - TO_FINISH, event))


async def answer_within(seconds: float, event: Mapping[str, object]) -> dict[str, object]:
    async with asyncio.timeout(seconds):
        answer = await respond(event)
    log.info("%s", answer)  # ids and numbers: nothing of a patient
    return answer


async def respond(event: Mapping[str, object]) -> dict[str, object]:
    match parse_event(event):
        case ImportJobEvent(detail=told) if told.job_status in (
            JobStatus.COMPLETED,
            JobStatus.FAILED,
        ):
            job = await client.get_dicom_import_job(told.datastore_id, told.job_id)
            return {"job_id": told.job_id, "status": job.job_properties.job_status}
        case ImageSetEvent(detail=told) if (
            told.image_set_workflow_status is ImageSetWorkflowStatus.CREATED
        ):
            return await describe(told.datastore_id, told.image_set_id)
        case other:
            return {"passed_over": other.detail_type}


async def describe(datastore_id: str, image_set_id: str) -> dict[str, object]:
    try:
        metadata = await client.get_image_set_metadata(datastore_id, image_set_id)
    except ResourceNotFoundException:
        return {"image_set_id": image_set_id, "gone": True}  # deleted since
    series = metadata.document()["Study"]["Series"].values()
    instances = [instance for each in series for instance in each["Instances"].values()]
    frames = sum(len(instance.get("ImageFrames", [])) for instance in instances)
    return {"image_set_id": image_set_id, "instances": len(instances), "frames": frames}


if __name__ == "__main__":
    with runner:
        for line in sys.stdin:
            print(runner.run(respond(json.loads(line))), flush=True)
        runner.run(client.aclose())
