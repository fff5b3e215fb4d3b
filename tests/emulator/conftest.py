"""An emulator whose background work is instant, or held until the test lets it go."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from account import Account, open_account
from dicom_files import write_instance
from held_time import HeldTime

from healthimaging_sdk.emulator import Durations, Emulator


@pytest.fixture
def buckets(tmp_path: Path) -> dict[str, Path]:
    folders = {name: tmp_path / name for name in ("input", "output")}
    for folder in folders.values():
        folder.mkdir()
    return folders


@pytest.fixture
def held() -> HeldTime:
    """Time that passes at once, until `held.is_held` is set."""
    return HeldTime()


@pytest.fixture
def emulator(buckets: dict[str, Path], held: HeldTime) -> Iterator[Emulator]:
    with Emulator(buckets=buckets, durations=Durations.all(0), sleep=held.sleep) as emulator:
        yield emulator


@pytest.fixture
def account(emulator: Emulator) -> Account:
    """An active data store, empty."""
    return open_account(emulator)


@pytest.fixture
def image_set_id(account: Account) -> str:
    """A primary image set of two instances with a frame each, at version 1."""
    write_instance(account.inbox, 1)
    write_instance(account.inbox, 2)
    account.import_all()
    (image_set_id,) = account.image_set_ids()
    return image_set_id


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def start(buckets: dict[str, Path], data: Path) -> Callable[..., Emulator]:
    """An emulator on the folder, in which time stands still and nothing takes any."""
    now = datetime.now(UTC)

    def start(**options: Any) -> Emulator:
        return Emulator(
            buckets=buckets, data=data, durations=Durations.all(0), clock=lambda: now, **options
        )

    return start
