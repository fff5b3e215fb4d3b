"""boto3, in as many threads as its option says, as its users write it."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from sample import (
    ACCESS_KEY_ID,
    DATASTORE_ID,
    FRAME_ID,
    REGION,
    SECRET_ACCESS_KEY,
    Job,
    job_from_arguments,
    run_threads,
)


class Client:
    def __init__(self, job: Job) -> None:
        self._client: Any = boto3.client(
            "medical-imaging",
            region_name=REGION,
            endpoint_url=job.url,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(max_pool_connections=job.pool_size, inject_host_prefix=False),
        )
        self._ids = {"datastoreId": DATASTORE_ID, "imageSetId": job.image_set_id}
        self._output = Path(job.output)
        self._items = job.items

    def get_image_set(self) -> Any:
        return self._client.get_image_set(**self._ids)

    def get_image_frame(self) -> bytes:
        answer = self._client.get_image_frame(
            **self._ids, imageFrameInformation={"imageFrameId": FRAME_ID}
        )
        body: bytes = answer["imageFrameBlob"].read()
        return body

    def metadata_to_dict(self) -> Any:
        answer = self._client.get_image_set_metadata(**self._ids)
        return json.loads(gzip.decompress(answer["imageSetMetadataBlob"].read()))

    def metadata_to_file(self) -> None:
        inflater = zlib.decompressobj(31)
        answer = self._client.get_image_set_metadata(**self._ids)
        with self._output.open("wb") as file:
            for chunk in answer["imageSetMetadataBlob"].iter_chunks(64 * 1024):
                file.write(inflater.decompress(chunk))
            file.write(inflater.flush())

    def iterate_versions(self) -> None:
        pages = self._client.get_paginator("list_image_set_versions").paginate(**self._ids)
        versions = [each for page in pages for each in page["imageSetPropertiesList"]]
        assert len(versions) == self._items


run_threads(job_from_arguments(), Client)
