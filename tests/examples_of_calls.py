"""For each operation, a call with every argument that there is, and an answer to it."""

from collections.abc import Mapping
from typing import Any

from scripted_server import Step, answer

from healthimaging_sdk import (
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    DicomJsonMetadataImportConfiguration,
    DicomMetadataMapping,
    ImageFrameInformation,
    ImportConfiguration,
    MetadataUpdates,
    SearchCriteria,
    Sort,
    SortField,
    SortOrder,
)

DATASTORE_ID = "d" * 32
IMAGE_SET_ID = "1" * 32
ARN = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{DATASTORE_ID}"
ROLE = "arn:aws:iam::123456789012:role/importer"

DATASTORE = {"datastore_id": DATASTORE_ID}
IMAGE_SET = {**DATASTORE, "image_set_id": IMAGE_SET_ID}
JOB = {**DATASTORE, "job_id": "9" * 32}
PAGE = {"max_results": 3, "next_token": "a token"}
IMPORT_CONFIGURATION = ImportConfiguration(
    dicom_json_metadata_import_configuration=DicomJsonMetadataImportConfiguration(
        dicom_metadata_mappings=[
            DicomMetadataMapping(study_instance_uid="1.2.3", metadata_file_path="study.json")
        ]
    )
)

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "CreateDatastore": {
        "datastore_name": "a-store",
        "client_token": "a-token",
        "tags": {"a": "b"},
        "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:alias/a-key",
        "lambda_authorizer_arn": "arn:aws:lambda:us-east-1:123456789012:function:authorizer",
        "lossless_storage_format": "JPEG_2000_LOSSLESS",
    },
    "GetDatastore": DATASTORE,
    "ListDatastores": {"datastore_status": "ACTIVE", **PAGE},
    "DeleteDatastore": DATASTORE,
    "StartDICOMImportJob": {
        **DATASTORE,
        "data_access_role_arn": ROLE,
        "input_s3_uri": "s3://input/",
        "output_s3_uri": "s3://output/",
        "client_token": "a-token",
        "job_name": "a-job",
        "input_owner_account_id": "210987654321",
        "import_configuration": IMPORT_CONFIGURATION,
    },
    "GetDICOMImportJob": JOB,
    "ListDICOMImportJobs": {**DATASTORE, "job_status": "FAILED", **PAGE},
    "SearchImageSets": {
        **DATASTORE,
        "search_criteria": SearchCriteria(
            sort=Sort(sort_field=SortField.UPDATED_AT, sort_order=SortOrder.ASC)
        ),
        **PAGE,
    },
    "GetImageSet": {**IMAGE_SET, "version_id": "3"},
    "GetImageSetMetadata": {**IMAGE_SET, "version_id": "3"},
    "GetImageFrame": {
        **IMAGE_SET,
        "image_frame_information": ImageFrameInformation(image_frame_id="f" * 32),
    },
    "ListImageSetVersions": {**IMAGE_SET, **PAGE},
    "UpdateImageSetMetadata": {
        **IMAGE_SET,
        "latest_version_id": "1",
        "update_image_set_metadata_updates": MetadataUpdates(revert_to_version_id="1"),
        "force": True,
        "include_study_image_sets": False,
    },
    "CopyImageSet": {
        **DATASTORE,
        "source_image_set_id": IMAGE_SET_ID,
        "copy_image_set_information": CopyImageSetInformation(
            source_image_set=CopySourceImageSetInformation(latest_version_id="1")
        ),
        "force": True,
        "promote_to_primary": True,
    },
    "DeleteImageSet": IMAGE_SET,
    "TagResource": {"resource_arn": ARN, "tags": {"a": "b"}},
    "UntagResource": {"resource_arn": ARN, "tag_keys": ["a", "b"]},
    "ListTagsForResource": {"resource_arn": ARN},
}

_STATE = {
    "datastoreId": DATASTORE_ID,
    "imageSetId": IMAGE_SET_ID,
    "versionId": "1",
    "latestVersionId": "1",
    "imageSetState": "LOCKED",
    "imageSetWorkflowStatus": "UPDATING",
}
_STORE = {"datastoreId": DATASTORE_ID, "datastoreName": "a store", "datastoreStatus": "ACTIVE"}
_JOB = {
    "jobId": "9" * 32,
    "jobName": "a job",
    "jobStatus": "SUBMITTED",
    "datastoreId": DATASTORE_ID,
    "dataAccessRoleArn": ROLE,
    "inputS3Uri": "s3://input/",
    "outputS3Uri": "s3://output/",
    "submittedAt": 1_700_000_000,
}
_COPY = {
    "datastoreId": DATASTORE_ID,
    "sourceImageSetProperties": _STATE,
    "destinationImageSetProperties": _STATE,
}

ANSWERS: Mapping[str, Step] = {
    "CreateDatastore": answer(200, _STORE),
    "GetDatastore": answer(200, {"datastoreProperties": _STORE}),
    "ListDatastores": answer(200, {"datastoreSummaries": [_STORE]}),
    "DeleteDatastore": answer(200, _STORE),
    "StartDICOMImportJob": answer(200, _JOB),
    "GetDICOMImportJob": answer(200, {"jobProperties": _JOB}),
    "ListDICOMImportJobs": answer(200, {"jobSummaries": [_JOB]}),
    "SearchImageSets": answer(200, {"imageSetsMetadataSummaries": [_STATE]}),
    "GetImageSet": answer(200, _STATE),
    "GetImageSetMetadata": answer(200, b"{}"),
    "GetImageFrame": answer(200, b"pixels"),
    "ListImageSetVersions": answer(200, {"imageSetPropertiesList": [_STATE]}),
    "UpdateImageSetMetadata": answer(200, _STATE),
    "CopyImageSet": answer(200, _COPY),
    "DeleteImageSet": answer(200, _STATE),
    "TagResource": answer(200, b""),
    "UntagResource": answer(200, b""),
    "ListTagsForResource": answer(200, {"tags": {"a": "b"}}),
}
