"""aiohttp alone: not signed, not checked, never repeated. The practical limit.

The option `speedups` takes isal and msgspec for documents, and no garbage collector.
"""

import gc
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sample import (
    DATASTORE_ID,
    FRAME_ID,
    Job,
    job_from_arguments,
    look_until_settled,
    run_async,
)

loads, decompress, decompressobj = json.loads, gzip.decompress, zlib.decompressobj


class Client:
    def __init__(self, job: Job, session: aiohttp.ClientSession) -> None:
        self._post = session.post
        self._path = f"{job.url}/datastore/{DATASTORE_ID}/imageSet/{job.image_set_id}"
        self._output = Path(job.output)
        self._items = job.items

    async def get_image_set(self) -> Any:
        async with self._post(f"{self._path}/getImageSet") as response:
            return json.loads(await response.read())

    async def get_image_frame(self) -> bytes:
        body = json.dumps({"imageFrameId": FRAME_ID}).encode()
        async with self._post(f"{self._path}/getImageFrame", data=body) as response:
            return await response.read()

    async def metadata_to_dict(self) -> Any:
        async with self._post(f"{self._path}/getImageSetMetadata") as response:
            return loads(decompress(await response.read()))

    async def metadata_to_file(self) -> None:
        inflater = decompressobj(31)
        async with self._post(f"{self._path}/getImageSetMetadata") as response:
            with self._output.open("wb") as file:
                async for chunk in response.content.iter_any():
                    file.write(inflater.decompress(chunk))
                file.write(inflater.flush())

    async def iterate_versions(self) -> None:
        versions: list[Any] = []
        url = f"{self._path}/listImageSetVersions"
        query = ""
        while True:
            async with self._post(url + query) as response:
                page = json.loads(await response.read())
            versions += page["imageSetPropertiesList"]
            if "nextToken" not in page:
                break
            query = f"?nextToken={page['nextToken']}"
        assert len(versions) == self._items

    async def wait(self, looks: int) -> None:
        async def look() -> str:
            return str((await self.get_image_set())["imageSetState"])

        await look_until_settled(look, looks)


@asynccontextmanager
async def opened(job: Job) -> AsyncIterator[Client]:
    connector = aiohttp.TCPConnector(limit=job.pool_size)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield Client(job, session)


if __name__ == "__main__":
    job = job_from_arguments()
    if "speedups" in job.options:
        import msgspec
        from isal import igzip, isal_zlib

        gc.disable()
        loads, decompress = msgspec.json.decode, igzip.decompress
        decompressobj = isal_zlib.decompressobj
    run_async(job, opened)
