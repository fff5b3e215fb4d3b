"""Observers are told what each call did, and can change nothing of it."""

import asyncio
import json
import logging
import pickle
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import pytest
from blobs import FRAME, GZIP, IDS, LABELLED, TEXT, metadata, whole
from fake_time import FakeTime
from phases import PHASES, Phase, held
from recorder import Recorder
from sample_calls import COPIED, DATASTORE, OK, CallIt, copy, delete, get, image_set, update
from scripted_server import Step, answer, chunks, cut, error, reset
from serving import Serve

from healthimaging_sdk import (
    BodyTruncated,
    CallReport,
    ClientClosed,
    Config,
    ConflictException,
    CredentialError,
    Credentials,
    DeadlineExceeded,
    HealthImagingError,
    Observer,
    Outcome,
    ParamValidationError,
    ResponseDecodeError,
    StaleVersionError,
    WriteOutcomeUnknown,
)

FAIL = error(500, "InternalServerException")
THROTTLE = error(429, "ThrottlingException")
CONFLICT = error(409, "ConflictException")


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


# ── What a report says ────────────────────────────────────────────────────────


async def test_a_call_is_reported(serve: Serve, seen: Recorder) -> None:
    body = json.dumps(DATASTORE).encode()
    _, client = await serve(answer(200, body, {"x-amzn-RequestId": "AWS-1"}), observers=[seen])
    await get(client)
    report = seen.last
    assert (report.operation_name, report.region) == ("GetDatastore", "us-east-1")
    assert (report.throttles, report.pacing_seconds, report.outcome_unknown) == (0, 0.0, False)
    assert report.received_bytes == len(body)
    (attempt,) = report.attempts
    assert (attempt.number, attempt.status_code, attempt.request_id) == (1, 200, "AWS-1")
    assert (attempt.error_code, attempt.outcome, attempt.throttled) == (None, None, False)
    assert report.last_attempt is attempt


async def test_an_answer_that_cannot_be_read_has_a_status_too(serve: Serve, seen: Recorder) -> None:
    _, client = await serve(answer(), observers=[seen], max_attempts=1)
    with pytest.raises(ResponseDecodeError):
        await get(client)
    (attempt,) = seen.last.attempts
    assert (attempt.status_code, attempt.error_code) == (200, "ResponseDecodeError")


async def test_every_attempt_is_told(serve: Serve, seen: Recorder) -> None:
    _, client = await serve(THROTTLE, FAIL, reset, OK, max_attempts=4, observers=[seen])
    await get(client)
    assert seen.attempts == [
        ("GetDatastore", 1, "ThrottlingException"),
        ("GetDatastore", 2, "InternalServerException"),
        ("GetDatastore", 3, "TransportError"),
        ("GetDatastore", 4, None),
    ]
    attempts = seen.last.attempts
    assert [each.status_code for each in attempts] == [429, 500, None, 200]
    assert [each.request_id for each in attempts] == ["a-request-id"] * 2 + [None] * 2
    assert [each.throttled for each in attempts] == [True, False, False, False]
    assert [each.outcome for each in attempts] == [
        Outcome.REJECTED,
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        None,
    ]
    assert (seen.last.throttles, seen.last.outcome_unknown, seen.ends) == (1, False, [None])


async def test_the_looks_after_a_refused_write_are_part_of_its_call(
    serve: Serve, seen: Recorder
) -> None:
    steps = (CONFLICT, THROTTLE, image_set("LOCKED"), image_set(), image_set())
    _, client = await serve(*steps, observers=[seen], pacing="off")
    await update(client)
    assert seen.attempts == [
        ("UpdateImageSetMetadata", 1, "ConflictException"),
        ("GetImageSet", 1, "ThrottlingException"),
        ("GetImageSet", 2, None),
        ("GetImageSet", 1, None),
        ("UpdateImageSetMetadata", 2, None),
    ]
    assert seen.last.throttles == 1
    assert len(seen.reports) == 1


async def test_the_last_attempt_is_the_writes_own(serve: Serve, seen: Recorder) -> None:
    _, client = await serve(CONFLICT, image_set("ACTIVE", "4"), observers=[seen])
    with pytest.raises(StaleVersionError) as raised:
        await update(client)
    assert seen.ends == [raised.value]
    own, _ = seen.last.attempts
    assert seen.last.last_attempt is own
    assert own.error_code == "ConflictException"


@pytest.mark.parametrize(
    ("call", "steps", "expected"),
    [
        (copy, (reset,), WriteOutcomeUnknown),
        (update, (reset, CONFLICT, image_set("ACTIVE", "2")), WriteOutcomeUnknown),
        (delete, (FAIL, CONFLICT, image_set("DELETED")), ConflictException),
        (update, (CONFLICT, image_set("ACTIVE", "2")), None),
        (update, (reset, image_set()), None),
    ],
)
async def test_whether_a_write_may_have_been_applied_is_told(
    serve: Serve,
    seen: Recorder,
    call: CallIt,
    steps: tuple[Step, ...],
    expected: type[HealthImagingError] | None,
) -> None:
    _, client = await serve(*steps, observers=[seen])
    try:
        await call(client)
    except HealthImagingError as raised:
        assert expected is None or isinstance(raised, expected)
    assert seen.last.outcome_unknown == (expected is not None)


@pytest.mark.virtual_time
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
async def test_a_call_that_is_cut_anywhere_tells_what_is_known(
    serve: Serve, seen: Recorder, phase: Phase
) -> None:
    async with held(serve, phase, observers=[seen]) as call:
        report = seen.last
        call.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.task
        assert isinstance(seen.ends[-1], asyncio.CancelledError)
        assert report.outcome_unknown == (phase.outcome is Outcome.UNKNOWN)


@pytest.mark.virtual_time
async def test_an_attempt_that_the_deadline_cuts_is_told(
    serve: Serve, seen: Recorder, time: FakeTime
) -> None:
    async def slow(*_: object) -> None:
        await time.sleep(100)

    _, client = await serve(slow, deadline=5, observers=[seen])
    with pytest.raises(DeadlineExceeded) as raised:
        await get(client)
    assert seen.attempts == [("GetDatastore", 1, "CancelledError")]
    assert seen.last.attempts[0].seconds == pytest.approx(5)
    assert seen.ends == [raised.value]


@pytest.mark.virtual_time
async def test_the_queue_of_the_pace_is_told_apart_from_the_attempts(
    serve: Serve, seen: Recorder
) -> None:
    _, client = await serve(COPIED, observers=[seen], pacing="published")
    await asyncio.gather(*(copy(client) for _ in range(3)))
    delays = [report.pacing_seconds for report in seen.reports]
    assert delays == pytest.approx([0, 4, 8])
    assert [report.attempts[0].seconds for report in seen.reports] == pytest.approx([0, 0, 0])


@pytest.mark.virtual_time
async def test_a_call_that_is_cancelled_in_the_queue_tells_how_long_it_was_there(
    serve: Serve, seen: Recorder
) -> None:
    _, client = await serve(COPIED, observers=[seen], pacing="published")
    await copy(client)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.ensure_future(copy(client)), 3)
    assert seen.last.pacing_seconds == pytest.approx(3)
    assert seen.last.attempts == []


async def test_bytes_are_counted_as_they_came(serve: Serve, seen: Recorder) -> None:
    refusal = b'{"message": "no"}'
    refused = answer(500, refusal, {"x-amzn-ErrorType": "InternalServerException"})
    truncated = cut(GZIP, at=100, headers=LABELLED)
    _, client = await serve(refused, truncated, metadata(GZIP), observers=[seen])
    assert await whole(client) == TEXT
    assert seen.last.received_bytes == len(refusal) + 100 + len(GZIP)


async def test_a_call_without_credentials_makes_no_attempt(serve: Serve, seen: Recorder) -> None:
    class Missing:
        async def get(self) -> Credentials:
            raise CredentialError("none")

    _, client = await serve(OK, credentials=Missing(), observers=[seen])
    with pytest.raises(CredentialError):
        await get(client)
    assert seen.last.attempts == []
    assert seen.last.last_attempt is None
    assert not seen.last.outcome_unknown


async def test_a_closed_client_reports_a_call_that_made_no_attempt(
    serve: Serve, seen: Recorder
) -> None:
    _, client = await serve(OK, observers=[seen])
    await client.aclose()
    with pytest.raises(ClientClosed) as raised:
        await get(client)
    assert (seen.last.attempts, seen.last.region, seen.ends) == ([], None, [raised.value])


# ── Streams, pages, waiters ───────────────────────────────────────────────────


async def test_a_stream_is_a_call_until_its_block_is_left(serve: Serve, seen: Recorder) -> None:
    _, client = await serve(chunks(GZIP[:50], GZIP[50:], headers=LABELLED), observers=[seen])
    async with client.stream_image_set_metadata(*IDS) as stream:
        assert seen.attempts == [("GetImageSetMetadata", 1, None)]
        assert await stream.read() == TEXT
        assert (seen.ends, seen.last.received_bytes) == ([], 0)
    assert (seen.ends, seen.last.received_bytes) == ([None], len(GZIP))


async def test_a_stream_ends_with_what_leaves_its_block(serve: Serve, seen: Recorder) -> None:
    _, client = await serve(cut(b"f" * 100, at=60), chunks(b"f" * 60, b""), observers=[seen])
    own = LookupError("of the caller")

    async def read_and_fail() -> None:
        async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
            async for _ in stream:
                raise own

    with pytest.raises(BodyTruncated) as truncated:
        async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
            await stream.read()
    assert (seen.ends[-1], seen.last.received_bytes) == (truncated.value, 60)
    with pytest.raises(LookupError):
        await read_and_fail()
    assert (seen.ends[-1], seen.last.received_bytes) == (own, 60)


async def test_a_page_is_a_call_and_a_look_of_a_waiter_is_one(serve: Serve, seen: Recorder) -> None:
    pages: list[dict[str, Any]] = [
        {"datastoreSummaries": [], "nextToken": "more"},
        {"datastoreSummaries": []},
    ]
    steps = [answer(body=page) for page in pages]
    _, client = await serve(*steps, OK, observers=[seen])
    async for _ in client.iter_datastores():
        pass
    await client.wait_until_datastore_active(IDS[0], timeout=5)
    names = [report.operation_name for report in seen.reports]
    assert names == ["ListDatastores", "ListDatastores", "GetDatastore"]


# ── What an observer can do ───────────────────────────────────────────────────

request_of: ContextVar[str] = ContextVar("request_of", default="nobody")


async def test_the_context_is_entered_in_the_callers_task_before_the_first_attempt(
    serve: Serve,
) -> None:
    found: list[object] = []

    @contextmanager
    def observer(report: CallReport) -> Generator[None]:
        found.append((asyncio.current_task(), request_of.get(), list(report.attempts)))
        token = request_of.set("the call")
        yield
        request_of.reset(token)

    _, client = await serve(OK, observers=[observer])
    request_of.set("the caller")
    await get(client)
    assert found == [(asyncio.current_task(), "the caller", [])]
    assert request_of.get() == "the caller"


async def test_contexts_are_left_in_the_opposite_order(serve: Serve) -> None:
    order: list[str] = []

    def named(name: str) -> Observer:
        @contextmanager
        def observer(_: CallReport) -> Generator[None]:
            order.append(f"{name} begins")
            yield
            order.append(f"{name} ends")

        return observer

    _, client = await serve(OK, observers=[named("one"), named("two")])
    await get(client)
    assert order == ["one begins", "two begins", "two ends", "one ends"]


def faulty_call(_: CallReport) -> AbstractContextManager[object]:
    raise LookupError("MX^MX")


@contextmanager
def faulty_beginning(_: CallReport) -> Generator[None]:
    if _.operation_name:
        raise LookupError("MX^MX")
    yield


@contextmanager
def faulty_end(_: CallReport) -> Generator[None]:
    try:
        yield
    finally:
        raise LookupError("MX^MX")


@pytest.mark.parametrize("faulty", [faulty_call, faulty_beginning, faulty_end])
@pytest.mark.parametrize("step", [COPIED, error(400, "ValidationException")])
async def test_what_an_observer_raises_is_logged_and_changes_nothing(
    serve: Serve, seen: Recorder, caplog: pytest.LogCaptureFixture, faulty: Observer, step: Step
) -> None:
    caplog.set_level(logging.INFO, "healthimaging_sdk")
    server, client = await serve(step, observers=[seen, faulty, seen])
    try:
        await copy(client)
        raised = None
    except HealthImagingError as caught:
        raised = caught
        assert raised.__cause__ is None
        assert raised.__context__ is None
    assert (raised is None) == (step is COPIED)
    assert len(server.requests) == 1
    assert seen.ends == [raised, raised]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("healthimaging_sdk", logging.ERROR)
    assert "LookupError" in record.message
    assert __file__ in record.message
    assert "MX" not in caplog.text


async def test_an_observer_cannot_suppress_the_calls_error(serve: Serve) -> None:
    @contextmanager
    def suppressing(_: CallReport) -> Generator[None]:
        with suppress(HealthImagingError):
            yield

    _, client = await serve(error(400, "ValidationException"), observers=[suppressing])
    with pytest.raises(HealthImagingError):
        await get(client)


def in_a_module(report: CallReport) -> AbstractContextManager[object]:
    return Recorder()(report)


def test_a_configuration_with_observers_can_be_pickled() -> None:
    config = Config(observers=[in_a_module])
    assert config.observers == (in_a_module,)
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize("observers", [in_a_module, [None], "text", 5])
def test_what_is_no_tuple_of_observers_is_refused(observers: Any) -> None:
    with pytest.raises(ParamValidationError, match="observers: must be a tuple of callables"):
        Config(observers=observers)
