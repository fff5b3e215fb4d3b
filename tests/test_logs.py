"""What the client logs: enough to see what it does, with the facts as attributes (rule R-23)."""

import asyncio
import json
import logging
import time as wall
from email.utils import formatdate
from typing import Any

import pytest
from sample_calls import COPIED, DATASTORE, OK, copy, get, image_set, update
from scripted_server import answer, error, reset
from serving import Serve

FAIL = error(500, "InternalServerException", "of MX^MX")
THROTTLE = error(429, "ThrottlingException")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "healthimaging_sdk")
    return caplog


def messages(log: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [each.message for each in ours(log) if each.levelno == level]


def ours(log: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in log.records if each.name == "healthimaging_sdk"]


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a JSON formatter finds in it that is not every record's."""
    prefix = "healthimaging_"
    return {
        name.removeprefix(prefix): value
        for name, value in vars(record).items()
        if name.startswith(prefix)
    }


async def test_a_call_that_succeeds_is_one_record_at_debug(
    serve: Serve, log: pytest.LogCaptureFixture
) -> None:
    _, client = await serve(answer(200, DATASTORE, {"x-amzn-RequestId": "AWS-1"}))
    await get(client)
    (record,) = ours(log)
    assert record.levelno == logging.DEBUG
    assert record.message == "GetDatastore: attempt 1: 200 in 0.000 s (request AWS-1)"
    assert facts(record) == {
        "operation": "GetDatastore",
        "attempt": 1,
        "seconds": 0.0,
        "status_code": 200,
        "error_code": None,
        "request_id": "AWS-1",
    }


async def test_each_attempt_and_each_pause_is_a_record(
    serve: Serve, log: pytest.LogCaptureFixture
) -> None:
    _, client = await serve(FAIL, reset, OK)
    await get(client)
    assert messages(log, logging.DEBUG) == [
        "GetDatastore: attempt 1: InternalServerException in 0.000 s (request a-request-id)",
        "GetDatastore: attempt 2: TransportError in 0.000 s (request without id)",
        "GetDatastore: attempt 3: 200 in 0.000 s (request without id)",
    ]
    pauses = [each for each in ours(log) if each.levelno == logging.INFO]
    assert [each.message for each in pauses] == [
        "GetDatastore: attempt 1 failed (InternalServerException), the next one in 0.05 s",
        "GetDatastore: attempt 2 failed (TransportError), the next one in 0.10 s",
    ]
    assert facts(pauses[0]) == {
        "operation": "GetDatastore",
        "attempt": 1,
        "error_code": "InternalServerException",
        "delay": 0.05,
    }
    assert "MX" not in log.text


async def test_the_beginning_of_pacing_is_told_once(
    serve: Serve, log: pytest.LogCaptureFixture
) -> None:
    _, client = await serve(THROTTLE, THROTTLE, COPIED)
    await asyncio.gather(copy(client), copy(client))
    told = [each for each in ours(log) if "paced" in each.message]
    assert [each.message for each in told] == [
        "CopyImageSet: throttled, paced from now on, at first 0.25 per second"
    ]
    assert told[0].levelno == logging.INFO
    assert facts(told[0]) == {"operation": "CopyImageSet", "per_second": 0.25}


async def test_waiting_for_a_lock_is_told(serve: Serve, log: pytest.LogCaptureFixture) -> None:
    conflict = error(409, "ConflictException")
    _, client = await serve(conflict, image_set("LOCKED"), image_set(), image_set())
    await update(client)
    assert messages(log, logging.INFO) == [
        "UpdateImageSetMetadata: an image set is locked, the next look in 0.50 s",
        "UpdateImageSetMetadata: attempt 1 failed (ConflictException), the next one in 1.00 s",
    ]


async def test_a_wrong_clock_is_a_warning(serve: Serve, log: pytest.LogCaptureFixture) -> None:
    ahead = {"Date": formatdate(wall.time() + 900, usegmt=True)}
    _, client = await serve(error(403, "RequestTimeTooSkewed", headers=ahead), OK)
    await get(client)
    (record,) = [each for each in ours(log) if each.levelno == logging.WARNING]
    assert record.message.startswith("this machine's clock is wrong")
    assert facts(record)["skew"] == pytest.approx(900, abs=60)


async def test_without_debug_a_success_is_silent(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "healthimaging_sdk")
    _, client = await serve(OK)
    await get(client)
    assert ours(caplog) == []


async def test_an_applications_own_record_fields_do_not_clash(
    serve: Serve, log: pytest.LogCaptureFixture
) -> None:
    plain = logging.getLogRecordFactory()

    def with_own_fields(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = plain(*args, **kwargs)
        vars(record).update(request_id="of a web request", operation="checkout", attempt=7)
        return record

    _, client = await serve(FAIL, OK)
    logging.setLogRecordFactory(with_own_fields)
    try:
        await get(client)
    finally:
        logging.setLogRecordFactory(plain)
    assert len(ours(log)) == 3
    assert json.loads(json.dumps([facts(each) for each in ours(log)]))
