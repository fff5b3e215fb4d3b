"""Give a patient another name, in every image set of a data store.

    python examples/edit_patient.py DATASTORE_ID PATIENT_ID NEW_NAME

Region, endpoint and credentials come from the environment; `docs/iam/editor.json` is the policy
that it needs. An image set that somebody else has just edited is read again, and edited once more.
"""

import asyncio
import sys

from healthimaging_sdk import (
    DICOMUpdates,
    HealthImagingClient,
    MetadataUpdates,
    Operator,
    SearchByAttributeValue,
    SearchCriteria,
    SearchFilter,
    StaleVersionError,
)


async def rename(
    client: HealthImagingClient, datastore_id: str, image_set_id: str, name: str
) -> str:
    """The version that has the new name."""
    document = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": name}}}
    updates = MetadataUpdates(dicom_updates=DICOMUpdates(updatable_attributes=document))
    while True:
        image_set = await client.get_image_set(datastore_id, image_set_id)
        try:
            update = await client.update_image_set_metadata(
                datastore_id,
                image_set_id,
                latest_version_id=image_set.version_id,
                update_image_set_metadata_updates=updates,
            )
        except StaleVersionError:
            continue  # a name does not depend on what the other edit changed
        done = await client.wait_until_image_set_updated(
            datastore_id, image_set_id, version_id=update.latest_version_id, timeout=600
        )
        return done.version_id


async def main(datastore_id: str, patient_id: str, name: str) -> None:
    patient = SearchByAttributeValue(dicom_patient_id=patient_id)
    criteria = SearchCriteria(filters=[SearchFilter(values=[patient], operator=Operator.EQUAL)])
    async with HealthImagingClient() as client, asyncio.TaskGroup() as group:
        # The client paces itself: the service takes one update in four seconds.
        tasks = {
            found.image_set_id: group.create_task(
                rename(client, datastore_id, found.image_set_id, name)
            )
            async for found in client.iter_image_sets(datastore_id, search_criteria=criteria)
        }
    for image_set_id, task in tasks.items():
        print(f"{image_set_id} is at version {task.result()}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
