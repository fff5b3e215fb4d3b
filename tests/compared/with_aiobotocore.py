"""aiobotocore, in the situations. It needs versions of its own of botocore."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from compared.situations import RENAMED, print_cells

from healthimaging_sdk.emulator import Emulator

# Without types, and said so.
get_session: Any = import_module("aiobotocore.session").get_session
aio_config: Any = import_module("aiobotocore.config").AioConfig


class WithAiobotocore:
    package = "aiobotocore"

    def __init__(self, client: Any) -> None:
        self._client = client
        self.methods = dir(client)
        self.waiters = client.waiter_names

    async def get_image_set(self, datastore_id: str, image_set_id: str) -> Any:
        return await self._client.get_image_set(datastoreId=datastore_id, imageSetId=image_set_id)

    async def copy(self, datastore_id: str, image_set_id: str) -> Any:
        return await self._client.copy_image_set(
            datastoreId=datastore_id,
            sourceImageSetId=image_set_id,
            copyImageSetInformation={"sourceImageSet": {"latestVersionId": "1"}},
        )

    async def rename(self, datastore_id: str, image_set_id: str, version: str) -> Any:
        document = json.dumps(RENAMED).encode()
        return await self._client.update_image_set_metadata(
            datastoreId=datastore_id,
            imageSetId=image_set_id,
            latestVersionId=version,
            updateImageSetMetadataUpdates={"DICOMUpdates": {"updatableAttributes": document}},
        )

    async def search(self, datastore_id: str) -> Any:
        return await self._client.search_image_sets(datastoreId=datastore_id, searchCriteria={})

    async def metadata(self, datastore_id: str, image_set_id: str) -> bytes:
        answer = await self._client.get_image_set_metadata(
            datastoreId=datastore_id, imageSetId=image_set_id
        )
        body: bytes = await answer["imageSetMetadataBlob"].read()
        return body


@asynccontextmanager
async def opened(emulator: Emulator) -> AsyncGenerator[WithAiobotocore]:
    async with get_session().create_client(
        "medical-imaging",
        region_name=emulator.region,
        endpoint_url=emulator.endpoint_url,
        aws_access_key_id=emulator.credentials.access_key_id,
        aws_secret_access_key=emulator.credentials.secret_access_key,
        config=aio_config(inject_host_prefix=False),
    ) as client:
        yield WithAiobotocore(client)


if __name__ == "__main__":
    print_cells(opened)
