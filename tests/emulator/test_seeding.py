"""Image sets straight from pydicom's data sets."""

import asyncio
import io
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import imagecodecs
import pytest
from account import Account, boto3_client
from dicom_files import write_instance
from held_time import HeldTime
from pydicom import dcmread  # pyright: ignore[reportUnknownVariableType] - a bare PathLike
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from healthimaging_sdk import ConflictException, ParamValidationError, ResourceNotFoundException
from healthimaging_sdk.emulator import Emulator, sample_datasets


@pytest.fixture
def datasets() -> list[Dataset]:
    return list(sample_datasets().values())


def documents(account: Account, image_set_ids: Iterable[str]) -> list[Any]:
    """Without the ids, which are new each time."""
    found: list[Any] = []
    for image_set_id in image_set_ids:
        document = account.document(image_set_id)
        del document["ImageSetID"]
        for series in document["Study"]["Series"].values():
            for instance in series["Instances"].values():
                for frame in instance["ImageFrames"]:
                    del frame["ID"]
        found.append(document)
    return sorted(found, key=str)


def test_seeded_image_sets_are_what_an_import_makes(
    account: Account, datasets: list[Dataset]
) -> None:
    for number, dataset in enumerate(datasets):
        dataset.save_as(account.inbox / f"{number}.dcm", enforce_file_format=True)
    account.import_all()
    imported = documents(account, account.image_set_ids())
    for image_set_id in account.image_set_ids():
        account.delete(image_set_id)

    seeded = account.emulator.seed(account.datastore_id, datasets)

    assert len(seeded) == 5
    assert documents(account, seeded) == imported
    for image_set_id in seeded:
        found = account.get(image_set_id)
        assert (found["imageSetState"], found["imageSetWorkflowStatus"]) == ("ACTIVE", "CREATED")
        assert found["isPrimary"] is True


def test_seeded_frames_are_the_pixels_of_the_data_set(account: Account) -> None:
    photo = sample_datasets()["photo.dcm"]
    (image_set_id,) = account.emulator.seed(account.datastore_id, [photo])
    ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
    (frame,) = series["Instances"][photo.SOPInstanceUID]["ImageFrames"]

    blob = account.client.get_image_frame(
        datastoreId=account.datastore_id,
        imageSetId=image_set_id,
        imageFrameInformation={"imageFrameId": frame["ID"]},
    )["imageFrameBlob"].read()

    pixels = imagecodecs.htj2k_decode(blob, planar=False)
    assert zlib.crc32(pixels.tobytes()) == zlib.crc32(photo.PixelData)


def test_without_a_data_store_one_is_made_and_used_again(
    emulator: Emulator, datasets: list[Dataset]
) -> None:
    first = emulator.seed(None, datasets[:1])
    second = emulator.seed(None, datasets[2:3])

    (summary,) = boto3_client(emulator).list_datastores()["datastoreSummaries"]
    assert summary["datastoreStatus"] == "ACTIVE"
    account = Account(emulator, boto3_client(emulator), summary["datastoreId"])
    assert set(account.image_set_ids()) == {*first, *second}


def test_a_data_set_without_file_meta_information_stays_without(account: Account) -> None:
    dataset = sample_datasets()["ct-1.dcm"]
    del dataset.file_meta
    before = dataset.to_json()

    assert account.emulator.seed(account.datastore_id, [dataset])
    assert not hasattr(dataset, "file_meta")
    assert dataset.to_json() == before


def test_a_data_set_of_a_series_that_is_there_makes_a_version(
    account: Account, datasets: list[Dataset]
) -> None:
    (image_set_id,) = account.emulator.seed(account.datastore_id, datasets[:1])
    assert account.emulator.seed(account.datastore_id, datasets[1:2]) == [image_set_id]

    found = account.get(image_set_id)
    assert (found["versionId"], found["imageSetWorkflowStatus"]) == ("2", "IMPORTED")
    ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
    assert len(series["Instances"]) == 2


def test_a_locked_image_set_is_not_seeded_into(
    account: Account, datasets: list[Dataset], held: HeldTime
) -> None:
    (image_set_id,) = account.emulator.seed(account.datastore_id, datasets[:1])
    held.is_held = True
    account.start_copy(image_set_id)

    with pytest.raises(ConflictException):
        account.emulator.seed(account.datastore_id, datasets[1:2])
    held.let_go()


def test_a_data_set_that_cannot_be_imported_is_named_and_nothing_is_seeded(
    account: Account, datasets: list[Dataset]
) -> None:
    del datasets[2].SeriesInstanceUID

    with pytest.raises(ParamValidationError, match=r"datasets\[2\].*SeriesInstanceUID"):
        account.emulator.seed(account.datastore_id, datasets)
    assert account.image_set_ids() == []


def test_a_data_set_that_cannot_be_written_is_named_without_its_values(account: Account) -> None:
    dataset = sample_datasets()["ct-1.dcm"]
    dataset.add(DataElement(0x00100010, "US", "DOE^JANE", validation_mode=IGNORE))

    with pytest.raises(ParamValidationError, match=r"datasets\[0\]") as caught:
        account.emulator.seed(account.datastore_id, [dataset])
    assert "DOE" not in str(caught.value)


def test_an_unknown_data_store_is_refused(emulator: Emulator, datasets: list[Dataset]) -> None:
    with pytest.raises(ResourceNotFoundException):
        emulator.seed("0" * 32, datasets)


def test_only_a_running_emulator_is_seeded(datasets: list[Dataset]) -> None:
    with pytest.raises(RuntimeError, match="not running"):
        Emulator().seed(None, datasets)


async def test_a_coroutine_seeds_directly_or_from_a_thread(datasets: list[Dataset]) -> None:
    async with Emulator() as emulator:
        assert len(emulator.seed(None, datasets[:1])) == 1
        assert len(await asyncio.to_thread(emulator.seed, None, datasets[2:])) == 4


def test_a_thousand_image_sets_are_found(account: Account, tmp_path: Path) -> None:
    file = io.BytesIO(write_instance(tmp_path).read_bytes())

    def series() -> Iterable[Dataset]:
        for number in range(1_000):
            file.seek(0)
            dataset = dcmread(file)
            dataset.SeriesInstanceUID = f"1.2.3.{number}"
            yield dataset

    seeded = account.emulator.seed(account.datastore_id, series())

    paginator = account.client.get_paginator("search_image_sets")
    pages = paginator.paginate(datastoreId=account.datastore_id, searchCriteria={})
    found = [each["imageSetId"] for page in pages for each in page["imageSetsMetadataSummaries"]]
    assert len(set(seeded)) == 1_000
    assert sorted(found) == sorted(seeded)
