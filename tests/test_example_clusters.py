"""A data store is verified by one process, by Dask's and by Ray's workers, with the same result."""

import runpy
from collections.abc import Iterator
from typing import Any

import pytest
from account import boto3_client
from attrs import evolve
from pydicom.uid import generate_uid
from running_examples import EXAMPLES, allowed, called, run

from healthimaging_sdk import HealthImagingClient, ImageFrameInformation
from healthimaging_sdk.emulator import Emulator, sample_datasets

STUDIES = 3


def seed(emulator: Emulator) -> str:
    """The id of a data store with some studies of 5 image sets and 9 frames each."""
    for _ in range(STUDIES):
        study = generate_uid()
        for dataset in (datasets := sample_datasets()).values():
            dataset.StudyInstanceUID = study
            dataset.SeriesInstanceUID = f"{study[:-3]}.{dataset.SeriesNumber}"
            dataset.SOPInstanceUID = generate_uid()
        emulator.seed(None, datasets.values())
    (datastore,) = boto3_client(emulator).list_datastores()["datastoreSummaries"]
    emulator.journal.clear()
    datastore_id: str = datastore["datastoreId"]
    return datastore_id


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.mark.parametrize("example", ["dask_pipeline.py", "ray_pipeline.py"])
def test_many_processes_find_what_one_finds(
    emulator: Emulator, example: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if example == "ray_pipeline.py":
        pytest.importorskip("ray", reason="Ray is large: `nox -s ray` has it")
    datastore_id = seed(emulator)

    one = run(emulator, "verify_frames.py", datastore_id)
    emulator.journal.clear()
    home = str(tmp_path_factory.mktemp("home"))
    many = run(emulator, example, datastore_id, env={"HOME": home, "RAY_USAGE_STATS_ENABLED": "0"})

    frames = f"frames={9 * STUDIES}, pixel_bytes={77824 * STUDIES}, not_decoded=0, damaged=()"
    assert one[:2] == (0, f"Report(image_sets={5 * STUDIES}, {frames})\n")
    assert many[:2] == one[:2], many[2]
    assert called(emulator) == allowed("viewer")
    operations = [entry.operation for entry in emulator.journal.entries()]
    assert operations.count("GetImageFrame") == 9 * STUDIES


async def test_a_frame_with_other_pixels_is_damaged(
    healthimaging_emulator: Emulator, healthimaging_client: HealthImagingClient
) -> None:
    judge: Any = runpy.run_path(str(EXAMPLES / "verify_frames.py"))["judge"]
    (image_set_id,) = healthimaging_emulator.seed(None, [sample_datasets()["ct-1.dcm"]])
    (datastore,) = (await healthimaging_client.list_datastores()).datastore_summaries
    ids = (datastore.datastore_id, image_set_id)
    document = (await healthimaging_client.get_image_set_metadata(*ids)).document()
    (series,) = document["Study"]["Series"].values()
    (instance,) = series["Instances"].values()
    (frame,) = instance.get("ImageFrames", [])
    wanted = ImageFrameInformation(image_frame_id=frame["ID"])
    answer = await healthimaging_client.get_image_frame(*ids, image_frame_information=wanted)

    sound = judge("a", frame, answer)
    cut = judge("a", frame, evolve(answer, image_frame_blob=answer.image_frame_blob[:99]))
    checksum = {**frame["PixelDataChecksumFromBaseToFullResolution"][-1], "Checksum": 7}
    other = judge("a", {**frame, "PixelDataChecksumFromBaseToFullResolution": [checksum]}, answer)
    plain = judge("a", frame, evolve(answer, content_type="application/octet-stream"))

    assert (sound.frames, sound.damaged, sound.pixel_bytes) == (1, (), 64 * 64 * 2)
    assert cut.damaged == other.damaged == ("a",)
    assert (plain.damaged, plain.not_decoded) == ((), 1)
