"""A call that is cancelled, or whose client is closed, leaves nothing behind (rule R-17)."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from fake_time import FakeTime
from phases import (
    BACKOFF,
    CONNECTING,
    CREDENTIALS_ASKED,
    HEAD,
    PHASES,
    QUEUE,
    Held,
    Phase,
    held,
    settle,
)
from sample_calls import DATASTORE_ID, OK, CallIt, copy, get, image_set, quota_of, update
from scripted_server import ScriptedServer, error, silence
from serving import CREDENTIALS, Serve

from healthimaging_sdk import (
    ClientClosed,
    Config,
    HealthImagingClient,
    ParamValidationError,
    ResourceNotFoundException,
)

every_phase = pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)


def tasks_of_the_client() -> "set[asyncio.Task[object]]":
    """All tasks but this one and those that serve."""
    return {
        task
        for task in asyncio.all_tasks()
        if task is not asyncio.current_task() and "ScriptedServer" not in repr(task.get_coro())
    }


async def assert_nothing_is_left(held: Held) -> None:
    """No task; and the one connection is there for another call, which succeeds."""
    held.release.set()
    if held.blocker:
        await held.blocker
    await settle()
    assert tasks_of_the_client() == set()
    if held.phase is not CONNECTING:
        await get(held.client)
    assert quota_of(held.client).available >= 500 - 14


@pytest.mark.virtual_time
@every_phase
async def test_a_cancelled_call_passes_the_cancellation_on_and_leaves_nothing(
    serve: Serve, phase: Phase
) -> None:
    async with held(serve, phase) as call:
        call.task.cancel("for a reason")
        with pytest.raises(asyncio.CancelledError):
            await call.task
        assert call.task.cancelled()
        await assert_nothing_is_left(call)


@pytest.mark.virtual_time
@every_phase
async def test_a_callers_own_timeout_is_its_own(serve: Serve, time: FakeTime, phase: Phase) -> None:
    async with held(serve, phase) as call:
        began = time.clock()

        async def limited() -> None:
            async with asyncio.timeout(0.01):
                await call.task

        with pytest.raises(TimeoutError) as caught:
            await limited()
        assert type(caught.value) is TimeoutError
        assert time.clock() - began == pytest.approx(0.01)
        await assert_nothing_is_left(call)


@pytest.mark.virtual_time
@every_phase
async def test_closing_the_client_ends_a_call_wherever_it_is(serve: Serve, phase: Phase) -> None:
    async with held(serve, phase) as call:
        await call.client.aclose()
        with pytest.raises(ClientClosed) as caught:
            await call.task
        assert caught.value.outcome is phase.outcome
        assert caught.value.__cause__ is None
        call.release.set()
        await call.server.all_closed()
        if call.blocker:
            await asyncio.wait([call.blocker])
        assert tasks_of_the_client() == set()
        with pytest.raises(ClientClosed):
            await get(call.client)


@pytest.mark.virtual_time
async def test_a_cancelled_request_closes_its_connection(serve: Serve) -> None:
    async with held(serve, HEAD) as call:
        call.task.cancel()
        await asyncio.wait([call.task])
        await call.server.all_closed()


@pytest.mark.virtual_time
async def test_a_call_can_be_closed_in_the_moment_that_its_turn_comes(serve: Serve) -> None:
    its_turn = asyncio.Event()

    async def sleep(_: float) -> None:
        await its_turn.wait()

    async with held(serve, QUEUE, sleep=sleep) as call:
        its_turn.set()
        await call.client.aclose()
        with pytest.raises(ClientClosed):
            await call.task
        assert len(call.server.requests) == 1


@pytest.mark.virtual_time
async def test_a_call_can_be_closed_in_the_moment_that_it_joins_the_queue(serve: Serve) -> None:
    async with held(serve, CREDENTIALS_ASKED, pacing="published") as call:
        call.release.set()
        await call.client.aclose()
        with pytest.raises(ClientClosed):
            await call.task
        assert call.server.requests == []


@pytest.mark.virtual_time
async def test_a_task_group_that_fails_leaves_the_client_usable(serve: Serve) -> None:
    server, client = await serve(
        silence, silence, error(404, "ResourceNotFoundException"), OK, pacing="published"
    )

    async def two_silent_calls_and_one_that_fails() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(client.get_datastore(DATASTORE_ID))
                await settle()

    with pytest.raises(ExceptionGroup) as caught:
        await two_silent_calls_and_one_that_fails()
    assert [type(each) for each in caught.value.exceptions] == [ResourceNotFoundException]
    await get(client)
    await settle()
    assert tasks_of_the_client() == set()
    assert server.open_connections == 1


@pytest.mark.virtual_time
async def test_cancelling_one_call_harms_no_other(serve: Serve) -> None:
    server, client = await serve(silence, OK)
    doomed = asyncio.ensure_future(get(client))
    await settle()
    others = [asyncio.ensure_future(get(client)) for _ in range(20)]
    doomed.cancel()
    await asyncio.gather(*others)
    assert doomed.cancelled()
    assert len(server.requests) == 21


@pytest.mark.virtual_time
async def test_a_token_spent_on_a_retry_that_was_cancelled_stays_spent(serve: Serve) -> None:
    async with held(serve, BACKOFF) as call:
        call.task.cancel()
        await asyncio.wait([call.task])
        assert quota_of(call.client).available == 486


@pytest.mark.virtual_time
@pytest.mark.parametrize("cancelled", range(6))
async def test_a_cancelled_call_frees_its_connection_at_every_step_of_the_loop(
    serve: Serve, cancelled: int
) -> None:
    _, client = await serve(OK, pool_size=1)
    for steps in range(cancelled * 5, cancelled * 5 + 5):
        task = asyncio.ensure_future(get(client))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await get(client)
    assert tasks_of_the_client() == set()


# ── The end of a client ───────────────────────────────────────────────────────


async def test_closing_twice_or_without_use_is_harmless(serve: Serve) -> None:
    unused = HealthImagingClient(region="us-east-1", credentials=CREDENTIALS)
    await unused.aclose()
    await unused.aclose()
    server, client = await serve(OK)
    await get(client)
    await asyncio.gather(client.aclose(), client.aclose())
    await client.aclose()
    await server.all_closed()


@pytest.mark.parametrize("call", [get, update, copy])
async def test_a_closed_client_says_so(serve: Serve, call: CallIt) -> None:
    server, client = await serve(image_set())
    await client.aclose()
    with pytest.raises(ClientClosed) as caught:
        await call(client)
    assert caught.value.attempts == 0
    assert server.connections == 0


async def test_closing_that_is_cancelled_can_be_done_again(serve: Serve) -> None:
    server, client = await serve(OK)
    await get(client)
    closing = asyncio.create_task(client.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await client.aclose()
    await server.all_closed()


async def test_connections_are_closed_when_the_block_is_left_by_an_error(
    serve: Serve, time: FakeTime
) -> None:
    async with ScriptedServer([OK]) as server:
        client = HealthImagingClient(
            region="us-east-1", credentials=CREDENTIALS, endpoint_url=server.url
        )
        with suppress(ZeroDivisionError):
            async with client:
                await get(client)
                raise ZeroDivisionError
        await server.all_closed()


# ── Opening ───────────────────────────────────────────────────────────────────


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipe that the client reads its trusted certificates from: opening waits for them."""
    pipe = tmp_path / "certificates"
    os.mkfifo(pipe)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(pipe))
    return pipe


async def reader_of(pipe: Path) -> int:
    """A descriptor to write to, as soon as somebody reads."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            await asyncio.sleep(0)


def provide(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(content)


def tls_client() -> HealthImagingClient:
    return HealthImagingClient(
        region="us-east-1",
        credentials=CREDENTIALS,
        endpoint_url="https://127.0.0.1:1",
        config=Config(max_attempts=1),
    )


async def test_a_caller_that_is_cancelled_while_the_client_opens_stops_nobody_else(
    certificates: Path,
) -> None:
    async with tls_client() as client:
        doomed, other = asyncio.ensure_future(get(client)), asyncio.ensure_future(get(client))
        descriptor = await reader_of(certificates)
        doomed.cancel()
        await asyncio.wait([doomed])
        assert doomed.cancelled()
        provide(descriptor, trustme.CA().cert_pem.bytes())
        await asyncio.wait([other])
        assert "no connection" in str(other.exception())


async def test_closing_a_client_that_opens_ends_its_calls(certificates: Path) -> None:
    client = tls_client()
    calls = [asyncio.ensure_future(get(client)) for _ in range(3)]
    descriptor = await reader_of(certificates)
    await client.aclose()
    await asyncio.wait(calls)
    assert {type(call.exception()) for call in calls} == {ClientClosed}
    provide(descriptor, b"")


async def test_opening_that_failed_is_tried_again_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    async with tls_client() as client:
        for content in (None, b"", b"no certificate"):
            if content is not None:
                bundle.write_bytes(content)
            with pytest.raises(ParamValidationError, match="ca_bundle"):
                await get(client)
        trustme.CA().cert_pem.write_to_path(str(bundle))
        with pytest.raises(Exception, match="no connection"):
            await get(client)


# ── Another loop ──────────────────────────────────────────────────────────────


async def test_a_client_cannot_be_used_from_another_loop(serve: Serve) -> None:
    server, client = await serve(OK)
    await get(client)
    failures: list[BaseException] = []

    def elsewhere() -> None:
        uses: list[Callable[[], Awaitable[object]]]
        uses = [lambda: get(client), client.aclose]
        for use in uses:
            with pytest.raises(RuntimeError, match="event loop of its first call") as caught:
                asyncio.run(asyncio.wait_for(use(), None))
            failures.append(caught.value)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert len(failures) == 2
    assert len(server.requests) == 1
