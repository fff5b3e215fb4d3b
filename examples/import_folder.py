"""Import everything below an S3 prefix, and wait until the job has finished.

    python examples/import_folder.py DATASTORE_ID ROLE_ARN s3://input/folder/ s3://output/folder/

Region, endpoint and credentials come from the environment; `docs/iam/importer.json` is the policy
that it needs.
"""

import asyncio
import sys

from healthimaging_sdk import HealthImagingClient, WaiterFailed


async def main(datastore_id: str, role_arn: str, input_s3_uri: str, output_s3_uri: str) -> None:
    async with HealthImagingClient() as client:
        job = await client.start_dicom_import_job(
            datastore_id,
            data_access_role_arn=role_arn,
            input_s3_uri=input_s3_uri,
            output_s3_uri=output_s3_uri,
        )
        try:
            done = await client.wait_until_dicom_import_job_completed(
                datastore_id,
                job.job_id,
                timeout=4 * 3600,
                on_poll=lambda seen: print(seen.job_properties.job_status),
            )
        except WaiterFailed as failed:
            sys.exit(f"the job failed: {failed.message}")
    # COMPLETED does not mean that every file was imported: read the manifest there.
    print(f"the manifest is in {done.job_properties.output_s3_uri}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
