"""The files of an import job: a folder stands for an S3 bucket.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-import-jobs.html
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from attrs import field, frozen

from healthimaging_sdk.datastores import LosslessStorageFormat
from healthimaging_sdk.emulator._dicom.instance import DicomInstance, UnreadableFile, read_instance
from healthimaging_sdk.emulator._imports.metadata_overrides import (
    ImportJobFailed,
    MetadataOverrides,
)
from healthimaging_sdk.emulator._limits import Quotas
from healthimaging_sdk.import_jobs import ImportConfiguration

Item = TypeVar("Item")
Result = TypeVar("Result")


class ImportLimitExceeded(ImportJobFailed):
    """More than one job may import; nothing is imported."""


@frozen
class Success:
    input_key: str = field(repr=False)
    """The full key in its bucket."""
    instance: DicomInstance


@frozen
class Failure:
    input_key: str = field(repr=False)
    exception_type: str
    message: str


FileResult = Success | Failure


@frozen
class _Object:
    key: str
    path: Path
    size: int
    leaves_the_bucket: bool


def read_folder(
    bucket: Path,
    prefix: str,
    storage_format: LosslessStorageFormat = LosslessStorageFormat.HTJ2K,
    *,
    configuration: ImportConfiguration | None = None,
    quotas: Quotas | None = None,
    threads: int = 2,
) -> Iterator[FileResult]:
    """Every file under the prefix, in the order of the keys, read while the results are taken.

    Raises `ImportJobFailed` at once where the whole job fails.
    """
    quotas = quotas or Quotas()
    objects = _scan(bucket.resolve(), prefix, quotas)
    overrides = MetadataOverrides.load(_folder(bucket.resolve(), prefix), configuration)
    files = [each for each in objects if each.path not in overrides.files]
    _check_limits(files, quotas)

    def read(file: _Object) -> FileResult:
        if file.size > quotas.bytes_per_file:
            message = f"The file is larger than {quotas.bytes_per_file} bytes"
            return Failure(file.key, "ValidationException", message)
        return _read(file, storage_format, overrides)

    return _in_order(read, files, threads)


def _read(
    file: _Object, storage_format: LosslessStorageFormat, overrides: MetadataOverrides
) -> FileResult:
    if file.leaves_the_bucket:
        return Failure(file.key, "AccessDeniedException", "The object is not in the bucket")
    try:
        instance = read_instance(file.path, storage_format)
    except UnreadableFile as error:
        return Failure(file.key, error.exception_type, error.message)
    return Success(file.key, overrides.applied_to(instance))


def _folder(bucket: Path, prefix: str) -> Path | None:
    """The folder of a prefix; None if it is not one of the bucket."""
    if "\0" in prefix:
        return None
    folder = bucket.joinpath(prefix.strip("/")).resolve()
    return folder if folder.is_relative_to(bucket) else None


def _scan(bucket: Path, prefix: str, quotas: Quotas) -> list[_Object]:
    folder = _folder(bucket, prefix)
    if folder is None:
        return []
    objects: list[_Object] = []
    for number, (parent, _, names) in enumerate(os.walk(folder)):
        if number > quotas.folders_per_import_job:
            raise ImportLimitExceeded(
                "DICOM import job has failed. NESTED_FOLDERS_LIMIT_EXCEEDED: "
                f"more than {quotas.folders_per_import_job} folders."
            )
        paths = (Path(parent, name) for name in names)
        objects.extend(_object(bucket, path) for path in paths if path.is_file())
    return sorted(objects, key=lambda each: each.key.encode())


def _object(bucket: Path, path: Path) -> _Object:
    key = os.fsencode(path.relative_to(bucket).as_posix()).decode(errors="replace")
    leaves = path.is_symlink() and not path.resolve().is_relative_to(bucket)
    return _Object(key, path, path.stat().st_size, leaves)


def _check_limits(files: list[_Object], quotas: Quotas) -> None:
    if len(files) > quotas.files_per_import_job:
        raise ImportLimitExceeded(
            "DICOM import job has failed. FILE_COUNTS_LIMIT_EXCEEDED: "
            f"{len(files)} files, {quotas.files_per_import_job} are allowed."
        )
    size = sum(file.size for file in files)
    if size > quotas.bytes_per_import_job:
        raise ImportLimitExceeded(
            "DICOM import job has failed. FILE_SIZES_LIMIT_EXCEEDED: "
            f"{size} bytes, {quotas.bytes_per_import_job} are allowed."
        )


def _in_order(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Results in the order of the items; only a few more than were taken are in memory."""
    with ThreadPoolExecutor(threads, thread_name_prefix="import") as executor:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(executor.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
