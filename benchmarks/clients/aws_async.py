"""aiobotocore, as its users write it."""

import gzip
import json
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
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


class Client:
    def __init__(self, job: Job, client: Any) -> None:
        self._client = client
        self._ids = {"datastoreId": DATASTORE_ID, "imageSetId": job.image_set_id}
        self._output = Path(job.output)
        self._items = job.items

    async def get_image_set(self) -> Any:
        return await self._client.get_image_set(**self._ids)

    async def get_image_frame(self) -> bytes:
        answer = await self._client.get_image_frame(
            **self._ids, imageFrameInformation={"imageFrameId": FRAME_ID}
        )
        async with answer["imageFrameBlob"] as stream:
            body: bytes = await stream.read()
            return body

    async def metadata_to_dict(self) -> Any:
        answer = await self._client.get_image_set_metadata(**self._ids)
        async with answer["imageSetMetadataBlob"] as stream:
            return json.loads(gzip.decompress(await stream.read()))

    async def metadata_to_file(self) -> None:
        inflater = zlib.decompressobj(31)
        answer = await self._client.get_image_set_metadata(**self._ids)
        with self._output.open("wb") as file:
            async with answer["imageSetMetadataBlob"] as stream:
                async for chunk in stream.iter_chunks(64 * 1024):
                    file.write(inflater.decompress(chunk))
            file.write(inflater.flush())

    async def iterate_versions(self) -> None:
        pages = self._client.get_paginator("list_image_set_versions").paginate(**self._ids)
        versions = [each async for page in pages for each in page["imageSetPropertiesList"]]
        assert len(versions) == self._items

    async def wait(self, looks: int) -> None:
        async def look() -> str:
            return str((await self.get_image_set())["imageSetState"])

        await look_until_settled(look, looks)


@asynccontextmanager
async def opened(job: Job) -> AsyncIterator[Client]:
    os.environ["AWS_DISABLE_HOST_PREFIX_INJECTION"] = "true"
    async with get_session().create_client(
        "medical-imaging",
        region_name=REGION,
        endpoint_url=job.url,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=AioConfig(max_pool_connections=job.pool_size, inject_host_prefix=False),
    ) as client:
        yield Client(job, client)


run_async(job_from_arguments(), opened)
