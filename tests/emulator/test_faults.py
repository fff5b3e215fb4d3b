"""What goes wrong on purpose, seen by boto3, by our client, and on a bare socket."""

import http.client
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from account import Account, boto3_client, refused
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from fake_time import FakeTime
from held_time import HeldTime
from raw_http import address, ask, exchange

from healthimaging_sdk import (
    BodyCorrupt,
    BodyTruncated,
    Config,
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    DICOMUpdates,
    HealthImagingClient,
    MetadataUpdates,
    WriteOutcomeUnknown,
)
from healthimaging_sdk._protocol import MODELLED_ERRORS
from healthimaging_sdk.emulator import Durations, Emulator, Fault, FaultKind
from healthimaging_sdk.errors import HealthImagingError

LIST = b"GET /datastore HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

USABLE: dict[str, Any] = {"operation": "CopyImageSet", "kind": "lost"}


@pytest.fixture
async def client(emulator: Emulator, time: FakeTime) -> AsyncIterator[HealthImagingClient]:
    async with HealthImagingClient(
        region=emulator.region,
        endpoint_url=emulator.endpoint_url,
        credentials=emulator.credentials,
        config=Config(sleep=time.sleep, clock=time.clock, random=time.random),
    ) as client:
        yield client


def seen(emulator: Emulator, operation: str) -> list[int | None]:
    """The statuses of an operation's answers."""
    return [each.status for each in emulator.journal.entries() if each.operation == operation]


def datastores(emulator: Emulator) -> int:
    return len(boto3_client(emulator).list_datastores()["datastoreSummaries"])


# ── In place of the operation ─────────────────────────────────────────────────


@pytest.mark.parametrize("name", MODELLED_ERRORS)
def test_any_modelled_error_can_be_had(emulator: Emulator, name: str) -> None:
    emulator.faults.add(Fault(operation="CreateDatastore", kind=name))
    client = boto3_client(emulator)

    status, code, message = refused(client.create_datastore)

    assert (status, code) == (MODELLED_ERRORS[name]("").status_code, name)
    assert message == "A fault that was asked for."
    assert datastores(emulator) == 0
    client.create_datastore()
    assert datastores(emulator) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_machine_in_between_fails_without_a_code(emulator: Emulator, status: int) -> None:
    emulator.faults.add(Fault(operation="CreateDatastore", kind=str(status)))

    assert refused(boto3_client(emulator).create_datastore)[:2] == (status, str(status))
    assert datastores(emulator) == 0


def test_a_reset_connection_is_a_reset_on_the_wire(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="ListDatastores", kind="reset"))

    with socket.create_connection(address(emulator), timeout=10) as connection:
        connection.sendall(LIST)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)

    assert seen(emulator, "ListDatastores") == [None]


def test_a_reset_comes_in_place_of_the_operation(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="CreateDatastore", kind="reset"))

    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        boto3_client(emulator).create_datastore()

    assert datastores(emulator) == 0


# ── After the operation ───────────────────────────────────────────────────────


def test_a_lost_answer_is_lost_after_the_operation_was_applied(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="CreateDatastore", kind="lost"))

    with pytest.raises(ConnectionClosedError):
        boto3_client(emulator).create_datastore()

    assert datastores(emulator) == 1


def test_a_lost_answer_is_an_orderly_end_of_the_connection(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="ListDatastores", kind=FaultKind.LOST))

    assert exchange(emulator, LIST) == b""
    assert exchange(emulator, LIST).startswith(b"HTTP/1.1 403")  # it was not signed


async def test_a_lost_answer_to_a_copy_is_an_unknown_outcome_of_one_copy(
    account: Account, image_set_id: str, client: HealthImagingClient
) -> None:
    account.emulator.faults.add(Fault(operation="CopyImageSet", kind="lost", times=5))

    with pytest.raises(WriteOutcomeUnknown):
        await client.copy_image_set(
            account.datastore_id,
            image_set_id,
            copy_image_set_information=CopyImageSetInformation(
                source_image_set=CopySourceImageSetInformation(latest_version_id="1")
            ),
        )

    assert len(account.image_set_ids()) == 2
    assert seen(account.emulator, "CopyImageSet") == [None]


async def test_a_lost_answer_to_an_update_does_not_apply_it_twice(
    account: Account, image_set_id: str, client: HealthImagingClient
) -> None:
    account.emulator.faults.add(Fault(operation="UpdateImageSetMetadata", kind="lost"))
    document = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": "Doe^John"}}}

    with pytest.raises(HealthImagingError) as caught:
        await client.update_image_set_metadata(
            account.datastore_id,
            image_set_id,
            latest_version_id="1",
            update_image_set_metadata_updates=MetadataUpdates(
                dicom_updates=DICOMUpdates(updatable_attributes=document)
            ),
        )

    assert caught.value.prior_outcome_unknown
    assert account.settled(image_set_id)["versionId"] == "2"


# ── Bodies ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("truncated", BodyTruncated), ("bad-gzip", BodyCorrupt), ("bad-crc", BodyCorrupt)],
)
async def test_a_damaged_document_is_fetched_again_and_raised_in_the_end(
    account: Account,
    image_set_id: str,
    client: HealthImagingClient,
    kind: str,
    expected: type[HealthImagingError],
) -> None:
    faults = account.emulator.faults
    faults.add(Fault(operation="GetImageSetMetadata", kind=kind))

    whole = await client.get_image_set_metadata(account.datastore_id, image_set_id)

    assert whole.document()["ImageSetID"] == image_set_id
    assert seen(account.emulator, "GetImageSetMetadata") == [200, 200]
    faults.add(Fault(operation="GetImageSetMetadata", kind=kind, times=None))
    with pytest.raises(expected):
        await client.get_image_set_metadata(account.datastore_id, image_set_id)


def test_a_truncated_body_is_shorter_than_its_head_says(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="ListDatastores", kind="truncated"))

    connection = http.client.HTTPConnection(*address(emulator))
    connection.request("GET", "/datastore")
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    connection.close()

    length = int(answer.headers["Content-Length"])
    assert len(cut.value.partial) == length // 2 > 0
    assert cut.value.expected == length - length // 2


@pytest.mark.parametrize("first", ["slow=10", "delay=1"])
def test_a_client_that_does_not_wait_is_no_failure(
    emulator: Emulator, held: HeldTime, caplog: pytest.LogCaptureFixture, first: str
) -> None:
    emulator.faults.add(Fault.parse(f"ListDatastores:{first}"))
    held.is_held = True
    exchange(emulator, LIST, silence=0.1)

    ask(emulator, "GET", "/datastore")  # by now the emulator knows that the other has left
    held.let_go()

    assert ask(emulator, "GET", "/datastore")[0] == 200
    assert caplog.text == ""


def test_a_refused_request_for_a_document_stays_a_readable_refusal(account: Account) -> None:
    account.emulator.faults.add(Fault(operation="GetImageSetMetadata", kind="bad-crc"))

    assert refused(account.document, "0" * 32)[:2] == (404, "ResourceNotFoundException")


async def test_a_slow_body_takes_its_time_and_comes_whole(time: FakeTime) -> None:
    fault = Fault(operation="ListDatastores", kind="slow", value=50)
    async with (
        Emulator(faults=[fault], sleep=time.sleep) as emulator,
        HealthImagingClient(
            region=emulator.region,
            endpoint_url=emulator.endpoint_url,
            credentials=emulator.credentials,
        ) as client,
    ):
        assert (await client.list_datastores()).datastore_summaries == []

    assert sum(time.sleeps) == pytest.approx(len('{"datastoreSummaries": []}') / 50)
    assert len(time.sleeps) > 3


async def test_a_delayed_answer_is_to_an_operation_that_was_applied(time: FakeTime) -> None:
    fault = Fault(operation="CreateDatastore", kind="delay", value=7.5)
    async with (
        Emulator(faults=[fault], sleep=time.sleep, durations=Durations.all(0)) as emulator,
        HealthImagingClient(
            region=emulator.region,
            endpoint_url=emulator.endpoint_url,
            credentials=emulator.credentials,
        ) as client,
    ):
        await client.create_datastore()

    assert sorted(time.sleeps) == [0, 7.5]


# ── The clock ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ahead", [3600, -3600])
async def test_a_client_whose_clock_is_wrong_is_refused_and_corrects_it(
    emulator: Emulator, client: HealthImagingClient, ahead: int
) -> None:
    emulator.faults.add(Fault(operation="ListDatastores", kind="date", value=ahead, times=None))

    await client.list_datastores()
    await client.list_datastores()

    assert seen(emulator, "ListDatastores") == [403, 200, 200]


# ── Counts ────────────────────────────────────────────────────────────────────


def statuses(emulator: Emulator, count: int) -> list[int]:
    return [ask(emulator, "GET", "/datastore")[0] for _ in range(count)]


def test_faults_come_after_a_count_and_for_a_count(emulator: Emulator) -> None:
    emulator.faults.add(
        Fault(operation="ListDatastores", kind="ThrottlingException", times=2, after=1)
    )
    ask(emulator, "GET", f"/datastore/{'0' * 32}")  # another operation does not count

    assert statuses(emulator, 5) == [200, 429, 429, 200, 200]
    assert emulator.faults.pending() == []


def test_faults_come_in_the_order_in_which_they_were_added(emulator: Emulator) -> None:
    emulator.faults.add(
        Fault(operation="*", kind="ConflictException"),
        Fault(operation="ListDatastores", kind="ThrottlingException"),
    )

    assert statuses(emulator, 3) == [409, 429, 200]


def test_a_fault_for_every_request_lasts_until_it_is_cleared(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="*", kind="ConflictException", times=None))
    assert statuses(emulator, 3) == [409] * 3

    emulator.faults.clear()

    assert statuses(emulator, 1) == [200]


def test_the_counts_that_are_left_can_be_seen(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="*", kind="ConflictException", times=2, after=1))

    statuses(emulator, 2)

    assert emulator.faults.pending() == [Fault(operation="*", kind="ConflictException")]


# ── Saying it in a word ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CopyImageSet:lost", Fault(operation="CopyImageSet", kind="lost")),
        ("CopyImageSet:lost:2", Fault(operation="CopyImageSet", kind="lost", times=2)),
        ("*:500:always:3", Fault(operation="*", kind="500", times=None, after=3)),
        ("*:date=-60:2", Fault(operation="*", kind="date", value=-60, times=2)),
        ("GetImageFrame:slow=1e3", Fault(operation="GetImageFrame", kind="slow", value=1000)),
        (
            "GetImageSet:ThrottlingException:1:4",
            Fault(operation="GetImageSet", kind="ThrottlingException", after=4),
        ),
    ],
)
def test_a_fault_can_be_said_in_a_word(text: str, expected: Fault) -> None:
    assert Fault.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "needs OPERATION:KIND"),
        ("CopyImageSet", "needs OPERATION:KIND"),
        ("CopyImageSet:lost:often", "needs OPERATION:KIND"),
        ("RenameImageSet:lost", "operation: must be the name of an operation"),
        ("CopyImageSet:gone", "kind: must be one of 500, 503, reset, lost"),
        ("CopyImageSet:lost=3", "value: lost has none"),
        ("CopyImageSet:delay", "value: delay needs a number"),
        ("CopyImageSet:delay=-1", "value: delay needs a positive number"),
        ("CopyImageSet:delay=nan", "value: delay needs a number"),
        ("CopyImageSet:delay=soon", "value: must be a number"),
        ("CopyImageSet:lost:0", "times: must be a whole number"),
        ("GetImageFrame:bad-gzip", "operation: bad-gzip is for GetImageSetMetadata"),
        ("*:bad-crc", "operation: bad-crc is for GetImageSetMetadata"),
    ],
)
def test_a_fault_that_makes_no_sense_is_explained(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Fault.parse(text)


@pytest.mark.parametrize(
    "members",
    [
        {"operation": ["CopyImageSet"]},
        {"kind": {}},
        {"value": 1},
        {"times": 0},
        {"times": True},
        {"times": 1.5},
        {"times": 10**400},
        {"after": -1},
        {"after": None},
    ],
)
def test_members_of_a_fault_are_checked(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(members))}: "):
        Fault(**(USABLE | members))
