"""Every operation, called by our client and answered by the emulator."""

from account import ROLE
from dicom_files import write_instance

from healthimaging_sdk import (
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    DatastoreStatus,
    DICOMUpdates,
    HealthImagingClient,
    ImageFrameInformation,
    ImageSetState,
    ImageSetWorkflowStatus,
    JobStatus,
    MetadataUpdates,
    operations,
)
from healthimaging_sdk.emulator import Emulator

RENAMED = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": "Roe^Richard"}}}


async def test_the_life_of_a_data_store(
    healthimaging_emulator: Emulator, healthimaging_client: HealthImagingClient
) -> None:
    client = healthimaging_client
    created = await client.create_datastore(datastore_name="every-operation", tags={"a": "1"})
    store = created.datastore_id
    active = await client.wait_until_datastore_active(store, timeout=30, min_delay=0.02)
    arn = active.datastore_properties.datastore_arn or ""
    assert (await client.get_datastore(store)) == active
    assert [each.datastore_id async for each in client.iter_datastores()] == [store]

    await client.tag_resource(arn, tags={"b": "2"})
    await client.untag_resource(arn, tag_keys=["a"])
    assert (await client.list_tags_for_resource(arn)).tags == {"b": "2"}

    write_instance(healthimaging_emulator.buckets["input"])
    job = await client.start_dicom_import_job(
        store,
        data_access_role_arn=ROLE,
        input_s3_uri="s3://input/",
        output_s3_uri="s3://output/",
        job_name="first",
    )
    ended = await client.wait_until_dicom_import_job_completed(
        store, job.job_id, timeout=30, min_delay=0.02
    )
    assert ended.job_properties.job_status is JobStatus.COMPLETED
    jobs = await client.list_dicom_import_jobs(store, job_status=JobStatus.COMPLETED)
    assert [each.job_name for each in jobs.job_summaries] == ["first"]

    (found,) = [each async for each in client.iter_image_sets(store)]
    source = found.image_set_id
    updated = await client.update_image_set_metadata(
        store,
        source,
        latest_version_id="1",
        update_image_set_metadata_updates=MetadataUpdates(
            dicom_updates=DICOMUpdates(updatable_attributes=RENAMED)
        ),
    )
    assert updated.image_set_state is ImageSetState.LOCKED
    settled = await client.wait_until_image_set_updated(
        store, source, version_id="2", timeout=30, min_delay=0.02
    )
    assert settled.image_set_workflow_status is ImageSetWorkflowStatus.UPDATED

    copied = await client.copy_image_set(
        store,
        source,
        copy_image_set_information=CopyImageSetInformation(
            source_image_set=CopySourceImageSetInformation(latest_version_id="2")
        ),
    )
    copy = copied.destination_image_set_properties.image_set_id
    await client.wait_until_image_set_copied(store, copy, timeout=30, min_delay=0.02)
    versions = await client.list_image_set_versions(store, source)
    assert [each.version_id for each in versions.image_set_properties_list] == ["2", "1"]

    document = (await client.get_image_set_metadata(store, copy)).document()
    assert document["Patient"]["DICOM"]["PatientName"] == "Roe^Richard"
    (series,) = document["Study"]["Series"].values()
    (instance,) = series["Instances"].values()
    (frame,) = instance.get("ImageFrames", [])
    information = ImageFrameInformation(image_frame_id=frame["ID"])
    whole = await client.get_image_frame(store, copy, image_frame_information=information)
    async with client.stream_image_frame(
        store, copy, image_frame_information=information
    ) as stream:
        assert await stream.read() == whole.image_frame_blob
    assert stream.content_type == whole.content_type == "image/jph"

    for image_set_id in (source, copy):
        await client.wait_until_image_set_copied(store, image_set_id, timeout=30, min_delay=0.02)
        await client.delete_image_set(store, image_set_id)
        gone = await client.wait_until_image_set_deleted(
            store, image_set_id, timeout=30, min_delay=0.02
        )
        assert gone is None or gone.image_set_state is ImageSetState.DELETED
    await client.delete_datastore(store)
    deleted = await client.wait_until_datastore_deleted(store, timeout=30, min_delay=0.02)
    assert deleted is None or (
        deleted.datastore_properties.datastore_status is DatastoreStatus.DELETED
    )

    assert {entry.operation for entry in healthimaging_emulator.journal.entries()} >= {
        operation.name for operation in operations.ALL
    }
