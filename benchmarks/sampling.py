"""Samples: every client is a process of its own on one core, and they take turns."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from benchmarks.clients.profiled import shares_of_imports
from benchmarks.clients.sample import Job
from benchmarks.content import image_set_id
from benchmarks.environments import SCRIPTS, Client
from benchmarks.rows import Row, Study
from benchmarks.server import CLIENT_CPU, Server, pin

Sample = dict[str, float]

EQUAL_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
}
"""glibc returns large blocks to the system and asks for them again, until a process has freed one
of that size. Whether a client's imports have done so is chance, and
costs it up to 100 us a frame."""


def samples_of(
    row: Row,
    study: Study,
    clients: Mapping[str, tuple[Client, str]],
    *,
    server: Server,
    work: Path,
    turns: int,
) -> dict[str, list[Sample]]:
    """By client, which comes with its Python: the sample of each turn.

    Times in microseconds of CPU or of the clock, memory in KiB.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in clients}

    def started(name: str) -> AbstractContextManager[Callable[[], Sample]]:
        client, python = clients[name]
        return _started(row, study, client, python=python, server=server, work=work)

    with ExitStack() as stack:
        turn_of: dict[str, Callable[[], Sample]] = {}
        if not row.of_start:
            for name in clients:
                turn_of[name] = stack.enter_context(started(name))
                turn_of[name]()  # warms it up
        for _ in range(turns):
            for name in clients:
                if row.of_start:
                    with started(name) as turn:
                        samples[name].append(turn())
                else:
                    samples[name].append(turn_of[name]())
    return samples


@contextmanager
def _started(
    row: Row, study: Study, client: Client, *, python: str, server: Server, work: Path
) -> Iterator[Callable[[], Sample]]:
    """A client that works only in its turns. Gives what makes it take one."""
    kind, size = row.answer
    job = Job(
        work=row.work,
        url=server.url,
        image_set_id=image_set_id(kind, size),
        items=size,
        calls=row.calls,
        at_once=row.at_once,
        pool_size=row.pool_size,
        watch_lag=study.figure == "lag_us",
        profile=study.figure == "profile",
        of_start=row.of_start,
        output=str(work / "document.json"),
        options=list(client.options),
    )
    environment = _environment(client, work) | _trust(server)
    if study.equal_allocator and client.equal_allocator:
        environment |= EQUAL_ALLOCATOR
    reports_imports = job.profile and job.of_start
    if reports_imports:
        environment["PYTHONPROFILEIMPORTTIME"] = "1"
    connections = 0
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            [python, str(SCRIPTS / client.script), json.dumps(asdict(job))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors if reports_imports else None,
            text=True,
            env=environment,
        ) as process,
    ):
        if study.pinned:
            pin(process.pid, CLIENT_CPU)
        assert process.stdin is not None
        assert process.stdout is not None
        lines, replies = process.stdin.fileno(), process.stdout

        def turn() -> Sample:
            nonlocal connections
            before = server.connections()
            # One that has ended at its start does not reply; and nothing waits in a buffer then.
            with suppress(BrokenPipeError):
                os.write(lines, b"go\n")
            reply = replies.readline()
            # The last look at the counter was a connection too.
            connections += server.connections() - before - 1
            errors.seek(0)
            if not reply:
                raise SystemExit(f"{client.script} failed at {row.name}\n{errors.read()}")
            sample: dict[str, Any] = json.loads(reply)
            if reports_imports:
                sample["profile"] = shares_of_imports(errors.read(), sample["cpu_us"])
            sample["cpu_us"] /= row.units
            for group, share in sample.pop("profile", {}).items():
                sample[group] = share * sample["cpu_us"]
            return {**sample, "connections": connections}

        yield turn


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
