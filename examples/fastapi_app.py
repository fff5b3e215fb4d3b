"""A web service in front of a data store: metadata and frames as streams.

    HEALTHIMAGING_DATASTORE_ID=... uvicorn --no-access-log --app-dir examples fastapi_app:app

    GET /health                                     can the data store be reached?
    GET /image-sets/{image_set_id}/metadata         the document, decompressed
    GET /image-sets/{image_set_id}/frames/{id}      a frame as it is stored, mostly HTJ2K

All requests share one client. A body is passed on as it comes: a reader who is slow slows down the
reading from HealthImaging, and one who leaves ends it. A body that breaks off in the middle breaks
off the answer too, so that nobody takes it for a whole one. The log has errors and ids, and nothing
of a patient; an access log would have whatever is put into a path. Who may read what is up to you:
this example lets everybody in.

Region, endpoint and credentials come from the environment; `docs/iam/server.json` is the policy
that it needs. Against the emulator:

    python -m healthimaging_sdk.emulator --port 4600 --bucket input=DIR
    export AWS_ENDPOINT_URL_MEDICAL_IMAGING=http://127.0.0.1:4600 AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...  # as the emulator prints them
"""

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from healthimaging_sdk import (
    BlobStream,
    ConflictException,
    DeadlineExceeded,
    HealthImagingClient,
    HealthImagingError,
    ImageFrameInformation,
    ParamValidationError,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ThrottlingException,
)

STATUSES: dict[type[HealthImagingError], int] = {
    ParamValidationError: 400,
    ResourceNotFoundException: 404,
    ConflictException: 409,
    ServiceQuotaExceededException: 503,
    ThrottlingException: 503,
    DeadlineExceeded: 504,
}
"""All others are 502: not the reader's fault."""

log = logging.getLogger(__name__)
datastore_id = os.environ["HEALTHIMAGING_DATASTORE_ID"]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    async with HealthImagingClient() as client:
        app.state.client = client
        yield


app = FastAPI(title="Image sets", lifespan=lifespan)


def shared_client(request: Request) -> HealthImagingClient:
    client: HealthImagingClient = request.app.state.client
    return client


Client = Annotated[HealthImagingClient, Depends(shared_client)]


# A dependency ends when the answer has been sent, or its reader has left: then the block of the
# stream is left, and its connection is free. Errors at its beginning still decide the status.
async def metadata_stream(client: Client, image_set_id: str) -> AsyncGenerator[BlobStream]:
    async with client.stream_image_set_metadata(datastore_id, image_set_id) as stream:
        yield stream


async def frame_stream(
    client: Client, image_set_id: str, frame_id: str
) -> AsyncGenerator[BlobStream]:
    wanted = ImageFrameInformation(image_frame_id=frame_id)
    async with client.stream_image_frame(
        datastore_id, image_set_id, image_frame_information=wanted
    ) as stream:
        yield stream


@app.get("/health")
async def health(client: Client) -> dict[str, str]:
    datastore = (await client.get_datastore(datastore_id)).datastore_properties
    return {"datastore": datastore.datastore_status}


@app.get("/image-sets/{image_set_id}/metadata")
async def metadata(stream: Annotated[BlobStream, Depends(metadata_stream)]) -> StreamingResponse:
    return StreamingResponse(stream, media_type="application/json")


@app.get("/image-sets/{image_set_id}/frames/{frame_id}")
async def frame(stream: Annotated[BlobStream, Depends(frame_stream)]) -> StreamingResponse:
    return StreamingResponse(stream, media_type=stream.content_type)


@app.exception_handler(HealthImagingError)
async def refuse(_: Request, error: HealthImagingError) -> JSONResponse:
    """The text of an error, unlike its `message`, never has anything of a patient in it."""
    log.warning("%s: %s", type(error).__name__, error)
    status = next((STATUSES[kind] for kind in type(error).mro() if kind in STATUSES), 502)
    return JSONResponse({"error": type(error).__name__}, status)
