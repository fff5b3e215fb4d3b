"""Watch an import job until it ends, then tell what became of every file.

    python examples/watch_import.py DATASTORE_ID JOB_ID
    python examples/watch_import.py DATASTORE_ID --start ROLE_ARN s3://input/ s3://output/

Ctrl-C ends the watching and not the job. Exit code: 0 if every file was imported, else 1; 130
after Ctrl-C. To be told instead of asking, see `lambda_handler.py`.

Region, endpoint and credentials come from the environment; `docs/iam/importer.json` is the policy
that it needs, and `s3:GetObject` for the output. The emulator's buckets are folders, which this
program must be told of too:

    python -m healthimaging_sdk.emulator --port 4600 --bucket input=IN --bucket output=OUT
    export AWS_ENDPOINT_URL_MEDICAL_IMAGING=http://127.0.0.1:4600 AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...  # as the emulator prints them
    python examples/watch_import.py DATASTORE_ID JOB_ID --bucket output=OUT
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
from rich.console import Console

from healthimaging_sdk import (
    GetDICOMImportJobResponse,
    HealthImagingClient,
    JobStatus,
    WaiterFailed,
)

console = Console()


def read(uri: str, buckets: Mapping[str, str]) -> bytes:
    """An object in S3, or a file in the folder that stands for its bucket."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if bucket in buckets:
        return Path(buckets[bucket], key).read_bytes()
    s3: Any = botocore.session.get_session().create_client("s3")
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


async def watch(client: HealthImagingClient, datastore_id: str, job_id: str) -> str:
    """Show how the job stands until it has ended; the folder of its output."""
    status: JobStatus | None = None
    with console.status("waiting") as spinner:

        def show(seen: GetDICOMImportJobResponse) -> None:
            nonlocal status
            if seen.job_properties.job_status != status:
                status = seen.job_properties.job_status
                console.print(f"job {job_id} is {status}")
                spinner.update(f"{status}, since {seen.job_properties.submitted_at:%F %T %Z}")

        done = await client.wait_until_dicom_import_job_completed(
            datastore_id, job_id, timeout=24 * 3600, on_poll=show
        )
    return done.job_properties.output_s3_uri


def report(folder: str, buckets: Mapping[str, str]) -> int:
    """Print what the manifest says, and why files failed; how many did."""
    summary = json.loads(read(f"{folder}job-output-manifest.json", buckets))["jobSummary"]
    failed = summary["numberOfScannedFiles"] - summary["numberOfImportedFiles"]
    console.print(
        f"{summary['numberOfScannedFiles']} files: {summary['numberOfImportedFiles']} imported "
        f"into {summary['numberOfGeneratedImageSets']} image sets, {failed} failed"
    )
    if failed:
        lines = read(f"{summary['failureOutputS3Uri']}failure.ndjson", buckets).splitlines()
        failures = [json.loads(line) for line in lines]
        reasons = Counter(each["exception"]["message"] for each in failures)
        for reason, count in reasons.most_common():
            examples = (f["inputFile"] for f in failures if f["exception"]["message"] == reason)
            console.print(f"{count} failed: {reason} (such as {next(examples)})", soft_wrap=True)
    return int(failed)


async def main(options: argparse.Namespace) -> int:
    job_id: str | None = options.job_id
    async with HealthImagingClient() as client:
        if options.start:
            role_arn, input_s3_uri, output_s3_uri = options.start
            started = await client.start_dicom_import_job(
                options.datastore_id,
                data_access_role_arn=role_arn,
                input_s3_uri=input_s3_uri,
                output_s3_uri=output_s3_uri,
            )
            job_id = started.job_id
        try:
            folder = await watch(client, options.datastore_id, job_id or "")
        except WaiterFailed as failed:
            console.print(f"the job failed: {failed.message}")
            return 1
    return 1 if await asyncio.to_thread(report, folder, dict(options.bucket)) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("datastore_id")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("job_id", nargs="?")
    what.add_argument("--start", nargs=3, metavar=("ROLE_ARN", "INPUT", "OUTPUT"))
    parser.add_argument(
        "--bucket", type=lambda pair: pair.partition("=")[::2], action="append", default=[]
    )
    try:
        sys.exit(asyncio.run(main(parser.parse_args())))
    except KeyboardInterrupt:
        console.print("no longer watching; the job goes on")
        sys.exit(130)
