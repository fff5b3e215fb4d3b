"""One sample: a client does its work some thousand times, and prints what a call has cost.

Only the standard library, for every client runs this in an environment of its own.
"""

import asyncio
import gc
import json
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import Any

DATASTORE_ID = "d" * 32
FRAME_ID = "c" * 32
ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION = "AKIDEXAMPLE", "an-example-secret", "us-east-1"
POLL_DELAYS = (0.05, 0.1)
"""Seconds between two looks of a waiter, at least and at most."""


@dataclass
class Job:
    """`calls` of the client's method `work`, so many of them at once."""

    work: str
    url: str
    image_set_id: str
    calls: int
    at_once: int
    pool_size: int
    output: str
    """Where to write a document."""
    options: list[str] = field(default_factory=list[str])


def job_from_arguments() -> Job:
    return Job(**json.loads(sys.argv[1]))


def run_async(job: Job, client: Callable[[Job], AbstractAsyncContextManager[Any]]) -> None:
    """`client(job)` opens an object with a coroutine method for every work."""

    async def main() -> None:
        work: Callable[[], Awaitable[object]]
        warm_up: Callable[[], Awaitable[object]]
        async with client(job) as opened:
            if job.work == "cold_start":
                await opened.get_image_set()
                _print_cold_start()
                return
            if job.work == "wait":
                looks = job.calls // job.at_once
                work = partial(opened.wait, looks)
                warm_up, runs = opened.get_image_set, job.at_once
            else:
                work = warm_up = getattr(opened, job.work)
                runs = job.calls
            await _at_once(warm_up, max(job.at_once, job.calls // 10), job.at_once)
            with _measured(job):
                await _at_once(work, runs, job.at_once)

    _run(main(), uvloop="uvloop" in job.options)


async def _at_once(work: Callable[[], Awaitable[object]], calls: int, at_once: int) -> None:
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


def run_threads(job: Job, open_client: Callable[[Job], Any]) -> None:
    client = open_client(job)
    if job.work == "cold_start":
        client.get_image_set()
        _print_cold_start()
        return
    work: Callable[[], object] = getattr(client, job.work)
    threads = int(job.options[0]) if job.options else 1
    with ThreadPoolExecutor(threads) as pool:

        def run(calls: int) -> None:
            for _ in pool.map(lambda _: work(), repeat(None, calls)):
                pass

        run(max(threads, job.calls // 10))
        with _measured(job):
            run(job.calls)


async def look_until_settled(look: Callable[[], Awaitable[str]], looks: int) -> None:
    """What people write who have no waiter."""
    for _ in range(looks):
        if await look() != "LOCKED":
            return
        await asyncio.sleep(random.uniform(*POLL_DELAYS))


@contextmanager
def _measured(job: Job) -> Iterator[None]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    _print(cpu / job.calls, wall / job.calls)


def _print_cold_start() -> None:
    # Of the whole process, the interpreter's start included.
    _print(time.process_time(), 0)


def _print(cpu: float, wall: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu_us": cpu * 1e6, "wall_us": wall * 1e6, "peak_kib": peak}))
