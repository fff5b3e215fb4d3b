"""Decode every frame of a data store, and compare the CRC32 of its pixels with the metadata.

    python examples/verify_frames.py DATASTORE_ID

One process does it here, reading many frames at once and decoding one at a time. With more
processes, on this machine or on many, see `dask_pipeline.py` and `ray_pipeline.py`.

Region, endpoint and credentials come from the environment; `docs/iam/viewer.json` is the policy
that it needs. Against the emulator:

    python -m healthimaging_sdk.emulator --port 4600 --bucket input=DIR
    export AWS_ENDPOINT_URL_MEDICAL_IMAGING=http://127.0.0.1:4600 AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...  # as the emulator prints them
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from zlib import crc32

import imagecodecs
from attrs import frozen

from healthimaging_sdk import (
    GetImageFrameResponse,
    HealthImagingClient,
    ImageFrameInformation,
    ImageSetsMetadataSummary,
)
from healthimaging_sdk.metadata import ImageFrame

AT_ONCE = 32
# One thread: imagecodecs' HTJ2K must not be used for the first time by two.
decoding = ThreadPoolExecutor(1)


@frozen
class Report:
    image_sets: int = 0
    frames: int = 0
    pixel_bytes: int = 0
    """After decoding."""
    not_decoded: int = 0
    """Frames that are not stored as HTJ2K."""
    damaged: tuple[str, ...] = ()
    """IMAGE_SET_ID/FRAME_ID of each, sorted."""

    def __add__(self, other: "Report") -> "Report":
        return Report(
            self.image_sets + other.image_sets,
            self.frames + other.frames,
            self.pixel_bytes + other.pixel_bytes,
            self.not_decoded + other.not_decoded,
            tuple(sorted(self.damaged + other.damaged)),
        )


def judge(name: str, frame: ImageFrame, answer: GetImageFrameResponse) -> Report:
    """A frame, decoded and compared."""
    if answer.content_type != "image/jph":
        return Report(frames=1, not_decoded=1)
    try:
        pixels: bytes = imagecodecs.htj2k_decode(answer.image_frame_blob).tobytes()
    except imagecodecs.Htj2kError:
        return Report(frames=1, damaged=(name,))
    wanted = frame["PixelDataChecksumFromBaseToFullResolution"][-1]["Checksum"]
    damaged = () if crc32(pixels) == wanted else (name,)
    return Report(frames=1, pixel_bytes=len(pixels), damaged=damaged)


async def verify(client: HealthImagingClient, datastore_id: str, image_set_id: str) -> Report:
    """All frames of an image set."""
    document = (await client.get_image_set_metadata(datastore_id, image_set_id)).document()
    room = asyncio.Semaphore(AT_ONCE)

    async def verify_frame(frame: ImageFrame) -> Report:
        async with room:
            wanted = ImageFrameInformation(image_frame_id=frame["ID"])
            answer = await client.get_image_frame(
                datastore_id, image_set_id, image_frame_information=wanted
            )
            name = f"{image_set_id}/{frame['ID']}"
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(decoding, judge, name, frame, answer)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(verify_frame(frame))
            for series in document["Study"]["Series"].values()
            for instance in series["Instances"].values()
            for frame in instance.get("ImageFrames", [])
        ]
    return sum((task.result() for task in tasks), Report(image_sets=1))


async def list_image_sets(
    client: HealthImagingClient, datastore_id: str
) -> list[ImageSetsMetadataSummary]:
    return [found async for found in client.iter_image_sets(datastore_id)]


async def verify_datastore(datastore_id: str) -> Report:
    """All image sets, in this process."""
    async with HealthImagingClient() as client:
        report = Report()
        for image_set in await list_image_sets(client, datastore_id):
            report += await verify(client, datastore_id, image_set.image_set_id)
    return report


if __name__ == "__main__":
    report = asyncio.run(verify_datastore(*sys.argv[1:]))
    print(report)
    sys.exit(1 if report.damaged else 0)
