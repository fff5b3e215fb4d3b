"""A client does its work some hundred times whenever a line comes, and prints what a call has cost.

Only the standard library, for every client runs this in an environment of its own.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

DATASTORE_ID = "d" * 32
FRAME_ID = "c" * 32
ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION = "AKIDEXAMPLE", "an-example-secret", "us-east-1"
POLL_DELAYS = (0.05, 0.1)
"""Seconds between two looks of a waiter, at least and at most."""
TICK = 0.001
"""Seconds between two looks at the event loop's lag."""


@dataclass
class Job:
    """A turn is `calls` of the client's method `work`, so many of them at once."""

    work: str
    url: str
    image_set_id: str
    items: int
    """How many an iteration has to give."""
    calls: int
    at_once: int
    pool_size: int
    watch_lag: bool
    profile: bool
    of_start: bool
    """Whether a call's cost is all that the process has used, the interpreter's start included."""
    output: str
    """Where to write a document."""
    options: list[str] = field(default_factory=list[str])


def job_from_arguments() -> Job:
    return Job(**json.loads(sys.argv[1]))


def run_async(job: Job, client: Callable[[Job], AbstractAsyncContextManager[Any]]) -> None:
    """`client(job)` opens an object with a coroutine method for every work."""

    async def main() -> None:
        work: Callable[[], Awaitable[object]]
        async with client(job) as opened:
            if job.work == "wait":
                work, runs = partial(opened.wait, job.calls // job.at_once), job.at_once
            else:
                work, runs = getattr(opened, job.work), job.calls
            for _ in sys.stdin:
                lag = _Lag()
                watching = asyncio.create_task(lag.watch()) if job.watch_lag else None
                with _measured(job, lag) as sample:
                    await run_at_once(work, runs, job.at_once)
                    if watching is not None:
                        # Or it would not see the end of the last call.
                        await asyncio.sleep(2 * TICK)
                if watching is not None:
                    watching.cancel()
                    with suppress(asyncio.CancelledError):
                        await watching
                if job.profile and not job.of_start:
                    sample["profile"] = await _shares(run_at_once(work, runs, job.at_once))
                print(json.dumps(sample), flush=True)

    _run(main(), uvloop="uvloop" in job.options)


async def run_at_once(work: Callable[[], Awaitable[object]], calls: int, at_once: int) -> None:
    async def some(count: int) -> None:
        for _ in range(count):
            await work()

    each, more = divmod(calls, at_once)
    await asyncio.gather(*(some(each + (number < more)) for number in range(at_once)))


def _run(main: Any, *, uvloop: bool) -> None:
    if uvloop:
        import uvloop as library  # noqa: PLC0415 - one option of one environment

        library.run(main)
    else:
        asyncio.run(main)


@dataclass
class _Lag:
    longest: float = 0.0
    """Seconds that a callback was late."""

    async def watch(self) -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.perf_counter() - due)


def run_threads(job: Job, open_client: Callable[[Job], Any]) -> None:
    threads = int(job.options[0]) if job.options else 1
    job.pool_size = max(job.pool_size, threads)
    work: Callable[[], object] = getattr(open_client(job), job.work)
    with ThreadPoolExecutor(threads) as pool:
        for _ in sys.stdin:
            with _measured(job, _Lag()) as sample:
                for _ in pool.map(lambda _: work(), repeat(None, job.calls)):
                    pass
            print(json.dumps(sample), flush=True)


async def look_until_settled(look: Callable[[], Awaitable[str]], looks: int) -> None:
    """What people write who have no waiter."""
    for number in range(looks):
        if number:
            await asyncio.sleep(random.uniform(*POLL_DELAYS))
        if await look() != "LOCKED":
            return


@contextmanager
def _measured(job: Job, lag: _Lag) -> Iterator[dict[str, float]]:
    """Gives the sample, which is there afterwards."""
    sample: dict[str, Any] = {}
    wall = time.perf_counter()
    cpu = 0 if job.of_start else time.process_time()
    yield sample
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    sample |= {
        "cpu_us": cpu / job.calls * 1e6,
        "wall_us": wall / job.calls * 1e6,
        "lag_us": lag.longest * 1e6,
        "peak_kib": _peak_kib(),
    }


async def _shares(work: Awaitable[object]) -> dict[str, float]:
    from profiled import shares  # noqa: PLC0415 - a cold start is not to pay for it

    return await shares(work)


def _peak_kib() -> int:
    """The most memory that this process had.

    Not `ru_maxrss`: on Linux that begins with the size of the process that started this one.
    """
    status = Path("/proc/self/status").read_text() if sys.platform == "linux" else ""
    return next((int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line), 0)
