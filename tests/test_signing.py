"""Our signatures against those of stock botocore, and against a published one."""

import logging
import string
from datetime import UTC, datetime, timedelta

import botocore.auth
import pytest
from aiohttp import ClientSession, web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from healthimaging_sdk._credentials import Credentials
from healthimaging_sdk._signing import Signer

KEY = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TOKEN = "a-session-token-that-nobody-may-see"
URL_OF_IMAGE_SET = (
    "https://runtime-medical-imaging.us-east-1.amazonaws.com"
    "/datastore/12345678901234567890123456789012/imageSet/getImageSet?version=1"
)

# What the signer writes itself, and what HTTP reserves for one hop.
OWN_HEADERS = {"authorization", "date", "host", "x-amz-date", "x-amz-security-token"}
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
header_names = st.text(string.ascii_letters + "-", min_size=1, max_size=20).filter(
    lambda name: name.lower() not in OWN_HEADERS
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
unreserved = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=12)
encoded = st.lists(
    unreserved | st.sampled_from(["%2F", "%3A", "%20", "%25", "%C3%A9", "+", "=", "."]), max_size=4
).map("".join)
authorities = st.sampled_from(
    [
        "https://medical-imaging.us-east-1.amazonaws.com",
        "https://h.example:443",
        "http://127.0.0.1:4566",
        "http://127.0.0.1:80",
        "https://LOCALHOST:8443",
        "http://[::1]:99",
    ]
)
queries = st.lists(st.tuples(unreserved, encoded), max_size=4).map(
    lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)
)
seconds = st.integers(946_684_800, 4_102_444_800)


@st.composite
def urls(draw: st.DrawFn) -> str:
    path = "".join(f"/{segment}" for segment in draw(st.lists(encoded, max_size=4)))
    query = draw(queries)
    return draw(authorities) + (path or "/") + (f"?{query}" if query else "")


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str], bytes]:
    method = draw(st.sampled_from(["GET", "POST", "DELETE"]))
    names = header_names | st.just("User-Agent")
    # The same name twice, in different letters, would be one header: nobody sends that.
    named = draw(st.lists(names, max_size=5, unique_by=str.lower))
    headers = {name: draw(header_values) for name in named}
    return method, draw(urls()), headers, draw(st.binary(max_size=100))


@given(
    request=requests(),
    credentials=st.builds(Credentials, words, words, st.none() | words),
    region=st.sampled_from(["us-east-1", "eu-west-2"]),
    now=seconds,
)
def test_every_signature_is_that_of_stock_botocore(
    request: tuple[str, str, dict[str, str], bytes],
    credentials: Credentials,
    region: str,
    now: int,
) -> None:
    method, url, headers, body = request
    stock = AWSRequest(method, url, headers=headers, data=body)
    frozen = ReadOnlyCredentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.session_token
    )
    with pytest.MonkeyPatch.context() as patch:
        moment = datetime.fromtimestamp(now, UTC)
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        SigV4Auth(frozen, "medical-imaging", region).add_auth(stock)

    signed = Signer(region, now=lambda: now).sign(
        method=method, url=url, headers=headers, body=body, credentials=credentials
    )

    assert signed.pop("Host")
    assert sorted(signed.items()) == sorted(stock.headers.items())


def test_a_signature_of_the_published_test_suite() -> None:
    """`get-vanilla` of the AWS Signature Version 4 test suite, whose service is `service`."""
    published = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    moment = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("healthimaging_sdk._signing.SERVICE", "service")
        signed = Signer("us-east-1", now=moment.timestamp).sign(
            method="GET",
            url="https://example.amazonaws.com/",
            headers={},
            body=b"",
            credentials=credentials,
        )

    assert signed == {
        "Host": "example.amazonaws.com",
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={published}"
        ),
    }


@pytest.mark.parametrize("skew", [-3600.0, timedelta(hours=-1)])
def test_the_clock_can_be_corrected_by_the_service(skew: float | timedelta) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    signed = Signer("us-east-1", now=moment.timestamp).sign(
        method="GET", url=URL_OF_IMAGE_SET, headers={}, body=b"", credentials=KEY, skew=skew
    )
    assert signed["X-Amz-Date"] == "20251231T230000Z"
    assert "/20251231/us-east-1/" in signed["Authorization"]


def test_signing_again_replaces_the_first_signature() -> None:
    signer = Signer("us-east-1", now=datetime(2026, 1, 1, tzinfo=UTC).timestamp)
    later = Signer("us-east-1", now=datetime(2026, 1, 2, tzinfo=UTC).timestamp)
    old = Credentials(KEY.access_key_id, KEY.secret_access_key, "an-old-token")
    new = Credentials("AKIANEW", "new-secret")

    def sign(by: Signer, headers: dict[str, str], credentials: Credentials) -> dict[str, str]:
        return by.sign(
            method="GET", url=URL_OF_IMAGE_SET, headers=headers, body=b"", credentials=credentials
        )

    assert sign(later, sign(signer, {}, old), new) == sign(later, {}, new)


def test_nothing_is_logged_and_nothing_secret_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = Credentials(KEY.access_key_id, KEY.secret_access_key, TOKEN)
    signer = Signer("us-east-1")

    signed = signer.sign(
        method="POST", url=URL_OF_IMAGE_SET, headers={}, body=b"body", credentials=credentials
    )

    assert signed["X-Amz-Security-Token"] == TOKEN
    assert caplog.records == []
    assert TOKEN not in repr(vars(signer))
    assert KEY.secret_access_key not in repr(vars(signer))


@pytest.mark.parametrize(
    "target", ["/", "/tags/arn%3Aaws%3Ax%2F0?tagKeys=a%2Bb&tagKeys=a", "/a//b"]
)
async def test_the_host_and_path_that_arrive_are_those_that_were_signed(target: str) -> None:
    seen: dict[str, str] = {}

    async def remember(request: web.Request) -> web.Response:
        seen.update(host=request.headers["Host"], target=request.raw_path)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", remember)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        url = f"http://127.0.0.1:{port}{target}"
        headers = Signer("us-east-1").sign(
            method="GET", url=url, headers={}, body=b"", credentials=KEY
        )
        async with ClientSession() as session:
            await session.get(URL(url, encoded=True), headers=headers)
    finally:
        await runner.cleanup()

    assert seen == {"host": f"127.0.0.1:{port}", "target": target}
    assert headers["Host"] == seen["host"]
