"""`nox -s tests` tests the installed wheel, in its own process and in those that it starts."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import healthimaging_sdk

CHECKOUT = Path(__file__).parent.parent
INSTALLED = Path(sysconfig.get_path("purelib"))

pytestmark = pytest.mark.skipif(
    "TEST_THE_INSTALLED_WHEEL" not in os.environ,
    reason="the package is the checkout's, unless nox runs the tests",
)


def test_the_tests_import_the_wheel() -> None:
    assert Path(healthimaging_sdk.__file__).is_relative_to(INSTALLED)


def test_programs_that_tests_start_import_the_wheel() -> None:
    program = "import healthimaging_sdk; print(healthimaging_sdk.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(INSTALLED)


def test_the_wheel_has_the_files_of_the_checkout() -> None:
    """Each has the checkout's bytes: an older wheel is not what is tested."""
    ours = CHECKOUT / "healthimaging_sdk"
    files = [file for file in ours.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert files
    for file in files:
        installed = INSTALLED / file.relative_to(CHECKOUT)
        assert installed.read_bytes() == file.read_bytes()
