"""Keeping to the service's rates (rule R-13), against a server that really counts. Virtual time."""

import asyncio
import itertools
from collections.abc import Callable

import pytest
from attrs import define, field
from fake_time import FakeTime
from phases import settle
from sample_calls import COPIED, DATASTORE_ID, OK, copy, delete, get, image_set, look, update
from scripted_server import Connection, Received, Step, error
from serving import CREDENTIALS, Serve

from healthimaging_sdk import (
    COPY_IMAGE_SET,
    GET_IMAGE_SET,
    Credentials,
    ThrottlingException,
    WaiterTimeout,
)
from healthimaging_sdk._pacing import FASTER, PATIENCE, SLOWER, Pacer, TokenBucket

pytestmark = pytest.mark.virtual_time

THROTTLED = error(429, "ThrottlingException")


def loop_time() -> float:
    return asyncio.get_running_loop().time()


@define
class Limited:
    """The service's own token bucket before a step."""

    step: Step
    per_second: float
    burst: float = 1
    applied: list[float] = field(factory=list[float])
    refused: int = 0
    jitter: Callable[[], float] = lambda: 0
    _tokens: float = field(init=False)
    _updated: float = field(factory=loop_time, init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = self.burst

    async def __call__(self, connection: Connection, received: Received) -> None:
        await asyncio.sleep(self.jitter())
        now = loop_time()
        grown = self._tokens + (now - self._updated) * self.per_second
        self._tokens, self._updated = min(self.burst, grown), now
        if self._tokens + 1e-9 < 1:
            self.refused += 1
            await THROTTLED(connection, received)
            return
        self._tokens -= 1
        self.applied.append(now)
        await self.step(connection, received)


def most_at_once(times: list[float], per_second: float, burst: int) -> float:
    """By how many requests the busiest stretch of time is beyond the rate; at most 0 is within."""
    return max(
        last - first + 1 - burst - per_second * (times[last] - times[first])
        for first in range(len(times))
        for last in range(first, len(times))
    )


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
async def test_twenty_copies_at_once_all_succeed_and_none_is_made_twice(
    serve: Serve, time: FakeTime, chance: float
) -> None:
    service = Limited(COPIED, per_second=0.25)
    server, client = await serve(service, random=lambda: chance)
    began = time.clock()
    await asyncio.gather(*(copy(client) for _ in range(20)))
    assert len(service.applied) == 20
    assert service.refused == 19
    assert len(server.requests) == 39
    # One at once and nineteen four seconds apart, after at most a second of retry delay.
    assert time.clock() - began == pytest.approx(76, abs=5)


async def test_a_network_that_shakes_the_pace_loses_no_copy(serve: Serve) -> None:
    delays = iter(0.03 * (number * 7 % 5) for number in range(1000))
    service = Limited(COPIED, per_second=0.25, jitter=lambda: next(delays))
    _, client = await serve(service)
    await asyncio.gather(*(copy(client) for _ in range(20)))
    assert len(service.applied) == 20


async def test_without_pacing_most_of_many_copies_fail(serve: Serve) -> None:
    service = Limited(COPIED, per_second=0.25)
    _, client = await serve(service, pacing="off")
    results = await asyncio.gather(*(copy(client) for _ in range(20)), return_exceptions=True)
    failed = [each for each in results if isinstance(each, ThrottlingException)]
    assert len(failed) == 20 - len(service.applied) >= 15


async def test_time_in_the_queue_is_not_counted_by_the_deadline(
    serve: Serve, time: FakeTime
) -> None:
    service = Limited(COPIED, per_second=0.25)
    _, client = await serve(service, pacing="published", deadline=5)
    began = time.clock()
    await asyncio.gather(*(copy(client) for _ in range(20)))
    assert time.clock() - began == pytest.approx(76)
    assert (len(service.applied), service.refused) == (20, 0)


async def test_turns_come_in_the_order_of_the_calls(serve: Serve) -> None:
    _, client = await serve(image_set(), pacing="published")
    finished: list[int] = []

    async def numbered(number: int) -> None:
        await update(client)
        finished.append(number)

    await asyncio.gather(*(numbered(number) for number in range(10)))
    assert finished == [*range(10)]


async def test_five_hundred_pollers_never_go_beyond_the_published_rate(
    serve: Serve, time: FakeTime
) -> None:
    arrivals: list[float] = []

    async def note(connection: Connection, received: Received) -> None:
        arrivals.append(loop_time())
        await image_set()(connection, received)

    _, client = await serve(note, pacing="published")
    began = time.clock()
    await asyncio.gather(*(look(client) for _ in range(500)))
    rate = GET_IMAGE_SET.rate
    assert most_at_once(arrivals, rate.per_second, rate.burst) < 1e-6
    assert time.clock() - began == pytest.approx((500 - rate.burst) / rate.per_second)


async def test_slow_credentials_do_not_hold_up_turns_and_let_them_go_at_once(
    serve: Serve,
) -> None:
    class Slow:
        asked_at: float | None = None

        async def get(self) -> Credentials:
            self.asked_at = self.asked_at or loop_time()
            await asyncio.sleep(max(0, self.asked_at + 30 - loop_time()))
            return CREDENTIALS

    arrivals: list[float] = []

    async def note(connection: Connection, received: Received) -> None:
        arrivals.append(loop_time())
        await image_set()(connection, received)

    _, client = await serve(note, pacing="published", pool_size=500, credentials=Slow())
    await asyncio.gather(*(look(client) for _ in range(200)))
    rate = GET_IMAGE_SET.rate
    assert most_at_once(arrivals, rate.per_second, rate.burst) < 1e-6


async def test_a_call_that_is_cancelled_in_the_queue_gives_its_place_back(
    serve: Serve, time: FakeTime
) -> None:
    server, client = await serve(image_set(), pacing="published")
    await update(client)
    began = time.clock()
    first, second, third = (asyncio.ensure_future(update(client)) for _ in range(3))
    await asyncio.sleep(3)
    first.cancel()
    second.cancel()
    await third
    assert time.clock() - began == pytest.approx(4)
    assert len(server.requests) == 2


async def test_requests_that_queue_for_a_connection_when_throttling_begins_are_paced_too(
    serve: Serve, time: FakeTime
) -> None:
    service = Limited(image_set(), per_second=0.25)
    server, client = await serve(service, pool_size=1)
    await asyncio.gather(*(update(client) for _ in range(10)))
    assert len(service.applied) == 10
    # Only the first one that the service refused did not know of the pace.
    assert (service.refused, len(server.requests)) == (1, 11)


async def test_nothing_is_slowed_down_before_the_service_throttles(
    serve: Serve, time: FakeTime
) -> None:
    server, client = await serve(image_set())
    began = time.clock()
    await asyncio.gather(*(update(client) for _ in range(50)))
    assert time.clock() == began
    assert len(server.requests) == 50


async def test_throttling_of_one_operation_slows_no_other(serve: Serve, time: FakeTime) -> None:
    _, client = await serve(THROTTLED, image_set())
    await update(client)
    throttled_for = time.clock()
    await asyncio.gather(*(delete(client) for _ in range(5)), *(look(client) for _ in range(5)))
    assert time.clock() == throttled_for


async def test_turned_off_it_never_waits(serve: Serve, time: FakeTime) -> None:
    _, client = await serve(THROTTLED, image_set(), pacing="off")
    began = time.clock()
    await asyncio.gather(*(update(client) for _ in range(20)))
    assert time.clock() - began == pytest.approx(1)


async def test_a_larger_quota_is_found_and_used(serve: Serve, time: FakeTime) -> None:
    service = Limited(image_set(), per_second=2)
    _, client = await serve(service)
    await asyncio.gather(*(update(client) for _ in range(2)))
    for _ in range(300):
        await update(client)
    lately = service.applied[-50:]
    assert 50 / (lately[-1] - lately[0]) > 1
    assert service.refused < 20


async def test_a_smaller_quota_is_kept_to(serve: Serve) -> None:
    service = Limited(image_set(), per_second=0.125)
    _, client = await serve(service)
    await asyncio.gather(*(update(client) for _ in range(20)))
    assert len(service.applied) == 20


async def test_pagers_and_waiters_keep_to_the_pace_of_their_client(
    serve: Serve, time: FakeTime
) -> None:
    arrivals: list[float] = []

    async def note(connection: Connection, received: Received) -> None:
        arrivals.append(loop_time())
        await image_set("LOCKED")(connection, received)

    _, client = await serve(note, pacing="published")
    waiters = (
        client.wait_until_image_set_updated(
            DATASTORE_ID, "1" * 32, timeout=4, min_delay=0.1, max_delay=0.1
        )
        for _ in range(60)
    )
    ends = await asyncio.gather(*waiters, return_exceptions=True)
    assert {type(end) for end in ends} == {WaiterTimeout}
    rate = GET_IMAGE_SET.rate
    assert len(arrivals) > 100
    assert most_at_once(arrivals, rate.per_second, rate.burst) < 1e-6


# ── The bucket ────────────────────────────────────────────────────────────────

RATE = COPY_IMAGE_SET.rate


def busy_bucket(limit: float = float("inf")) -> TokenBucket:
    bucket = TokenBucket(RATE, 0, 0, limit=limit)
    bucket.take(0)
    return bucket


async def test_success_makes_a_busy_bucket_faster_and_throttling_takes_that_back() -> None:
    bucket = busy_bucket()
    for _ in range(PATIENCE):
        bucket.succeeded(1)
    assert bucket.per_second == RATE.per_second * FASTER
    bucket.throttled(2)
    assert bucket.per_second == RATE.per_second
    for _ in range(2 * PATIENCE - 1):
        bucket.succeeded(3)
    assert bucket.per_second == RATE.per_second
    bucket.succeeded(4)
    assert bucket.per_second == RATE.per_second * FASTER


async def test_throttling_at_a_good_rate_makes_it_slower_but_not_without_end() -> None:
    bucket = busy_bucket()
    bucket.throttled(1)
    assert bucket.per_second == RATE.per_second * SLOWER
    for _ in range(20):
        bucket.throttled(2)
    assert bucket.per_second == pytest.approx(RATE.per_second / 10)


async def test_success_without_haste_proves_no_higher_rate() -> None:
    bucket = TokenBucket(RATE, 0, 1)
    for number in range(1000):
        assert bucket.take(number * 60) == 0
        bucket.succeeded(number * 60)
    assert bucket.per_second == RATE.per_second


async def test_published_rates_are_never_exceeded() -> None:
    bucket = busy_bucket(limit=RATE.per_second)
    for _ in range(100):
        bucket.succeeded(1)
    assert bucket.per_second == RATE.per_second


async def test_a_refusal_of_what_was_sent_before_the_last_change_says_nothing(
    time: FakeTime,
) -> None:
    pacer = Pacer("adaptive", time.clock, time.sleep)
    sent_at = time.clock()
    await asyncio.sleep(1)
    for _ in range(5):
        pacer.throttled("CopyImageSet", RATE, sent_at)
    bucket = pacer.bucket("CopyImageSet", RATE)
    assert bucket is not None
    assert bucket.per_second == RATE.per_second


async def test_a_late_awakening_does_not_let_the_next_request_follow_too_soon(
    time: FakeTime,
) -> None:
    sent: list[float] = []

    lateness = itertools.cycle([3, 0])

    async def oversleep(seconds: float) -> None:
        await asyncio.sleep(seconds + next(lateness))

    pacer = Pacer("published", time.clock, oversleep)
    bucket = pacer.bucket("CopyImageSet", RATE)
    assert bucket is not None
    for _ in range(5):
        await pacer.wait(bucket)
        sent.append(time.clock())
    assert most_at_once(sent, RATE.per_second, RATE.burst) < 1e-6


async def test_a_rest_brings_the_burst_back(serve: Serve, time: FakeTime) -> None:
    _, client = await serve(OK, pacing="published")
    await asyncio.gather(*(get(client) for _ in range(200)))
    await asyncio.sleep(3600)
    began = time.clock()
    await asyncio.gather(*(get(client) for _ in range(10)))
    assert time.clock() == began


async def test_a_queue_goes_on_after_all_that_waited_were_cancelled(serve: Serve) -> None:
    _, client = await serve(image_set(), pacing="published")
    calls = [asyncio.ensure_future(update(client)) for _ in range(5)]
    await settle()
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    await update(client)
