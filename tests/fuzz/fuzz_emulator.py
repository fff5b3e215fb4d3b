"""Bytes of all kinds for the emulator's door, router and signature verifier: never a 500.

The first byte of an input says what the others are: bytes on a connection, a request to be
signed (its first line, then its body), or the headers of a request that signs itself.
"""

import asyncio
import logging
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# Without types, and said so: it is installed for this alone.
atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["healthimaging_sdk"]):
    from healthimaging_sdk import LosslessStorageFormat, operations
    from healthimaging_sdk._operation import Operation
    from healthimaging_sdk.emulator import Durations, Emulator, Quotas, sample_datasets
    from healthimaging_sdk.emulator._emulator import PUBLISHED
    from healthimaging_sdk.emulator._seeding import chosen_datastore, place_all, read_groups
    from healthimaging_sdk.emulator._server import Server
    from healthimaging_sdk.emulator._signatures import SignedRequest, verify
    from healthimaging_sdk.errors import ServiceError

GROUPS = read_groups([next(iter(sample_datasets().values()))], LosslessStorageFormat.HTJ2K)
CONNECTION, SIGNED, HEADERS = range(3)
BODIES = {
    "CopyImageSet": b'{"sourceImageSet":{"latestVersionId":"1"}}',
    "GetImageFrame": b'{"imageFrameId":"{frame_id}"}',
    "SearchImageSets": b'{"filters":[{"operator":"EQUAL","values":[{"isPrimary":true}]}]}',
    "TagResource": b'{"tags":{"a":"b"}}',
    "UpdateImageSetMetadata": b'{"DICOMUpdates":{"updatableAttributes":"e30="}}',
    "StartDICOMImportJob": b'{"clientToken":"t","inputS3Uri":"s3://ina/","outputS3Uri":"s3://out/",'
    b'"dataAccessRoleArn":"arn:aws:iam::123456789012:role/r"}',
}
QUERIES = {
    "CopyImageSet": "?force=true&promoteToPrimary=false",
    "ListDatastores": "?datastoreStatus=ACTIVE&maxResults=2",
    "ListImageSetVersions": "?maxResults=1&nextToken=WyIiLDEsIiJd",
    "UntagResource": "?tagKeys=a",
    "UpdateImageSetMetadata": "?latestVersion=1&force=true&includeStudyImageSets=true",
}
# A turn of the event loop each; an answer takes about ten.
MOST_TURNS = 300


class Wire(asyncio.Transport):
    """A connection of which only what comes back is kept."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.received = b""
        self.is_closed = False

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self.received += bytes(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Target:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._note)
        self.notes: list[dict[str, Any]] = []
        quotas = Quotas(datastores=3)
        self.emulator = Emulator(durations=Durations.all(0), quotas=quotas)
        self.loop.run_until_complete(self._start())

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.notes.append(context)

    async def _start(self) -> None:
        await self.emulator.start()
        self.server = Server(self.emulator._door)  # pyright: ignore[reportPrivateUsage]
        self._seed()

    def _seed(self) -> None:
        """As it was, whatever the requests before have done to it."""
        self.emulator.faults.clear()
        self.emulator.throttle = "off"
        self.emulator.durations = Durations.all(0)
        state = self.emulator._state  # pyright: ignore[reportPrivateUsage]
        state.datastores.clear()
        datastore = chosen_datastore(state, None)
        (image_set_id,) = place_all(state, datastore, GROUPS)
        image_set = datastore.image_sets[image_set_id]
        self.actual = {
            "{datastore_id}": datastore.id,
            "{image_set_id}": image_set_id,
            "{source_image_set_id}": image_set_id,
            "{resource_arn}": quote(image_set.arn, safe=""),
            "{frame_id}": next(iter(image_set.frames)),
        }

    def __call__(self, data: bytes) -> None:
        kind, rest = (data[0] % 3, data[1:]) if data else (CONNECTION, data)
        if kind == HEADERS:
            check_signature(rest)
            return
        sent = self._signed(rest) if kind == SIGNED else rest
        answer = self.loop.run_until_complete(self._exchange(sent))
        self.loop.run_until_complete(self._reset())
        if b" 500 " in answer.partition(b"\r\n")[0] or self.notes:
            raise AssertionError(sent, answer, self.notes)

    def _signed(self, text: bytes) -> bytes:
        line, _, body = text.partition(b"\n")
        method, _, target = line.decode("latin-1").partition(" ")
        for placeholder, actual in self.actual.items():
            target = target.replace(placeholder, actual)
            body = body.replace(placeholder.encode(), actual.encode())
        request: Any = AWSRequest(method, f"http://127.0.0.1/{target}", {}, body)
        keys = Credentials(PUBLISHED.access_key_id, PUBLISHED.secret_access_key)
        with suppress(ValueError):  # not a URL: it goes out unsigned
            SigV4Auth(keys, "medical-imaging", "us-east-1").add_auth(request)
        headers = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **request.headers}
        lines = [f"{method} /{target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace") + body

    async def _reset(self) -> None:
        self._seed()

    async def _exchange(self, sent: bytes) -> bytes:
        wire, protocol = Wire(), self.server()
        protocol.connection_made(wire)
        protocol.data_received(sent)
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            if wire.received or wire.is_closed:
                break
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        return wire.received


def check_signature(text: bytes) -> None:
    """Right or wrong, but never anything else than a `ServiceError`."""
    target, *lines = text.decode("utf-8", "surrogateescape").split("\n")
    headers = {
        name.lower(): value for name, _, value in (line.partition(":") for line in lines) if name
    }
    request = SignedRequest("POST", target, headers, b"")
    with suppress(ServiceError):
        verify(request, PUBLISHED, datetime(2026, 1, 1, tzinfo=UTC))


def seeds() -> list[bytes]:
    """Requests that mean something, to begin with."""
    signed = [
        bytes([SIGNED]) + f"{each.method} {target_of(each)}\n".encode() + BODIES.get(each.name, b"")
        for each in operations.ALL
    ]
    connection = (
        bytes([CONNECTION]) + b"GET /datastore?maxResults=2 HTTP/1.1\r\nHost: localhost\r\n"
    )
    authorization = (
        "Authorization:AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/"
        f"medical-imaging/aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    )
    headers = ("/datastore?b=%20&a=1", "Host:localhost", "X-Amz-Date:20260101T000000Z")
    local = b"/_emulator/faults HTTP/1.1\r\nHost: localhost\r\nx-healthimaging-emulator: 1\r\n"
    fault = b'{"operation":"*","kind":"503"}'
    posted = b"POST %bContent-Length: %d\r\n\r\n%b" % (local, len(fault), fault)
    return [
        *signed,
        connection + b"\r\n",
        bytes([CONNECTION]) + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        bytes([CONNECTION]) + posted.replace(b"503", b"bad"),
        bytes([HEADERS]) + "\n".join([*headers, authorization]).encode(),
    ]


def target_of(operation: Operation[Any, Any]) -> str:
    return f"{operation.path.removeprefix('/')}{QUERIES.get(operation.name, '')}"


if __name__ == "__main__":
    logging.disable()  # what is refused is no news
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            Path(corpus, str(number)).write_bytes(seed)
        target = Target()
        atheris.Setup([*sys.argv, corpus], target)
        atheris.Fuzz()
