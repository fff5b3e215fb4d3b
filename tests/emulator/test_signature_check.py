"""The emulator's own verifier of signatures against botocore's signer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from attrs import evolve
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from healthimaging_sdk._credentials import Credentials
from healthimaging_sdk.emulator._signatures import SignedRequest, verify
from healthimaging_sdk.errors import ServiceError

KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def signed(
    target: str = "/datastore",
    *,
    method: str = "GET",
    body: bytes = b"",
    keys: Credentials = KEYS,
    service: str = "medical-imaging",
    **headers: str,
) -> SignedRequest:
    """As botocore signs it: at the present time, whatever that is."""
    host = "127.0.0.1:4600"
    request: Any = AWSRequest(method, f"http://{host}{target}", data=body, headers=headers)
    theirs = BotocoreCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(theirs, service, "us-east-1").add_auth(request)
    found = {name.lower(): value for name, value in request.headers.items()}
    return SignedRequest(method, target, {"host": host, **found}, body)


def now_of(request: SignedRequest) -> datetime:
    stamp = request.headers["x-amz-date"]
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def refusal(request: SignedRequest, now: datetime | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        verify(request, KEYS, now or now_of(request))
    assert caught.value.status_code == 403
    return caught.value


segments = (
    st.text(max_size=8)
    .map(lambda text: quote(text, safe=""))
    .filter(lambda each: each not in {".", ".."})
)
pairs = st.lists(
    st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)).map(
        lambda pair: f"{quote(pair[0], safe='')}={quote(pair[1], safe='')}"
    ),
    max_size=4,
)


@example(path="/", query="0=&00=", method="GET", body=b"", token=None)  # sorted by name
@given(
    path=st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    query=pairs.map("&".join),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    body=st.binary(max_size=20),
    token=st.none() | st.text("abc/+=", min_size=1, max_size=9),
)
def test_what_botocore_signs_is_accepted(
    path: str, query: str, method: str, body: bytes, token: str | None
) -> None:
    target = f"{path}?{query}" if query else path
    request = signed(target, method=method, body=body, keys=evolve(KEYS, session_token=token))

    verify(request, KEYS, now_of(request))


def changed(request: SignedRequest, **headers: str) -> SignedRequest:
    return evolve(request, headers={**request.headers, **headers})


def tampered(request: SignedRequest, tampering: dict[str, Any]) -> SignedRequest:
    if "host" in tampering:
        return changed(request, **tampering)
    if "authorization" in tampering:
        authorization = request.headers["authorization"].replace(*tampering["authorization"])
        return changed(request, authorization=authorization)
    return evolve(request, **tampering)


@pytest.mark.parametrize(
    "tampering",
    [
        {"method": "DELETE"},
        {"raw_path": "/tags/arn:aws?a=1"},
        {"raw_path": "/tags/arn%3Aaws?a=2"},
        {"body": b"{ }"},
        {"host": "localhost"},
        {"authorization": ("us-east-1", "eu-west-1")},
    ],
    ids="".join,
)
def test_a_request_changed_after_signing_is_refused(tampering: dict[str, Any]) -> None:
    request = signed("/tags/arn%3Aaws?a=1", method="POST", body=b"{}")
    verify(request, KEYS, now_of(request))

    error = refusal(tampered(request, tampering))

    assert error.code == "InvalidSignatureException"
    assert "does not match the signature you provided" in error.message


def test_a_signature_with_another_secret_is_refused() -> None:
    request = signed(keys=Credentials(KEYS.access_key_id, "another"))

    assert refusal(request).code == "InvalidSignatureException"


def test_an_unknown_access_key_is_refused() -> None:
    request = signed(keys=Credentials("AKIAUNKNOWN", KEYS.secret_access_key))

    assert refusal(request).code == "UnrecognizedClientException"


@pytest.mark.parametrize("given_token", [None, "stale"])
def test_temporary_credentials_need_their_token(given_token: str | None) -> None:
    ours = evolve(KEYS, session_token="fresh")
    request = signed(keys=evolve(KEYS, session_token=given_token))

    with pytest.raises(ServiceError) as caught:
        verify(request, ours, now_of(request))

    assert caught.value.code == "UnrecognizedClientException"


def test_a_request_without_a_signature_is_refused() -> None:
    request = SignedRequest("GET", "/datastore", {"host": "localhost"}, b"")

    assert refusal(request, NOW).code == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_six_minutes_off_is_refused(minutes: int) -> None:
    request = signed()

    error = refusal(request, now_of(request) + timedelta(minutes=minutes))

    assert error.code == "InvalidSignatureException"
    expected = "Signature expired" if minutes > 0 else "Signature not yet current"
    assert error.message.startswith(expected)


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_that_is_four_minutes_off_is_accepted(minutes: int) -> None:
    request = signed()

    verify(request, KEYS, now_of(request) + timedelta(minutes=minutes))


def test_the_scope_of_another_service_is_refused() -> None:
    assert "correct service" in refusal(signed(service="s3")).message


def test_a_signature_that_leaves_out_the_host_is_refused() -> None:
    request = signed()
    unsigned_host = request.headers["authorization"].replace("host;", "")

    error = refusal(changed(request, authorization=unsigned_host))

    assert error.message.startswith("'Host' and every header")


def test_a_date_that_is_not_the_scopes_is_refused() -> None:
    request = signed()
    tomorrow = (now_of(request) + timedelta(days=1)).strftime("%Y%m%dT%H%M%SZ")

    assert "Credential scope" in refusal(changed(request, **{"x-amz-date": tomorrow})).message


@pytest.mark.parametrize("date", ["", "today", "20260230T000000Z"])
def test_a_date_that_cannot_be_read_is_refused(date: str) -> None:
    request = signed()

    error = refusal(changed(request, **{"x-amz-date": date}), NOW)

    assert error.code == "IncompleteSignatureException"


@given(
    authorization=st.text(max_size=80)
    | st.from_regex(
        r"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/\d{8}/r/medical-imaging/aws4_request, "
        r"SignedHeaders=host[a-z;]*, Signature=[0-9a-f]{64}",
        fullmatch=True,
    ),
    target=st.text(max_size=20),
    date=st.text(max_size=20) | st.just("20260102T030405Z"),
)
def test_no_bytes_get_past_or_break_the_verifier(
    authorization: str, target: str, date: str
) -> None:
    headers = {"host": "localhost", "authorization": authorization, "x-amz-date": date}

    refusal(SignedRequest("GET", target, headers, b""), NOW)
