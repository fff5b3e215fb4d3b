"""A patient and a secret go through everything; neither stands in any output (R-21 to R-23).

Output is what is printed, logged with DEBUG on the root logger, and exported as telemetry.
"""

import logging
import traceback
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from account import open_account
from dicom_files import SERIES, STUDY, write_instance
from recorder import Recorder
from telemetry import Telemetry

from healthimaging_sdk import (
    Config,
    CopyDestinationImageSet,
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    DICOMUpdates,
    HealthImagingClient,
    HealthImagingError,
    MetadataUpdates,
    Operator,
    SearchByAttributeValue,
    SearchCriteria,
    SearchFilter,
    WaiterFailed,
)
from healthimaging_sdk.emulator import Emulator

NAME, PATIENT_ID, ACCESSION = "Canary^Yellow", "CANARY-ID-7", "CANARY-ACC-9"
TAG = "canary-tag-value"


class Output(logging.Handler):
    """Everything that is shown of anything."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
        self.lines: list[str] = []
        self.clients: list[str] = []
        """What the client itself logged."""

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [self.format(record), repr(vars(record))]
        self.clients += [self.lines[-1]] if record.name == "healthimaging_sdk" else []

    def show(self, value: object) -> None:
        self.lines += [repr(value), str(value), f"{value}", "%r" % (value,)]  # noqa: UP031
        if isinstance(value, BaseException):
            self.lines += traceback.format_exception(value)


@pytest.fixture
def output() -> Iterator[Output]:
    root, handler = logging.getLogger(), Output()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def seen() -> Recorder:
    return Recorder()


@pytest_asyncio.fixture
async def client(
    healthimaging_emulator: Emulator, telemetry: Telemetry, seen: Recorder
) -> AsyncIterator[HealthImagingClient]:
    async with HealthImagingClient(
        region=healthimaging_emulator.region,
        credentials=healthimaging_emulator.credentials,
        endpoint_url=healthimaging_emulator.endpoint_url,
        config=Config(observers=(telemetry.observer, seen)),
    ) as client:
        yield client


def by_patient(patient_id: str) -> SearchCriteria:
    value = SearchByAttributeValue(dicom_patient_id=patient_id)
    return SearchCriteria(filters=[SearchFilter(values=[value], operator=Operator.EQUAL)])


def updates(**attributes: object) -> MetadataUpdates:
    document = {"SchemaVersion": 1.1, "Patient": {"DICOM": attributes}}
    return MetadataUpdates(dicom_updates=DICOMUpdates(updatable_attributes=document))


async def test_no_patient_and_no_secret_in_any_output(
    healthimaging_emulator: Emulator,
    client: HealthImagingClient,
    telemetry: Telemetry,
    seen: Recorder,
    output: Output,
) -> None:
    account = open_account(healthimaging_emulator)
    identity = {"PatientName": NAME, "PatientID": PATIENT_ID, "AccessionNumber": ACCESSION}
    write_instance(account.inbox, 1, **identity)
    write_instance(account.inbox, 2, SeriesInstanceUID=f"{SERIES}.9", **identity)
    account.import_all()
    store = account.datastore_id

    page = await client.search_image_sets(store, search_criteria=by_patient(PATIENT_ID))
    one, other = (each.image_set_id for each in page.image_sets_metadata_summaries)
    assert page.image_sets_metadata_summaries[0].dicom_tags
    assert page.image_sets_metadata_summaries[0].dicom_tags.dicom_patient_name == NAME
    metadata = await client.get_image_set_metadata(store, one)
    assert NAME.encode() in metadata.image_set_metadata_blob
    got = await client.get_image_set(store, one)
    await client.tag_resource(got.image_set_arn or "", tags={"note": TAG})
    tags = await client.list_tags_for_resource(got.image_set_arn or "")
    assert tags.tags == {"note": TAG}

    refused: list[HealthImagingError] = []
    for edit in (updates(PatientName=NAME, StudyDate=PATIENT_ID), updates(PatientID=[PATIENT_ID])):
        try:
            accepted = await client.update_image_set_metadata(
                store, one, latest_version_id="1", update_image_set_metadata_updates=edit
            )
            await client.wait_until_image_set_updated(
                store, one, version_id=accepted.latest_version_id, timeout=20, min_delay=0.02
            )
        except HealthImagingError as error:
            refused.append(error)
    assert len(refused) == 2
    mismatch = CopyImageSetInformation(
        source_image_set=CopySourceImageSetInformation(
            latest_version_id=(await client.get_image_set(store, one)).version_id
        ),
        destination_image_set=CopyDestinationImageSet(image_set_id=other, latest_version_id="1"),
    )
    copied = await client.copy_image_set(store, one, copy_image_set_information=mismatch)
    with pytest.raises(WaiterFailed) as failed:
        await client.wait_until_image_set_copied(
            store,
            other,
            version_id=copied.destination_image_set_properties.latest_version_id,
            timeout=20,
            min_delay=0.02,
        )
    assert failed.value.message
    with pytest.raises(HealthImagingError) as malformed:
        await client.get_image_set(PATIENT_ID, one)

    shown = (page, metadata, got, tags, mismatch, copied, client, client.config, *seen.reports)
    for each in shown:
        output.show(each)
    output.lines.append(telemetry.exported())
    for raised in (*refused, failed.value, malformed.value):
        output.show(raised)
    text = "\n".join(output.lines)
    assert "GetImageSet" in text
    secrets = [
        healthimaging_emulator.credentials.secret_access_key,
        NAME,
        *NAME.split("^"),
        PATIENT_ID,
    ]
    for canary in (*secrets, ACCESSION, TAG, STUDY):
        assert canary not in text, canary

    told = "\n".join([*output.clients, telemetry.exported(), *map(repr, seen.reports)])
    assert "CopyImageSet: attempt 1" in told
    assert '"rpc.method": "CopyImageSet"' in told
    for identity_of_ours in (store, one, other, healthimaging_emulator.endpoint_url):
        assert identity_of_ours not in told
