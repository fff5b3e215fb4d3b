"""Folders that an emulator does not take for its data, and says why."""

import shutil
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running_emulator import RunningEmulator, again, with_one_image_set

from healthimaging_sdk.emulator import DataFolderError, Emulator
from healthimaging_sdk.emulator.__main__ import main


def test_a_folder_has_one_emulator_at_a_time(
    start: Callable[..., Emulator], capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    with (
        start(),
        pytest.raises(DataFolderError, match="is in use by another emulator"),
        start(),
    ):
        pass  # pragma: no cover - the second does not start
    with start(), pytest.raises(SystemExit) as caught:
        main(["--port", "0", "--data", str(data)])
    assert "is in use by another emulator" in str(caught.value)
    with start():
        pass  # the first has let it go


@contextmanager
def database_of(data: Path) -> Generator[sqlite3.Connection]:
    connection = sqlite3.connect(data / "emulator.sqlite3", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def of_the_future(data: Path) -> None:
    with database_of(data) as database:
        database.execute("PRAGMA user_version = 99")


def of_another_program(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()
    with database_of(data) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")


def of_no_program(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()
    (data / "letter.txt").touch()


def with_a_broken_database(data: Path) -> None:
    path = data / "emulator.sqlite3"
    path.write_bytes(b"no database " * (path.stat().st_size // 12))


def with_a_broken_record(data: Path) -> None:
    with database_of(data) as database:
        database.execute("UPDATE record SET body = '{\"PatientName\": 7}'")


def without_a_blob(data: Path) -> None:
    next((data / "blobs").iterdir()).unlink()


def with_broken_blobs(data: Path) -> None:
    for path in (data / "blobs").iterdir():
        path.write_bytes(path.read_bytes()[:-1])


def that_is_a_file(data: Path) -> None:
    shutil.rmtree(data)
    data.touch()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (of_the_future, "has version 99; this emulator needs 1"),
        (of_another_program, "holds another program's data"),
        (of_no_program, "is not empty, and holds no emulator's data"),
        (with_a_broken_database, "is damaged"),
        (with_a_broken_record, "is damaged"),
        (without_a_blob, "is damaged"),
        (with_broken_blobs, "is damaged"),
        (that_is_a_file, "cannot be opened"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_and_left_alone(
    start: Callable[..., Emulator], data: Path, spoil: Callable[[Path], None], expected: str
) -> None:
    with start() as emulator:
        with_one_image_set(emulator)
    spoil(data)
    before = contents_of(data)

    with pytest.raises(DataFolderError, match=expected) as caught, start():
        pass  # pragma: no cover - it does not start

    assert "PatientName" not in str(caught.value)
    assert contents_of(data) == before


def contents_of(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("other", [{"region": "eu-west-1"}, {"account_id": "210987654321"}])
def test_a_folder_of_another_region_or_account_is_refused_and_left_alone(
    start: Callable[..., Emulator], data: Path, other: dict[str, str]
) -> None:
    with start() as emulator:
        account, image_set_id = with_one_image_set(emulator)
    before = contents_of(data)

    with pytest.raises(DataFolderError, match="is of account 123456789012 in us-east-1"):
        start(**other).__enter__()

    assert contents_of(data) == before
    with start() as emulator:
        assert again(account, emulator).image_set_ids() == [image_set_id]


def test_the_program_says_whose_the_folder_is(start: Callable[..., Emulator], data: Path) -> None:
    with start() as emulator:
        with_one_image_set(emulator)

    with pytest.raises(SystemExit) as caught:
        main(["--port", "0", "--data", str(data), "--region", "eu-west-1"])

    assert "this emulator is of account 123456789012 in eu-west-1" in str(caught.value)


def test_the_program_can_be_of_another_account(data: Path, buckets: dict[str, Path]) -> None:
    other = ("--account-id", "210987654321")
    with RunningEmulator(data, buckets, *other) as running:
        store = running.client().create_datastore()["datastoreId"]
        found = running.client().get_datastore(datastoreId=store)["datastoreProperties"]
    assert ":210987654321:" in found["datastoreArn"]
