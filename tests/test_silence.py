"""A server that says nothing for too long, and one that only takes its time. Time is virtual."""

import asyncio
import json
from typing import Any

import pytest
from fake_time import FakeTime
from sample_calls import DATASTORE, OK, get
from scripted_server import Connection, Received, Step, chunks, head, silence
from serving import Serve

from healthimaging_sdk import Outcome, TransportError

pytestmark = pytest.mark.virtual_time

BODY = json.dumps(DATASTORE).encode()


def piecemeal(*pauses: float) -> Step:
    """The body of an answer in as many pieces as there are pauses, one before each piece."""

    async def step(connection: Connection, _: Received) -> None:
        length = len(BODY)
        await connection.send(head(200, {"Content-Length": str(length)}))
        for number, pause in enumerate(pauses):
            await asyncio.sleep(pause)
            start, end = (length * each // len(pauses) for each in (number, number + 1))
            await connection.send(BODY[start:end])

    return step


async def test_silence_before_an_answer_is_measured_from_the_request(
    serve: Serve, time: FakeTime
) -> None:
    server, client = await serve(OK, silence, read_timeout=7, max_attempts=1)
    await get(client)
    await asyncio.sleep(5)  # between two calls nobody is silent
    began = time.clock()
    with pytest.raises(TransportError, match="silent") as raised:
        await get(client)
    assert raised.value.outcome is Outcome.UNKNOWN
    assert time.clock() - began == pytest.approx(7, abs=1e-3)
    await server.all_closed()


async def test_silence_in_a_body_is_measured_from_its_last_byte(
    serve: Serve, time: FakeTime
) -> None:
    _, client = await serve(piecemeal(6, 6, 6, 8), read_timeout=7, max_attempts=1)
    began = time.clock()
    with pytest.raises(TransportError, match="silent"):
        await get(client)
    assert time.clock() - began == pytest.approx(6 + 6 + 6 + 7, abs=1e-3)


async def test_a_server_may_be_slow_for_as_long_as_it_is_not_silent(serve: Serve) -> None:
    _, client = await serve(piecemeal(*[6] * 9), read_timeout=7, max_attempts=1)
    await get(client)


async def test_every_call_has_a_measure_of_its_own(serve: Serve, time: FakeTime) -> None:
    """One alarm serves all, and still each ends in its own time, answered ones not at all."""
    slow = piecemeal(5, 5)
    _, client = await serve(silence, slow, silence, slow, silence, read_timeout=7, max_attempts=1)
    began = time.clock()

    async def ended_after(start: float) -> tuple[float, bool]:
        await asyncio.sleep(start)
        try:
            await get(client)
        except TransportError:
            return time.clock() - began - start, False
        return time.clock() - began - start, True

    ends = await asyncio.gather(*map(ended_after, (0, 1, 2, 3, 4)))
    assert [answered for _, answered in ends] == [False, True, False, True, False]
    assert [seconds for seconds, _ in ends] == pytest.approx([7, 10, 7, 10, 7], abs=1e-2)


async def test_a_call_sets_no_timer(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers would be a twentieth of what a call costs: silence and deadlines have one each."""
    _, client = await serve(OK, chunks(BODY[:9], BODY[9:]))
    await get(client)  # to connect needs one
    loop, timers = asyncio.get_running_loop(), 0
    call_at = loop.call_at

    def counted(*args: Any, **options: Any) -> asyncio.TimerHandle:
        nonlocal timers
        timers += 1
        return call_at(*args, **options)

    monkeypatch.setattr(loop, "call_at", counted)
    for _ in range(200):
        await get(client)
    assert timers <= 2
