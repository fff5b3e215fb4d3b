"""`fastapi_app.py` behind uvicorn: streams, statuses, and readers who leave."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from account import open_account
from attrs import define, field
from dicom_files import write_instance
from running_examples import EXAMPLES, allowed, called
from scripted_server import (
    Connection,
    Received,
    ScriptedServer,
    Step,
    answer,
    chunks,
    cut,
    error,
    head,
    reset,
)
from waits import DATASTORE_ID, IMAGE_SET_ID, datastore

from healthimaging_sdk.emulator import Durations, Emulator

METADATA = f"/image-sets/{IMAGE_SET_ID}/metadata"
FRAME = f"/image-sets/{IMAGE_SET_ID}/frames/{'f' * 32}"
OCTETS = {"Content-Type": "application/octet-stream"}
MIB = 2**20


@define(eq=False)
class Service:
    """The example in a process, somebody who asks it, and what it has logged."""

    reader: aiohttp.ClientSession
    log: list[str] = field(factory=list[str])

    async def get(self, path: str) -> tuple[int, bytes]:
        async with self.reader.get(path) as response:
            return response.status, await response.read()


@asynccontextmanager
async def service(datastore_id: str, environment: dict[str, str]) -> AsyncGenerator[Service]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "--no-access-log", "--port", "0", "fastapi_app:app"),
        cwd=EXAMPLES,
        env={**os.environ, **environment, "HEALTHIMAGING_DATASTORE_ID": datastore_id},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    log: list[str] = []
    while not (address := re.search("running on (http://[^ ]+)", "".join(log[-1:]))):
        log.append((await process.stdout.readline()).decode())
        assert log[-1], log
    try:
        async with aiohttp.ClientSession(address[1]) as reader:
            yield Service(reader, log)
    finally:
        process.terminate()
        log.append((await process.stdout.read()).decode())
        await process.wait()


@asynccontextmanager
async def scripted(*steps: Step) -> AsyncGenerator[tuple[ScriptedServer, Service]]:
    """The example in front of a server that follows the steps; it tries nothing twice."""
    async with ScriptedServer(list(steps)) as server:
        environment = {
            "AWS_ENDPOINT_URL_MEDICAL_IMAGING": server.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "an-example-secret",
            "AWS_MAX_ATTEMPTS": "1",
        }
        async with service(DATASTORE_ID, environment) as served:
            yield server, served


async def test_it_serves_metadata_and_frames(tmp_path: Path) -> None:
    with Emulator(
        buckets={"input": tmp_path, "output": tmp_path}, durations=Durations.all(0)
    ) as emulator:
        account = open_account(emulator)
        write_instance(account.inbox, PatientName="Canary^Yellow")
        account.import_all()
        (image_set_id,) = account.image_set_ids()
        document = account.document(image_set_id)
        (series,) = document["Study"]["Series"].values()
        (instance,) = series["Instances"].values()
        frame_id = instance["ImageFrames"][0]["ID"]
        stored = account.client.get_image_frame(
            datastoreId=account.datastore_id,
            imageSetId=image_set_id,
            imageFrameInformation={"imageFrameId": frame_id},
        )
        emulator.journal.clear()
        path = f"/image-sets/{image_set_id}"
        async with service(account.datastore_id, emulator.environment) as served:
            health = await served.get("/health")
            async with served.reader.get(f"{path}/metadata") as response:
                metadata = await response.json()
            async with served.reader.get(f"{path}/frames/{frame_id}") as response:
                frame, content_type = await response.read(), response.content_type
            absent = await served.get(f"/image-sets/{'0' * 32}/metadata")
            malformed = await served.get("/image-sets/Canary%5EYellow/metadata")

        assert called(emulator) == allowed("server")
    assert health == (200, b'{"datastore":"ACTIVE"}')
    assert metadata == document
    assert frame == stored["imageFrameBlob"].read()
    assert content_type == stored["contentType"]
    assert absent == (404, b'{"error":"ResourceNotFoundException"}')
    assert malformed == (400, b'{"error":"ParamValidationError"}')
    log = "".join(served.log)
    assert "ParamValidationError: image_set_id" in log
    assert "Canary" not in log


async def test_errors_have_the_status_of_a_gateway() -> None:
    failures = {
        error(404, "ResourceNotFoundException"): 404,
        error(409, "ConflictException"): 409,
        error(429, "ThrottlingException"): 503,
        error(402, "ServiceQuotaExceededException"): 503,
        error(403, "AccessDeniedException"): 502,
        error(500, "InternalServerException"): 502,
        error(418, "TeapotException"): 502,
        reset: 502,
        answer(200, b"<html>"): 502,
    }
    async with scripted(*failures) as (server, served):
        statuses = [(await served.get("/health"))[0] for _ in failures]

    assert statuses == list(failures.values())
    assert len(server.requests) == len(failures)


async def test_a_body_that_breaks_off_is_no_whole_one() -> None:
    step = cut(bytes(MIB), at=MIB // 2, headers=OCTETS)
    async with scripted(step) as (_, served), served.reader.get(FRAME) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()

    assert "BodyTruncated" in "".join(served.log)


async def test_readers_who_leave_leave_no_connection_behind() -> None:
    """More of them than the client's pool has connections."""
    leaving = 70
    unfinished = chunks(bytes(1000), b"", headers=OCTETS)  # and silence
    async with scripted(*[unfinished] * leaving, answer(200, b"whole")) as (server, served):
        for _ in range(leaving):
            async with served.reader.get(FRAME) as response:
                assert await response.content.readexactly(1000) == bytes(1000)
                response.close()
        assert await served.get(FRAME) == (200, b"whole")
        while server.open_connections > 1:  # noqa: ASYNC110  # one is kept for the next request
            await asyncio.sleep(0)


async def test_a_slow_reader_slows_down_the_reading() -> None:
    total, sent = 128 * MIB, 0

    async def large(connection: Connection, _: Received) -> None:
        nonlocal sent
        await connection.send(head(200, {**OCTETS, "Content-Length": str(total)}))
        while sent < total:
            await connection.send(bytes(MIB))
            sent += MIB

    steps = (large, datastore("ACTIVE"))
    async with scripted(*steps) as (_, served), served.reader.get(FRAME) as response:
        first = await response.content.readexactly(MIB)
        for _ in range(20):  # in which 128 MiB would have passed
            assert (await served.get("/health"))[0] == 200
        sent_meanwhile = sent
        rest = await response.read()

    assert sent_meanwhile < total / 2  # what the buffers of three processes take
    assert len(first) + len(rest) == total
