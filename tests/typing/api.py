# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers make of the public surface. Never run: a wrong line fails the type check.

Every suppressed error has to be one, for mypy and for pyright.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal, assert_type

from healthimaging_sdk import (
    GET_DATASTORE,
    GET_IMAGE_SET,
    AttemptReport,
    BlobStream,
    CallReport,
    Config,
    ConflictException,
    CopyDestinationImageSet,
    CopyDestinationImageSetProperties,
    CopyImageSetInformation,
    CopyImageSetResponse,
    CopySourceImageSetInformation,
    CreateDatastoreResponse,
    Credentials,
    DatastoreStatus,
    DatastoreSummary,
    DeleteDatastoreResponse,
    DeleteImageSetResponse,
    DICOMImportJobSummary,
    DICOMUpdates,
    GetDatastoreRequest,
    GetDatastoreResponse,
    GetDICOMImportJobResponse,
    GetImageFrameResponse,
    GetImageSetMetadataResponse,
    GetImageSetRequest,
    GetImageSetResponse,
    HealthImagingClient,
    HealthImagingError,
    HealthImagingEvent,
    ImageFrameInformation,
    ImageSetEvent,
    ImageSetProperties,
    ImageSetsMetadataSummary,
    ImageSetState,
    ImageSetWorkflowStatus,
    ImportJobEvent,
    JobStatus,
    ListDatastoresResponse,
    ListDICOMImportJobsResponse,
    ListImageSetVersionsResponse,
    ListTagsForResourceResponse,
    MetadataCopies,
    MetadataDocument,
    MetadataUpdates,
    Operator,
    Outcome,
    Pager,
    SearchByAttributeValue,
    SearchFilter,
    SearchImageSetsResponse,
    StaleVersionError,
    StartDICOMImportJobResponse,
    TagResourceResponse,
    UntagResourceResponse,
    UpdateImageSetMetadataResponse,
    WaiterFailed,
    WaiterTimeout,
    WriteOutcomeUnknown,
    parse_event,
)


async def operations(client: HealthImagingClient, tags: Mapping[str, str]) -> None:
    frame = ImageFrameInformation(image_frame_id="")
    copies = CopyImageSetInformation(
        source_image_set=CopySourceImageSetInformation(
            latest_version_id="1", dicom_copies=MetadataCopies(copiable_attributes={})
        ),
        destination_image_set=CopyDestinationImageSet(image_set_id="", latest_version_id="1"),
    )
    updates = MetadataUpdates(dicom_updates=DICOMUpdates(updatable_attributes={"Study": {}}))

    assert_type(await client.create_datastore(tags=tags), CreateDatastoreResponse)
    assert_type(await client.get_datastore(""), GetDatastoreResponse)
    assert_type(await client.list_datastores(), ListDatastoresResponse)
    assert_type(await client.delete_datastore(""), DeleteDatastoreResponse)
    assert_type(
        await client.start_dicom_import_job(
            "", data_access_role_arn="", input_s3_uri="", output_s3_uri=""
        ),
        StartDICOMImportJobResponse,
    )
    assert_type(await client.get_dicom_import_job("", ""), GetDICOMImportJobResponse)
    assert_type(await client.list_dicom_import_jobs(""), ListDICOMImportJobsResponse)
    assert_type(await client.search_image_sets(""), SearchImageSetsResponse)
    assert_type(await client.get_image_set("", ""), GetImageSetResponse)
    assert_type(await client.get_image_set_metadata("", ""), GetImageSetMetadataResponse)
    assert_type(
        await client.get_image_frame("", "", image_frame_information=frame), GetImageFrameResponse
    )
    assert_type(await client.list_image_set_versions("", ""), ListImageSetVersionsResponse)
    assert_type(
        await client.update_image_set_metadata(
            "", "", latest_version_id="1", update_image_set_metadata_updates=updates
        ),
        UpdateImageSetMetadataResponse,
    )
    assert_type(
        await client.copy_image_set("", "", copy_image_set_information=copies),
        CopyImageSetResponse,
    )
    assert_type(await client.delete_image_set("", ""), DeleteImageSetResponse)
    assert_type(await client.tag_resource("", tags=tags), TagResourceResponse)
    assert_type(await client.untag_resource("", tag_keys=[""]), UntagResourceResponse)
    assert_type(await client.list_tags_for_resource(""), ListTagsForResourceResponse)


async def any_request(client: HealthImagingClient, request: GetImageSetRequest) -> None:
    assert_type(await client.call(GET_IMAGE_SET, request), GetImageSetResponse)
    of_store = GetDatastoreRequest(datastore_id="")
    assert_type(await client.call(GET_DATASTORE, of_store), GetDatastoreResponse)


async def responses(client: HealthImagingClient) -> None:
    image_set = await client.get_image_set("", "")
    assert_type(image_set.image_set_state, ImageSetState)
    assert_type(image_set.image_set_workflow_status, ImageSetWorkflowStatus | None)
    metadata = await client.get_image_set_metadata("", "")
    assert_type(metadata.image_set_metadata_blob, bytes)
    assert_type(metadata.document(), MetadataDocument)
    page = await client.list_datastores()
    assert_type(page.datastore_summaries, list[DatastoreSummary])
    assert_type(page.next_token, str | None)


async def streams(client: HealthImagingClient, frame: ImageFrameInformation) -> None:
    async with client.stream_image_set_metadata("", "", version_id="1") as metadata:
        assert_type(metadata, BlobStream)
        assert_type(metadata.content_type, str | None)
        async for chunk in metadata:
            assert_type(chunk, bytes)
    async with client.stream_image_frame("", "", image_frame_information=frame) as pixels:
        assert_type(await pixels.read(), bytes)


async def pagers(client: HealthImagingClient) -> None:
    datastores = client.iter_datastores(datastore_status=DatastoreStatus.ACTIVE, limit=3)
    assert_type(datastores, Pager[DatastoreSummary, ListDatastoresResponse])
    assert_type(datastores.resume_token, str | None)
    async for datastore in datastores:
        assert_type(datastore, DatastoreSummary)
    async for job in client.iter_dicom_import_jobs(""):
        assert_type(job, DICOMImportJobSummary)
    async for version in client.iter_image_set_versions("", ""):
        assert_type(version, ImageSetProperties)
    async for found in client.iter_image_sets("", page_size=50):
        assert_type(found, ImageSetsMetadataSummary)
    async for jobs in client.iter_dicom_import_jobs("").pages():
        assert_type(jobs, ListDICOMImportJobsResponse)
    assert_type([each async for each in client.iter_image_sets("")], list[ImageSetsMetadataSummary])
    assert_type(await anext(client.iter_image_sets("").pages()), SearchImageSetsResponse)


async def waiters(client: HealthImagingClient) -> None:
    def on_poll(image_set: GetImageSetResponse) -> None: ...

    assert_type(
        await client.wait_until_image_set_copied("", "", timeout=3, on_poll=on_poll),
        GetImageSetResponse,
    )
    assert_type(
        await client.wait_until_image_set_updated(
            "", "", version_id="2", timeout=timedelta(minutes=5), min_delay=1, max_delay=1.5
        ),
        GetImageSetResponse,
    )
    assert_type(
        await client.wait_until_image_set_deleted("", "", timeout=3), GetImageSetResponse | None
    )
    assert_type(
        await client.wait_until_dicom_import_job_completed("", "", timeout=3),
        GetDICOMImportJobResponse,
    )
    assert_type(await client.wait_until_datastore_active("", timeout=3), GetDatastoreResponse)
    assert_type(
        await client.wait_until_datastore_deleted("", timeout=3), GetDatastoreResponse | None
    )


async def a_client() -> None:
    async with HealthImagingClient(
        region="us-east-1",
        profile="a-profile",
        credentials=Credentials("", "", session_token=""),
        endpoint_url="http://127.0.0.1:4600",
        config=Config(max_attempts=1, deadline=timedelta(seconds=5), pacing="off"),
    ) as client:
        assert_type(client, HealthImagingClient)
        assert_type(client.config, Config)
        assert_type(client.config.deadline, float | None)
        assert_type(await client.aclose(), None)


def errors(stale: StaleVersionError, failed: WaiterFailed) -> None:
    conflict: ConflictException = stale
    assert_type(conflict.request_id, str | None)
    assert_type(conflict.message, str)
    assert_type(stale.actual, str)
    assert_type(failed.message, str | None)


def unknown(lost: WriteOutcomeUnknown, late: WaiterTimeout, error: HealthImagingError) -> None:
    assert_type(lost.failures, tuple[HealthImagingError, ...])
    assert_type(lost.likely_applied, bool)
    assert_type(late.last_response, object)
    timeout: TimeoutError = late
    assert_type(timeout.errno, int | None)
    assert_type(error.outcome, Outcome)
    assert_type(error.retry_stopped_by, Literal["quota", "deadline"] | None)


def copies(answer: CopyImageSetResponse) -> None:
    made = answer.destination_image_set_properties
    assert_type(made, CopyDestinationImageSetProperties)
    assert_type(made.image_set_id, str)
    assert_type(made.image_set_state, ImageSetState | None)


def found(summary: ImageSetsMetadataSummary) -> None:
    assert_type(summary.version, int | None)
    assert_type(summary.updated_at, datetime | None)
    if summary.dicom_tags is not None:
        assert_type(summary.dicom_tags.dicom_series_number, int | None)


def documents(document: MetadataDocument) -> None:
    for series in document["Study"]["Series"].values():
        for instance in series["Instances"].values():
            assert_type(instance.get("StoredTransferSyntaxUID"), str | None)
            for frame in instance.get("ImageFrames", []):
                assert_type(frame["ID"], str)


def events(message: dict[str, object]) -> None:
    match parse_event(message):
        case ImageSetEvent(detail=detail):
            assert_type(detail.image_set_workflow_status, ImageSetWorkflowStatus)
        case ImportJobEvent() as job:
            assert_type(job.detail.job_status, JobStatus)
        case other:
            any_event: HealthImagingEvent = other
            assert_type(any_event.detail_type, str)


def documents_to_send(text: str, data: bytes, mapping: dict[str, int]) -> None:
    """Each kind is taken; what becomes of it is bytes, or text."""
    for document in (text, data, mapping):
        updates = DICOMUpdates(updatable_attributes=document)
    assert_type(updates.updatable_attributes, bytes | None)
    copies = MetadataCopies(copiable_attributes=mapping)
    assert_type(copies.copiable_attributes, str)


@contextmanager
def observer(report: CallReport) -> Generator[None]:
    assert_type(report.attempts, list[AttemptReport])
    yield


async def sources_of_credentials() -> None:
    class Vault:
        async def get(self) -> Credentials:
            return Credentials("", "")

    class Plain:
        def get(self) -> Credentials:
            return Credentials("", "")

    HealthImagingClient(credentials=Vault(), config=Config(observers=(observer,)))
    HealthImagingClient(credentials=Plain())  # type: ignore[arg-type]


async def wrong(client: HealthImagingClient, frame: ImageFrameInformation) -> None:
    Config(3)  # type: ignore[call-arg]
    Config(pacing="slow")  # type: ignore[arg-type]
    HealthImagingClient("us-east-1")  # type: ignore[call-arg]
    await client.get_datastore()  # type: ignore[call-arg]
    await client.get_datastore(7)  # type: ignore[arg-type]
    await client.get_image_set("", "", "1")  # type: ignore[call-arg]
    await client.get_image_frame("", "", frame)  # type: ignore[call-arg]
    await client.delete_image_set("", "", force=True)  # type: ignore[call-arg]
    await client.tag_resource("", tags=["a"])  # type: ignore[arg-type]
    await client.wait_until_datastore_active("")  # type: ignore[call-arg]
    client.iter_datastores("ACTIVE")  # type: ignore[call-arg,arg-type]
    request = GetImageSetRequest(datastore_id="", image_set_id="")
    await client.call(GET_DATASTORE, request)  # type: ignore[misc]
    async with client.stream_image_frame("", "") as stream:  # type: ignore[call-arg]
        await stream.read(3)  # type: ignore[call-arg]
    for _ in client.iter_datastores():  # type: ignore[attr-defined]
        pass


async def forgotten(client: HealthImagingClient) -> None:
    """An await, a member, a name, a place."""
    str(client.get_image_set("", "").version_id)  # type: ignore[attr-defined]
    async for _ in client.list_datastores():  # type: ignore[attr-defined]
        pass
    with client.stream_image_set_metadata("", "") as stream:  # type: ignore[attr-defined]
        del stream
    image_set = await client.get_image_set("", "")
    str(image_set.version)  # type: ignore[attr-defined]
    image_set.version_id = "2"  # type: ignore[misc]
    str(image_set.image_set_workflow_status.value)  # type: ignore[union-attr]


async def wrong_values(client: HealthImagingClient, patient: SearchByAttributeValue) -> None:
    def on_poll(store: GetDatastoreResponse) -> None: ...

    updates = DICOMUpdates(updatable_attributes={})
    Credentials("")  # type: ignore[call-arg]
    Config(deadline="60")  # type: ignore[arg-type]
    Config(observers=(on_poll,))  # type: ignore[arg-type]
    CopyImageSetInformation()  # type: ignore[call-arg]
    CopySourceImageSetInformation(latest_version_id=1)  # type: ignore[arg-type]
    DICOMUpdates(updatable_attributes=7)  # type: ignore[arg-type]
    SearchFilter(values=patient, operator=Operator.EQUAL)  # type: ignore[arg-type]
    SearchFilter([patient], Operator.EQUAL)  # type: ignore[call-arg]
    parse_event(7)  # type: ignore[arg-type]
    await client.update_image_set_metadata(
        "",
        "",
        latest_version_id="1",
        update_image_set_metadata_updates=updates,  # type: ignore[arg-type]
    )
    await client.wait_until_image_set_updated("", "", version_id=2, timeout=3)  # type: ignore[arg-type]
    await client.wait_until_image_set_updated("", "", timeout=3, on_poll=on_poll)  # type: ignore[arg-type]
    client.iter_image_sets("", page_size="50")  # type: ignore[arg-type]
