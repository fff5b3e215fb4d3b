"""The examples do what they say."""

import runpy
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

EXAMPLES = Path(__file__).parent.parent / "examples"


async def test_the_quickstart_never_blocks_the_event_loop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its whole work, with every blocking call of the package on the loop turned into an error."""
    example = runpy.run_path(str(EXAMPLES / "quickstart.py"))

    with blockbuster_ctx("healthimaging_sdk"):
        await example["main"]()

    assert "a person can look at" in capsys.readouterr().out
