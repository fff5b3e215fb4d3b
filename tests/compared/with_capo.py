"""capo-medical-imaging, in the situations."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from compared.situations import RENAMED, print_cells

from healthimaging_sdk.emulator import Emulator

capo: Any = import_module("capo_medical_imaging")  # not there where types are checked


class WithCapo:
    package = "capo-medical-imaging"
    methods = dir(capo.AsyncMedicalImagingClient)
    waiters = tuple(name for name in methods if name.startswith("wait"))

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get_image_set(self, datastore_id: str, image_set_id: str) -> Any:
        return await self._client.get_image_set(datastore_id, image_set_id)

    async def copy(self, datastore_id: str, image_set_id: str) -> Any:
        source = {"source_image_set": {"latest_version_id": "1"}}
        return await self._client.copy_image_set(datastore_id, image_set_id, source)

    async def rename(self, datastore_id: str, image_set_id: str, version: str) -> Any:
        document = json.dumps(RENAMED).encode()
        updates = {"DICOMUpdates": {"updatable_attributes": document}}
        return await self._client.update_image_set_metadata(
            datastore_id,
            image_set_id,
            latest_version_id=version,
            update_image_set_metadata_updates=updates,
        )

    async def search(self, datastore_id: str) -> Any:
        return await self._client.search_image_sets(datastore_id, search_criteria={})

    async def metadata(self, datastore_id: str, image_set_id: str) -> bytes:
        async with self._client.get_image_set_metadata(datastore_id, image_set_id) as answer:
            return b"".join([chunk async for chunk in answer["image_set_metadata_blob"]])


@asynccontextmanager
async def opened(emulator: Emulator) -> AsyncGenerator[WithCapo]:
    async with capo.AsyncMedicalImagingClient(
        region=emulator.region,
        endpoint=emulator.endpoint_url,
        credentials=capo.Credentials(
            access_key=emulator.credentials.access_key_id,
            secret_key=emulator.credentials.secret_access_key,
        ),
    ) as client:
        yield WithCapo(client)


if __name__ == "__main__":
    print_cells(opened)
