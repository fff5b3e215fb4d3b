"""The emulator's outermost door: what gets in, and what everything else is answered."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import attrs
import pytest
from account import Account, boto3_client, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_http import address, ask, code_of, exchange

from healthimaging_sdk import operations
from healthimaging_sdk.emulator import Durations, Emulator, Quotas
from healthimaging_sdk.emulator._app import FAMILIES, LARGEST_BODY, routes


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    """For tests that change nothing."""
    with Emulator(durations=Durations.all(0)) as emulator:
        yield emulator


def test_every_answer_has_a_request_id_of_its_own(shared: Emulator) -> None:
    answers = [ask(shared, "GET", "/datastore") for _ in range(2)]

    assert [status for status, _, _ in answers] == [200, 200]
    assert len({headers["x-amzn-requestid"] for _, headers, _ in answers}) == 2


def test_a_request_without_a_signature_is_refused(shared: Emulator) -> None:
    answer = ask(shared, "GET", "/datastore", signed=False)

    assert code_of(answer) == (403, "MissingAuthenticationTokenException")


def test_a_wrong_secret_is_refused_as_boto3_knows_it(shared: Emulator) -> None:
    client = boto3_client(shared, aws_secret_access_key="wrong")

    status, code, message = refused(client.list_datastores)

    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith("The request signature we calculated does not match")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/datastore"),
        ("GET", "//datastore"),
        ("GET", "/datastore/../datastore"),
        ("POST", "/nothing/here?a=1"),
        ("GET", "/_emulator/state"),
    ],
)
def test_an_unknown_path_is_an_unknown_operation(
    shared: Emulator, method: str, target: str
) -> None:
    assert code_of(ask(shared, method, target)) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    "label",
    ["", "..", "%2e%2e", "..%2Fx", "a" * 31, "A" * 32, "a" * 33, "%00" * 32, "%ff", "%0d%0a"],
)
def test_an_id_outside_the_model_is_refused(shared: Emulator, label: str) -> None:
    target = f"/datastore/{label}/imageSet/{'a' * 32}/getImageSet"

    assert code_of(ask(shared, "POST", target)) == (400, "ValidationException")


@pytest.mark.parametrize(
    "query",
    [
        "maxResults=0",
        "maxResults=51",
        "maxResults=x",
        "maxResults=",
        "nextToken=",
        "nextToken=%FF",
        pytest.param("&".join(["a=b"] * 301), id="too many"),
    ],
)
def test_a_query_outside_the_model_is_refused(shared: Emulator, query: str) -> None:
    assert code_of(ask(shared, "GET", f"/datastore?{query}")) == (400, "ValidationException")


@pytest.mark.parametrize(
    "body",
    [b"x", b"[]", b'{"clientToken": 1}', b'{"clientToken": ""}', b'{"tags": {"a": 1}}', b"\xff"],
)
def test_a_body_outside_the_model_is_refused(shared: Emulator, body: bytes) -> None:
    assert code_of(ask(shared, "POST", "/datastore", body)) == (400, "ValidationException")


def test_a_refusal_does_not_repeat_what_was_sent(shared: Emulator) -> None:
    body = json.dumps({"datastoreName": "Doe^Jane"}).encode()

    _, _, content = ask(shared, "POST", "/datastore", body)

    assert "datastore_name" in content["message"]
    assert "Doe" not in content["message"]


def test_members_that_the_model_does_not_know_are_passed_over(account: Account) -> None:
    target = f"/datastore/{account.datastore_id}/searchImageSets?a=b"

    assert ask(account.emulator, "POST", target, b'{"newMember": 1}')[0] == 200


def test_a_body_beyond_every_document_is_refused(shared: Emulator) -> None:
    body = b" " * (LARGEST_BODY + 1)

    assert code_of(ask(shared, "POST", "/datastore", body)) == (
        413,
        "RequestEntityTooLargeException",
    )


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", "", "10.0.0.1"])
def test_a_foreign_host_is_refused(shared: Emulator, host: str) -> None:
    answer = ask(shared, "GET", "/datastore", signed=False, Host=host)

    assert code_of(answer) == (403, "AccessDeniedException")


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "[::1]:80", "runtime-localhost", "aws.localhost"]
)
def test_a_loopback_host_gets_as_far_as_the_signature(shared: Emulator, host: str) -> None:
    answer = ask(shared, "GET", "/datastore", signed=False, Host=host)

    assert code_of(answer) == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://evil.example", "AccessDeniedException"),
        ("null", "AccessDeniedException"),
        ("http://localhost:3000", "MissingAuthenticationTokenException"),
    ],
)
def test_pages_of_foreign_origins_are_refused(shared: Emulator, origin: str, expected: str) -> None:
    answer = ask(shared, "GET", "/datastore", signed=False, Origin=origin)

    assert code_of(answer) == (403, expected)


HEAD = b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n%s"
METHODS = [b"GET", b"POST", b"DELETE", b"OPTIONS", b"CONNECT"]
PLACES = [b"/", b"/datastore/", b"/tags/", b"/_emulator/", b"/_emulator/faults", b"/_emulator/x/"]
HEADERS = [
    b"",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Authorization: x\r\n",
    b"x-healthimaging-emulator: 1\r\n",
]
token = st.binary(max_size=30)
readable = token.map(lambda text: quote(text, safe="/?=&;:@").encode())
parts = st.tuples(
    st.sampled_from(METHODS), st.sampled_from(PLACES), readable, st.sampled_from(HEADERS), token
)


def request_of(parts: tuple[bytes, bytes, bytes, bytes, bytes]) -> bytes:
    method, place, rest, header, body = parts
    if method == b"POST":
        header += b"Content-Length: %d\r\n" % len(body)
    else:
        body = b""
    return HEAD % (method, place + rest, header, body)


well_formed = parts.map(request_of)
malformed = st.builds(lambda *parts: HEAD % parts, token, token, token, token)


@given(sent=well_formed | malformed | st.binary(max_size=200))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_make_it_fail_or_tell_of_its_inside(
    shared: Emulator, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    received = exchange(shared, sent, silence=0.03)

    assert re.match(rb"(HTTP/\d\.\d [1234]|$)", received)
    assert not received or b"x-amzn-RequestId" in received
    assert b"Traceback" not in received
    assert not any(record.exc_info for record in caplog.records)
    assert ask(shared, "GET", "/datastore")[0] == 200


def test_what_cannot_be_read_is_answered_without_repeating_it(shared: Emulator) -> None:
    received = exchange(shared, b"GET /datastore Doe^Jane\r\nHost: localhost\r\n\r\n")

    assert received.startswith(b"HTTP/1.0 400 ")
    assert b"x-amzn-ErrorType: MalformedHttpRequestException".lower() in received.lower()
    assert b"x-amzn-RequestId" in received
    assert b"Doe" not in received


names = st.sampled_from(["version", "maxResults", "tagKeys", "force", "x"])


@pytest.mark.parametrize("operation", operations.ALL, ids=lambda each: each.name)
@given(
    body=st.binary(max_size=60),
    query=st.lists(st.tuples(names, st.text(max_size=5)), max_size=3),
    label=st.binary(min_size=1, max_size=30),
)
@settings(max_examples=8)
def test_no_signed_bytes_make_an_operation_fail(
    shared: Emulator, operation: Any, body: bytes, query: list[tuple[str, str]], label: bytes
) -> None:
    target = operation.path.format_map(
        dict.fromkeys(operation.labels, "a" * 32)
        | {name: quote(label, safe="") for name in operation.labels[-1:]}
    )
    if query:
        target += "?" + urlencode(query, quote_via=quote, safe="")

    status, _, _ = ask(shared, operation.method, target, body)

    assert status in {200, 400, 404}


def test_an_error_of_our_own_is_a_500_without_its_text(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    # A clock that fails stands for any mistake inside.
    def broken() -> Any:
        raise RuntimeError("Doe^Jane")

    with Emulator(clock=broken) as emulator:
        answer = ask(emulator, "GET", "/datastore")

    assert code_of(answer) == (500, "InternalServerException")
    assert "Jane" not in str(answer) + caplog.text
    assert "RuntimeError" in caplog.text


def test_background_work_that_fails_is_logged_without_its_text(
    buckets: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: float) -> None:
        raise RuntimeError("Doe^Jane")

    with Emulator(buckets=buckets, sleep=broken) as emulator:
        boto3_client(emulator).create_datastore()

    assert "RuntimeError" in caplog.text
    assert "Jane" not in caplog.text


def test_a_client_that_goes_away_is_no_failure(
    shared: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    cut = HEAD % (b"POST", b"/datastore", b"Content-Length: 500\r\n", b"{")

    assert exchange(shared, cut, silence=0.01) == b""
    assert ask(shared, "GET", "/datastore")[0] == 200
    assert caplog.text == ""


def test_a_body_that_is_not_what_its_head_says_is_refused(shared: Emulator) -> None:
    headers = {"Content-Encoding": "gzip"}

    status, _, _ = ask(shared, "POST", "/datastore", b"not compressed", signed=False, **headers)

    assert status == 400


def test_a_card_that_nobody_handles_is_named_at_the_start() -> None:
    families = [family.handles for family in FAMILIES]
    assert len(routes(operations.ALL, families)) == len(operations.ALL)

    nineteenth = attrs.evolve(operations.ALL[0], name="RenameDatastore")

    with pytest.raises(LookupError, match="RenameDatastore"):
        routes([*operations.ALL, nineteenth], families)


def test_an_address_that_others_can_reach_needs_a_word() -> None:
    with pytest.raises(ValueError, match="allow_remote"):
        Emulator(host="0.0.0.0")


def test_a_port_that_is_taken_is_an_os_error(shared: Emulator) -> None:
    with pytest.raises(OSError, match="address already in use"):
        Emulator(port=address(shared)[1]).__enter__()


def test_an_emulator_that_does_not_run_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = Emulator().endpoint_url


async def test_it_runs_on_the_callers_event_loop_too() -> None:
    async with Emulator(quotas=Quotas()) as emulator:
        assert emulator.endpoint_url.startswith("http://127.0.0.1:")
