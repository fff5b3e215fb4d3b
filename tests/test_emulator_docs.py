"""What `docs/emulator.md` shows works by copy and paste."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import DOCS, Block, blocks, run_tests

from healthimaging_sdk import operations
from healthimaging_sdk._protocol import MODELLED_ERRORS
from healthimaging_sdk.emulator import Emulator, Fault, FaultKind
from healthimaging_sdk.emulator.__main__ import main

PAGE = DOCS / "emulator.md"
TEXT = PAGE.read_text()
SHELL = [each.code for each in blocks(PAGE, "sh")]
PROGRAM = "python3 -m healthimaging_sdk.emulator"
STARTS = [line for code in SHELL for line in code.splitlines() if line.startswith(PROGRAM)]
PORT = "127.0.0.1:4600"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", blocks(PAGE, "python"), ids=lambda block: str(block.line))
def test_each_program_runs(block: Block, tmp_path: Path) -> None:
    if block.is_a_test:
        run_tests([block], tmp_path)
    else:
        run([sys.executable, "-W", "error", "-c", block.code], tmp_path)


@pytest.mark.parametrize("line", STARTS)
def test_each_command_starts_an_emulator(line: str, tmp_path: Path) -> None:
    for name in ("input", "output", "data"):
        (tmp_path / name).mkdir()
    _, *arguments = shlex.split(line, comments=True)
    command = [sys.executable, *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline()
        process.kill()

    assert url.startswith("http://127.0.0.1:")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the scripts need curl")
@pytest.mark.parametrize("script", [code for code in SHELL if f"http://{PORT}" in code])
def test_each_script_reaches_the_emulator(script: str, emulator: Emulator, tmp_path: Path) -> None:
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = script.replace(PORT, emulator.endpoint_url.removeprefix("http://"))

    answer = run(["bash", "-ec", f"export PATH='{here}'\n{script}"], tmp_path)

    assert "error" not in answer.lower().replace('"error": null', "")
    assert emulator.journal.entries() or emulator.throttle == "published"


def test_the_table_of_faults_has_an_example_of_each_kind() -> None:
    table = TEXT.split("| kind |")[1].split("\n\n")[0]
    examples = [
        Fault.parse(text) for text in re.findall(r"`([A-Za-z*]+:[^`]+)` \|\n", table + "\n")
    ]
    kinds = {each.kind for each in examples}

    assert set(FaultKind) - kinds == {FaultKind.HTTP_500}  # which has a row with 503
    assert kinds & set(MODELLED_ERRORS)
    assert len(examples) == table.count("\n") - 1


def test_the_table_of_options_is_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))

    assert known - set(re.findall(r"--[a-z-]+", TEXT)) == set()


def test_the_page_counts_the_operations() -> None:
    assert f"all {len(operations.ALL)} operations" in TEXT
