"""The README's table of speed, made from the figures of `docs/performance.md`.

python tests/speed.py    writes it anew
"""

import re

from pages import DOCS, README

MARKS = ("<!-- speed -->\n", "<!-- /speed -->")
PEERS = ("aiobotocore", "capo", "bare aiohttp")


def markdown() -> str:
    """The work that was measured beside aiobotocore, and our part of each peer's CPU time."""
    page = (DOCS / "performance.md").read_text()
    study = page.split("<!-- peers -->")[1].split("<!-- /peers -->")[0]
    # | work | client | against | of its CPU | ...
    rows = re.findall(r"^\| ([^|]+) \| sdk \| ([^|]+) \| ([0-9.]+) \|", study, re.MULTILINE)
    ratios = {(work, peer): ratio for work, peer, ratio in rows}
    works = dict.fromkeys(work for work, peer, _ in rows if peer == PEERS[0])
    lines = [["work", *(f"of {peer}'s" for peer in PEERS)], ["---", *("---:",) * len(PEERS)]]
    lines += [[work, *(ratios.get((work, peer), "") for peer in PEERS)] for work in works]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown() -> str:
    return README.read_text().split(MARKS[0])[1].split(MARKS[1])[0]


if __name__ == "__main__":
    page = README.read_text()
    before, _, rest = page.partition(MARKS[0])
    README.write_text(before + MARKS[0] + markdown() + MARKS[1] + rest.partition(MARKS[1])[2])
