"""What the README shows works by copy and paste, and its table is the catalogue's."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pages
import pytest
import speed
from botocore import xform_name
from pages import ROOT, blocks

from healthimaging_sdk import HealthImagingClient, operations
from healthimaging_sdk.emulator import Emulator, sample_datasets

PAGE = pages.README
README = PAGE.read_text()
PYTHON = [each.code for each in blocks(PAGE, "python")]
SHELL = [each.code for each in blocks(PAGE, "sh")]
PORT = "127.0.0.1:4600"


def rows() -> list[str]:
    """The table of operations, a line each."""
    lines: list[str] = []
    for operation in operations.ALL:
        method = xform_name(operation.name)
        doc = getattr(HealthImagingClient, method).__doc__ or ""
        purpose = " ".join(doc.split("\n\n")[0].split())
        lines.append(f"| `{method}` | {purpose} | {operation.rate.per_second:g} |")
    return lines


def run(arguments: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """In a process of its own, as somebody would who pasted it."""
    done = subprocess.run(
        arguments,
        check=False,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table_of_operations_is_the_catalogue() -> None:
    table = README.split("<!-- operations -->")[1].split("<!-- /operations -->")[0]

    assert table.strip().splitlines()[2:] == rows()


def test_each_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https:)([^)#]+)", README)

    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_table_of_speed_is_that_of_the_performance_page() -> None:
    assert len(speed.shown().splitlines()) > 5
    assert speed.shown() == speed.markdown()


@pytest.mark.parametrize("program", PYTHON, ids=[code.strip()[:40] for code in PYTHON])
def test_each_program_runs(program: str, healthimaging_emulator: Emulator, tmp_path: Path) -> None:
    address = healthimaging_emulator.endpoint_url.removeprefix("http://")
    command = [sys.executable, "-c", program.replace(PORT, address)]

    run(command, tmp_path, healthimaging_emulator.environment)


def test_the_example_at_the_top_lists_what_is_there(
    healthimaging_emulator: Emulator, tmp_path: Path
) -> None:
    image_set_ids = healthimaging_emulator.seed(None, sample_datasets().values())

    printed = run([sys.executable, "-c", PYTHON[0]], tmp_path, healthimaging_emulator.environment)

    assert {line.split()[1] for line in printed.splitlines()} == set(image_set_ids)
    assert {line.split(maxsplit=2)[2] for line in printed.splitlines()} == {"1 series"}


def test_the_first_program_tells_what_it_made(tmp_path: Path) -> None:
    (first,) = [code for code in PYTHON if "Emulator()" in code]

    assert run([sys.executable, "-c", first], tmp_path) == "first-steps ACTIVE\n"


def test_the_cli_reaches_the_emulator(healthimaging_emulator: Emulator, tmp_path: Path) -> None:
    (script,) = [code for code in SHELL if code.startswith("export AWS_ACCESS_KEY_ID")]
    address = healthimaging_emulator.endpoint_url.removeprefix("http://")
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = f"export PATH='{here}'\n{script.replace(PORT, address)}"

    assert '"datastoreSummaries": []' in run(["bash", "-ec", script], tmp_path)


def test_the_two_commands_are_what_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    (commands,) = [code for code in SHELL if "nox -s quickstart" in code]

    for line in commands.splitlines():
        assert line.split("#")[0].strip() in script
