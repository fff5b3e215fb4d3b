"""One sample: a process of its own, on a core of its own, that prints what a call has cost it."""

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.clients.sample import Job
from benchmarks.content import image_set_id
from benchmarks.environments import SCRIPTS, Client
from benchmarks.rows import Row, Study
from benchmarks.server import CLIENT_CPU, connections, pin

QUICK = 4
"""So much less is done in a quick run, where only CPU is looked at."""

EQUAL_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
}
"""glibc returns large blocks to the system and asks for them again, until a process has freed one
of that size. Whether a client's imports have done so is chance, and
costs it up to 100 us a frame."""


def sample_of(
    row: Row, study: Study, client: Client, *, python: str, url: str, work: Path, quick: bool
) -> dict[str, float]:
    """Times in microseconds of CPU or of the clock, memory in KiB."""
    kind, size = row.answer
    less = quick and study.figure == "cpu_us"
    job = Job(
        work=row.work,
        url=url,
        image_set_id=image_set_id(kind, size),
        items=size,
        calls=max(row.at_once, row.calls // QUICK) if less else row.calls,
        at_once=row.at_once,
        pool_size=row.pool_size,
        watch_lag=study.figure == "lag_us",
        profile=study.figure == "profile",
        output=str(work / "document.json"),
        options=list(client.options),
    )
    allocator = EQUAL_ALLOCATOR if study.equal_allocator and client.equal_allocator else {}
    before = connections(url)
    process = subprocess.Popen(
        [python, str(SCRIPTS / client.script), json.dumps(asdict(job))],
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(client, work, allocator),
    )
    if study.pinned:
        pin(process.pid, CLIENT_CPU)
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{client.script} failed at {row.name}")
    sample: dict[str, Any] = json.loads(output.splitlines()[-1])
    sample["cpu_us"] /= row.units
    for group, share in sample.pop("profile", {}).items():
        sample[group] = share * sample["cpu_us"]
    # The last look at the counter was a connection too.
    return {**sample, "connections": connections(url) - before - 1}


def _environment(client: Client, work: Path, allocator: dict[str, str]) -> dict[str, str]:
    """Everybody's bytecode is cached, and every script finds its neighbours."""
    changing = ("AWS_", "MALLOC_", "PYTHON")
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith(changing)}
    ours = {"PYTHONPATH": str(client.checkout), "PYTHONPYCACHEPREFIX": str(work / "bytecode")}
    return {**inherited, **ours, **allocator}
