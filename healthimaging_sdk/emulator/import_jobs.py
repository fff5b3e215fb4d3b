"""DICOM import jobs: SUBMITTED, IN_PROGRESS, COMPLETED or FAILED."""

from datetime import datetime, timedelta

from healthimaging_sdk.emulator._events import tell_of_job
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._imports.job import run
from healthimaging_sdk.emulator._imports.output import job_folder_uri, with_slash
from healthimaging_sdk.emulator._pages import Position, page_of
from healthimaging_sdk.emulator._state import Datastore, State, new_id
from healthimaging_sdk.errors import ResourceNotFoundException, ServiceQuotaExceededException
from healthimaging_sdk.import_jobs import (
    GET_DICOM_IMPORT_JOB,
    LIST_DICOM_IMPORT_JOBS,
    START_DICOM_IMPORT_JOB,
    DICOMImportJobProperties,
    DICOMImportJobSummary,
    GetDICOMImportJobRequest,
    GetDICOMImportJobResponse,
    JobStatus,
    ListDICOMImportJobsRequest,
    ListDICOMImportJobsResponse,
    StartDICOMImportJobRequest,
    StartDICOMImportJobResponse,
)

handles = Handlers()


@handles(START_DICOM_IMPORT_JOB)
async def start_dicom_import_job(
    state: State, request: StartDICOMImportJobRequest
) -> StartDICOMImportJobResponse:
    datastore = state.active_datastore(request.datastore_id)

    def act() -> StartDICOMImportJobResponse:
        now = state.now()
        job_id = _submit(state, datastore, request, now)
        state.run_in_background(run(state, datastore, job_id, request))
        return StartDICOMImportJobResponse(
            datastore_id=datastore.id,
            job_id=job_id,
            job_status=JobStatus.SUBMITTED,
            submitted_at=now,
        )

    return state.answer_once(request, request.client_token, act)


def _submit(
    state: State, datastore: Datastore, request: StartDICOMImportJobRequest, now: datetime
) -> str:
    if len(datastore.running_jobs()) >= state.quotas.concurrent_import_jobs:
        raise ServiceQuotaExceededException("Too many import jobs of the data store are running.")
    job_id = new_id()
    job = DICOMImportJobProperties(
        job_id=job_id,
        job_name=request.job_name or job_id,
        job_status=JobStatus.SUBMITTED,
        datastore_id=datastore.id,
        data_access_role_arn=request.data_access_role_arn,
        submitted_at=now,
        input_s3_uri=with_slash(request.input_s3_uri),
        output_s3_uri=job_folder_uri(request.output_s3_uri, datastore.id, job_id),
        import_configuration=request.import_configuration,
    )
    state.put_job(job)
    tell_of_job(state, datastore, job)
    return job_id


@handles(GET_DICOM_IMPORT_JOB)
async def get_dicom_import_job(
    state: State, request: GetDICOMImportJobRequest
) -> GetDICOMImportJobResponse:
    datastore = state.active_datastore(request.datastore_id)
    job = datastore.jobs.get(request.job_id)
    if job is None or is_archived(state, job):
        raise ResourceNotFoundException("The import job does not exist.")
    return GetDICOMImportJobResponse(job_properties=job)


@handles(LIST_DICOM_IMPORT_JOBS)
async def list_dicom_import_jobs(
    state: State, request: ListDICOMImportJobsRequest
) -> ListDICOMImportJobsResponse:
    datastore = state.active_datastore(request.datastore_id)
    wanted = request.job_status
    page, next_token = page_of(
        (
            each
            for each in datastore.jobs.values()
            if wanted in (None, each.job_status) and not is_archived(state, each)
        ),
        _position,
        descending=True,
        scope=("jobs", datastore.id, wanted),
        next_token=request.next_token,
        max_results=request.max_results,
    )
    return ListDICOMImportJobsResponse(
        job_summaries=[_summary(each) for each in page], next_token=next_token
    )


def is_archived(state: State, job: DICOMImportJobProperties) -> bool:
    """Whether it has ended too long ago to be shown."""
    listed = timedelta(days=state.quotas.days_jobs_are_listed)
    return job.ended_at is not None and job.ended_at < state.now() - listed


def _position(job: DICOMImportJobProperties) -> Position:
    submitted = job.submitted_at.timestamp() if job.submitted_at else 0
    return round(submitted * 1000), job.job_id


def _summary(job: DICOMImportJobProperties) -> DICOMImportJobSummary:
    return DICOMImportJobSummary(
        job_id=job.job_id,
        job_name=job.job_name,
        job_status=job.job_status,
        datastore_id=job.datastore_id,
        data_access_role_arn=job.data_access_role_arn,
        ended_at=job.ended_at,
        submitted_at=job.submitted_at,
        message=job.message,
    )
