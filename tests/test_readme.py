"""What the README shows works by copy and paste, and its table is the catalogue's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore import xform_name

from healthimaging_sdk import HealthImagingClient, operations
from healthimaging_sdk.emulator import Emulator

README = (Path(__file__).parent.parent / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
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


def run(arguments: list[str], folder: Path) -> str:
    """In a process of its own, as somebody would who pasted it."""
    done = subprocess.run(
        arguments, check=False, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table_of_operations_is_the_catalogue() -> None:
    table = README.split("<!-- operations -->")[1].split("<!-- /operations -->")[0]

    assert table.strip().splitlines()[2:] == rows()


@pytest.mark.parametrize("program", PYTHON, ids=[code.strip()[:40] for code in PYTHON])
def test_each_program_runs(program: str, healthimaging_emulator: Emulator, tmp_path: Path) -> None:
    address = healthimaging_emulator.endpoint_url.removeprefix("http://")

    run([sys.executable, "-c", program.replace(PORT, address)], tmp_path)


def test_the_first_program_tells_what_it_made(tmp_path: Path) -> None:
    (first,) = [code for code in PYTHON if "asyncio.run" in code]

    assert run([sys.executable, "-c", first], tmp_path) == "first-steps ACTIVE\n"


def test_the_cli_reaches_the_emulator(healthimaging_emulator: Emulator, tmp_path: Path) -> None:
    (script,) = [code for code in SHELL if code.startswith("export AWS_ACCESS_KEY_ID")]
    address = healthimaging_emulator.endpoint_url.removeprefix("http://")
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = f"export PATH='{here}'\n{script.replace(PORT, address)}"

    assert '"datastoreSummaries": []' in run(["bash", "-ec", script], tmp_path)


def test_the_two_commands_are_what_ci_runs() -> None:
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text().splitlines()
    (commands,) = [code for code in SHELL if "nox -s quickstart" in code]

    for line in commands.splitlines():
        assert line.split("#")[0].strip() in script
