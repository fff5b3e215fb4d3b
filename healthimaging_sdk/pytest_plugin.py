"""For pytest: an emulator, a client at it, and DICOM files to put into it.

    async def test_my_import(healthimaging_emulator, healthimaging_client, dicom_samples):
        shutil.copytree(dicom_samples, healthimaging_emulator.buckets["input"] / "study")
        await healthimaging_client.start_dicom_import_job(...)

The emulator runs in a thread of its own, so that tests with and without asyncio can use it.

pytest loads this module into every run: what the fixtures need is imported when they are used.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from healthimaging_sdk.emulator import Emulator


@pytest.fixture
def healthimaging_emulator(tmp_path: Path) -> "Iterator[Emulator]":
    """AWS HealthImaging on a loopback port, with the empty buckets `input` and `output`."""
    from healthimaging_sdk.emulator import Durations, Emulator  # noqa: PLC0415

    buckets = {name: tmp_path / name for name in ("input", "output")}
    for folder in buckets.values():
        folder.mkdir()
    with Emulator(buckets=buckets, durations=Durations.all(0.05)) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def dicom_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of seven small synthetic files: CT, MR, multi-frame, RGB and a report.

    One for all tests: copy what you want to change.
    """
    from healthimaging_sdk.emulator import sample_datasets  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("dicom-samples")
    for name, dataset in sample_datasets().items():
        dataset.save_as(folder / name, enforce_file_format=True)
    return folder


def pytest_configure(config: pytest.Config) -> None:
    """The client's fixture is a coroutine: whether it can be one is known only now."""
    if any(map(config.pluginmanager.hasplugin, ("asyncio", "pytest_asyncio"))):
        from healthimaging_sdk import _pytest_client  # noqa: PLC0415

        config.pluginmanager.register(_pytest_client)
    else:
        config.pluginmanager.register(_WithoutAsyncio())


class _WithoutAsyncio:
    @pytest.fixture
    def healthimaging_client(self) -> None:
        """Says what is missing."""
        pytest.fail("healthimaging_client needs pytest-asyncio: pip install pytest-asyncio")
