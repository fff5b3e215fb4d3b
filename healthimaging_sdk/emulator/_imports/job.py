"""The work of an import job: read a folder, place what was read, write what became of it."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from attrs import evolve

from healthimaging_sdk.emulator._events import tell_of_job
from healthimaging_sdk.emulator._image_set import INTERRUPTED
from healthimaging_sdk.emulator._imports.folder import Failure, FileResult, Success, read_folder
from healthimaging_sdk.emulator._imports.metadata_overrides import ImportJobFailed
from healthimaging_sdk.emulator._imports.output import (
    Failed,
    GeneratedImageSet,
    Imported,
    JobOutput,
    write_output,
)
from healthimaging_sdk.emulator._imports.placing import (
    COERCED,
    Arrival,
    Group,
    Placement,
    grouped,
    place,
)
from healthimaging_sdk.emulator._limits import Quotas
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.errors import ServiceQuotaExceededException
from healthimaging_sdk.import_jobs import JobStatus, StartDICOMImportJobRequest


async def run(
    state: State, datastore: Datastore, job_id: str, request: StartDICOMImportJobRequest
) -> None:
    job = datastore.jobs[job_id]
    status = JobStatus.FAILED
    message: str | None = f"DICOM import job has failed. {INTERRUPTED}"
    try:
        await state.sleep(state.durations.import_job)
        job = evolve(job, job_status=JobStatus.IN_PROGRESS)
        state.put_job(job)
        tell_of_job(state, datastore, job)
        await _import(state, datastore, job_id, request)
        status, message = JobStatus.COMPLETED, None
    except ImportJobFailed as failed:
        message = str(failed)
    except OSError as error:
        # Its text has the folder's path, of which S3 knows nothing.
        message = f"DICOM import job has failed. A bucket failed ({type(error).__name__})."
    finally:
        job = evolve(job, job_status=status, message=message, ended_at=state.now())
        state.put_job(job)
        tell_of_job(state, datastore, job)


async def _import(
    state: State, datastore: Datastore, job_id: str, request: StartDICOMImportJobRequest
) -> None:
    source, target = _bucket(state, request.input_s3_uri), _bucket(state, request.output_s3_uri)
    _, results = await asyncio.gather(
        state.sleep(state.durations.import_job),
        _read_in_thread(source, datastore, request, state.quotas),
    )
    arrivals = [
        Arrival(each.input_key, each.instance) for each in results if isinstance(each, Success)
    ]
    placed = await asyncio.gather(*(_place(state, datastore, each) for each in grouped(arrivals)))
    placements = [each for each in placed if isinstance(each, Placement)]
    refusals = [each for each in placed if not isinstance(each, Placement)]
    output = JobOutput(
        job_id=job_id,
        datastore_id=datastore.id,
        input_s3_uri=request.input_s3_uri,
        output_s3_uri=request.output_s3_uri,
        imported=tuple(each for placement in placements for each in _imported(placement)),
        failed=(
            *(
                Failed(each.input_key, each.exception_type, each.message)
                for each in results
                if isinstance(each, Failure)
            ),
            *(failed for refusal in refusals for failed in refusal),
        ),
        image_sets=tuple(map(_generated, placements)),
    )
    await asyncio.to_thread(write_output, target, output)


async def _place(
    state: State, datastore: Datastore, group: Group
) -> Placement | tuple[Failed, ...]:
    try:
        return await place(state, datastore, group)
    except ServiceQuotaExceededException as error:
        return tuple(Failed(each.input_file, error.code, error.message) for each in group.arrivals)


def _bucket(state: State, uri: str) -> Path:
    """The folder that stands for the bucket of a location."""
    name, _, key = uri.removeprefix("s3://").partition("/")
    if name not in state.buckets:
        raise ImportJobFailed("DICOM import job has failed. A bucket does not exist.")
    if ".." in key.split("/") or "\0" in key:
        raise ImportJobFailed("DICOM import job has failed. A location is not in its bucket.")
    return state.buckets[name]


async def _read_in_thread(
    bucket: Path, datastore: Datastore, request: StartDICOMImportJobRequest, quotas: Quotas
) -> list[FileResult]:
    stopping = threading.Event()

    def read() -> list[FileResult]:
        files = read_folder(
            bucket,
            request.input_s3_uri.removeprefix("s3://").partition("/")[2],
            datastore.lossless_storage_format,
            configuration=request.import_configuration,
            quotas=quotas,
        )
        return list(takewhile(lambda _: not stopping.is_set(), files))

    try:
        return await asyncio.to_thread(read)
    finally:
        # Whoever stops the emulator does not wait for the rest of the files.
        stopping.set()


def _imported(placement: Placement) -> Iterator[Imported]:
    image_set = placement.image_set
    for arrival in placement.group.arrivals:
        coercion = (COERCED,) if arrival.input_file in placement.coerced else ()
        yield Imported(
            arrival.input_file,
            image_set.id,
            image_set.is_primary,
            (*arrival.instance.warnings, *coercion),
        )


def _generated(placement: Placement) -> GeneratedImageSet:
    image_set = placement.image_set
    matched = len(placement.group.content.instances)
    return GeneratedImageSet(image_set.id, placement.version, image_set.is_primary, matched)
