"""The fixture for those who have pytest-asyncio, which has imported itself by then."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from healthimaging_sdk import HealthImagingClient
    from healthimaging_sdk.emulator import Emulator


@pytest_asyncio.fixture
async def healthimaging_client(
    healthimaging_emulator: "Emulator",
) -> "AsyncIterator[HealthImagingClient]":
    """A client at the emulator of the same test."""
    from healthimaging_sdk import HealthImagingClient  # noqa: PLC0415

    async with HealthImagingClient(
        region=healthimaging_emulator.region,
        credentials=healthimaging_emulator.credentials,
        endpoint_url=healthimaging_emulator.endpoint_url,
    ) as client:
        yield client
