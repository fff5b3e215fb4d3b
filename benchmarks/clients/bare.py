"""aiohttp alone: not signed, not checked, never repeated. The practical limit."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
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


class Client:
    loads: Callable[[bytes], Any] = staticmethod(json.loads)
    decompress: Callable[[bytes], bytes] = staticmethod(gzip.decompress)
    decompressobj: Callable[[int], Any] = staticmethod(zlib.decompressobj)

    def __init__(self, job: Job, session: aiohttp.ClientSession) -> None:
        self.post = session.post
        self.path = f"{job.url}/datastore/{DATASTORE_ID}/imageSet/{job.image_set_id}"
        self._output = Path(job.output)
        self._items = job.items

    async def get_image_set(self) -> Any:
        async with self.post(f"{self.path}/getImageSet") as response:
            return self.loads(await response.read())

    async def get_image_frame(self) -> bytes:
        body = json.dumps({"imageFrameId": FRAME_ID}).encode()
        async with self.post(f"{self.path}/getImageFrame", data=body) as response:
            return await response.read()

    async def metadata_to_dict(self) -> Any:
        async with self.post(f"{self.path}/getImageSetMetadata") as response:
            return self.loads(self.decompress(await response.read()))

    async def metadata_to_file(self) -> None:
        inflater = self.decompressobj(31)
        async with self.post(f"{self.path}/getImageSetMetadata") as response:
            with self._output.open("wb") as file:
                async for chunk in response.content.iter_any():
                    file.write(inflater.decompress(chunk))
                file.write(inflater.flush())

    async def iterate_versions(self) -> None:
        versions: list[Any] = []
        url = f"{self.path}/listImageSetVersions"
        query = ""
        while True:
            async with self.post(url + query) as response:
                page = self.loads(await response.read())
            versions += self.versions(page)
            if "nextToken" not in page:
                break
            query = f"?nextToken={page['nextToken']}"
        assert len(versions) == self._items

    def versions(self, page: dict[str, Any]) -> list[Any]:
        versions: list[Any] = page["imageSetPropertiesList"]
        return versions

    async def wait(self, looks: int) -> None:
        async def look() -> str:
            return str((await self.get_image_set())["imageSetState"])

        await look_until_settled(look, looks)


@asynccontextmanager
async def opened(job: Job, client: type[Client] = Client) -> AsyncIterator[Client]:
    connector = aiohttp.TCPConnector(limit=job.pool_size)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield client(job, session)


if __name__ == "__main__":
    run_async(job_from_arguments(), opened)
