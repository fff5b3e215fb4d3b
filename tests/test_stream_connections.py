"""Streams and their connections: early ends, slow ends, and no leaks (rules R-10 and R-17)."""

import asyncio
import gzip
import json
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from blobs import FRAME, GZIP, IDS, TEXT, begin_next, fed_by, metadata, streamed, whole
from fake_time import FakeTime
from scripted_server import ScriptedServer, chunks, silence
from serving import Serve

from healthimaging_sdk import (
    BlobStream,
    BodyCorrupt,
    ClientClosed,
    DeadlineExceeded,
    HealthImagingClient,
    StreamStalled,
    TransportError,
    _gunzip,
    _streams,
)

# ── Connections ───────────────────────────────────────────────────────────────


@pytest.fixture(params=["chunk", "no chunk"])
def first(request: pytest.FixtureRequest) -> bool:
    """Whether something is read before the block is left."""
    return bool(request.param == "chunk")


async def _read_some(stream: BlobStream, *, first: bool) -> None:
    if first:
        async for chunk in stream:
            assert chunk
            break


async def _is_usable(server: ScriptedServer, client: HealthImagingClient) -> None:
    """The connection is gone, its place in a pool of one is free, and so nothing leaks."""
    await server.all_closed()
    assert await whole(client) == TEXT


async def test_leaving_a_block_early_closes_the_connection(serve: Serve, first: bool) -> None:
    server, client = await serve(chunks(TEXT, b""), metadata(GZIP), pool_size=1)
    async with client.stream_image_set_metadata(*IDS) as stream:
        await _read_some(stream, first=first)
    assert asyncio.all_tasks() - _server_tasks() == {asyncio.current_task()}
    await _is_usable(server, client)


async def test_an_exception_in_the_block_closes_the_connection(serve: Serve, first: bool) -> None:
    server, client = await serve(chunks(TEXT, b""), metadata(GZIP), pool_size=1)

    async def read() -> None:
        async with client.stream_image_set_metadata(*IDS) as stream:
            await _read_some(stream, first=first)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()
    await _is_usable(server, client)


async def test_a_cancellation_in_the_block_closes_the_connection(serve: Serve, first: bool) -> None:
    server, client = await serve(chunks(TEXT, b""), metadata(GZIP), pool_size=1)
    reading = asyncio.Event()

    async def read() -> None:
        async with client.stream_image_set_metadata(*IDS) as stream:
            await _read_some(stream, first=first)
            reading.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _is_usable(server, client)


async def test_a_cancelled_read_closes_the_connection(serve: Serve) -> None:
    server, client = await serve(chunks(TEXT, b""), metadata(GZIP), pool_size=1)
    reading = asyncio.Event()

    async def read() -> None:
        async with client.stream_image_set_metadata(*IDS) as stream:
            async for _ in stream:
                reading.set()

    task = asyncio.create_task(read())
    await reading.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _is_usable(server, client)


async def test_a_damaged_body_frees_its_connection(serve: Serve) -> None:
    server, client = await serve(metadata(GZIP + b"\0"), metadata(GZIP), pool_size=1)
    async with client.stream_image_set_metadata(*IDS) as stream:
        with pytest.raises(BodyCorrupt):
            await stream.read()
    assert await whole(client) == TEXT
    assert len(server.requests) == 2


async def test_connections_that_were_read_to_the_end_are_used_again(serve: Serve) -> None:
    server, client = await serve(metadata(GZIP))
    for _ in range(5):
        assert await streamed(client) == await whole(client) == TEXT
    assert (len(server.requests), server.connections) == (10, 1)


async def test_two_streams_at_once_are_two_connections(serve: Serve) -> None:
    server, client = await serve(chunks(TEXT[:100], TEXT[100:]))
    async with (
        client.stream_image_set_metadata(*IDS) as one,
        client.stream_image_set_metadata(*IDS) as other,
    ):
        assert [await one.read(), await other.read()] == [TEXT, TEXT]
    assert server.connections == 2


# ── Reading ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wholly", [True, False])
async def test_a_stream_is_read_once(serve: Serve, wholly: bool) -> None:
    _, client = await serve(chunks(TEXT[:9], TEXT[9:]))
    async with client.stream_image_set_metadata(*IDS) as stream:
        if wholly:
            await stream.read()
        else:
            await _read_some(stream, first=True)
        with pytest.raises(RuntimeError, match="once"):
            aiter(stream)
        with pytest.raises(RuntimeError, match="once"):
            await stream.read()


async def test_reading_after_the_block_is_an_error(serve: Serve) -> None:
    _, client = await serve(chunks(TEXT, b""))
    async with client.stream_image_set_metadata(*IDS) as stream:
        iterator = aiter(stream)
    with pytest.raises(TransportError):
        await anext(iterator)


async def test_a_read_that_timed_out_goes_on_where_it_was(serve: Serve) -> None:
    """A generator would be at its end: half a document would pass for a whole one."""
    parts = asyncio.Queue[bytes]()
    _, client = await serve(fed_by(parts))
    async with client.stream_image_set_metadata(*IDS) as stream:
        iterator = aiter(stream)
        parts.put_nowait(GZIP[:500])
        read = await anext(iterator)
        waiting = await begin_next(iterator)
        waiting.cancel()
        await asyncio.wait([waiting])
        parts.put_nowait(GZIP[500:])
        parts.put_nowait(b"")
        async for piece in _rest(iterator):
            read += piece
    assert read == TEXT


async def _or_end(iterator: AsyncIterator[bytes]) -> bytes:
    return await anext(iterator, b"the end")


async def _rest(iterator: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await anext(iterator, b""):
        yield piece


async def test_closing_the_client_ends_a_stream(serve: Serve) -> None:
    server, client = await serve(chunks(TEXT, b""))
    async with client.stream_image_set_metadata(*IDS) as stream:
        iterator = aiter(stream)
        assert await anext(iterator) == TEXT
        waiting = await begin_next(iterator)
        await client.aclose()
        with pytest.raises(ClientClosed):
            await waiting
        with pytest.raises(ClientClosed):
            await anext(iterator)
    await server.all_closed()


# ── Large and slow bodies ─────────────────────────────────────────────────────


async def test_the_event_loop_runs_on_while_a_large_body_is_inflated(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = json.dumps({"noise": os.urandom(2_500_000).hex()}).encode()
    loop = asyncio.get_running_loop()
    ticks: list[bool] = []

    def decompressor_that_waits_for_the_loop() -> Any:
        ticked = threading.Event()
        loop.call_soon_threadsafe(ticked.set)
        ticks.append(ticked.wait(5))
        return _gunzip.ZlibDecompressor()

    monkeypatch.setattr(_gunzip, "new_decompressor", decompressor_that_waits_for_the_loop)
    _, client = await serve(metadata(gzip.compress(large, 1)))
    assert await whole(client) == large
    assert ticks == [True]


class Drip:
    """A frame of which a byte arrives now and then, and the consumer's patience with it."""

    def __init__(self, time: FakeTime) -> None:
        self.time = time
        self.parts = asyncio.Queue[bytes]()

    async def next_after(self, seconds: float, stream: AsyncIterator[bytes]) -> bytes:
        waiting = await begin_next(stream)
        self.time.now += seconds
        self.parts.put_nowait(b"x")
        return await waiting


async def test_a_drip_stalls(serve: Serve, time: FakeTime) -> None:
    drip = Drip(time)
    server, client = await serve(fed_by(drip.parts))
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        iterator = aiter(stream)
        for _ in range(9):
            assert await drip.next_after(2, iterator) == b"x"
        with pytest.raises(StreamStalled):
            await drip.next_after(2, iterator)
    await server.all_closed()


async def test_a_byte_per_second_is_fast_enough(serve: Serve, time: FakeTime) -> None:
    drip = Drip(time)
    _, client = await serve(fed_by(drip.parts))
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        iterator = aiter(stream)
        for _ in range(100):
            assert await drip.next_after(1, iterator) == b"x"


async def test_a_slow_consumer_stalls_nothing(serve: Serve, time: FakeTime) -> None:
    drip = Drip(time)
    _, client = await serve(fed_by(drip.parts))
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        iterator = aiter(stream)
        for _ in range(30):
            assert await drip.next_after(0, iterator) == b"x"
            time.now += 1000


async def test_the_end_of_a_body_is_welcome_however_late(serve: Serve, time: FakeTime) -> None:
    drip = Drip(time)
    _, client = await serve(fed_by(drip.parts))
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        iterator = aiter(stream)
        assert await drip.next_after(15, iterator) == b"x"
        waiting = asyncio.create_task(_or_end(iterator))
        await asyncio.sleep(0)
        time.now += 15
        drip.parts.put_nowait(b"")
        assert await waiting == b"the end"


@pytest.mark.parametrize("parts", [(b"",), (b"x", b"")], ids=["from the start", "after a byte"])
async def test_silence_stalls(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(_streams, "STALL_WINDOW", 0.01)
    server, client = await serve(chunks(*parts))
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        with pytest.raises(StreamStalled):
            await stream.read()
    await server.all_closed()


async def test_a_silence_longer_than_the_read_timeout_is_an_error(serve: Serve) -> None:
    server, client = await serve(chunks(TEXT, b""), read_timeout=0.01)
    async with client.stream_image_set_metadata(*IDS) as stream:
        with pytest.raises(TransportError, match="silent"):
            await stream.read()
    await server.all_closed()


async def test_the_deadline_of_a_stream_ends_with_its_head(serve: Serve) -> None:
    """The body may take as long as it needs; a head that never comes is cut."""
    parts = asyncio.Queue[bytes]()
    _, client = await serve(fed_by(parts), silence, deadline=0.05)
    async with client.stream_image_set_metadata(*IDS) as stream:
        with pytest.raises(DeadlineExceeded):
            await streamed(client)
        parts.put_nowait(TEXT)
        parts.put_nowait(b"")
        assert await stream.read() == TEXT


def _server_tasks() -> set["asyncio.Task[Any]"]:
    """Those of the scripted server, one for a connection."""
    return {task for task in asyncio.all_tasks() if "ScriptedServer" in repr(task.get_coro())}
