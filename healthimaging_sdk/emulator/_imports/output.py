"""What an import job writes: the manifest, and a line for each file.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-import-jobs.html
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import field, frozen

from healthimaging_sdk.emulator._dicom.data_warnings import DataWarning


@frozen
class Imported:
    input_file: str = field(repr=False)
    """The full key in its bucket, as for `Failed`."""
    image_set_id: str
    is_primary: bool
    warnings: tuple[DataWarning, ...] = ()


@frozen
class Failed:
    input_file: str = field(repr=False)
    exception_type: str
    message: str


@frozen
class GeneratedImageSet:
    image_set_id: str
    version: int
    is_primary: bool
    matched: int
    """Imported instances that are in the image set."""


@frozen(kw_only=True)
class JobOutput:
    job_id: str
    datastore_id: str
    input_s3_uri: str = field(repr=False)
    output_s3_uri: str = field(repr=False)
    """As StartDICOMImportJob was given it: the folder of the job is below."""
    imported: tuple[Imported, ...]
    failed: tuple[Failed, ...]
    image_sets: tuple[GeneratedImageSet, ...]


def with_slash(s3_uri: str) -> str:
    return f"{s3_uri.rstrip('/')}/"


def job_folder_uri(output_s3_uri: str, datastore_id: str, job_id: str) -> str:
    """The folder of a job's output, with a trailing slash: `outputS3Uri` of GetDICOMImportJob."""
    return f"{with_slash(output_s3_uri)}{datastore_id}-DicomImport-{job_id}/"


def write_output(bucket: Path, output: JobOutput) -> None:
    """Write into the folder that stands for the output's bucket, the manifest last.

    Raises `ValueError` for a prefix that leaves the bucket, `OSError` as the file system does.
    """
    folder = _folder(bucket, output)
    versions = {image_set.image_set_id: image_set.version for image_set in output.image_sets}
    warned = [each for each in output.imported if each.warnings]
    _write_lines(folder / "SUCCESS" / "success.ndjson", map(_success, output.imported))
    _write_lines(folder / "FAILURE" / "failure.ndjson", map(_failure, output.failed))
    _write_lines(
        folder / "WARNING" / "warning.ndjson",
        (_warning(each, versions.get(each.image_set_id)) for each in warned),
    )
    _write(folder / "job-output-manifest.json", json.dumps(_manifest(output), indent=2))


def _folder(bucket: Path, output: JobOutput) -> Path:
    uri = job_folder_uri(output.output_s3_uri, output.datastore_id, output.job_id)
    _, _, key = uri.removeprefix("s3://").partition("/")
    folder = bucket.joinpath(key.lstrip("/")).resolve()
    if not folder.is_relative_to(bucket.resolve()):
        raise ValueError("the output is not in its bucket")
    return folder


def _manifest(output: JobOutput) -> Mapping[str, object]:
    folder = job_folder_uri(output.output_s3_uri, output.datastore_id, output.job_id)
    server_errors = sum(each.exception_type == "InternalServerException" for each in output.failed)
    return {
        "jobSummary": {
            "jobId": output.job_id,
            "datastoreId": output.datastore_id,
            "inputS3Uri": with_slash(output.input_s3_uri),
            "outputS3Uri": folder,
            "successOutputS3Uri": f"{folder}SUCCESS/",
            "failureOutputS3Uri": f"{folder}FAILURE/",
            "warningsOutputS3Uri": f"{folder}WARNING/",
            "numberOfScannedFiles": len(output.imported) + len(output.failed),
            "numberOfImportedFiles": len(output.imported),
            "numberOfFilesWithCustomerError": len(output.failed) - server_errors,
            "numberOfFilesWithServerError": server_errors,
            "numberOfGeneratedImageSets": len(output.image_sets),
            "imageSetsSummary": [
                {
                    "imageSetId": each.image_set_id,
                    "imageSetVersion": each.version,
                    "isPrimary": each.is_primary,
                    "numberOfMatchedSOPInstances": each.matched,
                }
                for each in output.image_sets
            ],
        }
    }


def _success(file: Imported) -> Mapping[str, object]:
    response = {"imageSetId": file.image_set_id, "isPrimary": file.is_primary}
    return {"inputFile": file.input_file, "importResponse": response}


def _failure(file: Failed) -> Mapping[str, object]:
    exception = {"exceptionType": file.exception_type, "message": file.message}
    return {"inputFile": file.input_file, "exception": exception}


def _warning(file: Imported, version: int | None) -> Mapping[str, object]:
    return {
        "inputFile": file.input_file,
        "importResponse": {
            "imageSetId": file.image_set_id,
            "imageSetVersion": version,
            "isPrimary": file.is_primary,
            "warnings": [warning.document() for warning in file.warnings],
        },
    }


def _write_lines(path: Path, lines: Iterable[Mapping[str, object]]) -> None:
    _write(path, "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines))


def _write(path: Path, text: str) -> None:
    """All or nothing: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
