"""`/_emulator/...`: the emulator under the control of any language, and of nobody else."""

import http.client
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from account import Account, boto3_client, refused
from fake_time import FakeTime
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_http import ask, code_of

from healthimaging_sdk._protocol import MODELLED_ERRORS
from healthimaging_sdk.emulator import Durations, Emulator, Fault, FaultKind

CHANGE = {"x-healthimaging-emulator": "1"}
FAULT = {"operation": "ListDatastores", "kind": "ThrottlingException"}
WHOLE_FAULT: dict[str, Any] = {**FAULT, "value": None, "times": 1, "after": 0}


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    with Emulator(durations=Durations.all(0)) as emulator:
        yield emulator


def control(
    emulator: Emulator, method: str, what: str, content: object = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    body = b"" if content is None else json.dumps(content).encode()
    return ask(emulator, method, f"/_emulator/{what}", body, signed=False, **(headers or CHANGE))


def told(emulator: Emulator, method: str, what: str, content: object = None) -> Any:
    status, _, answer = control(emulator, method, what, content)
    assert status == 200
    return answer


# ── What it controls ──────────────────────────────────────────────────────────


def test_faults_are_added_seen_and_forgotten(emulator: Emulator) -> None:
    assert told(emulator, "GET", "faults") == {"faults": []}
    assert told(emulator, "POST", "faults", FAULT) == {"faults": [WHOLE_FAULT]}
    assert told(emulator, "GET", "faults") == {"faults": [WHOLE_FAULT]}
    assert emulator.faults.pending() == [Fault(**WHOLE_FAULT)]

    assert refused(boto3_client(emulator).list_datastores)[:2] == (429, "ThrottlingException")
    assert told(emulator, "GET", "faults") == {"faults": []}

    told(emulator, "POST", "faults", [FAULT, {**FAULT, "times": None}])
    assert len(emulator.faults.pending()) == 2
    assert told(emulator, "DELETE", "faults") == {"faults": []}
    boto3_client(emulator).list_datastores()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"operation": "ListDatastores"},
        {**FAULT, "operation": ["*"]},
        {**FAULT, "kind": None},
        {**FAULT, "times": 0},
        {**FAULT, "often": 2},
        [FAULT, {**FAULT, "after": "x"}],
        "CopyImageSet:lost",
        None,
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_and_none_is_added(
    shared: Emulator, content: Any
) -> None:
    assert code_of(control(shared, "POST", "faults", content)) == (400, "ValidationException")
    assert shared.faults.pending() == []


def test_the_throttle_is_set(emulator: Emulator) -> None:
    assert told(emulator, "GET", "throttle") == {"throttle": "off"}
    assert told(emulator, "POST", "throttle", {"throttle": "published"}) == {
        "throttle": "published"
    }
    client = boto3_client(emulator)
    client.create_datastore()
    assert refused(client.create_datastore)[0] == 429

    told(emulator, "POST", "throttle", {"throttle": 50})
    client.create_datastore()
    assert emulator.throttle == 50


@pytest.mark.parametrize("content", [{}, [], {"throttle": "fast"}, {"throttle": 0}, 1, None])
def test_a_throttle_that_makes_no_sense_is_refused(shared: Emulator, content: object) -> None:
    assert code_of(control(shared, "POST", "throttle", content)) == (400, "ValidationException")
    assert shared.throttle == "off"


def test_durations_are_set_one_by_one(emulator: Emulator) -> None:
    all_at_once = attrs.asdict(Durations.all(0))

    assert told(emulator, "GET", "durations") == all_at_once
    assert told(emulator, "POST", "durations", {"copy": 2.5}) == {**all_at_once, "copy": 2.5}
    assert emulator.durations == attrs.evolve(Durations.all(0), copy=2.5)


@pytest.mark.parametrize(
    "content",
    [[], {"copy": -1}, {"copy": "1"}, {"copy": True}, {"copies": 1}, {"copy": None}, None],
)
def test_durations_that_make_no_sense_are_refused(shared: Emulator, content: object) -> None:
    assert code_of(control(shared, "POST", "durations", content)) == (400, "ValidationException")
    assert shared.durations == Durations.all(0)


def test_a_duration_counts_for_what_begins_afterwards(time: FakeTime) -> None:
    with Emulator(sleep=time.sleep) as emulator:
        emulator.durations = Durations.all(42)
        boto3_client(emulator).create_datastore()

    assert time.sleeps == [42]


# ── The journal ───────────────────────────────────────────────────────────────


def test_the_journal_tells_what_was_asked(account: Account, image_set_id: str) -> None:
    account.emulator.journal.clear()
    account.get(image_set_id)
    refused(account.client.list_dicom_import_jobs, datastoreId="0" * 32)
    ask(account.emulator, "GET", "/nothing")

    found, missing, unknown = told(account.emulator, "GET", "journal")["journal"]

    assert (found["operation"], found["status"], found["error"]) == ("GetImageSet", 200, None)
    assert found["ids"] == {"datastore_id": account.datastore_id, "image_set_id": image_set_id}
    assert found["attempt"] == 1
    assert found["seconds"] >= 0
    at = datetime.fromisoformat(found["at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert (missing["status"], missing["error"]) == (404, "ResourceNotFoundException")
    assert (unknown["operation"], unknown["attempt"], unknown["ids"]) == (None, None, {})


def test_the_request_id_is_the_one_that_the_client_has_seen(account: Account) -> None:
    answer = account.client.list_datastores()

    (*_, latest) = account.emulator.journal.entries()

    assert latest.request_id == answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("attempt=1", 1),
        ("attempt=2; max=3", 2),
        ("ttl=20261121T030000Z; attempt=3; max=3", 3),
        ("attempt=many", None),
        ("reattempt=1", None),
        ("attempt=12345", None),
    ],
)
def test_the_journal_tells_which_attempt_it_was(
    emulator: Emulator, header: str, expected: int | None
) -> None:
    headers: dict[str, Any] = {"amz-sdk-request": header}
    ask(emulator, "GET", "/datastore", **headers)

    assert [each.attempt for each in emulator.journal.entries()] == [expected]


def test_the_journal_tells_of_faults(emulator: Emulator) -> None:
    emulator.faults.add(Fault(operation="ListDatastores", kind="ConflictException"))
    ask(emulator, "GET", "/datastore")
    ask(emulator, "GET", "/datastore")

    assert [each.fault for each in emulator.journal.entries()] == ["ConflictException", None]


def test_the_journal_holds_nothing_that_names_a_patient(account: Account) -> None:
    account.emulator.journal.clear()
    target = f"/datastore/Doe%5EJane/imageSet/{'a' * 32}/getImageSet?version=Doe"
    ask(account.emulator, "POST", target, b'{"patient": "Doe"}')
    ask(account.emulator, "GET", "/Doe^Jane?Doe", User_Agent="Doe")
    filters = [{"operator": "EQUAL", "values": [{"DICOMPatientId": "Doe"}]}]
    account.client.search_image_sets(
        datastoreId=account.datastore_id, searchCriteria={"filters": filters}
    )

    entries = account.emulator.journal.entries()

    assert len(entries) == 3
    assert "Doe" not in repr(entries)


def test_the_journal_forgets_the_oldest_and_what_it_is_told_to(shared: Emulator) -> None:
    ask(shared, "GET", "/datastore")
    (entry,) = shared.journal.entries()[-1:]
    for number in range(1_001):
        shared.journal.add(attrs.evolve(entry, seconds=number))
    assert [each.seconds for each in shared.journal.entries()] == list(range(1, 1_001))

    assert told(shared, "DELETE", "journal") == {"journal": []}


def test_its_own_control_is_not_in_the_journal(emulator: Emulator) -> None:
    told(emulator, "GET", "faults")

    assert emulator.journal.entries() == []


# ── Who may ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("method", "what"), [("POST", "faults"), ("DELETE", "journal")])
def test_a_change_needs_a_header_that_no_page_can_send_unasked(
    shared: Emulator, method: str, what: str
) -> None:
    answer = control(shared, method, what, FAULT, Accept="*/*")

    assert code_of(answer) == (403, "AccessDeniedException")
    assert shared.faults.pending() == []


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_foreign_names_and_pages_are_refused(shared: Emulator, headers: dict[str, str]) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = control(shared, method, "journal", **CHANGE, **headers)

        assert code_of(answer) == (403, "AccessDeniedException")
        assert not any(name.startswith("access-control-") for name in answer[1])


def test_an_emulator_that_others_can_reach_is_controlled_from_its_machine_only() -> None:
    with Emulator(host="0.0.0.0", allow_remote=True) as emulator:
        assert control(emulator, "GET", "faults", Host="localhost")[0] == 200
        answer = control(emulator, "GET", "faults", Host="imaging.example")
        assert code_of(answer) == (403, "AccessDeniedException")
        signed = ask(emulator, "GET", "/datastore", Host="imaging.example")
        assert signed[0] == 200


def own_address() -> str:
    """An address by which others could reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # which sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback ones")
        address: str = probe.getsockname()[0]
        return address


def test_what_comes_from_another_address_has_no_control_whatever_host_it_names() -> None:
    host = own_address()
    with Emulator(host="0.0.0.0", allow_remote=True) as emulator:
        port = int(emulator.endpoint_url.rpartition(":")[2])
        connection = http.client.HTTPConnection(host, port)
        connection.request("GET", "/_emulator/faults", headers={"Host": "localhost", **CHANGE})
        status = connection.getresponse().status
        connection.close()

    assert status == 403


@pytest.mark.parametrize(
    ("method", "what"),
    [("PUT", "faults"), ("DELETE", "throttle"), ("POST", "journal"), ("PATCH", "durations")],
)
def test_other_methods_are_not_allowed(shared: Emulator, method: str, what: str) -> None:
    assert code_of(control(shared, method, what, {})) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("what", ["", "state", "faults/", "faults/1", "../datastore", "%66aults"])
def test_there_is_nothing_else_on_the_path(shared: Emulator, what: str) -> None:
    assert code_of(control(shared, "GET", what)) == (404, "UnknownOperationException")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
kinds = st.sampled_from([*FaultKind, *MODELLED_ERRORS])
nearly_faults = st.fixed_dictionaries(
    {"operation": st.just("GetImageSetMetadata") | json_values, "kind": kinds | json_values},
    optional=dict.fromkeys(("value", "times", "after", "x"), json_values),
)
nearly_settings = st.dictionaries(
    st.sampled_from(["throttle", "copy", "import_job", "x"]), json_values
)


@given(
    what=st.sampled_from(["faults", "throttle", "durations", "journal"]),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    body=st.binary(max_size=60)
    | (json_values | nearly_faults | st.lists(nearly_faults) | nearly_settings).map(
        lambda value: json.dumps(value).encode()
    ),
)
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_sent_makes_it_fail(
    shared: Emulator, what: str, method: str, body: bytes
) -> None:
    before = attrs.asdict(shared.durations), shared.throttle
    try:
        status, _, _ = ask(shared, method, f"/_emulator/{what}", body, signed=False, **CHANGE)

        assert status in {200, 400, 405}
        if status != 200:
            assert (attrs.asdict(shared.durations), shared.throttle) == before
        assert told(shared, "GET", what)
    finally:
        shared.faults.clear()
        shared.throttle = "off"
        shared.durations = Durations.all(0)
