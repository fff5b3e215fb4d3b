"""A call's deadline covers all of it, and no sleep goes past it (rule R-9). Time is virtual."""

import asyncio
from datetime import timedelta

import pytest
from fake_time import FakeTime
from phases import BODY, CONNECTING, CREDENTIALS_ASKED, HEAD, Phase, held
from sample_calls import (
    DATASTORE_ID,
    IMAGE_SET_ID,
    OK,
    CallIt,
    copy,
    copy_into,
    get,
    image_set,
    quota_of,
    update,
)
from scripted_server import Connection, Received, Step, answer, error, reset, silence
from serving import CREDENTIALS, Serve

from healthimaging_sdk import (
    Config,
    Credentials,
    DeadlineExceeded,
    HealthImagingClient,
    HealthImagingError,
    ImageFrameInformation,
    InternalServerException,
    Outcome,
    ThrottlingException,
    TransportError,
    WriteOutcomeUnknown,
)

pytestmark = pytest.mark.virtual_time

FAIL = error(500, "InternalServerException")


async def caught(call: CallIt, client: HealthImagingClient) -> HealthImagingError:
    with pytest.raises(HealthImagingError) as raised:
        await call(client)
    return raised.value


def after(seconds: float, step: Step) -> Step:
    async def slow(connection: Connection, received: Received) -> None:
        await asyncio.sleep(seconds)
        await step(connection, received)

    return slow


@pytest.mark.parametrize("phase", [CREDENTIALS_ASKED, CONNECTING, HEAD, BODY], ids=lambda p: p.name)
@pytest.mark.parametrize("deadline", [10, 0.25, timedelta(seconds=3)])
async def test_the_deadline_cuts_an_attempt_wherever_it_is(
    serve: Serve, time: FakeTime, phase: Phase, deadline: float | timedelta
) -> None:
    began = time.clock()
    async with held(serve, phase, deadline=deadline) as call:
        with pytest.raises(DeadlineExceeded) as raised:
            await call.task
    error = raised.value
    seconds = deadline.total_seconds() if isinstance(deadline, timedelta) else deadline
    assert time.clock() - began == pytest.approx(seconds, abs=1e-4)
    assert isinstance(error, TimeoutError)
    assert (error.outcome, error.attempts) == (phase.outcome, 1)
    assert error.operation_name == "GetDatastore"
    assert error.__cause__ is None


@pytest.mark.parametrize("call", [get, copy, update])
async def test_a_call_that_gets_no_connection_in_time_was_not_sent(
    serve: Serve, time: FakeTime, call: CallIt
) -> None:
    server, client = await serve(answer(200, b"a frame"), deadline=10, pool_size=1)
    frame = ImageFrameInformation(image_frame_id="f" * 32)
    async with client.stream_image_frame(
        DATASTORE_ID, IMAGE_SET_ID, image_frame_information=frame
    ):  # holds the connection
        began = time.clock()
        raised = await caught(call, client)
        assert time.clock() - began == pytest.approx(10)
    assert isinstance(raised, DeadlineExceeded)
    assert raised.outcome is Outcome.NOT_SENT
    assert len(server.requests) == 1


async def test_an_unguarded_copy_that_is_cut_may_have_been_applied(serve: Serve) -> None:
    server, client = await serve(silence, deadline=10)
    raised = await caught(copy, client)
    assert isinstance(raised, WriteOutcomeUnknown)
    assert isinstance(raised.__cause__, DeadlineExceeded)
    assert len(server.requests) == 1


async def test_no_sleep_goes_past_the_deadline(serve: Serve, time: FakeTime) -> None:
    throttled = error(429, "ThrottlingException")
    _, client = await serve(throttled, max_attempts=10, deadline=10, pacing="off")
    began = time.clock()
    raised = await caught(get, client)
    assert type(raised) is ThrottlingException
    assert (raised.retry_stopped_by, raised.attempts) == ("deadline", 4)
    assert time.sleeps == [1.0, 2.0, 4.0]
    assert time.clock() - began == pytest.approx(7)


async def test_an_answer_cannot_make_a_call_sleep_past_its_deadline(
    serve: Serve, time: FakeTime
) -> None:
    slow_down = error(503, "SlowDown", headers={"x-amz-retry-after": "4000"})
    _, client = await serve(slow_down, deadline=3, pacing="off")
    raised = await caught(get, client)
    assert raised.retry_stopped_by == "deadline"
    assert time.sleeps == []


async def test_giving_up_for_lack_of_time_costs_nothing(serve: Serve) -> None:
    _, client = await serve(error(429, "ThrottlingException"), deadline=0.5)
    await caught(get, client)
    assert quota_of(client).available == 500


async def test_attempts_and_pauses_share_one_deadline(serve: Serve, time: FakeTime) -> None:
    server, client = await serve(after(4, FAIL), after(4, FAIL), after(4, OK), deadline=10)
    began = time.clock()
    raised = await caught(get, client)
    assert isinstance(raised, DeadlineExceeded)
    assert (raised.attempts, raised.outcome, raised.prior_outcome_unknown) == (
        3,
        Outcome.UNKNOWN,
        True,
    )
    assert time.clock() - began == pytest.approx(10)
    assert len(server.requests) == 3


async def test_slow_credentials_are_part_of_it(serve: Serve, time: FakeTime) -> None:
    class Slow:
        async def get(self) -> Credentials:
            await asyncio.sleep(6)
            return CREDENTIALS

    server, client = await serve(FAIL, OK, deadline=10, credentials=Slow())
    began = time.clock()
    raised = await caught(get, client)
    assert isinstance(raised, DeadlineExceeded)
    # The second attempt waited for credentials; the first one is still nobody knows what.
    assert (raised.outcome, raised.attempts) == (Outcome.UNKNOWN, 2)
    assert time.clock() - began == pytest.approx(10)
    assert len(server.requests) == 1


async def test_a_call_without_a_deadline_waits_for_as_long_as_it_takes(
    serve: Serve, time: FakeTime
) -> None:
    _, client = await serve(after(10**6, OK), deadline=None, read_timeout=10**7)
    began = time.clock()
    await get(client)
    assert time.clock() - began == pytest.approx(10**6)


async def test_the_deadline_is_sixty_seconds_unless_said_otherwise(
    serve: Serve, time: FakeTime
) -> None:
    _, client = await serve(silence, read_timeout=1000)
    began = time.clock()
    assert isinstance(await caught(get, client), DeadlineExceeded)
    assert time.clock() - began == pytest.approx(60)


async def test_the_first_byte_may_take_thirty_seconds(serve: Serve, time: FakeTime) -> None:
    _, client = await serve(silence, max_attempts=1)
    began = time.clock()
    raised = await caught(get, client)
    assert type(raised) is TransportError
    assert time.clock() - began == pytest.approx(30)


async def test_a_lock_and_the_attempts_share_one_deadline(serve: Serve, time: FakeTime) -> None:
    conflict = error(409, "ConflictException")
    free = image_set()
    server, client = await serve(
        *(after(3, conflict), image_set("LOCKED"), free), after(6, image_set()), deadline=10
    )
    began = time.clock()
    raised = await caught(update, client)
    assert isinstance(raised, DeadlineExceeded)
    assert (raised.outcome, raised.attempts) == (Outcome.UNKNOWN, 2)
    assert time.clock() - began == pytest.approx(10)
    assert len(server.requests) == 4


async def test_a_look_that_succeeded_does_not_make_the_write_unknown(
    serve: Serve, time: FakeTime
) -> None:
    class SlowTheThirdTime:
        asked = 0

        async def get(self) -> Credentials:
            self.asked += 1
            if self.asked == 3:
                await asyncio.sleep(100)
            return CREDENTIALS

    conflict = error(409, "ConflictException")
    server, client = await serve(conflict, image_set(), deadline=10, credentials=SlowTheThirdTime())
    raised = await caught(copy, client)
    assert type(raised) is DeadlineExceeded
    assert raised.outcome is Outcome.REJECTED
    assert len(server.requests) == 2


@pytest.mark.parametrize("call", [update, copy_into])
async def test_a_guarded_write_that_is_cut_after_a_lost_answer_tells_so(
    serve: Serve, call: CallIt
) -> None:
    _, client = await serve(reset, silence, deadline=10)
    raised = await caught(call, client)
    assert isinstance(raised, DeadlineExceeded)
    assert (raised.outcome, raised.prior_outcome_unknown) == (Outcome.UNKNOWN, True)


async def test_the_wall_clock_has_no_part_in_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 2e9)
    _, client = await serve(FAIL, OK, deadline=1)
    await get(client)


async def test_durations_may_be_timedeltas(serve: Serve, time: FakeTime) -> None:
    assert Config(deadline=timedelta(minutes=2)).deadline == 120
    _, client = await serve(silence, read_timeout=timedelta(seconds=2), max_attempts=1)
    began = time.clock()
    await caught(get, client)
    assert time.clock() - began == pytest.approx(2)


async def test_a_failure_in_time_is_not_the_deadlines(serve: Serve) -> None:
    _, client = await serve(after(1, FAIL), deadline=10)
    raised = await caught(get, client)
    assert type(raised) is InternalServerException
    assert raised.retry_stopped_by is None
