"""boto3, in the situations: each call in a thread."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from botocore.config import Config
from compared.situations import RENAMED, print_cells

from healthimaging_sdk.emulator import Emulator

boto3: Any = import_module("boto3")  # without types, and said so


class WithBoto3:
    package = "boto3"

    def __init__(self, client: Any) -> None:
        self._client = client
        self.methods = dir(client)
        self.waiters = client.waiter_names

    async def get_image_set(self, datastore_id: str, image_set_id: str) -> Any:
        return await asyncio.to_thread(
            self._client.get_image_set, datastoreId=datastore_id, imageSetId=image_set_id
        )

    async def copy(self, datastore_id: str, image_set_id: str) -> Any:
        return await asyncio.to_thread(
            self._client.copy_image_set,
            datastoreId=datastore_id,
            sourceImageSetId=image_set_id,
            copyImageSetInformation={"sourceImageSet": {"latestVersionId": "1"}},
        )

    async def rename(self, datastore_id: str, image_set_id: str, version: str) -> Any:
        document = json.dumps(RENAMED).encode()
        return await asyncio.to_thread(
            self._client.update_image_set_metadata,
            datastoreId=datastore_id,
            imageSetId=image_set_id,
            latestVersionId=version,
            updateImageSetMetadataUpdates={"DICOMUpdates": {"updatableAttributes": document}},
        )

    async def search(self, datastore_id: str) -> Any:
        return await asyncio.to_thread(
            self._client.search_image_sets, datastoreId=datastore_id, searchCriteria={}
        )

    async def metadata(self, datastore_id: str, image_set_id: str) -> bytes:
        def read() -> bytes:
            answer = self._client.get_image_set_metadata(
                datastoreId=datastore_id, imageSetId=image_set_id
            )
            body: bytes = answer["imageSetMetadataBlob"].read()
            return body

        return await asyncio.to_thread(read)


@asynccontextmanager
async def opened(emulator: Emulator) -> AsyncGenerator[WithBoto3]:
    client = boto3.client(
        "medical-imaging",
        region_name=emulator.region,
        endpoint_url=emulator.endpoint_url,
        aws_access_key_id=emulator.credentials.access_key_id,
        aws_secret_access_key=emulator.credentials.secret_access_key,
        config=Config(inject_host_prefix=False),
    )
    try:
        yield WithBoto3(client)
    finally:
        client.close()


if __name__ == "__main__":
    print_cells(opened)
