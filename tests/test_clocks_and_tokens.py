"""Expired credentials and clocks that are wrong are put right, once (rules R-11 and R-12)."""

import asyncio
import time as wall
from datetime import datetime
from email.utils import formatdate

import pytest
from attrs import define
from fake_time import FakeTime
from sample_calls import COPIED, OK, CallIt, copy, get, image_set, quota_of, update
from scripted_server import Received, Step, error
from serving import CREDENTIALS, Serve

from healthimaging_sdk import (
    AccessDeniedException,
    CredentialError,
    Credentials,
    HealthImagingClient,
    HealthImagingError,
    Outcome,
    ServiceError,
)

FRESH = Credentials("AKIDFRESH", "another-secret", "a-token")


async def caught(call: CallIt, client: HealthImagingClient) -> HealthImagingError:
    with pytest.raises(HealthImagingError) as raised:
        await call(client)
    return raised.value


def access_key_ids(requests: list[Received]) -> list[str]:
    return [
        each.headers["authorization"].split("Credential=")[1].split("/")[0] for each in requests
    ]


# ── Credentials ───────────────────────────────────────────────────────────────

expired = pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException"])


@define
class Rotating:
    """Gives these credentials, one after the other each time they are said to have changed."""

    current: Credentials = CREDENTIALS
    asked: int = 0

    async def get(self) -> Credentials:
        self.asked += 1
        return self.current


def expire(code: str, provider: Rotating | None = None) -> Step:
    """Refuses the token; meanwhile the provider has come by a fresh one."""
    refuse = error(403, code)

    async def step(*exchange: object) -> None:
        if provider:
            provider.current = FRESH
        await refuse(*exchange)  # type: ignore[arg-type]  # as they came

    return step


@expired
@pytest.mark.parametrize("call", [get, update, copy])
async def test_an_expired_token_is_replaced_and_the_request_signed_anew(
    serve: Serve, time: FakeTime, code: str, call: CallIt
) -> None:
    provider = Rotating()
    successes: dict[CallIt, Step] = {get: OK, update: image_set(), copy: COPIED}
    server, client = await serve(expire(code, provider), successes[call], credentials=provider)
    await call(client)
    assert access_key_ids(server.requests) == ["AKIDEXAMPLE", "AKIDFRESH"]
    first, second = server.requests
    assert "x-amz-security-token" not in first.headers
    assert second.headers["x-amz-security-token"] == "a-token"
    assert time.sleeps == [0.05]


@expired
async def test_the_same_credentials_again_are_no_help(serve: Serve, code: str) -> None:
    server, client = await serve(expire(code), credentials=Rotating())
    raised = await caught(get, client)
    assert isinstance(raised, ServiceError)
    assert (raised.code, raised.attempts, raised.outcome) == (code, 1, Outcome.REJECTED)
    assert len(server.requests) == 1


async def test_credentials_of_ones_own_are_not_tried_twice(serve: Serve) -> None:
    server, client = await serve(expire("ExpiredToken"))
    await caught(get, client)
    assert len(server.requests) == 1


async def test_a_token_that_expired_is_replaced_within_the_attempts_of_the_call(
    serve: Serve,
) -> None:
    provider = Rotating()
    step = expire("ExpiredToken", provider)
    server, client = await serve(step, OK, credentials=provider, max_attempts=1)
    raised = await caught(get, client)
    assert isinstance(raised, ServiceError)
    assert len(server.requests) == 1


async def test_replacing_a_token_costs_as_much_as_any_retry(serve: Serve) -> None:
    provider = Rotating()
    _, client = await serve(expire("ExpiredToken", provider), credentials=provider)
    quota_of(client).available = 20
    raised = await caught(get, client)
    # Once changed and once not: the second refusal is final.
    assert (raised.attempts, quota_of(client).available) == (2, 6)


async def test_every_attempt_asks_for_the_credentials_of_its_moment(serve: Serve) -> None:
    provider = Rotating()
    failing = error(500, "InternalServerException")
    server, client = await serve(failing, failing, OK, credentials=provider)
    await get(client)
    assert provider.asked == len(server.requests) == 3


async def test_a_provider_without_credentials_is_asked_once(serve: Serve, time: FakeTime) -> None:
    class Empty:
        async def get(self) -> Credentials:
            raise CredentialError("none today")

    server, client = await serve(OK, credentials=Empty())
    raised = await caught(get, client)
    assert type(raised) is CredentialError
    assert (raised.outcome, raised.operation_name) == (Outcome.NOT_SENT, "GetDatastore")
    assert (server.connections, time.sleeps) == (0, [])


async def test_a_provider_that_breaks_leaves_the_connections_free(serve: Serve) -> None:
    class Broken:
        working = False

        async def get(self) -> Credentials:
            if not self.working:
                raise ZeroDivisionError
            return CREDENTIALS

    provider = Broken()
    _, client = await serve(OK, credentials=provider, pool_size=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await get(client)
    provider.working = True
    await get(client)


# ── Clocks ────────────────────────────────────────────────────────────────────

SKEW_CODES = (
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "RequestTimeTooSkewed",
    "AccessDeniedException",
)


def at(ahead: float) -> dict[str, str]:
    """The date of a server whose clock is that far ahead of ours."""
    return {"Date": formatdate(wall.time() + ahead, usegmt=True)}


def seconds_ahead(received: Received) -> float:
    return datetime.fromisoformat(received.headers["x-amz-date"]).timestamp() - wall.time()


@pytest.mark.parametrize("code", SKEW_CODES)
@pytest.mark.parametrize("ahead", [300.0, -300.0, 86400.0, -86400.0])
async def test_a_clock_that_is_wrong_is_corrected_for_this_and_all_later_requests(
    serve: Serve, time: FakeTime, code: str, ahead: float
) -> None:
    server, client = await serve(error(403, code, headers=at(ahead)), OK)
    await get(client)
    await get(client)
    wrong, *corrected = map(seconds_ahead, server.requests)
    assert wrong == pytest.approx(0, abs=30)
    assert corrected == pytest.approx([ahead, ahead], abs=30)
    assert time.sleeps == [0.05]
    assert quota_of(client).available == 500


@pytest.mark.parametrize("code", SKEW_CODES)
@pytest.mark.parametrize("ahead", [200.0, -200.0, 0.0])
async def test_a_clock_that_is_right_enough_is_left_alone(
    serve: Serve, code: str, ahead: float
) -> None:
    server, client = await serve(error(403, code, headers=at(ahead)), OK)
    raised = await caught(get, client)
    assert (raised.attempts, len(server.requests)) == (1, 1)
    await get(client)
    assert seconds_ahead(server.requests[1]) == pytest.approx(0, abs=30)


@pytest.mark.parametrize("code", SKEW_CODES)
async def test_a_refusal_that_is_not_the_clocks_fault_is_raised_after_one_correction(
    serve: Serve, code: str
) -> None:
    server, client = await serve(error(403, code, headers=at(600)))
    raised = await caught(get, client)
    assert isinstance(raised, ServiceError)
    assert (raised.code, raised.attempts) == (code, 2)
    assert len(server.requests) == 2


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}, {"Date": ""}])
async def test_without_a_date_nothing_is_corrected(serve: Serve, date: dict[str, str]) -> None:
    server, client = await serve(error(403, "RequestTimeTooSkewed", headers=date), OK)
    await caught(get, client)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "step",
    [
        error(400, "ValidationException", headers=at(3600)),
        error(404, "ResourceNotFoundException", headers=at(3600)),
    ],
)
async def test_other_errors_say_nothing_of_the_clock(serve: Serve, step: Step) -> None:
    server, client = await serve(step, OK)
    await caught(get, client)
    await get(client)
    assert len(server.requests) == 2
    assert seconds_ahead(server.requests[1]) == pytest.approx(0, abs=30)


async def test_a_clock_that_is_put_right_again_is_followed(serve: Serve) -> None:
    skewed, repaired = (error(403, "RequestTimeTooSkewed", headers=at(s)) for s in (900, 0))
    server, client = await serve(skewed, OK, repaired, OK)
    await get(client)
    await get(client)
    assert [seconds_ahead(each) for each in server.requests] == pytest.approx(
        [0, 900, 900, 0], abs=30
    )


async def test_all_calls_that_were_under_way_profit_from_one_correction(serve: Serve) -> None:
    calls = 10
    arrived = asyncio.Barrier(calls)
    skewed = error(403, "RequestTimeTooSkewed", headers=at(900))

    async def refuse_all_together(*exchange: object) -> None:
        await arrived.wait()
        await skewed(*exchange)  # type: ignore[arg-type]  # as they came

    server, client = await serve(*[refuse_all_together] * calls, OK)
    await asyncio.gather(*(get(client) for _ in range(calls)))
    assert len(server.requests) == 2 * calls


async def test_a_copy_may_be_sent_again_because_it_was_refused(serve: Serve) -> None:
    server, client = await serve(error(403, "SignatureDoesNotMatch", headers=at(900)), COPIED)
    await copy(client)
    assert len(server.requests) == 2


async def test_one_clients_clock_is_not_anothers(serve: Serve) -> None:
    _, one = await serve(error(403, "RequestTimeTooSkewed", headers=at(900)), OK)
    server, other = await serve(OK)
    await get(one)
    await get(other)
    assert seconds_ahead(server.requests[0]) == pytest.approx(0, abs=30)


async def test_plain_refusal_of_access_is_final(serve: Serve) -> None:
    server, client = await serve(error(403, "AccessDeniedException"))
    assert type(await caught(get, client)) is AccessDeniedException
    assert len(server.requests) == 1
