"""The main job from end to end: import, search, read, correct, copy, verify.

Runs against the emulator, so it needs no AWS account. For the service itself leave out
`endpoint_url` and `credentials`, and give the names of your own buckets and role.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from zlib import crc32

import imagecodecs
import numpy as np
from pydicom.data.data_manager import DATA_ROOT
from rich.console import Console
from rich.progress import track

from healthimaging_sdk import (
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    Credentials,
    DICOMUpdates,
    HealthImagingClient,
    ImageFrameInformation,
    MetadataDocument,
    MetadataUpdates,
    Operator,
    SearchByAttributeValue,
    SearchCriteria,
    SearchFilter,
)

ROLE = "arn:aws:iam::123456789012:role/import"
CORRECTION = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": "Doe^Corrected"}}}
console = Console()


def check(happened: bool, claim: str) -> None:  # noqa: FBT001
    """Nothing is claimed that did not happen."""
    console.print(f"[green]✓[/] {claim}" if happened else f"[red]✗ not so:[/] {claim}")
    if not happened:
        sys.exit(1)


@asynccontextmanager
async def running_emulator(folder: Path) -> AsyncGenerator[tuple[str, Credentials], None]:
    """HealthImaging in a process of its own, with folders for S3 buckets."""
    command = [sys.executable, "-m", "healthimaging_sdk.emulator", "--port", "0"]
    command += [f"--bucket={name}={folder / name}" for name in ("input", "output")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        keys = dict(pair.split("=") for pair in (await process.stdout.readline()).decode().split())
        yield url, Credentials(keys["access_key_id"], keys["secret_access_key"])
    finally:
        process.terminate()
        await process.wait()


async def import_everything(client: HealthImagingClient, datastore_id: str, folder: Path) -> None:
    job = await client.start_dicom_import_job(
        datastore_id,
        data_access_role_arn=ROLE,
        input_s3_uri="s3://input/",
        output_s3_uri="s3://output/",
    )
    with console.status("importing") as status:
        await client.wait_until_dicom_import_job_completed(
            datastore_id,
            job.job_id,
            timeout=300,
            min_delay=0.2,
            on_poll=lambda seen: status.update(f"import: {seen.job_properties.job_status}"),
        )
    # COMPLETED does not mean that every file was imported: the manifest tells.
    (manifest,) = (folder / "output").rglob("job-output-manifest.json")
    summary = json.loads(manifest.read_text())["jobSummary"]
    imported, scanned = summary["numberOfImportedFiles"], summary["numberOfScannedFiles"]
    made = summary["numberOfGeneratedImageSets"]
    check(0 < imported < scanned, f"{imported} of {scanned} files became {made} image sets")
    reasons = next(manifest.parent.rglob("failure.ndjson")).read_text().splitlines()
    check(
        len(reasons) == scanned - imported, f"{len(reasons)} damaged files are named, with reasons"
    )


async def correct_and_copy(
    client: HealthImagingClient, datastore_id: str, image_set_id: str
) -> str:
    """Rename the patient, then copy the image set; the id of the copy."""
    before = await client.get_image_set(datastore_id, image_set_id)
    update = await client.update_image_set_metadata(
        datastore_id,
        image_set_id,
        latest_version_id=before.version_id,
        update_image_set_metadata_updates=MetadataUpdates(
            dicom_updates=DICOMUpdates(updatable_attributes=CORRECTION)
        ),
    )
    updated = await client.wait_until_image_set_updated(
        datastore_id, image_set_id, version_id=update.latest_version_id, timeout=60
    )
    copy = await client.copy_image_set(
        datastore_id,
        image_set_id,
        copy_image_set_information=CopyImageSetInformation(
            source_image_set=CopySourceImageSetInformation(latest_version_id=updated.version_id)
        ),
    )
    made = copy.destination_image_set_properties
    copied = await client.wait_until_image_set_copied(
        datastore_id, made.image_set_id, version_id=made.latest_version_id, timeout=60
    )
    check(copied.image_set_workflow_status == "COPIED", "the corrected image set was copied")
    versions = [
        f"{version.version_id} {version.image_set_workflow_status}"
        async for version in client.iter_image_set_versions(datastore_id, image_set_id)
    ]
    check(len(versions) == 2, f"its versions are: {', '.join(versions)}")
    return copied.image_set_id


async def read_metadata(
    client: HealthImagingClient, datastore_id: str, image_set_id: str
) -> MetadataDocument:
    async with client.stream_image_set_metadata(datastore_id, image_set_id) as stream:
        chunks = [chunk async for chunk in stream]  # decompressed, and checked to the last byte
    document: MetadataDocument = json.loads(b"".join(chunks))
    return document


async def verify_frames(
    client: HealthImagingClient, datastore_id: str, image_set_id: str, picture: Path
) -> None:
    """Fetch every frame, compare its pixels' CRC32, and draw the last one."""
    document = await read_metadata(client, datastore_id, image_set_id)
    series = document["Study"]["Series"].values()
    instances = [instance for each in series for instance in each["Instances"].values()]
    frames = [frame for instance in instances for frame in instance.get("ImageFrames", [])]
    for frame in track(frames, "frames", console=console):
        answer = await client.get_image_frame(
            datastore_id,
            image_set_id,
            image_frame_information=ImageFrameInformation(image_frame_id=frame["ID"]),
        )
        pixels = imagecodecs.htj2k_decode(answer.image_frame_blob)
        checksum = frame["PixelDataChecksumFromBaseToFullResolution"][-1]["Checksum"]
        check(crc32(pixels.tobytes()) == checksum, f"the CRC32 of a {pixels.shape} frame is right")
        scaled = np.interp(pixels, (pixels.min(), pixels.max()), (0, 255))
        picture.write_bytes(imagecodecs.png_encode(scaled.astype("uint8")))
    check(picture.exists(), f"a person can look at {picture}")


async def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="quickstart-"))
    shutil.copytree(Path(DATA_ROOT, "test_files"), folder / "input")
    (folder / "output").mkdir()
    async with (
        running_emulator(folder) as (endpoint_url, credentials),
        HealthImagingClient(
            region="us-east-1", endpoint_url=endpoint_url, credentials=credentials
        ) as client,
    ):
        datastore_id = (await client.create_datastore(datastore_name="quickstart")).datastore_id
        await client.wait_until_datastore_active(datastore_id, timeout=60, min_delay=0.1)
        await import_everything(client, datastore_id, folder)

        patient = SearchByAttributeValue(dicom_patient_id="1CT1")
        criteria = SearchCriteria(filters=[SearchFilter(values=[patient], operator=Operator.EQUAL)])
        pager = client.iter_image_sets(datastore_id, search_criteria=criteria)
        (image_set,) = [found async for found in pager]
        before = await read_metadata(client, datastore_id, image_set.image_set_id)
        copy_id = await correct_and_copy(client, datastore_id, image_set.image_set_id)
        after = await read_metadata(client, datastore_id, copy_id)
        names = [document["Patient"]["DICOM"]["PatientName"] for document in (before, after)]
        check(names[0] != names[1] == "Doe^Corrected", "the copy has the corrected name")
        await verify_frames(client, datastore_id, copy_id, folder / "frame.png")


if __name__ == "__main__":
    asyncio.run(main())
