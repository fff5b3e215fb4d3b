"""Download a study: the metadata and the frames of each of its image sets.

    python examples/download_study.py DATASTORE_ID STUDY_INSTANCE_UID FOLDER

Region, endpoint and credentials come from the environment; `docs/iam/viewer.json` is the policy
that it needs. Frames are saved as they are stored, mostly HTJ2K.
"""

import asyncio
import sys
from pathlib import Path

from healthimaging_sdk import (
    HealthImagingClient,
    ImageFrameInformation,
    Operator,
    SearchByAttributeValue,
    SearchCriteria,
    SearchFilter,
)

AT_ONCE = 32


async def download(
    client: HealthImagingClient, datastore_id: str, image_set_id: str, folder: Path
) -> int:
    """Save one image set; the number of its frames."""
    metadata = await client.get_image_set_metadata(datastore_id, image_set_id)
    document = metadata.document()
    frame_ids = [
        frame["ID"]
        for series in document["Study"]["Series"].values()
        for instance in series["Instances"].values()
        for frame in instance.get("ImageFrames", [])
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.json").write_bytes(metadata.image_set_metadata_blob)
    room = asyncio.Semaphore(AT_ONCE)

    async def save(frame_id: str) -> None:
        async with room:
            frame = await client.get_image_frame(
                datastore_id,
                image_set_id,
                image_frame_information=ImageFrameInformation(image_frame_id=frame_id),
            )
            await asyncio.to_thread((folder / frame_id).write_bytes, frame.image_frame_blob)

    async with asyncio.TaskGroup() as group:
        for frame_id in frame_ids:
            group.create_task(save(frame_id))
    return len(frame_ids)


async def main(datastore_id: str, study_instance_uid: str, folder: str) -> None:
    study = SearchByAttributeValue(dicom_study_instance_uid=study_instance_uid)
    criteria = SearchCriteria(filters=[SearchFilter(values=[study], operator=Operator.EQUAL)])
    async with HealthImagingClient() as client:
        async for found in client.iter_image_sets(datastore_id, search_criteria=criteria):
            target = Path(folder, found.image_set_id)
            count = await download(client, datastore_id, found.image_set_id, target)
            print(f"{target}: {count} frames")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
