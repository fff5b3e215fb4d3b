"""DICOM import jobs: from a folder of files in Amazon S3 to image sets."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    CLIENT_TOKEN,
    DATASTORE_ID,
    MAX_RESULTS,
    NEXT_TOKEN,
    UID,
    Choice,
    ListOf,
    Structure,
    Text,
)
from healthimaging_sdk._naming import wire
from healthimaging_sdk._operation import USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import OpenEnum, TaggedUnion, new_client_token
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)

S3_URI = Text(r"s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?", min=1, max=1024)


class JobStatus(OpenEnum):
    """COMPLETED does not mean that every file was imported: read the manifest in the output."""

    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@frozen(kw_only=True)
class DicomMetadataMapping:
    """A DICOM JSON file, relative to the input's prefix, that holds the metadata of a study."""

    study_instance_uid: str = field(repr=redacted, validator=UID)
    series_instance_uid: str | None = field(default=None, repr=redacted, validator=UID)
    metadata_file_path: str = field(
        repr=redacted,
        # The model's "[!-~]+([!-~ ]*[!-~]+)*" says the same, in time exponential in the length.
        validator=Text("[!-~]([ -~]*[!-~])?", min=1, max=1024),
    )


@frozen(kw_only=True)
class DicomJsonMetadataImportConfiguration:
    # Lower-case "dicom" on the wire, here and in the union below.
    dicom_metadata_mappings: list[DicomMetadataMapping] = field(
        metadata=wire("dicomMetadataMappings"),
        validator=ListOf(Structure(DicomMetadataMapping), min=1, max=1000),
    )


@frozen(kw_only=True)
class ImportConfiguration(TaggedUnion):
    dicom_json_metadata_import_configuration: DicomJsonMetadataImportConfiguration | None = field(
        default=None,
        metadata=wire("dicomJsonMetadataImportConfiguration"),
        validator=Structure(DicomJsonMetadataImportConfiguration),
    )


# ── StartDICOMImportJob ───────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_StartDICOMImportJob.html


@frozen(kw_only=True)
class StartDICOMImportJobRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    data_access_role_arn: str = field(
        validator=Text("arn:aws(-[^:]+)?:iam::[0-9]{12}:role/.+", min=20, max=2048)
    )
    input_s3_uri: str = field(repr=redacted, validator=S3_URI)
    output_s3_uri: str = field(repr=redacted, validator=S3_URI)
    client_token: str = field(factory=new_client_token, validator=CLIENT_TOKEN)
    job_name: str | None = field(
        default=None, repr=redacted, validator=Text("[A-Za-z0-9._/#-]+", min=1, max=64)
    )
    input_owner_account_id: str | None = field(default=None, validator=Text(r"\d+", min=12, max=12))
    import_configuration: ImportConfiguration | None = field(
        default=None, validator=Structure(ImportConfiguration)
    )


@frozen(kw_only=True)
class StartDICOMImportJobResponse:
    datastore_id: str
    job_id: str
    job_status: JobStatus
    submitted_at: datetime


START_DICOM_IMPORT_JOB = Operation(
    name="StartDICOMImportJob",
    method="POST",
    path="/startDICOMImportJob/datastore/{datastore_id}",
    request=StartDICOMImportJobRequest,
    response=StartDICOMImportJobResponse,
    errors=(
        *USUAL_ERRORS,
        ConflictException,
        ResourceNotFoundException,
        ServiceQuotaExceededException,
    ),
    repetition=Repetition.TOKEN,
    rate=Rate(1, 2),
)


# ── GetDICOMImportJob ─────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetDICOMImportJob.html


@frozen(kw_only=True)
class GetDICOMImportJobRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    job_id: str = field(validator=Text("[0-9a-z]+", min=1, max=32))


@frozen(kw_only=True)
class DICOMImportJobProperties:
    job_id: str
    job_name: str = field(repr=redacted)
    job_status: JobStatus
    datastore_id: str
    data_access_role_arn: str
    ended_at: datetime | None = None
    submitted_at: datetime | None = None
    input_s3_uri: str = field(repr=redacted)
    output_s3_uri: str = field(repr=redacted)
    """The folder of this job's manifest and ndjson files, with a trailing slash."""
    message: str | None = field(default=None, repr=redacted)
    import_configuration: ImportConfiguration | None = None


@frozen(kw_only=True)
class GetDICOMImportJobResponse:
    job_properties: DICOMImportJobProperties


GET_DICOM_IMPORT_JOB = Operation(
    name="GetDICOMImportJob",
    method="GET",
    path="/getDICOMImportJob/datastore/{datastore_id}/job/{job_id}",
    request=GetDICOMImportJobRequest,
    response=GetDICOMImportJobResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(25, 50),
)


# ── ListDICOMImportJobs ───────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_ListDICOMImportJobs.html


@frozen(kw_only=True)
class ListDICOMImportJobsRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    job_status: JobStatus | None = field(default=None, validator=Choice(JobStatus))
    next_token: str | None = field(default=None, repr=redacted, validator=NEXT_TOKEN)
    max_results: int | None = field(default=None, validator=MAX_RESULTS)


@frozen(kw_only=True)
class DICOMImportJobSummary:
    job_id: str
    job_name: str = field(repr=redacted)
    job_status: JobStatus
    datastore_id: str
    data_access_role_arn: str | None = None
    ended_at: datetime | None = None
    submitted_at: datetime | None = None
    message: str | None = field(default=None, repr=redacted)


@frozen(kw_only=True)
class ListDICOMImportJobsResponse:
    job_summaries: list[DICOMImportJobSummary]
    next_token: str | None = field(default=None, repr=redacted)


LIST_DICOM_IMPORT_JOBS = Operation(
    name="ListDICOMImportJobs",
    method="GET",
    path="/listDICOMImportJobs/datastore/{datastore_id}",
    request=ListDICOMImportJobsRequest,
    response=ListDICOMImportJobsResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(10, 20),
    query={"job_status": "jobStatus", "next_token": "nextToken", "max_results": "maxResults"},
    items="job_summaries",
)

OPERATIONS = (START_DICOM_IMPORT_JOB, GET_DICOM_IMPORT_JOB, LIST_DICOM_IMPORT_JOBS)
