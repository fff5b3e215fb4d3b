"""Medians and ratios of a run, as tables in Markdown."""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import rows
from benchmarks.clients.profiled import GROUPS
from benchmarks.rows import Row, Study

COLUMNS = (
    rows.SDK,
    rows.BESIDE,
    rows.PLAIN,
    rows.UVLOOP,
    rows.PATIENT,
    rows.OWN_MALLOC,
    rows.BARE,
    rows.LIBRARIES,
    rows.AIOBOTOCORE,
    rows.BOTO3,
    rows.BOTO3_32,
    rows.CAPO,
)
LIBRARIES = ("aiohttp", "aiobotocore", "boto3", "capo-medical-imaging", "isal", "msgspec", "uvloop")
OfRow = Mapping[str, list[dict[str, float]]]
"""By client: a sample for every turn."""


def _machine() -> str:
    cpus = Path("/proc/cpuinfo")
    found = re.search("model name\\s*: (.*)", cpus.read_text()) if cpus.exists() else None
    return f"{os.cpu_count()} cores of {found[1] if found else platform.processor()}"


@dataclass
class Run:
    command: str
    study: str
    server: str
    versions: dict[str, dict[str, str]]
    """By client, then by library."""
    samples: dict[str, dict[str, list[dict[str, float]]]]
    """By row, then by client."""
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%-d %B %Y}")
    python: str = field(default_factory=platform.python_version)
    machine: str = field(default_factory=_machine)
    load: float = field(default_factory=lambda: os.getloadavg()[1])
    """Processes that wanted a core in the five minutes before."""


def tables(study: Study, run: Run) -> Iterator[str]:
    """What was measured, and what was wanted of it."""
    libraries = {
        name: each[name] for each in run.versions.values() for name in LIBRARIES if name in each
    }
    used = ", ".join(f"{name} {libraries[name]}" for name in LIBRARIES if name in libraries)
    yield f"`{run.command}`, {run.date}: {run.machine}, load average {run.load:.1f},"
    yield f"Python {run.python}, {run.server}, {used}."
    yield ""
    yield f"{study.title}:"
    yield ""
    yield from _profile(study, run) if study.figure == "profile" else _comparison(study, run)
    verdicts = [line for row in study.rows for line in _verdicts(row, run.samples[row.name])]
    if verdicts:
        yield ""
        yield "Medians of the ratios of neighbouring samples:"
        yield ""
        yield "| work | client | against | of its CPU | aim, at most | |"
        yield "|---|---|---|---:|---:|---|"
        yield from verdicts


def _comparison(study: Study, run: Run) -> Iterator[str]:
    """A column for each client."""
    columns = [each for each in COLUMNS if any(each in run.samples[row.name] for row in study.rows)]
    yield f"| work | {' | '.join(columns)} |"
    yield f"|---|{'---:|' * len(columns)}"
    for row in study.rows:
        medians = [_figure(study, run.samples[row.name].get(each)) for each in columns]
        cells = [
            "-" if each is None else f"{each / study.scale:,.{study.decimals}f}" for each in medians
        ]
        yield f"| {row.name} | {' | '.join(cells)} |"


def _profile(study: Study, run: Run) -> Iterator[str]:
    """A column for each group of code."""
    yield f"| work | client | all | {' | '.join(GROUPS)} |"
    yield f"|---|---|{'---:|' * (len(GROUPS) + 1)}"
    for row in study.rows:
        for client, samples in run.samples[row.name].items():
            cells = [
                f"{median(each[name] for each in samples):,.0f}" for name in ("cpu_us", *GROUPS)
            ]
            yield f"| {row.name} | {client} | {' | '.join(cells)} |"


def _figure(study: Study, samples: list[dict[str, float]] | None) -> float | None:
    return study.of_repeats(each[study.figure] for each in samples) if samples else None


def _verdicts(row: Row, of_row: OfRow) -> Iterator[str]:
    for (client, peer), aim in row.targets.items():
        ratio = _ratio(of_row, client, peer)
        if ratio is not None:
            verdict = "reached" if ratio <= aim else "**missed**"
            yield f"| {row.name} | {client} | {peer} | {ratio:.2f} | {aim:.2f} | {verdict} |"


def _ratio(of_row: OfRow, client: str, peer: str) -> float | None:
    """Of samples taken one after the other: what disturbed one disturbed its neighbour."""
    pairs = list(zip(of_row.get(client, []), of_row.get(peer, []), strict=False))
    return median(ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in pairs) if pairs else None


def rewritten(page: str, name: str, text: str) -> str:
    """The page with this text between its marks `<!-- name -->` and `<!-- /name -->`."""
    before, _, rest = page.partition(f"<!-- {name} -->")
    _, mark, after = rest.partition(f"<!-- /{name} -->")
    if not mark:
        raise SystemExit(f"the page has no place for {name}")
    return f"{before}<!-- {name} -->\n\n{text}\n\n{mark}{after}"
