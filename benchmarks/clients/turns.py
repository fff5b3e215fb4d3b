"""This SDK and bare aiohttp in turns within one process.

What slows the machine slows both alike, as it does not two processes that follow each other.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from statistics import median

import bare
import sdk
from sample import Job, run_at_once

CALLS_A_TURN = 640


async def main(job: Job) -> None:
    async with sdk.opened(job) as ours, bare.opened(job) as theirs:
        works = getattr(ours, job.work), getattr(theirs, job.work)
        for work in works:
            await run_at_once(work, CALLS_A_TURN, job.at_once)
        turns = [
            [await _cpu_us(work, job.at_once) for work in works]
            for _ in range(max(1, job.calls // CALLS_A_TURN))
        ]
    sample = {
        "cpu_us": median(mine for mine, _ in turns),
        "of_bare": median(mine / bares for mine, bares in turns),
    }
    print(json.dumps(sample))


async def _cpu_us(work: Callable[[], Awaitable[object]], at_once: int) -> float:
    began = time.process_time()
    await run_at_once(work, CALLS_A_TURN, at_once)
    return (time.process_time() - began) / CALLS_A_TURN * 1e6


asyncio.run(main(sdk.JOB))
