"""boto3, as it is installed: every operation, paginator and modelled error."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import pytest
from account import ROLE, Account, boto3_client, until
from botocore.exceptions import ClientError

from healthimaging_sdk import operations
from healthimaging_sdk.emulator import Fault

STATUS = {
    "AccessDeniedException": 403,
    "BadRequestException": 400,
    "ConflictException": 409,
    "InternalServerException": 500,
    "NotAcceptableException": 406,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ThrottlingException": 429,
    "ValidationException": 400,
}


def image_sets(account: Account) -> list[Any]:
    paginator = account.client.get_paginator("search_image_sets")
    pages = paginator.paginate(datastoreId=account.datastore_id, searchCriteria={})
    return [each for page in pages for each in page["imageSetsMetadataSummaries"]]


@pytest.fixture(scope="module")
def job(account: Account) -> Any:
    """The import of everything, which has ended."""
    return account.import_all()


def test_every_file_is_imported_or_has_its_reason(account: Account, job: Any) -> None:
    summary = account.job_output(job, "job-output-manifest.json")["jobSummary"]
    imported = account.job_output(job, "SUCCESS/success.ndjson")
    failed = account.job_output(job, "FAILURE/failure.ndjson")
    files = {
        path.relative_to(account.inbox).as_posix()
        for path in account.inbox.rglob("*")
        if path.is_file()
    }

    assert job["jobStatus"] == "COMPLETED"
    assert {each["inputFile"] for each in imported + failed} == files
    assert all(each["exception"]["message"] for each in failed)
    assert summary["numberOfScannedFiles"] == len(files)
    assert summary["numberOfImportedFiles"] == len(imported)
    assert len(image_sets(account)) == summary["numberOfGeneratedImageSets"]
    # The wheel has more images than damaged files.
    assert len(imported) > 2 * len(failed)


def test_every_transcoded_frame_has_the_checksum_of_its_pixels(account: Account, job: Any) -> None:
    checked = 0
    for image_set in image_sets(account):
        image_set_id = image_set["imageSetId"]
        ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
        for instance in series["Instances"].values():
            for frame in instance["ImageFrames"]:
                answer = account.client.get_image_frame(
                    datastoreId=account.datastore_id,
                    imageSetId=image_set_id,
                    imageFrameInformation={"imageFrameId": frame["ID"]},
                )
                data = answer["imageFrameBlob"].read()
                if answer["contentType"] == "image/jph":
                    pixels = imagecodecs.htj2k_decode(data, planar=False)
                    full = frame["PixelDataChecksumFromBaseToFullResolution"][-1]
                    assert zlib.crc32(pixels.tobytes()) == full["Checksum"]
                    assert (pixels.min(), pixels.max()) == (
                        frame["MinPixelValue"],
                        frame["MaxPixelValue"],
                    )
                    checked += 1
    assert checked > 40


def test_all_eighteen_operations_answer(account: Account, job: Any) -> None:
    client, store = account.client, account.datastore_id
    called: list[str] = []

    def record(model: Any, **_: Any) -> None:
        called.append(model.name)

    client.meta.events.register("after-call.medical-imaging", record)
    other = client.create_datastore(datastoreName="other", tags={"a": "b"})["datastoreId"]
    found = until(
        lambda: client.get_datastore(datastoreId=other)["datastoreProperties"],
        lambda each: each["datastoreStatus"] == "ACTIVE",
    )
    arn = found["datastoreArn"]
    client.list_datastores(datastoreStatus="ACTIVE")
    client.tag_resource(resourceArn=arn, tags={"c": "d"})
    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}
    started = client.start_dicom_import_job(
        datastoreId=other,
        dataAccessRoleArn=ROLE,
        inputS3Uri="s3://input/CT_small.dcm-is-a-file/",
        outputS3Uri="s3://output",
    )
    account_of_other = Account(account.emulator, client, other)
    account_of_other.ended_job(started["jobId"])
    assert client.list_dicom_import_jobs(datastoreId=other)["jobSummaries"]
    client.delete_datastore(datastoreId=other)

    image_set_id = image_sets(account)[0]["imageSetId"]
    named = {"datastoreId": store, "imageSetId": image_set_id}
    client.get_image_set(**named)
    blob = client.get_image_set_metadata(**named)["imageSetMetadataBlob"].read()
    ((_, series),) = json.loads(gzip.decompress(blob))["Study"]["Series"].items()
    (instance, *_) = series["Instances"].values()
    frame_id = (instance["ImageFrames"] or [{"ID": "0" * 32}])[0]["ID"]
    try:
        client.get_image_frame(**named, imageFrameInformation={"imageFrameId": frame_id})
    except client.exceptions.ResourceNotFoundException:
        assert not instance["ImageFrames"]
    updated = account.update(
        image_set_id, 1, updates={"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientSex": "O"}}}
    )
    assert updated["imageSetWorkflowStatus"] == "UPDATED"
    copied = account.copy(image_set_id, 2)
    assert copied["imageSetWorkflowStatus"] == "COPIED"
    versions = client.list_image_set_versions(**named)["imageSetPropertiesList"]
    assert [each["versionId"] for each in versions] == ["2", "1"]
    assert account.delete(copied["imageSetId"])["imageSetState"] == "DELETED"

    assert set(called) == {operation.name for operation in operations.ALL}


@pytest.mark.parametrize("page_size", [1, 7, 50])
def test_paginators_find_each_image_set_once(account: Account, job: Any, page_size: int) -> None:
    paginator = account.client.get_paginator("search_image_sets")
    pages = paginator.paginate(
        datastoreId=account.datastore_id,
        searchCriteria={"sort": {"sortField": "createdAt", "sortOrder": "ASC"}},
        PaginationConfig={"PageSize": page_size},
    )

    found = [each["imageSetId"] for page in pages for each in page["imageSetsMetadataSummaries"]]

    assert len(found) == len(set(found))
    assert set(found) == {each["imageSetId"] for each in image_sets(account)}


@pytest.mark.parametrize("name", STATUS)
def test_errors_are_the_classes_that_boto3_models(account: Account, job: Any, name: str) -> None:
    client, store = account.client, account.datastore_id
    image_set_id = image_sets(account)[0]["imageSetId"]
    version = int(account.get(image_set_id)["versionId"])
    long = {"Patient": {"DICOM": {"PatientComments": "x" * 11_000}}}

    def get_frame(of: Any) -> Any:
        owner, frame = a_frame(account)
        return of.get_image_frame(
            datastoreId=store,
            imageSetId=owner,
            imageFrameInformation={"imageFrameId": frame},
        )

    def faulty() -> Any:
        account.emulator.faults.add(Fault(operation="GetDatastore", kind=name))
        return client.get_datastore(datastoreId=store)

    provoke: dict[str, Callable[[], Any]] = {
        "AccessDeniedException": lambda: sending(
            account, Origin="https://example.com"
        ).list_datastores(),
        "BadRequestException": lambda: get_frame(sending(account, body=b"[]")),
        "ConflictException": lambda: client.delete_datastore(datastoreId=store),
        "InternalServerException": faulty,
        "NotAcceptableException": lambda: get_frame(sending(account, Accept="image/png")),
        "ResourceNotFoundException": lambda: client.get_datastore(datastoreId="0" * 32),
        "ServiceQuotaExceededException": lambda: account.start_update(
            image_set_id, version, updates=long
        ),
        "ThrottlingException": faulty,
        "ValidationException": lambda: client.get_datastore(datastoreId="Z" * 32),
    }

    with pytest.raises(ClientError) as caught:
        provoke[name]()

    error: Any = caught.value
    assert type(error).__name__ == name
    answer: Any = error.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == STATUS[name]
    assert answer["ResponseMetadata"]["RequestId"]
    assert answer["message"] == answer["Error"]["Message"]


def sending(account: Account, *, body: bytes | None = None, **headers: str) -> Any:
    """A boto3 client of its own, which sends these headers or this body too."""
    client = boto3_client(account.emulator)

    def change(request: Any, **_: Any) -> None:
        for header, value in headers.items():
            request.headers[header] = value
        if body is not None:
            request.data = body

    client.meta.events.register("before-sign.medical-imaging", change)
    return client


def a_frame(account: Account) -> tuple[str, str]:
    """The ids of an image set and of a frame of it."""
    for image_set in image_sets(account):
        ((_, series),) = account.document(image_set["imageSetId"])["Study"]["Series"].items()
        for instance in series["Instances"].values():
            for frame in instance["ImageFrames"]:
                return image_set["imageSetId"], frame["ID"]
    raise LookupError("no image set has a frame")
