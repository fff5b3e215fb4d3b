"""`python -m benchmarks [--quick] [--repeats N] [--rows TEXT] [--clients NAME,NAME]`."""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.clients.sample import Job
from benchmarks.content import write_answers
from benchmarks.environments import CLIENTS, SCRIPTS, interpreters
from benchmarks.report import table
from benchmarks.rows import ROWS, Row
from benchmarks.server import CLIENT_CPU, SERVER_CPU, pin, serving

WORK = Path("build/benchmarks").absolute()
QUICK = 4
"""So much less is done in a quick run."""


def main() -> None:
    options = _options()
    WORK.mkdir(parents=True, exist_ok=True)
    write_answers(WORK / "answers")
    pythons = interpreters(WORK / "environments")
    chosen = [row for row in ROWS if options.rows in row.name]
    wanted = options.clients.split(",") if options.clients else list(CLIENTS)
    with serving(WORK / "answers", WORK) as (url, server):
        samples: dict[str, dict[str, list[dict[str, float]]]] = {row.name: {} for row in chosen}
        for number in range(options.repeats + 1):
            for row in chosen:
                for name in (name for name in row.clients if name in pythons and name in wanted):
                    job = _job(row, url, quick=options.quick or not number)
                    sample = _sample(pythons[name], name, job)
                    if number:  # the first round warms caches of files and bytecode
                        samples[row.name].setdefault(name, []).append(sample)
            print(f"round {number} of {options.repeats}", file=sys.stderr)
    _keep(samples, server)
    print("\n".join(table(samples)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough look: less work, 3 repeats")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--rows", default="", help="only those with this text in their name")
    parser.add_argument("--clients", default="", help="only these, with commas between")
    options = parser.parse_args()
    options.repeats = options.repeats or (3 if options.quick else 5)
    return options


def _job(row: Row, url: str, *, quick: bool) -> Job:
    return Job(
        work=row.work,
        url=url,
        image_set_id=row.image_set_id,
        calls=max(row.at_once, row.calls // QUICK) if quick else row.calls,
        at_once=row.at_once,
        pool_size=min(row.at_once, 128),
        output=str(WORK / "document.json"),
    )


def _sample(python: str, name: str, job: Job) -> dict[str, float]:
    client = CLIENTS[name]
    job.options = list(client.options)
    command = [python, str(SCRIPTS / client.script), json.dumps(asdict(job))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())
    pin(process.pid, CLIENT_CPU)
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed at {job.work}")
    sample: dict[str, float] = json.loads(output.splitlines()[-1])
    return sample


def _environment() -> dict[str, str]:
    """Everybody's bytecode is cached, whatever this machine is set to."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**inherited, "PYTHONPYCACHEPREFIX": str(WORK / "bytecode")}


def _keep(samples: object, server: str) -> None:
    about = {
        "python": platform.python_version(),
        "server": server,
        "cpus": [SERVER_CPU, CLIENT_CPU],
        "samples": samples,
    }
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ.json")
    (WORK / name).write_text(json.dumps(about, indent=1))
    print(f"kept in {WORK / name}", file=sys.stderr)


if __name__ == "__main__":
    main()
