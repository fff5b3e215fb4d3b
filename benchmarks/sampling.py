"""One sample: a process of its own, on a core of its own, that prints what a call has cost it."""

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.clients.profiled import shares_of_imports
from benchmarks.clients.sample import Job
from benchmarks.content import image_set_id
from benchmarks.environments import SCRIPTS, Client
from benchmarks.rows import Row, Study
from benchmarks.server import CLIENT_CPU, Server, pin

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
    row: Row, study: Study, client: Client, *, python: str, server: Server, work: Path, quick: bool
) -> dict[str, float]:
    """Times in microseconds of CPU or of the clock, memory in KiB."""
    kind, size = row.answer
    less = quick and study.figure == "cpu_us"
    job = Job(
        work=row.work,
        url=server.url,
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
    environment = _environment(client, work) | _trust(server)
    if study.equal_allocator and client.equal_allocator:
        environment |= EQUAL_ALLOCATOR
    reports_imports = job.profile and row.work == "cold_start"
    if reports_imports:
        environment["PYTHONPROFILEIMPORTTIME"] = "1"
    before = server.connections()
    process = subprocess.Popen(
        [python, str(SCRIPTS / client.script), json.dumps(asdict(job))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if reports_imports else None,
        text=True,
        env=environment,
    )
    if study.pinned:
        pin(process.pid, CLIENT_CPU)
    output, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{client.script} failed at {row.name}\n{errors or ''}")
    sample: dict[str, Any] = json.loads(output.splitlines()[-1])
    if reports_imports:
        sample["profile"] = shares_of_imports(errors, sample["cpu_us"])
    sample["cpu_us"] /= row.units
    for group, share in sample.pop("profile", {}).items():
        sample[group] = share * sample["cpu_us"]
    # The last look at the counter was a connection too.
    return {**sample, "connections": server.connections() - before - 1}


def _environment(client: Client, work: Path) -> dict[str, str]:
    """Everybody's bytecode is cached, and every script finds its neighbours."""
    changing = ("AWS_", "MALLOC_", "PYTHON")
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith(changing)}
    ours = {"PYTHONPATH": str(client.checkout), "PYTHONPYCACHEPREFIX": str(work / "bytecode")}
    return {**inherited, **ours}


def _trust(server: Server) -> dict[str, str]:
    """For clients of AWS, and for OpenSSL."""
    if server.certificate is None:
        return {}
    return dict.fromkeys(("AWS_CA_BUNDLE", "SSL_CERT_FILE"), str(server.certificate.bundle))
