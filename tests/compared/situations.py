"""Situations that each client is put into, against the emulator, with its own default settings.

A program for each client says how it calls, and prints what came of it as JSON: the cells of the
table "compared with". Each needs an environment in which that client is installed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from importlib.metadata import version
from typing import Any, Protocol

from botocore import xform_name
from pydicom.dataset import Dataset

from healthimaging_sdk import HealthImagingClient, operations
from healthimaging_sdk.emulator import Durations, Emulator, Fault, sample_datasets

SLOW = ("twenty copies at once, where one in four seconds is allowed",)
PATIENT = "Sample^Synthetic"
RENAMED = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": "Doe^Jane"}}}


class Client(Protocol):
    """How a client calls; the answers are its own."""

    @property
    def package(self) -> str: ...
    @property
    def methods(self) -> Iterable[str]: ...
    @property
    def waiters(self) -> Iterable[str]: ...

    async def get_image_set(self, datastore_id: str, image_set_id: str) -> Any: ...
    async def copy(self, datastore_id: str, image_set_id: str) -> Any: ...
    async def rename(self, datastore_id: str, image_set_id: str, version: str) -> Any: ...
    async def search(self, datastore_id: str) -> Any: ...
    async def metadata(self, datastore_id: str, image_set_id: str) -> bytes: ...


class Ground:
    """An emulator with image sets, and a client of ours to look around."""

    def __init__(self, emulator: Emulator, looking: HealthImagingClient) -> None:
        self.emulator = emulator
        self._looking = looking
        self.datastore_id = ""

    async def begin(self, datasets: Iterable[Dataset]) -> list[str]:
        """The ids of new image sets, in a new data store."""
        created = await self._looking.create_datastore()
        self.datastore_id = created.datastore_id
        await self._looking.wait_until_datastore_active(
            self.datastore_id, timeout=10, min_delay=0.02
        )
        return await asyncio.to_thread(self.emulator.seed, self.datastore_id, datasets)

    async def count(self) -> int:
        return len([each async for each in self._looking.iter_image_sets(self.datastore_id)])

    async def settled(self, image_set_id: str) -> None:
        await self._looking.wait_until_image_set_updated(
            self.datastore_id, image_set_id, timeout=10, min_delay=0.02
        )

    async def one(self) -> tuple[str, str]:
        """The ids of a data store and of the image set in it."""
        (image_set_id,) = await self.begin([sample_datasets()["ct-1.dcm"]])
        return self.datastore_id, image_set_id


async def outcome(call: Awaitable[Any]) -> str:
    """The name of the error in which the call ends."""
    try:
        await call
    except Exception as error:  # noqa: BLE001 - whatever the client raises
        return f"`{type(error).__name__}`"
    return "no error"


async def operations_there(client: Client, ground: Ground) -> str:
    names = {xform_name(each.name) for each in operations.ALL}
    return f"{len(names & set(client.methods))}"


async def waiters_there(client: Client, ground: Ground) -> str:
    return str(len(list(client.waiters))) if list(client.waiters) else "none"


async def kind_of_answer(client: Client, ground: Ground) -> str:
    answer = await client.get_image_set(*await ground.one())
    return "dictionaries" if isinstance(answer, dict) else "attrs classes"


async def twenty_copies(client: Client, ground: Ground) -> str:
    image_set_ids = await ground.begin(map(_series, range(20)))
    ground.emulator.throttle = "published"
    ended = await asyncio.gather(
        *(outcome(client.copy(ground.datastore_id, each)) for each in image_set_ids)
    )
    assert "no error" in ended
    failures = sorted(set(ended) - {"no error"})
    return f"some fail, {', '.join(failures)}" if failures else "all succeed"


def _series(number: int) -> Dataset:
    dataset = sample_datasets()["ct-1.dcm"]
    dataset.SeriesInstanceUID += f".{number}"
    dataset.SOPInstanceUID = f"{dataset.SeriesInstanceUID}.1"
    return dataset


async def lost_copy(client: Client, ground: Ground) -> str:
    ids = await ground.one()
    # However short the copy is, the source is not locked any more when it is sent again.
    ground.emulator.durations = Durations.all(0)
    ground.emulator.faults.add(Fault(operation="CopyImageSet", kind="lost"))
    ended = await outcome(client.copy(*ids))
    made = await ground.count() - 1
    return f"{ {1: 'one copy', 2: 'two copies'}.get(made, made) }, {ended}"


async def stale_edit(client: Client, ground: Ground) -> str:
    ids = await ground.one()
    await client.rename(*ids, "1")
    await ground.settled(ids[1])
    return await outcome(client.rename(*ids, "1"))


async def wrong_checksum(client: Client, ground: Ground) -> str:
    ids = await ground.one()
    ground.emulator.faults.add(Fault(operation="GetImageSetMetadata", kind="bad-crc", times=None))
    return await outcome(client.metadata(*ids))


async def cut_off(client: Client, ground: Ground) -> str:
    ids = await ground.one()
    ground.emulator.faults.add(Fault(operation="GetImageSetMetadata", kind="truncated", times=None))
    return await outcome(client.metadata(*ids))


async def metadata_form(client: Client, ground: Ground) -> str:
    body = await client.metadata(*await ground.one())
    return "gzip, to be decompressed" if body.startswith(b"\x1f\x8b") else "decompressed"


async def patient_shown(client: Client, ground: Ground) -> str:
    await ground.one()
    answer = await client.search(ground.datastore_id)
    return "shows the patient" if PATIENT in repr(answer) else "redacted"


async def odd_id(client: Client, ground: Ground) -> str:
    await ground.one()
    ground.emulator.journal.clear()
    ended = await outcome(client.get_image_set(ground.datastore_id, "../../datastore"))
    sent = len(ground.emulator.journal.entries())
    return f"{'sent' if sent else 'not sent'}, {ended}"


SITUATIONS: dict[str, Callable[[Client, Ground], Awaitable[str]]] = {
    "operations, of 18": operations_there,
    "waiters": waiters_there,
    "answers are": kind_of_answer,
    SLOW[0]: twenty_copies,
    "a new copy whose answer was lost": lost_copy,
    "an edit of an old version": stale_edit,
    "metadata come": metadata_form,
    "metadata with a wrong checksum": wrong_checksum,
    "metadata cut off half-way": cut_off,
    "`repr` of a search result": patient_shown,
    "`../../datastore` as an image set's id": odd_id,
}


OpenClient = Callable[[Emulator], AbstractAsyncContextManager[Client]]


async def cells(open_client: OpenClient, *, slow: bool = True) -> tuple[str, dict[str, str]]:
    """What came of each situation, each with an emulator and a client of its own."""
    found: dict[str, str] = {}
    package = ""
    for situation, run in SITUATIONS.items():
        if situation in SLOW and not slow:
            continue
        async with AsyncExitStack() as stack:
            emulator = await stack.enter_async_context(Emulator(durations=Durations.all(0.02)))
            looking = HealthImagingClient(
                region=emulator.region,
                endpoint_url=emulator.endpoint_url,
                credentials=emulator.credentials,
            )
            ground = Ground(emulator, await stack.enter_async_context(looking))
            client = await stack.enter_async_context(open_client(emulator))
            package = client.package
            found[situation] = await run(client, ground)
    return package, found


def print_cells(open_client: OpenClient) -> None:
    package, found = asyncio.run(cells(open_client))
    told = {"package": package, "version": version(package), "cells": found}
    print(json.dumps(told, indent=2))  # noqa: T201
