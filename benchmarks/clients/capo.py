"""capo-medical-imaging, as its documentation shows it."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from capo_medical_imaging import AsyncMedicalImagingClient, Credentials
from sample import (
    ACCESS_KEY_ID,
    DATASTORE_ID,
    FRAME_ID,
    REGION,
    SECRET_ACCESS_KEY,
    Job,
    job_from_arguments,
    look_until_settled,
    run_async,
)
from zapros import AsyncStdNetworkHandler


class Client:
    def __init__(self, job: Job, client: AsyncMedicalImagingClient) -> None:
        self._client = client
        self._ids = (DATASTORE_ID, job.image_set_id)
        self._output = Path(job.output)
        self._items = job.items

    async def get_image_set(self) -> Any:
        return await self._client.get_image_set(*self._ids)

    async def get_image_frame(self) -> bytes:
        async with self._client.get_image_frame(*self._ids, {"image_frame_id": FRAME_ID}) as answer:
            return b"".join([chunk async for chunk in answer["image_frame_blob"]])

    async def metadata_to_dict(self) -> Any:
        async with self._client.get_image_set_metadata(*self._ids) as answer:
            body = b"".join([chunk async for chunk in answer["image_set_metadata_blob"]])
        return json.loads(gzip.decompress(body))

    async def metadata_to_file(self) -> None:
        inflater = zlib.decompressobj(31)
        async with self._client.get_image_set_metadata(*self._ids) as answer:
            with self._output.open("wb") as file:
                async for chunk in answer["image_set_metadata_blob"]:
                    file.write(inflater.decompress(chunk))
                file.write(inflater.flush())

    async def iterate_versions(self) -> None:
        pager = self._client.iter_list_image_set_versions(*self._ids)
        versions = [each async for each in pager]
        assert len(versions) == self._items

    async def wait(self, looks: int) -> None:
        async def look() -> str:
            return str((await self.get_image_set())["image_set_state"])

        await look_until_settled(look, looks)


@asynccontextmanager
async def opened(job: Job) -> AsyncIterator[Client]:
    network = AsyncStdNetworkHandler(
        http1={
            "max_connections_per_host": job.pool_size,
            "max_idle_connections_per_host": job.pool_size,
        }
    )
    async with AsyncMedicalImagingClient(
        http_handler=network,
        region=REGION,
        endpoint=job.url,
        credentials=Credentials(access_key=ACCESS_KEY_ID, secret_key=SECRET_ACCESS_KEY),
    ) as client:
        yield Client(job, client)


run_async(job_from_arguments(), opened)
