"""Waiters: what ends them, and how often they ask (rule R-19)."""

import asyncio
import pickle
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_time import FakeTime
from scripted_server import error, silence
from serving import Serve
from waits import (
    ALL,
    COPIED,
    COPYING,
    CREATED,
    DELETED,
    GONE,
    IMPORTED,
    LOST,
    REMOVED,
    UPDATED,
    Wait,
    datastore,
    image_set,
    import_job,
    over,
)

from healthimaging_sdk import (
    ClientClosed,
    DeadlineExceeded,
    GetImageSetResponse,
    InternalServerException,
    ParamValidationError,
    ResourceNotFoundException,
    ResponseDecodeError,
    ThrottlingException,
    WaiterFailed,
    WaiterTimeout,
)

# ── What ends a wait ──────────────────────────────────────────────────────────


@over(ALL)
async def test_it_asks_until_it_is_done_and_returns_the_last_answer(
    serve: Serve, wait: Wait
) -> None:
    server, client = await serve(wait.pending, wait.pending, wait.done)
    seen: list[object] = []
    result = await wait.begin(client, on_poll=seen.append)
    assert len(server.requests) == len(seen) == 3
    assert seen[-1] == result


@over((COPIED, UPDATED, IMPORTED, CREATED))
async def test_a_failure_ends_it_with_the_services_reason(serve: Serve, wait: Wait) -> None:
    for failed in wait.failed:
        server, client = await serve(wait.pending, failed)
        seen: list[Any] = []
        with pytest.raises(WaiterFailed) as caught:
            await wait.begin(client, on_poll=seen.append)
        assert len(server.requests) == 2
        assert caught.value.last_response == seen[-1]
        assert "canary" not in f"{caught.value} {caught.value!r}"


async def test_the_services_reason_is_the_message(serve: Serve) -> None:
    for wait, reason in ((COPIED, "no room for canary"), (IMPORTED, "no such patient as canary")):
        _, client = await serve(wait.failed[0])
        with pytest.raises(WaiterFailed) as caught:
            await wait.begin(client)
        assert caught.value.message == reason


@over((DELETED, REMOVED))
async def test_a_thing_that_is_no_longer_there_is_deleted(serve: Serve, wait: Wait) -> None:
    server, client = await serve(wait.pending, GONE)
    assert await wait.begin(client) is None
    assert len(server.requests) == 2


@over((COPIED, UPDATED, IMPORTED, CREATED))
async def test_a_thing_that_is_not_there_is_an_error(serve: Serve, wait: Wait) -> None:
    _, client = await serve(wait.pending, GONE)
    with pytest.raises(ResourceNotFoundException):
        await wait.begin(client)


@over(ALL)
async def test_a_status_of_tomorrow_keeps_it_waiting(serve: Serve, wait: Wait) -> None:
    news = {
        COPIED: image_set("ACTIVE", "REARRANGING"),
        UPDATED: image_set("FROZEN", "UPDATED"),
        DELETED: image_set("ACTIVE", "SHREDDING"),
        IMPORTED: import_job("RESTING"),
        CREATED: datastore("PAINTING"),
        REMOVED: datastore("SHREDDING"),
    }
    server, client = await serve(news[wait], wait.done)
    await wait.begin(client)
    assert len(server.requests) == 2


@over((COPIED, UPDATED))
@pytest.mark.parametrize("status", [None, "CREATED", "COPIED", "UPDATED", "IMPORTED"])
async def test_an_active_image_set_is_settled(serve: Serve, wait: Wait, status: str | None) -> None:
    server, client = await serve(image_set("ACTIVE", status))
    await wait.begin(client, version_id="2")
    assert len(server.requests) == 1


# ── Versions ──────────────────────────────────────────────────────────────────


@over((COPIED, UPDATED))
async def test_an_answer_about_an_older_version_does_not_count(serve: Serve, wait: Wait) -> None:
    """Right after a write the service may still tell of the action before, failed or not."""
    server, client = await serve(
        image_set("ACTIVE", "UPDATED", "9"),
        image_set("ACTIVE", "COPY_FAILED", "9"),
        image_set("LOCKED", "UPDATING", "10"),
        image_set("ACTIVE", "UPDATED", "10"),
    )
    result = await wait.begin(client, version_id="10")
    assert result.version_id == "10"
    assert len(server.requests) == 4


def asked_version(target: str) -> list[str] | None:
    return parse_qs(urlsplit(target).query).get("version")


@over((COPIED, UPDATED))
@pytest.mark.parametrize("later", ["UPDATED", "UPDATE_FAILED", "REARRANGING"])
async def test_what_came_after_does_not_tell_how_the_awaited_action_ended(
    serve: Serve, wait: Wait, later: str
) -> None:
    server, client = await serve(
        image_set("LOCKED", "UPDATING", "4"),
        image_set("ACTIVE", later, "4"),
        image_set("ACTIVE", "UPDATED", "3"),
    )
    result = await wait.begin(client, version_id="3")
    assert (result.version_id, result.image_set_workflow_status) == ("4", later)
    assert [asked_version(each.target) for each in server.requests] == [None, None, ["3"]]


@over((COPIED, UPDATED))
async def test_a_failure_is_noticed_although_another_action_came_after(
    serve: Serve, wait: Wait
) -> None:
    _, client = await serve(
        image_set("ACTIVE", "UPDATED", "4"),
        image_set("ACTIVE", "UPDATE_FAILED", "3", "a reason"),
    )
    with pytest.raises(WaiterFailed) as caught:
        await wait.begin(client, version_id="3")
    assert caught.value.message == "a reason"
    assert isinstance(caught.value.last_response, GetImageSetResponse)
    assert caught.value.last_response.version_id == "3"


@over((COPIED, UPDATED))
async def test_without_a_version_the_latest_one_counts(serve: Serve, wait: Wait) -> None:
    server, client = await serve(image_set("ACTIVE", "UPDATED", "7"))
    assert (await wait.begin(client)).version_id == "7"
    assert len(server.requests) == 1


async def test_a_version_that_is_no_number_is_no_answer(serve: Serve) -> None:
    _, client = await serve(image_set("ACTIVE", "UPDATED", "seven"))
    with pytest.raises(ResponseDecodeError) as caught:
        await UPDATED.begin(client, version_id="3")
    assert "seven" not in str(caught.value)


# ── How often ─────────────────────────────────────────────────────────────────


@over(ALL)
async def test_pauses_double_up_to_the_longest(serve: Serve, time: FakeTime, wait: Wait) -> None:
    _, client = await serve(*[wait.pending] * 9, wait.done)
    await wait.begin(client, timeout=10_000)
    expected = [min(wait.longest, wait.shortest * 2**number) for number in range(9)]
    assert time.sleeps == expected


@pytest.mark.parametrize(
    ("random", "expected"),
    [(0.0, [1, 1, 1, 1, 1]), (0.5, [1, 1.5, 2.5, 3, 3]), (1.0, [1, 2, 4, 5, 5])],
)
async def test_pauses_are_between_the_shortest_and_the_longest(
    serve: Serve, time: FakeTime, random: float, expected: list[float]
) -> None:
    _, client = await serve(*[COPYING] * 5, COPIED.done, random=lambda: random)
    await COPIED.begin(client, min_delay=1, max_delay=5)
    assert time.sleeps == expected


async def test_the_last_look_is_at_the_deadline(serve: Serve, time: FakeTime) -> None:
    server, client = await serve(COPYING)
    seen: list[object] = []
    with pytest.raises(WaiterTimeout) as caught:
        await COPIED.begin(client, timeout=10, on_poll=seen.append)
    assert time.sleeps == [0.5, 1, 2, 4, 2.5]
    assert len(server.requests) == len(seen) == 6
    assert caught.value.last_response == seen[-1]
    assert "10 seconds" in str(caught.value)


async def test_what_is_done_at_the_deadline_is_done(serve: Serve) -> None:
    _, client = await serve(*[COPYING] * 5, COPIED.done)
    assert (await COPIED.begin(client, timeout=10)).image_set_workflow_status == "COPIED"


async def test_the_time_that_looks_take_counts(serve: Serve, time: FakeTime) -> None:
    def slowly(_: object) -> None:
        time.now += 4

    server, client = await serve(COPYING)
    with pytest.raises(WaiterTimeout):
        await COPIED.begin(client, timeout=10, on_poll=slowly)
    assert time.sleeps == [0.5, 1]
    assert len(server.requests) == 3


@over(ALL)
@pytest.mark.parametrize("how", [timedelta(minutes=1), 60, 60.0])
async def test_durations_are_seconds_or_timedeltas(
    serve: Serve, time: FakeTime, wait: Wait, how: Any
) -> None:
    _, client = await serve(wait.pending)
    with pytest.raises(WaiterTimeout, match="60 seconds") as caught:
        await wait.begin(client, timeout=how, min_delay=timedelta(seconds=1), max_delay=how)
    assert time.sleeps == [1, 2, 4, 8, 16, 29]
    assert isinstance(caught.value, TimeoutError)


@over(ALL)
async def test_a_timeout_has_to_be_said(serve: Serve, wait: Wait) -> None:
    server, client = await serve(wait.done)
    with pytest.raises(TypeError, match="timeout"):
        await getattr(client, wait.method)(*wait.ids)
    assert server.connections == 0


@over(ALL)
@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": timedelta()}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": None}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"min_delay": 0}, "min_delay"),
        ({"min_delay": 99, "max_delay": 98}, "min_delay"),
        ({"max_delay": float("nan")}, "min_delay"),
    ],
)
async def test_durations_that_cannot_be_are_refused(
    serve: Serve, wait: Wait, options: Mapping[str, Any], parameter: str
) -> None:
    server, client = await serve(wait.done)
    with pytest.raises(ParamValidationError) as caught:
        await wait.begin(client, **options)
    assert caught.value.parameter == parameter
    assert server.connections == 0


@over((COPIED, UPDATED, DELETED))
async def test_a_version_that_cannot_be_is_refused(serve: Serve, wait: Wait) -> None:
    server, client = await serve(wait.done)
    with pytest.raises(ParamValidationError, match="version_id"):
        await wait.begin(client, version_id="latest")
    assert server.connections == 0


# ── Trouble on the way ────────────────────────────────────────────────────────


async def test_what_on_poll_raises_leaves_the_wait(serve: Serve) -> None:
    def refuse(_: object) -> None:
        raise ZeroDivisionError

    server, client = await serve(COPYING)
    with pytest.raises(ZeroDivisionError):
        await COPIED.begin(client, on_poll=refuse)
    assert len(server.requests) == 1


async def test_a_look_is_retried_like_any_call(serve: Serve) -> None:
    server, client = await serve(
        error(400, "ThrottlingException"), LOST, COPYING, LOST, COPIED.done
    )
    await COPIED.begin(client)
    assert len(server.requests) == 5


async def test_a_look_that_fails_every_time_ends_the_wait(serve: Serve) -> None:
    server, client = await serve(COPYING, LOST)
    with pytest.raises(InternalServerException):
        await COPIED.begin(client)
    assert len(server.requests) == 4


async def test_looks_keep_to_the_clients_pace(serve: Serve, time: FakeTime) -> None:
    """GetImageSet: fifty at once, and then twenty-five a second."""
    _, client = await serve(*[COPYING] * 99, COPIED.done, pacing="published")
    began = time.now
    await COPIED.begin(client, min_delay=0.001, max_delay=0.001)
    assert time.now - began == pytest.approx((100 - 50) / 25)


async def test_a_look_that_hangs_is_cut_by_the_timeout(serve: Serve) -> None:
    _, client = await serve(COPYING, silence)
    seen: list[object] = []
    with pytest.raises(WaiterTimeout) as caught:
        await COPIED.begin(client, timeout=0.02, min_delay=0.01, on_poll=seen.append)
    assert [caught.value.last_response] == seen
    assert isinstance(caught.value.__cause__, DeadlineExceeded)


async def test_a_first_look_that_hangs_has_seen_nothing(serve: Serve) -> None:
    _, client = await serve(silence)
    with pytest.raises(WaiterTimeout) as caught:
        await COPIED.begin(client, timeout=0.02, min_delay=0.01)
    assert caught.value.last_response is None


async def test_a_look_that_may_not_be_repeated_in_time_is_a_timeout(
    serve: Serve, time: FakeTime
) -> None:
    _, client = await serve(error(429, "ThrottlingException"))
    with pytest.raises(WaiterTimeout) as caught:
        await COPIED.begin(client, timeout=0.7, min_delay=0.1)
    assert isinstance(caught.value.__cause__, ThrottlingException)
    assert time.sleeps == []


async def test_a_look_that_hangs_for_longer_than_a_call_may_is_that_calls_error(
    serve: Serve,
) -> None:
    _, client = await serve(silence, deadline=0.02)
    with pytest.raises(DeadlineExceeded):
        await COPIED.begin(client, timeout=300)


class Asleep:
    """A `sleep` that says when it has begun, and never ends."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def sleep(self, _: float) -> None:
        self.begun.set()
        await asyncio.Event().wait()


@over(ALL)
async def test_a_cancelled_wait_asks_no_more(serve: Serve, wait: Wait) -> None:
    pause = Asleep()
    server, client = await serve(wait.pending, sleep=pause.sleep)
    waiting = asyncio.create_task(wait.begin(client))
    await pause.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(server.requests) == 1


@over(ALL)
async def test_closing_the_client_ends_the_pause(serve: Serve, wait: Wait) -> None:
    pause = Asleep()
    server, client = await serve(wait.pending, sleep=pause.sleep)
    waiting = asyncio.create_task(wait.begin(client))
    await pause.begun.wait()
    await client.aclose()
    with pytest.raises(ClientClosed):
        await waiting
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", [WaiterFailed, WaiterTimeout])
async def test_an_error_survives_pickling(serve: Serve, kind: type[Exception]) -> None:
    _, client = await serve(COPIED.failed[0] if kind is WaiterFailed else COPYING)
    with pytest.raises(kind) as caught:
        await COPIED.begin(client, timeout=1)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is kind
    assert str(copy) == str(caught.value)
    assert vars(copy) == vars(caught.value)
