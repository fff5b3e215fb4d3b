"""The page of promises names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROOFS = sorted(
    set(
        re.findall(r"`(tests/[a-z_/0-9]+\.py)::(\w+)`", (ROOT / "docs" / "promises.md").read_text())
    )
)


def test_the_page_has_promises() -> None:
    assert len(PROOFS) > 40


@pytest.mark.parametrize(("file", "name"), PROOFS, ids=[name for _, name in PROOFS])
def test_each_promise_names_a_test(file: str, name: str) -> None:
    assert re.search(rf"(?m)^(async def|def|class) {name}\b|^{name} = ", (ROOT / file).read_text())
