"""The settings of rule R-14, and what errors of the transport never show (rule R-22)."""

import asyncio
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from fake_time import FakeTime
from phases import settle
from sample_calls import (
    ARN,
    COPIED,
    DATASTORE,
    DATASTORE_ID,
    OK,
    CallIt,
    copy,
    delete_store,
    get,
    image_set,
    look,
    tag,
    update,
)
from scripted_server import (
    Connection,
    Received,
    ScriptedServer,
    Step,
    answer,
    cut,
    error,
    head,
    raw,
    reset,
    tunnel,
)
from serving import Serve

from healthimaging_sdk import (
    Config,
    Credentials,
    HealthImagingClient,
    HealthImagingError,
    Outcome,
    ParamValidationError,
    ServiceError,
    TransportError,
)
from healthimaging_sdk._transport import Transport

CANARY = "canary"
SECRET = Credentials("AKIDcanary0000", "secret-canary", "session-canary")


async def caught(call: CallIt, client: HealthImagingClient) -> HealthImagingError:
    with pytest.raises(HealthImagingError) as raised:
        await call(client)
    return raised.value


def elsewhere(url: str, time: FakeTime, **settings: Any) -> HealthImagingClient:
    config = Config(sleep=time.sleep, clock=time.clock, random=time.random, **settings)
    return HealthImagingClient(
        region="us-east-1", credentials=SECRET, endpoint_url=url, config=config
    )


# ── Requests as they leave ────────────────────────────────────────────────────


async def test_a_request_has_these_headers_and_no_others(serve: Serve) -> None:
    deleted = {"datastoreId": DATASTORE_ID, "datastoreStatus": "DELETING"}
    server, client = await serve(OK, image_set(), answer(body=b""), answer(body=deleted))
    await get(client)
    await look(client)
    await tag(client)
    await delete_store(client)
    plain, empty, full, deletion = server.requests
    always = {
        "accept-encoding",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "authorization",
        "host",
        "user-agent",
        "x-amz-date",
    }
    assert plain.headers.keys() == always
    for bodiless in (empty, deletion):
        assert bodiless.headers.keys() == {*always, "content-length"}
        assert bodiless.headers["content-length"] == "0"
    assert full.headers.keys() == {*always, "content-length", "content-type"}
    assert plain.headers["accept-encoding"] == "identity"


async def test_an_arn_leaves_encoded_as_it_was_signed(serve: Serve) -> None:
    server, client = await serve(answer(body=b'{"tags": {}}'))
    await client.list_tags_for_resource(ARN)
    await client.untag_resource(ARN, tag_keys=["a/key:of+all", "b"])
    listed, untagged = server.requests
    encoded = ARN.replace(":", "%3A").replace("/", "%2F")
    assert listed.target == f"/tags/{encoded}"
    assert untagged.target == f"/tags/{encoded}?tagKeys=a%2Fkey%3Aof%2Ball&tagKeys=b"


async def test_the_user_agent_can_be_extended(serve: Serve) -> None:
    server, client = await serve(OK, user_agent_suffix="viewer/1.0")
    await get(client)
    assert server.requests[0].headers["user-agent"].endswith(" viewer/1.0")


async def test_cookies_are_not_kept(serve: Serve) -> None:
    server, client = await serve(answer(body=DATASTORE, headers={"Set-Cookie": "a=b; Path=/"}), OK)
    await get(client)
    await get(client)
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [get, tag, update, copy, delete_store])
async def test_a_redirect_is_an_error_and_nothing_is_forwarded(
    serve: Serve, call: CallIt, status: int
) -> None:
    async with ScriptedServer([OK]) as other:
        moved = answer(status, b"", {"Location": f"{other.url}/elsewhere"})
        server, client = await serve(moved)
        raised = await caught(call, client)
        assert isinstance(raised, ServiceError)
        assert (raised.status_code, raised.outcome) == (status, Outcome.REJECTED)
        assert (len(server.requests), other.connections) == (1, 0)


@pytest.fixture
async def proxy() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer([OK]) as server:
        yield server


async def test_the_environments_proxies_are_not_used(
    serve: Serve, proxy: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    server, client = await serve(OK)
    await get(client)
    assert (len(server.requests), proxy.connections) == (1, 0)


async def test_netrc_is_not_read(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server, client = await serve(OK)
    await get(client)
    assert server.requests[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 ")


async def test_a_configured_proxy_is_used(serve: Serve, proxy: ScriptedServer) -> None:
    server, client = await serve(OK, proxy=proxy.url.replace("//", "//user:password@"))
    await get(client)
    (request,) = proxy.requests
    assert request.target == f"{server.url}/datastore/{DATASTORE_ID}"
    assert request.headers["proxy-authorization"].startswith("Basic ")
    assert server.connections == 0


async def test_a_proxy_that_refuses_a_tunnel_was_not_the_service(
    serve: Serve, time: FakeTime
) -> None:
    refusing = answer(407, b"who are you?", {"Proxy-Authenticate": "Basic"})
    async with ScriptedServer([refusing]) as proxy:
        url = proxy.url.replace("//", f"//user:{CANARY}@")
        client = elsewhere("https://127.0.0.1:1", time, proxy=url, max_attempts=1)
        async with client:
            raised = await caught(copy, client)
    assert type(raised) is TransportError
    assert raised.outcome is Outcome.NOT_SENT
    assert_clean(raised)


@pytest.mark.usefixtures("trusted")
async def test_calls_share_a_tunnel_through_a_proxy(
    tls_server: ScriptedServer, time: FakeTime
) -> None:
    """But a write that must not be sent twice has one of its own."""
    async with ScriptedServer([tunnel]) as proxy:
        url = proxy.url.replace("//", f"//user:{CANARY}@")
        async with elsewhere(tls_server.url, time, proxy=url) as client:
            for call in (get, get, copy):
                await call(client)
    assert len(proxy.requests) == 2
    for connect in proxy.requests:
        assert connect.method == "CONNECT"
        assert connect.target == tls_server.url.removeprefix("https://")
        assert connect.headers["proxy-authorization"].startswith("Basic ")
        assert "authorization" not in connect.headers
    assert [request.connection for request in tls_server.requests] == [1, 1, 2]
    for request in tls_server.requests:
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
        assert "proxy-authorization" not in request.headers


@pytest.mark.parametrize("url", ["ftp://proxy", "proxy:80", "", "http://", "http://a b", "//x"])
def test_what_is_no_proxy_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ParamValidationError) as raised:
        Config(proxy=url)
    assert raised.value.parameter == "proxy"
    assert not url or url not in str(raised.value)


def test_a_proxys_password_is_not_shown() -> None:
    assert CANARY not in repr(Config(proxy=f"http://user:{CANARY}@proxy.example:3128"))


async def test_plain_http_is_for_this_machine_alone(time: FakeTime) -> None:
    async with elsewhere("http://192.0.2.1:1", time) as client:
        raised = await caught(get, client)
    assert isinstance(raised, ParamValidationError)
    assert raised.parameter == "endpoint_url"


# ── Connections ───────────────────────────────────────────────────────────────


async def test_a_hundred_calls_in_a_row_need_one_connection(serve: Serve) -> None:
    server, client = await serve(OK)
    for _ in range(100):
        await get(client)
    assert (server.connections, len(server.requests)) == (1, 100)


async def test_calls_at_once_need_no_more_connections_than_the_pool_has(serve: Serve) -> None:
    most_at_once = 0

    async def count(connection: Connection, received: Received) -> None:
        nonlocal most_at_once
        most_at_once = max(most_at_once, server.open_connections)
        await OK(connection, received)

    server, client = await serve(count, pool_size=4)
    await asyncio.gather(*(get(client) for _ in range(50)))
    assert len(server.requests) == 50
    assert (server.connections, most_at_once) == (4, 4)


async def test_copies_and_reads_share_the_size_of_the_pool(serve: Serve) -> None:
    most_under_way = under_way = 0

    async def count(connection: Connection, received: Received) -> None:
        nonlocal most_under_way, under_way
        under_way += 1
        most_under_way = max(most_under_way, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        await (COPIED if "copy" in received.target else image_set())(connection, received)

    server, client = await serve(count, pool_size=3)
    await asyncio.gather(*(call(client) for _ in range(20) for call in (copy, look)))
    assert len(server.requests) == 40
    assert most_under_way <= 3


@pytest.mark.parametrize(
    "step",
    [
        error(404, "ResourceNotFoundException"),
        error(409, "ConflictException"),
        error(429, "ThrottlingException"),
        answer(418, b"<html>"),
    ],
)
async def test_a_refusal_keeps_its_connection(serve: Serve, step: Step) -> None:
    server, client = await serve(step, OK, max_attempts=1, pacing="off")
    await caught(get, client)
    await get(client)
    assert server.connections == 1


@pytest.mark.parametrize(
    "step",
    [
        error(500, "InternalServerException"),
        answer(503, b"<html>"),
        answer(200, b"<html>", {"Content-Type": "text/html"}),
        answer(200, b"{}"),
        answer(200, b"not JSON"),
        answer(400, b"x" * 4 * 2**20),
        answer(200, b" " * (16 * 2**20 + 1)),
    ],
)
async def test_an_unclear_answer_ends_its_connection(serve: Serve, step: Step) -> None:
    server, client = await serve(step, OK, max_attempts=1)
    await caught(get, client)
    await get(client)
    assert [each.connection for each in server.requests] == [1, 2]
    await settle()
    assert server.open_connections == 1


async def test_a_server_that_closes_politely_is_believed(serve: Serve) -> None:
    server, client = await serve(answer(body=DATASTORE, headers={"Connection": "close"}), OK)
    await get(client)
    await get(client)
    assert [each.connection for each in server.requests] == [1, 2]


@pytest.mark.parametrize("length", [0, 10], ids=["whole answer", "half an answer"])
async def test_an_answer_to_half_a_request_ends_the_connection(length: int) -> None:
    """What is still to be sent would stand before the next request."""
    connections = 0

    async def refuse_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head(413, {"Content-Length": str(length)}))
        with suppress(ConnectionError):
            while data := await reader.read(2**16):
                read.append(len(data))
        writer.close()
        gone.release()

    read: list[int] = []
    gone = asyncio.Semaphore(0)
    body = bytes(64 * 2**20)
    async with await asyncio.start_server(refuse_at_once, "127.0.0.1", limit=1024) as server:
        host, port = server.sockets[0].getsockname()
        headers = {"Host": f"{host}:{port}"}
        async with Transport(Config(), None) as transport:
            for _ in range(2):
                await transport.slots.acquire()
                sending = transport.send(
                    "POST", f"http://{host}:{port}/", headers, body, fresh=False
                )
                refusal = await asyncio.wait_for(sending, 10)
                assert refusal.status == 413
                if length == 0:
                    assert await refusal.read() == b""
                refusal.close()
                await gone.acquire()
    assert connections == 2
    assert sum(read) < 2 * len(body)  # nor is the rest sent for nothing


async def test_a_request_is_one_write(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    server, client = await serve(image_set())
    writes: list[bytes] = []
    send = socket.socket.send

    def recorded(self: socket.socket, data: bytes, flags: int = 0) -> int:
        writes.append(bytes(data))
        return send(self, data, flags)

    monkeypatch.setattr(socket.socket, "send", recorded)
    await update(client)
    (sent,) = [each for each in writes if b" HTTP/1.1\r\n" in each]
    assert sent.endswith(b"\r\n\r\n" + server.requests[0].body)


# ── TLS ───────────────────────────────────────────────────────────────────────

AUTHORITY = trustme.CA()


@pytest.fixture
async def tls_server() -> AsyncIterator[ScriptedServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate: Any = AUTHORITY.issue_cert("127.0.0.1")  # its types are unknown
    certificate.configure_cert(context)
    async with ScriptedServer([OK, OK, COPIED], tls=context) as server:
        yield server


@pytest.mark.parametrize("call", [get, copy, update])
async def test_a_certificate_that_nobody_vouches_for_is_refused_once(
    tls_server: ScriptedServer, time: FakeTime, call: CallIt
) -> None:
    async with elsewhere(tls_server.url, time) as client:
        raised = await caught(call, client)
    assert type(raised) is TransportError
    assert (raised.outcome, raised.attempts) == (Outcome.NOT_SENT, 1)
    assert "certificate" in str(raised)
    assert (tls_server.requests, time.sleeps) == ([], [])
    assert_clean(raised)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names our authority."""
    bundle = tmp_path / "bundle.pem"
    AUTHORITY.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))


@pytest.mark.usefixtures("trusted")
async def test_the_environments_certificates_are_trusted(
    tls_server: ScriptedServer, time: FakeTime
) -> None:
    async with elsewhere(tls_server.url, time) as client:
        await get(client)
    assert len(tls_server.requests) == 1


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_host_is_refused(
    tls_server: ScriptedServer, time: FakeTime
) -> None:
    async with elsewhere(tls_server.url.replace("127.0.0.1", "localhost"), time) as client:
        raised = await caught(get, client)
    assert type(raised) is TransportError
    assert not raised.retryable


# ── What errors never show ────────────────────────────────────────────────────


def told(raised: BaseException | None) -> Iterator[str]:
    """All that an error tells those who print it, its causes included."""
    while raised is not None:
        yield from (str(raised), repr(raised), repr(raised.args), repr(vars(raised)))
        yield "".join(traceback.format_exception(raised))
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)


def assert_clean(raised: BaseException) -> None:
    assert not [text for text in told(raised) if CANARY in text]


def names_patients(client: HealthImagingClient) -> Any:
    return client.search_image_sets(DATASTORE_ID, next_token=f"{CANARY}-token")


def tags_a_patient(client: HealthImagingClient) -> Any:
    return client.tag_resource(ARN, tags={f"{CANARY}-key": f"{CANARY}-value"})


def untags_a_patient(client: HealthImagingClient) -> Any:
    return client.untag_resource(ARN, tag_keys=[f"{CANARY}-key"])


TELLTALE = {"X-Telltale": CANARY, "Content-Type": "application/json"}
FAULTS = {
    "reset": reset,
    "early close": raw(b""),
    "bad status line": raw(f"HTTP/1.1 {CANARY}\r\n\r\n".encode()),
    "not HTTP": raw(f"{CANARY}\r\n\r\n".encode()),
    "bad header": raw(f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n".encode()),
    "long header": raw(b"HTTP/1.1 200 OK\r\nA: " + CANARY.encode() * 10_000 + b"\r\n\r\n"),
    "bad chunk": raw(head(200, {"Transfer-Encoding": "chunked"}) + f"{CANARY}\r\n".encode()),
    "bad length": raw(head(200, {"Content-Length": CANARY})),
    "cut body": cut(CANARY.encode() * 10, at=20, headers=TELLTALE),
    "cut error": raw(head(403, {**TELLTALE, "Content-Length": "99"}) + CANARY.encode()),
    "a page": answer(200, f"<p>{CANARY}".encode(), {**TELLTALE, "Content-Type": "text/html"}),
    "not JSON": answer(200, f'{{"{CANARY}'.encode(), TELLTALE),
    "misfit": answer(200, f'["{CANARY}"]'.encode(), TELLTALE),
    "not UTF-8": answer(200, CANARY.encode() + b"\xff", TELLTALE),
    "an error page": answer(502, f"<html>{CANARY}".encode(), TELLTALE),
    "redirect": answer(307, CANARY.encode(), {"Location": f"http://{CANARY}.example/"}),
}


@pytest.mark.parametrize("step", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("call", [names_patients, tags_a_patient, untags_a_patient])
async def test_no_error_shows_a_url_a_header_or_a_body(
    time: FakeTime, call: CallIt, step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with (
        ScriptedServer([step]) as server,
        elsewhere(server.url, time, max_attempts=2) as client,
    ):
        assert_clean(await caught(call, client))
    assert CANARY not in caplog.text
