# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Without sockets: what the client asks of aiohttp, and what it makes of the answer.

aioresponses is untyped in part, hence the line above.
"""

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from healthimaging_sdk import Credentials, HealthImagingClient, ResourceNotFoundException

IDS = ("d" * 32, "a" * 32)
URL_OF_GET = URL(
    f"https://runtime-medical-imaging.eu-west-1.amazonaws.com/datastore/{IDS[0]}/imageSet/{IDS[1]}"
    "/getImageSet?version=3",
    encoded=True,
)


class Tolerant(aiohttp.ClientResponse):
    """aiohttp 3.14 wants a `stream_writer`, which aioresponses does not know."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"stream_writer": Mock(), **options})


@pytest.fixture
def network() -> Iterator[aioresponses]:
    with aioresponses() as network:
        yield network


async def test_an_answer_becomes_a_response(network: aioresponses) -> None:
    payload = {
        "datastoreId": IDS[0],
        "imageSetId": IDS[1],
        "versionId": "3",
        "imageSetState": "ACTIVE",
    }
    network.post(URL_OF_GET, payload=payload, response_class=Tolerant)
    async with HealthImagingClient(
        region="eu-west-1", credentials=Credentials("AKID", "secret")
    ) as client:
        image_set = await client.get_image_set(*IDS, version_id="3")
    assert image_set.version_id == "3"
    (((method, _), (call,)),) = network.requests.items()
    assert method == "POST"
    assert "Content-Type" not in call.kwargs["headers"]
    assert call.kwargs["headers"]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")


async def test_a_refusal_becomes_an_error(network: aioresponses) -> None:
    headers = {"x-amzn-ErrorType": "ResourceNotFoundException", "x-amzn-RequestId": "r-1"}
    network.post(
        URL_OF_GET,
        status=404,
        payload={"message": "gone"},
        headers=headers,
        response_class=Tolerant,
    )
    async with HealthImagingClient(
        region="eu-west-1", credentials=Credentials("AKID", "secret")
    ) as client:
        with pytest.raises(ResourceNotFoundException) as caught:
            await client.get_image_set(*IDS, version_id="3")
    assert (caught.value.message, caught.value.request_id) == ("gone", "r-1")
