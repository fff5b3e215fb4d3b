"""An emulator with real DICOM files in it, for clients that others have written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from account import Account, open_account

from healthimaging_sdk.emulator import Durations, Emulator

FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A data store; the inbox has the DICOM files that pydicom is tested with."""
    folder = tmp_path_factory.mktemp("buckets")
    shutil.copytree(FILES, folder / "input")
    (folder / "output").mkdir()
    buckets = {name: folder / name for name in ("input", "output")}
    with Emulator(buckets=buckets, durations=Durations.all(0.01)) as emulator:
        yield open_account(emulator)
