"""healthimaging-sdk, in the situations."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from compared.situations import RENAMED, print_cells

from healthimaging_sdk import (
    CopyImageSetInformation,
    CopyImageSetResponse,
    CopySourceImageSetInformation,
    DICOMUpdates,
    GetImageSetResponse,
    HealthImagingClient,
    MetadataUpdates,
    SearchImageSetsResponse,
    UpdateImageSetMetadataResponse,
)
from healthimaging_sdk.emulator import Emulator


class Ours:
    package = "healthimaging-sdk"
    methods = dir(HealthImagingClient)
    waiters = tuple(name for name in methods if name.startswith("wait_"))

    def __init__(self, client: HealthImagingClient) -> None:
        self._client = client

    async def get_image_set(self, datastore_id: str, image_set_id: str) -> GetImageSetResponse:
        return await self._client.get_image_set(datastore_id, image_set_id)

    async def copy(self, datastore_id: str, image_set_id: str) -> CopyImageSetResponse:
        source = CopySourceImageSetInformation(latest_version_id="1")
        return await self._client.copy_image_set(
            datastore_id,
            image_set_id,
            copy_image_set_information=CopyImageSetInformation(source_image_set=source),
        )

    async def rename(
        self, datastore_id: str, image_set_id: str, version: str
    ) -> UpdateImageSetMetadataResponse:
        updates = MetadataUpdates(dicom_updates=DICOMUpdates(updatable_attributes=RENAMED))
        return await self._client.update_image_set_metadata(
            datastore_id,
            image_set_id,
            latest_version_id=version,
            update_image_set_metadata_updates=updates,
        )

    async def search(self, datastore_id: str) -> SearchImageSetsResponse:
        return await self._client.search_image_sets(datastore_id)

    async def metadata(self, datastore_id: str, image_set_id: str) -> bytes:
        answer = await self._client.get_image_set_metadata(datastore_id, image_set_id)
        return answer.image_set_metadata_blob


@asynccontextmanager
async def opened(emulator: Emulator) -> AsyncGenerator[Ours]:
    async with HealthImagingClient(
        region=emulator.region,
        endpoint_url=emulator.endpoint_url,
        credentials=emulator.credentials,
    ) as client:
        yield Ours(client)


if __name__ == "__main__":
    print_cells(opened)
