"""This SDK, everything switched on.

The option `plain` hides the extra `speedups`; `patient` lets the garbage collector come less often.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path

from sample import (
    ACCESS_KEY_ID,
    DATASTORE_ID,
    FRAME_ID,
    POLL_DELAYS,
    REGION,
    SECRET_ACCESS_KEY,
    Job,
    job_from_arguments,
    run_async,
)

JOB = job_from_arguments()
if "plain" in JOB.options:
    sys.modules["msgspec"] = sys.modules["isal"] = None  # type: ignore[assignment]
if "patient" in JOB.options:
    gc.set_threshold(10_000)

import healthimaging_sdk  # noqa: E402 - after the option
from healthimaging_sdk import Config, Credentials, HealthImagingClient  # noqa: E402


class Enough(Exception):
    """A waiter has looked as often as it should."""


class Client:
    def __init__(self, job: Job, client: HealthImagingClient) -> None:
        self._client = client
        self._ids = (DATASTORE_ID, job.image_set_id)
        self._output = Path(job.output)
        self._items = job.items

    async def get_image_set(self) -> object:
        return await self._client.get_image_set(*self._ids)

    @cached_property
    def _frame(self) -> "healthimaging_sdk.ImageFrameInformation":
        """Made when a frame is read: what reads none does not import it."""
        return healthimaging_sdk.ImageFrameInformation(image_frame_id=FRAME_ID)

    async def get_image_frame(self) -> object:
        answer = await self._client.get_image_frame(*self._ids, image_frame_information=self._frame)
        return answer.image_frame_blob

    async def metadata_to_bytes(self) -> object:
        answer = await self._client.get_image_set_metadata(*self._ids)
        return answer.image_set_metadata_blob

    async def metadata_to_dict(self) -> object:
        answer = await self._client.get_image_set_metadata(*self._ids)
        return answer.document()

    async def metadata_by_instance(self) -> int:
        answer = await self._client.get_image_set_metadata(*self._ids)
        document = await asyncio.to_thread(answer.document, lazy=True)
        frames = 0
        for series in document["Study"]["Series"].values():
            for instance in series["Instances"].values():
                frames += len(instance.get("ImageFrames", ()))
                await asyncio.sleep(0)
        return frames

    async def metadata_to_file(self) -> None:
        async with self._client.stream_image_set_metadata(*self._ids) as stream:
            with self._output.open("wb") as file:
                async for chunk in stream:
                    file.write(chunk)

    async def iterate_versions(self) -> None:
        versions = [each async for each in self._client.iter_image_set_versions(*self._ids)]
        assert len(versions) == self._items

    async def wait(self, looks: int) -> None:
        seen = 0

        def count(_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == looks:
                raise Enough

        shortest, longest = POLL_DELAYS
        with suppress(Enough):
            await self._client.wait_until_image_set_copied(
                *self._ids, timeout=600, min_delay=shortest, max_delay=longest, on_poll=count
            )


@asynccontextmanager
async def opened(job: Job) -> AsyncIterator[Client]:
    async with HealthImagingClient(
        region=REGION,
        credentials=Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY),
        endpoint_url=job.url,
        config=Config(pool_size=job.pool_size),
    ) as client:
        yield Client(job, client)


if __name__ == "__main__":
    run_async(JOB, opened)
