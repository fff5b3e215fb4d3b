"""Any sequence of failures, against a model of the quota that is as plain as the specification."""

import asyncio

from fake_time import FakeTime
from hypothesis import given
from hypothesis import strategies as st

from healthimaging_sdk._deadlines import Deadlines
from healthimaging_sdk._operation import Repetition
from healthimaging_sdk._retrying import Call, RetryPolicy, RetryQuota
from healthimaging_sdk.errors import (
    HealthImagingError,
    InternalServerException,
    ThrottlingException,
    ValidationException,
)

FAILURES: dict[str, type[HealthImagingError]] = {
    "throttled": ThrottlingException,
    "transient": InternalServerException,
    "final": ValidationException,
}
COSTS = {"throttled": 5, "transient": 14}
BASES = {"throttled": 1.0, "transient": 0.05}

OUTCOMES = st.lists(st.sampled_from(list(FAILURES)), max_size=8)
"""How a call's attempts fail before one would succeed."""

DEADLINES = st.integers(0, 30).map(lambda seconds: seconds + 0.0173)
"""Away from any sum of pauses, which are multiples of 0.05: rounding shall not decide."""


def model(
    outcomes: list[str], tokens: int, capacity: int, attempts: int, seconds: float
) -> tuple[int, int, list[float]]:
    """Tokens left, requests made, and pauses: what the specification says."""
    spent, pauses = 1, list[float]()
    for number, outcome in enumerate(outcomes, 1):
        if outcome == "final" or number == attempts:
            return tokens, number, pauses
        pause = min(20.0, BASES[outcome] * 2 ** (number - 1))
        if sum(pauses) + pause >= seconds or COSTS[outcome] > tokens:
            return tokens, number, pauses
        spent = COSTS[outcome]
        tokens -= spent
        pauses.append(pause)
    return min(capacity, tokens + spent), len(outcomes) + 1, pauses


@given(
    calls=st.lists(OUTCOMES, max_size=12),
    tokens=st.integers(0, 60),
    attempts=st.integers(1, 6),
    seconds=DEADLINES,
)
def test_the_quota_is_that_of_the_specification(
    calls: list[list[str]], tokens: int, attempts: int, seconds: float
) -> None:
    async def run() -> None:
        time = FakeTime()
        quota = RetryQuota(capacity=60)
        quota.available = tokens
        policy = RetryPolicy(attempts, quota, time.sleep, time.random)
        for outcomes in calls:
            expected, requests, pauses = model(outcomes, quota.available, 60, attempts, seconds)
            made, began = 0, len(time.sleeps)

            async def attempt(outcomes: list[str] = outcomes) -> None:
                nonlocal made
                made += 1
                if made <= len(outcomes):
                    raise FAILURES[outcomes[made - 1]]

            deadline = Deadlines(time.clock).deadline(seconds)
            call = Call("GetImageSet", Repetition.READ, deadline, attempts)
            try:
                with deadline:
                    await policy.run(call, attempt)
            except HealthImagingError as error:
                assert type(error) is FAILURES[outcomes[made - 1]]
            assert (made, time.sleeps[began:]) == (requests, pauses)
            assert quota.available == expected
            assert 0 <= quota.available <= quota.capacity

    asyncio.run(run())
