"""What is tried again, when, and at what cost (rules R-1 to R-8), as the server counts it."""

import asyncio
from email.utils import formatdate
from typing import Any

import pytest
import tenacity
from attrs import frozen
from fake_time import FakeTime
from sample_calls import OK, get, quota_of
from scripted_server import ScriptedServer, Step, answer, error
from serving import Serve

from healthimaging_sdk import (
    Config,
    ConflictException,
    HealthImagingClient,
    HealthImagingError,
    InternalServerException,
    Outcome,
    ParamValidationError,
    ServiceError,
    ThrottlingException,
)

THROTTLING_CODES = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
)
THROTTLED = 1.0
TRANSIENT = 0.05

FAIL = error(500, "InternalServerException")
THROTTLE = error(400, "Throttling")


def bare(status: int, body: bytes = b"") -> Step:
    return answer(status, body, {"Content-Type": "text/html"})


async def failure(client: HealthImagingClient) -> HealthImagingError:
    with pytest.raises(HealthImagingError) as caught:
        await get(client)
    return caught.value


@pytest.mark.parametrize("status", [400, 403, 409, 429, 500, 503])
@pytest.mark.parametrize("code", THROTTLING_CODES)
async def test_a_throttling_code_is_throttling_at_any_status(
    serve: Serve, time: FakeTime, code: str, status: int
) -> None:
    server, client = await serve(error(status, code), OK, pacing="off")
    await get(client)
    assert (len(server.requests), time.sleeps) == (2, [THROTTLED])


@pytest.mark.parametrize(
    ("step", "delay"),
    [
        (bare(429), THROTTLED),
        (bare(429, b"<html>slow down</html>"), THROTTLED),
        (error(429, "NobodyKnowsThisException"), THROTTLED),
        (bare(500), TRANSIENT),
        (bare(502, b"<html>"), TRANSIENT),
        (bare(503), TRANSIENT),
        (bare(504), TRANSIENT),
        (error(500, "NobodyKnowsThisException"), TRANSIENT),
        (error(503, "ValidationException"), TRANSIENT),
        (error(500, "ConflictException"), TRANSIENT),
        (error(400, "InternalServerException"), TRANSIENT),
        (error(400, "RequestTimeout"), TRANSIENT),
        (error(408, "RequestTimeoutException"), TRANSIENT),
        (error(409, "ConflictException"), THROTTLED),
    ],
)
async def test_a_failure_that_may_pass_is_tried_again(
    serve: Serve, time: FakeTime, step: Step, delay: float
) -> None:
    server, client = await serve(step, OK, pacing="off")
    await get(client)
    assert (len(server.requests), time.sleeps) == (2, [delay])


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ValidationException"),
        (400, "BadRequestException"),
        (402, "ServiceQuotaExceededException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (406, "NotAcceptableException"),
        (429, "ValidationException"),
        (429, "AccessDeniedException"),
        (400, "NobodyKnowsThisException"),
        (418, "418"),
        (301, "301"),
        (307, "307"),
        (501, "501"),
    ],
)
async def test_a_failure_that_will_not_pass_is_raised_at_once(
    serve: Serve, time: FakeTime, status: int, code: str
) -> None:
    step = bare(status) if code.isdecimal() else error(status, code)
    server, client = await serve(step)
    raised = await failure(client)
    assert isinstance(raised, ServiceError)
    assert (raised.code, raised.status_code, raised.attempts) == (code, status, 1)
    assert raised.operation_name == "GetDatastore"
    assert (len(server.requests), time.sleeps) == (1, [])


def statuses(*codes: int) -> list[Step]:
    return [OK if code == 200 else bare(code) for code in codes]


@frozen
class Vector:
    """With so many tokens, this script: the delays, what is left, and what ended the retries."""

    attempts: int
    tokens: int
    script: list[Step]
    delays: list[float]
    left: int
    succeeds: bool = False
    stopped_by: str | None = None


VECTORS = {
    "success": Vector(3, 500, statuses(500, 500, 200), [0.05, 0.1], 486, succeeds=True),
    "exhausted": Vector(3, 500, statuses(502, 502, 502), [0.05, 0.1], 472),
    "quota after one": Vector(3, 14, statuses(500, 500), [0.05], 0, stopped_by="quota"),
    "no quota": Vector(3, 0, statuses(500), [], 0, stopped_by="quota"),
    "timing": Vector(5, 500, statuses(*[500] * 5), [0.05, 0.1, 0.2, 0.4], 444),
    "exhaustion": Vector(5, 20, statuses(500, 502), [0.05], 6, stopped_by="quota"),
    "recovery": Vector(5, 30, statuses(500, 502, 200), [0.05, 0.1], 16, succeeds=True),
    "recovered": Vector(5, 16, statuses(500, 200), [0.05], 16, succeeds=True),
    "throttling": Vector(3, 500, [THROTTLE, OK], [1.0], 500, succeeds=True),
    "no quota for throttling": Vector(3, 4, [THROTTLE], [], 4, stopped_by="quota"),
    "the latest counts": Vector(3, 500, [THROTTLE, FAIL, OK], [1.0, 0.1], 495, succeeds=True),
    "one back without a retry": Vector(3, 400, [OK], [], 401, succeeds=True),
    "never more than full": Vector(3, 500, [OK], [], 500, succeeds=True),
    "retries turned off": Vector(1, 500, [FAIL], [], 500),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
async def test_delays_and_tokens_are_those_of_the_specification(
    serve: Serve, time: FakeTime, vector: Vector
) -> None:
    server, client = await serve(*vector.script, max_attempts=vector.attempts, pacing="off")
    quota = quota_of(client)
    quota.available = vector.tokens
    if vector.succeeds:
        await get(client)
    else:
        assert (await failure(client)).retry_stopped_by == vector.stopped_by
    assert time.sleeps == pytest.approx(vector.delays)
    assert quota.available == vector.left
    assert len(server.requests) == len(vector.script)


async def test_no_delay_is_longer_than_twenty_seconds_however_many_there_were(
    serve: Serve, time: FakeTime
) -> None:
    _, client = await serve(FAIL, max_attempts=2000, deadline=None)
    quota_of(client).available = 10**6
    await failure(client)
    assert time.sleeps[:3] == [0.05, 0.1, 0.2]
    assert len(time.sleeps) == 1999
    assert time.sleeps[9:] == [20.0] * 1990


async def test_jitter_shortens_the_delay(serve: Serve, time: FakeTime) -> None:
    _, client = await serve(FAIL, FAIL, OK, random=lambda: 0.25)
    await get(client)
    assert time.sleeps == [0.0125, 0.025]


@pytest.mark.parametrize(
    ("header", "text", "delay"),
    [
        ("x-amz-retry-after", "1500", 1.5),
        ("x-amz-retry-after", "0", 0.05),
        ("x-amz-retry-after", "10000", 5.05),
        ("x-amz-retry-after", "9" * 400, 0.05),
        ("x-amz-retry-after", "invalid", 0.05),
        ("x-amz-retry-after", "-1500", 0.05),
        ("x-amz-retry-after", "", 0.05),
        ("Retry-After", "2", 2.0),
        ("Retry-After", "86400", 5.05),
        ("Retry-After", "-2", 0.05),
        ("Retry-After", "inf", 0.05),
        ("Retry-After", "nan", 0.05),
        ("Retry-After", formatdate(0, usegmt=True), 0.05),
        ("Retry-After", formatdate(2**32, usegmt=True), 5.05),
    ],
)
async def test_the_answer_may_ask_for_a_longer_delay_within_limits(
    serve: Serve, time: FakeTime, header: str, text: str, delay: float
) -> None:
    failing = error(500, "InternalServerException", headers={header: text})
    _, client = await serve(failing, OK)
    await get(client)
    assert time.sleeps == [pytest.approx(delay)]
    assert quota_of(client).available == 500


async def test_the_quota_is_shared_by_the_calls_of_a_client(serve: Serve) -> None:
    _, client = await serve(FAIL, FAIL, OK, FAIL, OK)
    await get(client)
    await get(client)
    assert quota_of(client).available == 486


async def test_many_calls_at_once_cannot_overdraw_the_quota(serve: Serve) -> None:
    server, client = await serve(FAIL, max_attempts=3)
    raised = await asyncio.gather(*(failure(client) for _ in range(100)))
    retries = 500 // 14
    assert len(server.requests) == 100 + retries
    assert quota_of(client).available == 500 - 14 * retries
    assert {each.retry_stopped_by for each in raised} >= {"quota"}
    assert all(type(each) is InternalServerException for each in raised)


async def test_an_empty_quota_raises_what_the_service_said(serve: Serve) -> None:
    _, client = await serve(error(429, "ThrottlingException", "too fast"))
    quota_of(client).available = 0
    raised = await failure(client)
    assert type(raised) is ThrottlingException
    assert (raised.retry_stopped_by, raised.message, raised.attempts) == ("quota", "too fast", 1)


async def test_two_clients_have_two_quotas(serve: Serve) -> None:
    _, one = await serve(FAIL, OK)
    _, other = await serve(OK)
    await get(one)
    quota_of(one).available = 0
    assert quota_of(other).available == 500


async def test_the_failures_say_what_the_call_knows(serve: Serve) -> None:
    _, client = await serve(FAIL, THROTTLE, error(404, "ResourceNotFoundException"))
    raised = await failure(client)
    assert (raised.attempts, raised.outcome, raised.prior_outcome_unknown) == (
        3,
        Outcome.REJECTED,
        True,
    )


async def test_an_error_without_an_earlier_one_knows_of_none(serve: Serve) -> None:
    _, client = await serve(FAIL, max_attempts=1)
    raised = await failure(client)
    assert (raised.outcome, raised.prior_outcome_unknown) == (Outcome.UNKNOWN, False)


def invocations(server: ScriptedServer) -> list[tuple[str, str]]:
    return [
        (each.headers["amz-sdk-invocation-id"], each.headers["amz-sdk-request"])
        for each in server.requests
    ]


async def test_the_attempts_of_a_call_share_an_invocation_id_and_are_numbered(
    serve: Serve,
) -> None:
    server, client = await serve(FAIL, THROTTLE, OK, OK, max_attempts=4)
    await get(client)
    await get(client)
    ids, numbers = zip(*invocations(server), strict=True)
    assert numbers == (
        "attempt=1; max=4",
        "attempt=2; max=4",
        "attempt=3; max=4",
        "attempt=1; max=4",
    )
    assert len({*ids[:3]}) == 1
    assert ids[3] != ids[0]


async def test_a_conflict_of_a_read_is_waited_out(serve: Serve, time: FakeTime) -> None:
    server, client = await serve(error(409, "ConflictException"))
    raised = await failure(client)
    assert type(raised) is ConflictException
    assert (len(server.requests), time.sleeps) == (3, [1.0, 2.0])


async def test_a_first_attempt_that_succeeds_needs_no_retry_controller(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    controller = tenacity.AsyncRetrying

    def counted(**options: Any) -> tenacity.AsyncRetrying:
        made.append(options)
        return controller(**options)

    monkeypatch.setattr(tenacity, "AsyncRetrying", counted)
    _, client = await serve(OK, FAIL, OK)
    await get(client)
    assert made == []
    await get(client)
    assert len(made) == 1


async def test_the_environment_sets_the_attempts(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    server, client = await serve(FAIL)
    assert (await failure(client)).attempts == len(server.requests) == 5


async def test_the_configuration_stands_above_the_environment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    server, client = await serve(FAIL, max_attempts=2)
    await failure(client)
    assert len(server.requests) == 2


async def test_empty_variables_mean_nothing(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "")
    monkeypatch.setenv("AWS_RETRY_MODE", "")
    server, client = await serve(FAIL)
    await failure(client)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AWS_RETRY_MODE", "legacy"),
        ("AWS_RETRY_MODE", "adaptive"),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_MAX_ATTEMPTS", "-1"),
        ("AWS_MAX_ATTEMPTS", "three"),
        ("AWS_MAX_ATTEMPTS", "２"),  # noqa: RUF001  # a digit, but not an ASCII one
    ],
)
def test_what_the_environment_asks_in_vain_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ParamValidationError) as caught:
        HealthImagingClient(region="us-east-1", config=Config())
    assert caught.value.parameter == variable
