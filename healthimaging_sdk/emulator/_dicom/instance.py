"""A DICOM file as the instance that the service makes of it."""

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from attrs import field, frozen
from pydicom import dcmread  # pyright: ignore[reportUnknownVariableType] - a bare PathLike
from pydicom.errors import InvalidDicomError

from healthimaging_sdk.datastores import LosslessStorageFormat
from healthimaging_sdk.emulator._dicom.data_warnings import DataWarning, Reason
from healthimaging_sdk.emulator._dicom.levels import Level, level_of
from healthimaging_sdk.emulator._dicom.pixels import Frame, StoredPixels, store_pixels
from healthimaging_sdk.emulator._dicom.strange_data import DATA_ERRORS, quietly
from healthimaging_sdk.emulator._dicom.values import Reader
from healthimaging_sdk.metadata import Attributes, Instance

_DICOMDIR = "1.2.840.10008.1.3.10"

MAX_LENGTHS = {
    "PatientName": 256,
    "PatientID": 256,
    "PatientBirthDate": 18,
    "PatientSex": 16,
    "StudyInstanceUID": 256,
    "StudyID": 256,
    "StudyDescription": 256,
    "AccessionNumber": 256,
    "StudyDate": 18,
    "StudyTime": 28,
    "SeriesInstanceUID": 256,
    "SOPInstanceUID": 256,
}
"""Characters.

https://docs.aws.amazon.com/healthimaging/latest/devguide/dicom-element-constraints.html
"""
MAX_COUNTS = {
    "NumberOfStudyRelatedSeries": 1_000_000,
    "NumberOfStudyRelatedInstances": 1_000_000,
}

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_GROUPED_BY = (
    "StudyDate",
    "AccessionNumber",
    "PatientID",
    "StudyInstanceUID",
    "StudyID",
    "SeriesInstanceUID",
    "SeriesNumber",
)


class UnreadableFile(Exception):
    """A file that is not imported: a line of `failure.ndjson`. Never quotes a value."""

    def __init__(self, message: str, exception_type: str = "ValidationException") -> None:
        super().__init__(message)
        self.message = message
        self.exception_type = exception_type


@frozen(kw_only=True)
class DicomInstance:
    """An instance, its attributes by level, keyword and as the metadata document shows them."""

    patient: Attributes = field(repr=False)
    study: Attributes = field(repr=False)
    series: Attributes = field(repr=False)
    instance: Attributes = field(repr=False)
    vrs: Mapping[str, str]
    pixels: StoredPixels
    warnings: tuple[DataWarning, ...]

    @property
    def study_instance_uid(self) -> str:
        return str(self.study["StudyInstanceUID"])

    @property
    def series_instance_uid(self) -> str:
        return str(self.series["SeriesInstanceUID"])

    @property
    def sop_instance_uid(self) -> str:
        return str(self.instance["SOPInstanceUID"])

    @property
    def frames(self) -> tuple[Frame, ...]:
        return self.pixels.frames

    @property
    def stored_transfer_syntax(self) -> str:
        return self.pixels.transfer_syntax

    def document(self) -> Instance:
        """The instance's part of the metadata document."""
        return {
            "DICOM": dict(self.instance),
            "DICOMVRs": dict(self.vrs),
            "StoredTransferSyntaxUID": self.pixels.transfer_syntax,
            "ChecksumType": self.pixels.checksum_type,
            "ImageFrames": [frame.document() for frame in self.pixels.frames],
        }


def grouping_key(instance: DicomInstance) -> tuple[str, ...]:
    """Instances with equal keys belong to one image set.

    https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-import-jobs.html
    """
    attributes = {**instance.patient, **instance.study, **instance.series}
    return tuple(str(attributes.get(name) or "").strip() for name in _GROUPED_BY)


def read_instance(
    data: bytes | Path, storage_format: LosslessStorageFormat = LosslessStorageFormat.HTJ2K
) -> DicomInstance:
    """Read and transcode one DICOM P10 file. Raises `UnreadableFile`, and nothing else."""
    if isinstance(data, Path):
        try:
            data = data.read_bytes()
        except OSError as error:
            raise UnreadableFile(
                f"The object cannot be read ({type(error).__name__})", "AccessDeniedException"
            ) from None
    with quietly():
        try:
            return _read(data, storage_format)
        except DATA_ERRORS as error:
            # Without its message and its traceback's locals, which quote the file.
            raise UnreadableFile(
                f"The file is not readable as DICOM P10 ({type(error).__name__})"
            ) from None


def _read(data: bytes, storage_format: LosslessStorageFormat) -> DicomInstance:
    try:
        dataset = dcmread(BytesIO(data))
    except InvalidDicomError:
        raise UnreadableFile("DICOM attributes does not exist") from None
    transfer_syntax = str(dataset.file_meta.get("TransferSyntaxUID") or "")
    if not transfer_syntax:
        raise UnreadableFile(_missing("TransferSyntaxUID"))
    if dataset.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
        raise UnreadableFile("A DICOMDIR is a directory of files, not an instance")
    reader = Reader(is_signed=dataset.get("PixelRepresentation") == 1)
    attributes = reader.attributes(dataset.file_meta) | reader.attributes(dataset)
    _check(attributes)
    levels = by_level(attributes)
    pixels = store_pixels(dataset, transfer_syntax, storage_format)
    return DicomInstance(
        patient=levels[Level.PATIENT],
        study=levels[Level.STUDY],
        series=levels[Level.SERIES],
        instance=levels[Level.INSTANCE],
        vrs=reader.vrs,
        pixels=pixels,
        warnings=(*reader.warnings, *_uid_warnings(attributes), *pixels.warnings),
    )


def by_level(attributes: Attributes) -> dict[Level, Attributes]:
    levels: dict[Level, Attributes] = {level: {} for level in Level}
    for key, value in attributes.items():
        levels[level_of(key)][key] = value
    return levels


def _check(attributes: Attributes) -> None:
    for uid in _UIDS:
        if not isinstance(attributes.get(uid), str):  # an empty one is None
            raise UnreadableFile(_missing(uid))
    for key, limit in MAX_LENGTHS.items():
        if len(str(attributes.get(key) or "")) > limit:
            raise UnreadableFile(f"DICOM attribute {key} is longer than {limit} characters")
    for key, limit in MAX_COUNTS.items():
        text = str(attributes.get(key) or "0").strip()
        if not text.isdecimal() or int(text) > limit:
            raise UnreadableFile(f"DICOM attribute {key} is not a number up to {limit}")


def _missing(keyword: str) -> str:
    # The service's words.
    return f"DICOM attribute {keyword} does not exist"


def _uid_warnings(attributes: Attributes) -> list[DataWarning]:
    return [
        DataWarning(Reason.INVALID_UID_FORMAT, f"{uid} is not a valid UID.")
        for uid in _UIDS
        if not _UID.fullmatch(str(attributes[uid]))
    ]
