"""What came of the situations, as it is stored and as the README shows it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
STORED = ROOT / "docs" / "compared.json"
README = ROOT / "README.md"
MARKS = ("<!-- compared -->\n", "<!-- /compared -->")


def read() -> list[dict[str, Any]]:
    """A client each: its package, version and cells."""
    stored: list[dict[str, Any]] = json.loads(STORED.read_text())
    return stored


def markdown(clients: Sequence[dict[str, Any]]) -> str:
    # Our own version is that of the checkout.
    own, *peers = clients
    names = [own["package"], *(f"{each['package']} {each['version']}" for each in peers)]
    lines = [["", *names], ["---"] * (len(clients) + 1)]
    lines += [[row, *(each["cells"][row] for each in clients)] for row in own["cells"]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown() -> str:
    """The README's table."""
    return README.read_text().split(MARKS[0])[1].split(MARKS[1])[0]


def store(clients: Sequence[dict[str, Any]]) -> None:
    STORED.write_text(json.dumps(clients, indent=2) + "\n")
    before, mark, rest = README.read_text().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    README.write_text(before + mark + markdown(clients) + end + after)
