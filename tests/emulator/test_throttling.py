"""The service's throttle, on a clock that the test moves."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account import ROLE, boto3_client, refused
from dicom_files import write_instance
from fake_time import FakeTime
from hypothesis import given
from hypothesis import strategies as st

from healthimaging_sdk import (
    Config,
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    HealthImagingClient,
    ThrottlingException,
)
from healthimaging_sdk.copies import COPY_IMAGE_SET
from healthimaging_sdk.emulator import Emulator
from healthimaging_sdk.emulator._throttling import Throttling

MISSING = "0" * 32
THROTTLED = (429, "ThrottlingException", "Rate exceeded")


@pytest.fixture
def throttled(time: FakeTime) -> Iterator[Emulator]:
    with Emulator(throttle="published", monotonic=time.clock) as emulator:
        yield emulator


def get_datastore(client: Any) -> str:
    """The code of what it is answered."""
    return refused(client.get_datastore, datastoreId=MISSING)[1]


def passed(client: Any, attempts: int) -> int:
    codes = [get_datastore(client) for _ in range(attempts)]
    return codes.count("ResourceNotFoundException")


def test_an_operation_takes_its_published_burst_and_then_its_published_rate(
    throttled: Emulator, time: FakeTime
) -> None:
    client = boto3_client(throttled)

    assert passed(client, 25) == 20
    assert refused(client.get_datastore, datastoreId=MISSING) == THROTTLED
    time.now += 0.25
    assert passed(client, 5) == 2


def test_each_operation_has_a_bucket_of_its_own(throttled: Emulator) -> None:
    client = boto3_client(throttled)
    client.create_datastore()

    assert refused(client.create_datastore) == THROTTLED
    assert len(client.list_datastores()["datastoreSummaries"]) == 1


def test_a_throttled_request_is_not_applied(throttled: Emulator, time: FakeTime) -> None:
    client = boto3_client(throttled)
    client.create_datastore(datastoreName="first")
    refused(client.create_datastore, datastoreName="second")
    time.now += 12

    client.create_datastore(datastoreName="third")

    found = client.list_datastores()["datastoreSummaries"]
    assert {each["datastoreName"] for each in found} == {"first", "third"}


def test_nothing_is_throttled_unless_asked_for(emulator: Emulator) -> None:
    assert emulator.throttle == "off"
    assert passed(boto3_client(emulator), 50) == 50


def test_a_factor_is_of_the_published_rates(time: FakeTime) -> None:
    with Emulator(throttle=0.1, monotonic=time.clock) as emulator:
        client = boto3_client(emulator)

        assert passed(client, 5) == 2
        time.now += 3
        assert passed(client, 5) == 2  # the burst, though three have been earned


def test_it_can_be_set_while_the_emulator_runs(throttled: Emulator) -> None:
    client = boto3_client(throttled)
    assert passed(client, 25) == 20

    throttled.throttle = "off"
    assert passed(client, 25) == 25

    throttled.throttle = 0.001
    assert passed(client, 5) == 1


@pytest.mark.parametrize(
    "throttle", [0, -1, float("nan"), float("inf"), True, None, "fast", 10**400]
)
def test_a_throttle_that_makes_no_sense_is_refused(throttle: Any) -> None:
    with pytest.raises(ValueError, match="throttle: must be off, published or a positive number"):
        Emulator(throttle=throttle)


@given(factor=st.floats(0.01, 10), pauses=st.lists(st.floats(0, 20), max_size=40))
def test_no_more_pass_than_the_rate_allows(factor: float, pauses: list[float]) -> None:
    time = FakeTime()
    throttling = Throttling(time.clock, factor)
    count = 0
    for pause in pauses:
        time.now += pause
        try:
            throttling.check(COPY_IMAGE_SET)
        except ThrottlingException:
            continue
        count += 1

    published = COPY_IMAGE_SET.rate
    burst = max(1, round(published.burst * factor))
    assert count <= burst + sum(pauses[1:]) * published.per_second * factor + 1e-6
    assert count >= min(len(pauses), burst)


@pytest.mark.virtual_time
async def test_twenty_copies_at_once_all_succeed_at_the_published_rate(
    buckets: dict[str, Path], time: FakeTime
) -> None:
    for number in range(20):
        write_instance(buckets["input"], SeriesInstanceUID=f"1.2.826.0.1.2.{number}")
    copying = CopyImageSetInformation(
        source_image_set=CopySourceImageSetInformation(latest_version_id="1")
    )
    async with (
        Emulator(buckets=buckets, throttle="published", monotonic=time.clock) as emulator,
        HealthImagingClient(
            region=emulator.region,
            endpoint_url=emulator.endpoint_url,
            credentials=emulator.credentials,
            config=Config(clock=time.clock),
        ) as client,
    ):
        datastore_id = (await client.create_datastore()).datastore_id
        await client.wait_until_datastore_active(datastore_id, timeout=60)
        job = await client.start_dicom_import_job(
            datastore_id,
            data_access_role_arn=ROLE,
            input_s3_uri="s3://input/",
            output_s3_uri="s3://output/",
        )
        await client.wait_until_dicom_import_job_completed(datastore_id, job.job_id, timeout=600)
        sources = [each.image_set_id async for each in client.iter_image_sets(datastore_id)]
        began = time.clock()

        copies = [
            client.copy_image_set(datastore_id, image_set_id, copy_image_set_information=copying)
            for image_set_id in sources
        ]
        await asyncio.gather(*copies)

        found = [each for each in emulator.journal.entries() if each.operation == "CopyImageSet"]
        assert [each.status for each in found].count(200) == len(sources) == 20
        assert any(each.status == 429 for each in found)
        assert time.clock() - began >= 19 / 0.25
