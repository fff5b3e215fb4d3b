"""Medians and ratios of a run, as a table."""

from collections.abc import Iterator, Mapping
from statistics import median

from benchmarks import rows
from benchmarks.rows import ROWS, Row

COLUMNS = (
    rows.SDK,
    rows.PLAIN,
    rows.BARE,
    rows.AIOBOTOCORE,
    rows.BOTO3,
    rows.BOTO3_32,
    rows.CAPO,
)
Samples = Mapping[str, Mapping[str, list[dict[str, float]]]]
"""By row, then by client."""


def table(samples: Samples) -> Iterator[str]:
    """Markdown: CPU per call, then what was wanted against what was measured."""
    yield "CPU per call in microseconds, medians:"
    yield ""
    yield f"| work | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * len(COLUMNS)}"
    for row in _measured(samples):
        medians = {name: _median(samples[row.name], name) for name in COLUMNS}
        cells = ["-" if value is None else f"{value:,.0f}" for value in medians.values()]
        yield f"| {row.name} | {' | '.join(cells)} |"
    yield ""
    yield "Medians of the ratios of neighbouring samples:"
    yield ""
    yield "| work | client | against | of its CPU | wanted, at most | |"
    yield "|---|---|---|---:|---:|---|"
    for row in _measured(samples):
        for (client, peer), wanted in row.targets.items():
            ratio = _ratio(samples[row.name], client, peer)
            if ratio is not None:
                verdict = "reached" if ratio <= wanted else "**missed**"
                yield (
                    f"| {row.name} | {client} | {peer} | {ratio:.2f} | {wanted:.2f} | {verdict} |"
                )


def _measured(samples: Samples) -> list[Row]:
    return [row for row in ROWS if samples.get(row.name)]


def _median(of_row: Mapping[str, list[dict[str, float]]], client: str) -> float | None:
    found = of_row.get(client)
    return median(sample["cpu_us"] for sample in found) if found else None


def _ratio(of_row: Mapping[str, list[dict[str, float]]], client: str, peer: str) -> float | None:
    """Of samples taken one after the other: what disturbed one disturbed its neighbour."""
    pairs = list(zip(of_row.get(client, []), of_row.get(peer, []), strict=False))
    return median(ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in pairs) if pairs else None
