"""CPU per call of this SDK next to its peers, and how its costs grow."""

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

from benchmarks import content, rows
from benchmarks.certificates import Certificate, certificate
from benchmarks.environments import CLIENTS, Client, environment, interpreters, versions
from benchmarks.report import Run, rewritten, tables
from benchmarks.rows import Row, Study
from benchmarks.sampling import samples_of
from benchmarks.server import serving, sleepless_cores
from benchmarks.studies import STUDIES

WORK = Path("build/benchmarks").absolute()
ANSWERS = WORK / f"answers-{crc32(Path(content.__file__).read_bytes()):08x}"
"""Of this version of what is answered."""

QUICK = 4
"""The turns are divided by it in a quick run."""


def main() -> None:
    options = _options()
    wanted = options.clients.split(",") if options.clients else list(CLIENTS)
    for name in options.studies:
        study = _chosen(
            STUDIES[name],
            options.only.split(","),
            [*wanted, rows.BESIDE],
            beside=bool(options.beside),
        )
        if study.rows:
            clients = dict(CLIENTS)
            if options.beside:
                ours = CLIENTS[study.rows[0].clients[0]]
                clients[rows.BESIDE] = replace(ours, checkout=options.beside.absolute())
            run = _run(name, study, clients, options)
            _keep(run)
            text = "\n".join(tables(study, run))
            print(text)
            if options.write:
                options.write.write_text(rewritten(options.write.read_text(), name, text))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("studies", nargs="*", help=f"of {', '.join(STUDIES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a rough look: fewer turns, 3 repeats")
    parser.add_argument("--repeats", type=int, help="5 by default")
    parser.add_argument(
        "--only", default="", help="rows with one of these texts, such as frame,versions"
    )
    parser.add_argument("--clients", default="", help="only these, commas between")
    parser.add_argument("--beside", type=Path, help="another checkout, to be measured beside this")
    parser.add_argument("--write", type=Path, help="a page whose tables are replaced")
    options = parser.parse_args()
    options.studies = options.studies or list(STUDIES)
    unknown = set(options.studies) - set(STUDIES)
    if unknown:
        parser.error(f"no such study: {', '.join(unknown)}")
    options.repeats = options.repeats or (3 if options.quick else 5)
    return options


def _chosen(study: Study, texts: list[str], wanted: list[str], *, beside: bool) -> Study:
    chosen = [row for row in study.rows if any(each.lower() in row.name.lower() for each in texts)]
    chosen = [
        replace(row, clients=tuple(each for each in row.clients if each in wanted))
        for row in (map(_with_beside, chosen) if beside else chosen)
    ]
    return replace(study, rows=tuple(chosen))


def _with_beside(row: Row) -> Row:
    ours, *others = row.clients
    no_worse = {(ours, rows.BESIDE): 1.0}
    return replace(row, clients=(ours, rows.BESIDE, *others), targets={**no_worse, **row.targets})


def _run(name: str, study: Study, clients: dict[str, Client], options: argparse.Namespace) -> Run:
    used = {each: clients[each] for row in study.rows for each in row.clients}
    pythons = interpreters(WORK / "environments", used)
    installed = {each: (used[each], python) for each, python in pythons.items()}
    content.write_answers(ANSWERS, [row.answer for row in study.rows])
    of_server = _certificate() if study.tls else None
    with sleepless_cores() as sleepless, serving(ANSWERS, WORK, of_server) as server:
        run = Run(
            command=f"python -m benchmarks {' '.join(sys.argv[1:])}".rstrip(),
            study=name,
            server=f"{server.name}, cores that {'never' if sleepless else 'may'} sleep",
            versions={each: versions(python) for each, python in pythons.items()},
            samples={row.name: {} for row in study.rows},
        )
        for number in range(options.repeats + 1):
            # The first round warms the caches of files and bytecode, and is forgotten.
            for row in study.rows if number else study.rows[:1]:
                samples = samples_of(
                    row,
                    study,
                    {each: installed[each] for each in row.clients if each in installed},
                    server=server,
                    work=WORK,
                    turns=max(1, row.turns // QUICK) if options.quick else row.turns,
                )
                if number:
                    for each, taken in samples.items():
                        run.samples[row.name].setdefault(each, []).extend(taken)
            print(f"{name}: round {number} of {options.repeats}", file=sys.stderr)
    return run


def _certificate() -> Certificate:
    python = environment(WORK / "environments", "certificates")
    if python is None:
        raise SystemExit("trustme cannot be installed, and without it there is no certificate")
    return certificate(python, WORK / "certificates")


def _keep(run: Run) -> None:
    file = WORK / f"{run.study}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(run.__dict__, indent=1))
    print(f"kept in {file}", file=sys.stderr)


if __name__ == "__main__":
    main()
