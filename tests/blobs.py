"""Blobs as the service sends them, and the two ways to read a document."""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Mapping

from scripted_server import Connection, Received, Step, answer, head, silence

from healthimaging_sdk import HealthImagingClient, ImageFrameInformation

IDS = ("d" * 32, "1" * 32)
FRAME = ImageFrameInformation(image_frame_id="f" * 32)
DOCUMENT = {"SchemaVersion": "1.1", "Patient": {"DICOM": {"PatientName": "MX^MX"}}}
TEXT = json.dumps({**DOCUMENT, "noise": os.urandom(3000).hex()}).encode()
GZIP = gzip.compress(TEXT)
LABELLED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def metadata(body: bytes, headers: Mapping[str, str] = LABELLED) -> Step:
    return answer(200, body, headers)


async def whole(client: HealthImagingClient) -> bytes:
    return (await client.get_image_set_metadata(*IDS)).image_set_metadata_blob


async def streamed(client: HealthImagingClient) -> bytes:
    async with client.stream_image_set_metadata(*IDS) as stream:
        return await stream.read()


def fed_by(parts: "asyncio.Queue[bytes]") -> Step:
    """A chunked answer, whose chunks are sent when they are put; an empty one ends it."""

    async def send(connection: Connection) -> None:
        while part := await parts.get():
            await connection.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await connection.send(b"0\r\n\r\n")

    async def step(connection: Connection, received: Received) -> None:
        await connection.send(head(200, {"Transfer-Encoding": "chunked"}))
        sending = asyncio.create_task(send(connection))
        await silence(connection, received)
        sending.cancel()

    return step


async def begin_next(stream: AsyncIterator[bytes]) -> "asyncio.Task[bytes]":
    """A consumer that waits for the next chunk, which has not been sent."""

    async def take() -> bytes:
        return await anext(stream)

    waiting = asyncio.create_task(take())
    await asyncio.sleep(0)
    return waiting
