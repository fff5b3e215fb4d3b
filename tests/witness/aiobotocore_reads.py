"""aiobotocore drives the emulator: a program, for an environment in which it is installed.

It needs versions of its own of botocore, so `nox -s witness` gives it an environment of its own.
"""

import asyncio
import gzip
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from healthimaging_sdk.emulator import Durations, Emulator, sample_datasets

# Without types, and said so.
get_session: Any = import_module("aiobotocore.session").get_session
aio_config: Any = import_module("aiobotocore.config").AioConfig

ROLE = "arn:aws:iam::123456789012:role/importer"


def client_of(emulator: Emulator) -> Any:
    return get_session().create_client(
        "medical-imaging",
        region_name=emulator.region,
        endpoint_url=emulator.endpoint_url,
        aws_access_key_id=emulator.credentials.access_key_id,
        aws_secret_access_key=emulator.credentials.secret_access_key,
        config=aio_config(inject_host_prefix=False),
    )


async def settled(look: Callable[[], Any], name: str, *busy: str) -> Any:
    """The answer once its status is another."""
    while status(answer := await look(), name) in busy:
        pass
    return answer


def status(answer: Any, name: str) -> Any:
    """It stands in the answer, or in the structure that is the answer's only member."""
    if name in answer:
        return answer[name]
    return next(each[name] for each in answer.values() if name in each)


async def fill(client: Any, emulator: Emulator) -> str:
    """An import of the samples, an update and a copy; the id of the data store."""
    store = (await client.create_datastore(datastoreName="witness"))["datastoreId"]
    await settled(lambda: client.get_datastore(datastoreId=store), "datastoreStatus", "CREATING")
    for name, dataset in sample_datasets().items():
        dataset.save_as(emulator.buckets["input"] / name, enforce_file_format=True)
    job = await client.start_dicom_import_job(
        datastoreId=store,
        dataAccessRoleArn=ROLE,
        inputS3Uri="s3://input/",
        outputS3Uri="s3://output/",
    )
    ended = await settled(
        lambda: client.get_dicom_import_job(datastoreId=store, jobId=job["jobId"]),
        "jobStatus",
        "SUBMITTED",
        "IN_PROGRESS",
    )
    assert ended["jobProperties"]["jobStatus"] == "COMPLETED"
    return str(store)


async def read_everything(client: Any, store: str) -> tuple[int, int]:
    """How many image sets and frames were read, each in all the ways there are."""
    paginator = client.get_paginator("search_image_sets")
    pages = paginator.paginate(
        datastoreId=store, searchCriteria={}, PaginationConfig={"PageSize": 2}
    )
    summaries = [each async for page in pages for each in page["imageSetsMetadataSummaries"]]
    frames = 0
    for summary in summaries:
        named = {"datastoreId": store, "imageSetId": summary["imageSetId"]}
        properties = await client.get_image_set(**named)
        assert properties["imageSetState"] == "ACTIVE"
        assert (await client.list_image_set_versions(**named))["imageSetPropertiesList"]
        assert "tags" in await client.list_tags_for_resource(resourceArn=properties["imageSetArn"])
        blob = await client.get_image_set_metadata(**named)
        document = json.loads(gzip.decompress(await blob["imageSetMetadataBlob"].read()))
        for series in document["Study"]["Series"].values():
            for instance in series["Instances"].values():
                for frame in instance["ImageFrames"]:
                    answer = await client.get_image_frame(
                        **named, imageFrameInformation={"imageFrameId": frame["ID"]}
                    )
                    assert await answer["imageFrameBlob"].read()
                    frames += 1
    return len(summaries), frames


async def write_a_little(client: Any, store: str) -> None:
    found = await client.search_image_sets(datastoreId=store, searchCriteria={})
    named = {
        "datastoreId": store,
        "imageSetId": found["imageSetsMetadataSummaries"][0]["imageSetId"],
    }
    sex = json.dumps({"Patient": {"DICOM": {"PatientSex": "F"}}}).encode()
    await client.update_image_set_metadata(
        **named,
        latestVersionId="1",
        updateImageSetMetadataUpdates={"DICOMUpdates": {"updatableAttributes": sex}},
    )
    updated = await settled(lambda: client.get_image_set(**named), "imageSetState", "LOCKED")
    assert updated["imageSetWorkflowStatus"] == "UPDATED"
    try:
        await client.get_image_set(datastoreId=store, imageSetId="0" * 32)
    except client.exceptions.ResourceNotFoundException as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    else:
        raise AssertionError("an image set that is not there was found")


async def main(folder: Path) -> None:
    buckets = {name: folder / name for name in ("input", "output")}
    for each in buckets.values():
        each.mkdir()
    async with (
        Emulator(buckets=buckets, durations=Durations.all(0.01)) as emulator,
        client_of(emulator) as client,
    ):
        store = await fill(client, emulator)
        image_sets, frames = await read_everything(client, store)
        assert (image_sets, frames) == (5, 9)
        await write_a_little(client, store)
        asked = {each.operation for each in emulator.journal.entries()}
    print(f"{image_sets} image sets, {frames} frames, {len(asked)} operations")  # noqa: T201


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(main(Path(temporary)))
