"""boto3 and our client read the same emulator, and decode equal answers."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from account import ROLE, Account, open_account
from attrs import AttrsInstance
from botocore import xform_name
from service_model import MODEL, answered, as_params, from_params

import healthimaging_sdk as sdk
from healthimaging_sdk import HealthImagingClient, ServiceError, operations
from healthimaging_sdk import datastores as d
from healthimaging_sdk import import_jobs as j
from healthimaging_sdk import search as s
from healthimaging_sdk import tags as t
from healthimaging_sdk._operation import Operation, Repetition
from healthimaging_sdk.emulator import Durations, Emulator, sample_datasets

SEX = {"Patient": {"DICOM": {"PatientSex": "F"}}}
WRONG_LEVEL = {"Study": {"DICOM": {"PatientSex": "F"}}}
BY_REQUEST: dict[type[AttrsInstance], Operation[Any, Any]] = {
    each.request: each for each in operations.ALL
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A store with a bit of everything: versions, failures, a copy, a deletion, jobs, tags."""
    buckets = {name: tmp_path_factory.mktemp(name) for name in ("input", "output")}
    with Emulator(buckets=buckets, durations=Durations.all(0)) as emulator:
        account = open_account(emulator, datastoreName="same-answers", tags={"ward": "7"})
        for name, dataset in sample_datasets().items():
            dataset.save_as(account.inbox / name, enforce_file_format=True)
        account.import_all(jobName="all-samples")
        failing = account.client.start_dicom_import_job(
            datastoreId=account.datastore_id,
            dataAccessRoleArn=ROLE,
            inputS3Uri="s3://elsewhere/",
            outputS3Uri="s3://output/",
        )
        account.ended_job(failing["jobId"])
        first, second, third, *_ = account.image_set_ids()
        account.update(first, 1, updates=SEX)
        account.update(first, 2, updates=WRONG_LEVEL)
        account.update(first, 3, updates=SEX, force=True)
        account.copy(second)
        account.delete(third)
        yield account


def reads(account: Account) -> Iterator[AttrsInstance]:
    """Every read of everything that the account holds, and some of what it does not hold."""
    store = account.datastore_id
    yield d.ListDatastoresRequest()
    yield d.ListDatastoresRequest(datastore_status=d.DatastoreStatus.DELETED)
    yield d.GetDatastoreRequest(datastore_id=store)
    yield d.GetDatastoreRequest(datastore_id="0" * 32)
    for status in (None, *j.JobStatus):
        yield j.ListDICOMImportJobsRequest(datastore_id=store, job_status=status)
    for criteria in SEARCHES:
        yield s.SearchImageSetsRequest(datastore_id=store, search_criteria=criteria, max_results=2)
    found = account.client.get_datastore(datastoreId=store)["datastoreProperties"]
    yield t.ListTagsForResourceRequest(resource_arn=found["datastoreArn"])
    image_set_ids = set(account.image_set_ids())
    for summary in account.client.list_dicom_import_jobs(datastoreId=store)["jobSummaries"]:
        yield j.GetDICOMImportJobRequest(datastore_id=store, job_id=summary["jobId"])
        if summary["jobStatus"] == "COMPLETED":
            # A search does not find the one that is deleted.
            job = account.ended_job(summary["jobId"])
            imported = account.job_output(job, "SUCCESS/success.ndjson")
            image_set_ids |= {each["importResponse"]["imageSetId"] for each in imported}
    for image_set_id in sorted(image_set_ids):
        yield from reads_of_image_set(account, image_set_id)


def reads_of_image_set(account: Account, image_set_id: str) -> Iterator[AttrsInstance]:
    store = account.datastore_id
    found = account.get(image_set_id)
    yield t.ListTagsForResourceRequest(resource_arn=found["imageSetArn"])
    yield sdk.ListImageSetVersionsRequest(datastore_id=store, image_set_id=image_set_id)
    for number in (None, *(str(each) for each in range(1, int(found["versionId"]) + 2))):
        yield sdk.GetImageSetRequest(
            datastore_id=store, image_set_id=image_set_id, version_id=number
        )
        yield sdk.GetImageSetMetadataRequest(
            datastore_id=store, image_set_id=image_set_id, version_id=number
        )
    if found["imageSetState"] == "DELETED":
        return
    for series in account.document(image_set_id)["Study"]["Series"].values():
        for instance in series["Instances"].values():
            for frame in instance["ImageFrames"]:
                yield sdk.GetImageFrameRequest(
                    datastore_id=store,
                    image_set_id=image_set_id,
                    image_frame_information=sdk.ImageFrameInformation(image_frame_id=frame["ID"]),
                )


def equal_to(**attribute: Any) -> s.SearchFilter:
    return s.SearchFilter(values=[s.SearchByAttributeValue(**attribute)], operator=s.Operator.EQUAL)


SEARCHES = [
    None,
    s.SearchCriteria(sort=s.Sort(sort_field=s.SortField.CREATED_AT, sort_order=s.SortOrder.ASC)),
    s.SearchCriteria(filters=[equal_to(dicom_patient_id="SAMPLE-1"), equal_to(is_primary=True)]),
    s.SearchCriteria(filters=[equal_to(is_primary=False)]),
    s.SearchCriteria(
        filters=[
            s.SearchFilter(
                values=[
                    s.SearchByAttributeValue(created_at=datetime(year, 1, 1, tzinfo=UTC))
                    for year in (2020, 2120)
                ],
                operator=s.Operator.BETWEEN,
            )
        ],
        sort=s.Sort(sort_field=s.SortField.DICOM_STUDY_DATE_AND_TIME, sort_order=s.SortOrder.DESC),
    ),
]


def asked_by_boto3(account: Account, operation: Operation[Any, Any], request: Any) -> Any:
    """Its answer as our class, or the status, code and message of its error."""
    client = account.client
    try:
        answer = getattr(client, xform_name(operation.name))(**as_params(request))
    except client.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return status, error.response["Error"]["Code"], error.response["Error"]["Message"]
    del answer["ResponseMetadata"]
    if operation.blob is not None:
        (name,) = (name for name in answer if hasattr(answer[name], "read"))
        body = answer[name].read()
        answer[name] = gzip.decompress(body) if operation.gzipped else body
    return from_params(answered(MODEL.operation_model(operation.name)), answer)


async def asked_by_us(
    client: HealthImagingClient, operation: Operation[Any, Any], request: Any
) -> Any:
    try:
        return await client.call(operation, request)
    except ServiceError as error:
        return error.status_code, error.code, error.message


async def test_both_decode_equal_answers(account: Account) -> None:
    emulator = account.emulator
    compared: set[str] = set()
    refused = 0
    async with HealthImagingClient(
        region=emulator.region,
        credentials=emulator.credentials,
        endpoint_url=emulator.endpoint_url,
    ) as client:
        for request in list(reads(account)):
            operation = BY_REQUEST[type(request)]
            theirs = asked_by_boto3(account, operation, request)
            ours = await asked_by_us(client, operation, request)
            assert ours == theirs
            compared.add(operation.name)
            refused += isinstance(ours, tuple)

    assert compared == {each.name for each in operations.ALL if each.repetition is Repetition.READ}
    assert refused > 5
