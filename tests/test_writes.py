"""Nothing is written twice, or lost, without the caller's knowing (rules R-2.1, R-2.2 and R-5)."""

import asyncio
import json
import socket
from typing import Any

import pytest
from fake_time import FakeTime
from sample_calls import (
    COPIED,
    OK,
    CallIt,
    copy,
    copy_into,
    copy_promoting,
    create,
    delete,
    delete_store,
    get,
    image_set,
    look,
    start_import,
    tag,
    untag,
    update,
)
from scripted_server import ScriptedServer, Step, answer, cut, error, head, raw, reset, silence
from serving import CREDENTIALS, Serve

from healthimaging_sdk import (
    Config,
    ConflictException,
    HealthImagingClient,
    HealthImagingError,
    InternalServerException,
    Outcome,
    ResourceNotFoundException,
    ResponseDecodeError,
    ServiceError,
    TransportError,
    WriteOutcomeUnknown,
)

READS = (get, look)
TOKEN_WRITES = (create, start_import)
IDEMPOTENT_WRITES = (delete, delete_store, tag, untag)
GUARDED_WRITES = (update, copy_into)
UNGUARDED_WRITES = (copy, copy_promoting)
REPEATABLE = (*READS, *TOKEN_WRITES, *IDEMPOTENT_WRITES, *GUARDED_WRITES)


def success(call: CallIt) -> Step:
    if call in (copy, copy_into, copy_promoting):
        return COPIED
    if call in (tag, untag):
        return answer(body=b"")
    return image_set() if call in (look, update, delete) else OK


async def caught(call: CallIt, client: HealthImagingClient) -> HealthImagingError:
    with pytest.raises(HealthImagingError) as raised:
        await call(client)
    return raised.value


early_close = raw(b"")
half_a_head = raw(b"HTTP/1.1 200 OK\r\nContent-Ty")
no_head = raw(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
two_lengths = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
bad_chunk = raw(head(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\n{}")
cut_body = cut(json.dumps({"datastoreId": "d" * 32}).encode(), at=5)
cut_error = raw(head(400, {"Content-Length": "100"}) + b'{"mess')
html = answer(200, b"<html>welcome</html>", {"Content-Type": "text/html"})
no_json = answer(200, b'{"datastoreId": ')
no_members = answer(200, b"[]")
server_error = error(500, "InternalServerException")
bad_gateway = answer(502, b"<html>", {"Content-Type": "text/html"})

LOST = {
    "reset": (reset, TransportError),
    "early close": (early_close, TransportError),
    "half a head": (half_a_head, TransportError),
    "not HTTP": (no_head, TransportError),
    "two lengths": (two_lengths, TransportError),
    "bad chunk": (bad_chunk, TransportError),
    "cut body": (cut_body, ResponseDecodeError),
    "cut error": (cut_error, ResponseDecodeError),
    "a page": (html, ResponseDecodeError),
    "not JSON": (no_json, ResponseDecodeError),
    "no object": (no_members, ResponseDecodeError),
    "500": (server_error, InternalServerException),
    "502": (bad_gateway, ServiceError),
}

lost_answers = pytest.mark.parametrize(
    ("step", "kind"), [pytest.param(*case, id=name) for name, case in LOST.items()]
)


@lost_answers
@pytest.mark.parametrize("call", REPEATABLE)
async def test_what_may_be_repeated_is_repeated_after_a_lost_answer(
    serve: Serve, call: CallIt, step: Step, kind: type[HealthImagingError]
) -> None:
    server, client = await serve(step, success(call))
    await call(client)
    first, second = server.requests
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert first.connection != second.connection


@lost_answers
@pytest.mark.parametrize("call", [look, create, delete, update])
async def test_the_last_lost_answer_is_raised_with_what_is_known(
    serve: Serve, call: CallIt, step: Step, kind: type[HealthImagingError]
) -> None:
    server, client = await serve(step)
    raised = await caught(call, client)
    assert isinstance(raised, kind)
    assert (raised.outcome, raised.attempts, raised.prior_outcome_unknown) == (
        Outcome.UNKNOWN,
        3,
        True,
    )
    assert raised.operation_name in {
        "GetImageSet",
        "CreateDatastore",
        "DeleteImageSet",
        "UpdateImageSetMetadata",
    }
    assert len(server.requests) == 3


@lost_answers
@pytest.mark.parametrize("call", UNGUARDED_WRITES)
async def test_an_unguarded_copy_is_never_sent_again_after_a_lost_answer(
    serve: Serve, time: FakeTime, call: CallIt, step: Step, kind: type[HealthImagingError]
) -> None:
    server, client = await serve(step, success(call))
    raised = await caught(call, client)
    assert isinstance(raised, WriteOutcomeUnknown)
    assert (raised.outcome, raised.attempts, raised.likely_applied) == (Outcome.UNKNOWN, 1, False)
    assert raised.operation_name == "CopyImageSet"
    assert raised.resources == {"datastore_id": "d" * 32, "source_image_set_id": "1" * 32}
    assert [type(each) for each in raised.failures] == [type(raised.__cause__)]
    assert isinstance(raised.__cause__, kind)
    assert (len(server.requests), time.sleeps) == (1, [])


@pytest.mark.virtual_time
@pytest.mark.parametrize("call", REPEATABLE)
async def test_silence_is_a_lost_answer(serve: Serve, time: FakeTime, call: CallIt) -> None:
    server, client = await serve(silence, success(call), read_timeout=7)
    began = time.clock()
    await call(client)
    assert len(server.requests) == 2
    assert time.clock() - began == pytest.approx(7.05)


@pytest.mark.virtual_time
@pytest.mark.parametrize("call", UNGUARDED_WRITES)
async def test_a_copy_that_meets_silence_is_not_sent_again(serve: Serve, call: CallIt) -> None:
    server, client = await serve(silence, success(call), read_timeout=7)
    raised = await caught(call, client)
    assert isinstance(raised, WriteOutcomeUnknown)
    assert isinstance(raised.__cause__, TransportError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("call", [*REPEATABLE, *UNGUARDED_WRITES])
async def test_a_throttled_request_is_sent_again_whatever_it_does(
    serve: Serve, call: CallIt
) -> None:
    throttled = error(429, "ThrottlingException")
    server, client = await serve(throttled, throttled, success(call))
    await call(client)
    assert len(server.requests) == 3
    assert len({each.body for each in server.requests}) == 1


async def test_a_copy_that_was_throttled_and_then_lost_tells_both(serve: Serve) -> None:
    server, client = await serve(error(429, "ThrottlingException"), reset, COPIED)
    raised = await caught(copy, client)
    assert isinstance(raised, WriteOutcomeUnknown)
    assert [each.outcome for each in raised.failures] == [Outcome.REJECTED, Outcome.UNKNOWN]
    assert (raised.attempts, raised.prior_outcome_unknown) == (2, False)
    assert len(server.requests) == 2


@pytest.mark.parametrize("call", [*TOKEN_WRITES, delete_store, tag, untag])
async def test_a_conflict_that_no_look_can_explain_is_raised(
    serve: Serve, time: FakeTime, call: CallIt
) -> None:
    server, client = await serve(error(409, "ConflictException"), OK)
    raised = await caught(call, client)
    assert type(raised) is ConflictException
    assert (raised.outcome, raised.attempts) == (Outcome.REJECTED, 1)
    assert (len(server.requests), time.sleeps) == (1, [])


@pytest.mark.parametrize("call", [delete_store, tag])
@pytest.mark.parametrize(
    ("status", "kind"), [(404, ResourceNotFoundException), (409, ConflictException)]
)
async def test_a_refusal_after_a_lost_answer_may_be_the_trace_of_our_own_success(
    serve: Serve, call: CallIt, status: int, kind: type[ServiceError]
) -> None:
    _, client = await serve(reset, error(status, kind.__name__))
    raised = await caught(call, client)
    assert type(raised) is kind
    assert (raised.prior_outcome_unknown, raised.outcome, raised.attempts) == (
        True,
        Outcome.REJECTED,
        2,
    )


@pytest.mark.parametrize("call", TOKEN_WRITES)
async def test_all_attempts_carry_one_client_token_and_calls_have_different_ones(
    serve: Serve, call: CallIt
) -> None:
    server, client = await serve(reset, server_error, OK, OK)
    await call(client)
    await call(client)
    tokens = [json.loads(each.body)["clientToken"] for each in server.requests]
    assert len({*tokens[:3]}) == 1
    assert tokens[3] not in tokens[:3]


async def test_a_client_token_of_the_callers_own_is_sent_as_it_is(serve: Serve) -> None:
    server, client = await serve(reset, OK)
    await client.create_datastore(client_token="mine-and-nobody-elses")
    tokens = {json.loads(each.body)["clientToken"] for each in server.requests}
    assert tokens == {"mine-and-nobody-elses"}


# ── What never arrived ────────────────────────────────────────────────────────

SOME_OF_ALL = [get, create, delete, tag, untag, update, copy_into, copy, copy_promoting]


def elsewhere(url: str, time: FakeTime, **settings: Any) -> HealthImagingClient:
    config = Config(sleep=time.sleep, clock=time.clock, random=time.random, **settings)
    return HealthImagingClient(
        region="us-east-1", credentials=CREDENTIALS, endpoint_url=url, config=config
    )


def refused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("call", SOME_OF_ALL)
async def test_a_refused_connection_is_tried_again(time: FakeTime, call: CallIt) -> None:
    async with elsewhere(refused_url(), time) as client:
        raised = await caught(call, client)
    assert type(raised) is TransportError
    assert (raised.outcome, raised.attempts, time.sleeps) == (Outcome.NOT_SENT, 3, [0.05, 0.1])
    assert not raised.prior_outcome_unknown


@pytest.mark.parametrize("call", SOME_OF_ALL)
async def test_a_name_that_does_not_resolve_is_tried_again(
    time: FakeTime, call: CallIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def unresolved(host: object, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "canary")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unresolved)
    async with elsewhere("http://nowhere.localhost:1", time) as client:
        raised = await caught(call, client)
    assert type(raised) is TransportError
    assert (raised.outcome, raised.attempts) == (Outcome.NOT_SENT, 3)
    assert asked == ["nowhere.localhost"] * 3
    assert "canary" not in str(raised)


@pytest.mark.virtual_time
@pytest.mark.parametrize("call", SOME_OF_ALL)
async def test_a_connection_that_is_not_made_in_time_is_tried_again(
    time: FakeTime, call: CallIt
) -> None:
    async with ScriptedServer([]) as server:
        # It waits for a request, and never says a word of TLS.
        url = server.url.replace("http:", "https:")
        async with elsewhere(url, time, connect_timeout=2) as client:
            began = time.clock()
            raised = await caught(call, client)
    assert type(raised) is TransportError
    assert (raised.outcome, raised.attempts, server.connections) == (Outcome.NOT_SENT, 3, 3)
    assert time.clock() - began == pytest.approx(3 * 2 + 0.15)


@pytest.mark.parametrize("call", SOME_OF_ALL)
async def test_a_call_succeeds_after_a_server_has_come_up(
    serve: Serve, time: FakeTime, call: CallIt
) -> None:
    url = refused_url()
    port = int(url.rpartition(":")[2])
    servers: list[ScriptedServer] = []

    async def start_server(_: float) -> None:
        server = ScriptedServer([success(call)], port=port)
        servers.append(await server.__aenter__())

    config = Config(sleep=start_server, clock=time.clock)
    async with HealthImagingClient(
        region="us-east-1", credentials=CREDENTIALS, endpoint_url=url, config=config
    ) as client:
        await call(client)
    (server,) = servers
    assert len(server.requests) == 1
    await server.__aexit__()


# ── Connections of unguarded copies ───────────────────────────────────────────


@pytest.mark.parametrize(
    ("call", "connections"),
    [(update, [1, 1, 1]), (copy_into, [1, 1, 1]), (copy, [1, 2, 3]), (copy_promoting, [1, 2, 3])],
)
async def test_an_unguarded_copy_takes_a_connection_that_nobody_has_used(
    serve: Serve, call: CallIt, connections: list[int]
) -> None:
    server, client = await serve(image_set(), success(call), success(call))
    await look(client)
    await call(client)
    await call(client)
    assert [each.connection for each in server.requests] == connections


@pytest.mark.parametrize("end", [reset, early_close])
async def test_a_connection_that_died_in_the_pool_does_not_make_a_copy_unknown(
    serve: Serve, end: Step
) -> None:
    server, client = await serve(image_set(), COPIED)
    await look(client)
    server.drop_connections()
    await copy(client)
    assert len(server.requests) == 2


@pytest.mark.parametrize("call", [get, tag, untag, look, delete_store])
async def test_nothing_is_sent_again_behind_the_retries_back(serve: Serve, call: CallIt) -> None:
    server, client = await serve(reset, early_close, reset, max_attempts=1)
    for sent in (1, 2, 3):
        await caught(call, client)
        assert len(server.requests) == sent


async def test_a_reused_connection_that_is_reset_is_not_tried_again_in_secret(
    serve: Serve,
) -> None:
    server, client = await serve(OK, reset, OK, max_attempts=1)
    await get(client)
    raised = await caught(get, client)
    assert raised.outcome is Outcome.UNKNOWN
    assert [each.connection for each in server.requests] == [1, 1]
