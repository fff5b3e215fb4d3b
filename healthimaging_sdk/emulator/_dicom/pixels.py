"""Frames as the service stores them, with their checksums.

https://docs.aws.amazon.com/healthimaging/latest/devguide/pixel-data-verification.html
"""

import uuid
import zlib
from collections.abc import Iterable

import numpy as np
from attrs import evolve, field, frozen
from pydicom.dataset import Dataset

from healthimaging_sdk.datastores import LosslessStorageFormat
from healthimaging_sdk.emulator._dicom import codecs
from healthimaging_sdk.emulator._dicom.codecs import Pixels
from healthimaging_sdk.emulator._dicom.data_warnings import DataWarning, Reason
from healthimaging_sdk.emulator._dicom.strange_data import DATA_ERRORS
from healthimaging_sdk.emulator._dicom.transfer_syntaxes import (
    EXPLICIT_LITTLE_ENDIAN,
    KEPT,
    LOSSLESS_STORAGE,
    NATIVE,
    TRANSCODED,
    VIDEO,
    content_type_of,
)
from healthimaging_sdk.emulator._dicom.values import PIXEL_KEYWORDS
from healthimaging_sdk.metadata import ImageFrame, ResolutionChecksum

# Three samples that a codestream's own colour transformation makes smaller.
_RGB = ("RGB", "YBR_RCT", "YBR_ICT")


class NotTranscodable(ValueError):
    """Pixels that the data store's lossless format does not hold unchanged."""


@frozen(kw_only=True)
class Frame:
    id: str = field(factory=lambda: uuid.uuid4().hex)
    data: bytes = field(repr=False)
    content_type: str
    checksums: tuple[ResolutionChecksum, ...]
    size: int
    """Bytes when decoded, or as stored for frames that are kept as they came."""
    min_value: int | None = None
    max_value: int | None = None

    def document(self) -> ImageFrame:
        return {
            "ID": self.id,
            "PixelDataChecksumFromBaseToFullResolution": list(self.checksums),
            "MinPixelValue": self.min_value,
            "MaxPixelValue": self.max_value,
            "FrameSizeInBytes": self.size,
        }


@frozen
class StoredPixels:
    frames: tuple[Frame, ...]
    transfer_syntax: str
    checksum_type: str
    """DECOMPRESSED, or ORIGINAL for frames that are kept as they came."""
    warnings: tuple[DataWarning, ...] = ()


def store_pixels(
    dataset: Dataset, transfer_syntax: str, storage_format: LosslessStorageFormat
) -> StoredPixels:
    """The frames of an instance, transcoded or as they came; none if it is not an image."""
    if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
        return StoredPixels((), transfer_syntax, "ORIGINAL")
    stored = _stored(dataset, transfer_syntax, storage_format)
    return evolve(stored, warnings=(*stored.warnings, *_offset_warnings(dataset, transfer_syntax)))


def _stored(
    dataset: Dataset, transfer_syntax: str, storage_format: LosslessStorageFormat
) -> StoredPixels:
    if transfer_syntax in KEPT:
        return _as_they_came(dataset, transfer_syntax)
    if transfer_syntax not in TRANSCODED:
        unsupported = DataWarning(
            Reason.UNSUPPORTED_TRANSFER_SYNTAX,
            "The transfer syntax is not supported; the pixel data is stored as it is.",
        )
        return _as_they_came(dataset, transfer_syntax, unsupported)
    try:
        frames = list(codecs.decoded_frames(dataset, transfer_syntax))
    except DATA_ERRORS as error:
        undecodable = DataWarning(
            Reason.TRANSCODING_EXCEPTION,
            f"The pixel data cannot be decoded ({type(error).__name__}); it is stored as it is.",
        )
        return _as_they_came(dataset, transfer_syntax, undecodable)
    return _transcoded(dataset, frames, LOSSLESS_STORAGE[storage_format])


def _transcoded(dataset: Dataset, frames: list[Pixels], transfer_syntax: str) -> StoredPixels:
    warnings = _frame_number_warnings(dataset, len(frames))
    if dataset.BitsAllocated == 1:
        packed = (
            np.packbits(pixels.astype(np.uint8), bitorder="little").tobytes() for pixels in frames
        )
        return _originals(dataset, packed, EXPLICIT_LITTLE_ENDIAN, warnings)
    is_rgb = dataset.SamplesPerPixel == 3 and dataset.PhotometricInterpretation in _RGB
    try:
        stored = tuple(_encoded_frame(each, transfer_syntax, is_rgb=is_rgb) for each in frames)
    except NotTranscodable:
        misfit = DataWarning(
            Reason.TRANSCODING_EXCEPTION,
            "The pixel data does not fit the data store's lossless format; "
            "it is stored uncompressed.",
        )
        uncompressed = (pixels.tobytes() for pixels in frames)
        return _originals(dataset, uncompressed, EXPLICIT_LITTLE_ENDIAN, (*warnings, misfit))
    return StoredPixels(stored, transfer_syntax, "DECOMPRESSED", warnings)


def _encoded_frame(pixels: Pixels, transfer_syntax: str, *, is_rgb: bool) -> Frame:
    try:
        stream = codecs.encode(pixels, transfer_syntax, is_rgb=is_rgb)
        checksums = tuple(
            ResolutionChecksum(
                Width=each.shape[1], Height=each.shape[0], Checksum=zlib.crc32(each.tobytes())
            )
            for each in codecs.resolutions(stream, pixels, transfer_syntax)
        )
    except (RuntimeError, ValueError) as error:  # floats, 64 bits
        raise NotTranscodable from error
    if checksums[-1]["Checksum"] != zlib.crc32(pixels.tobytes()):  # JPEG 2000 of 32 bits
        raise NotTranscodable
    return Frame(
        data=stream,
        content_type=content_type_of(transfer_syntax),
        checksums=checksums,
        size=pixels.nbytes,
        min_value=int(pixels.min()),
        max_value=int(pixels.max()),
    )


def _as_they_came(dataset: Dataset, transfer_syntax: str, *warnings: DataWarning) -> StoredPixels:
    """The frames of the file, or its pixel data as one if they cannot be told apart."""
    value = next(
        bytes(dataset[keyword].value or b"") for keyword in PIXEL_KEYWORDS if keyword in dataset
    )
    if transfer_syntax in NATIVE:
        return _originals(dataset, [value], transfer_syntax, warnings)
    try:
        frames = list(codecs.encoded_frames(dataset, as_one=transfer_syntax in VIDEO))
    except DATA_ERRORS:
        unsplit = DataWarning(
            Reason.FRAMES_EXTRACTION_FAILURE,
            "The frames cannot be told apart; the pixel data is stored as one.",
        )
        return _originals(dataset, [value], transfer_syntax, (*warnings, unsplit))
    mismatch = () if transfer_syntax in VIDEO else _frame_number_warnings(dataset, len(frames))
    return _originals(dataset, frames, transfer_syntax, (*warnings, *mismatch))


def _originals(
    dataset: Dataset,
    frames: Iterable[bytes],
    transfer_syntax: str,
    warnings: tuple[DataWarning, ...],
) -> StoredPixels:
    width, height = _integer(dataset, "Columns", 0), _integer(dataset, "Rows", 0)
    stored = tuple(
        Frame(
            data=data,
            content_type=content_type_of(transfer_syntax),
            checksums=(ResolutionChecksum(Width=width, Height=height, Checksum=zlib.crc32(data)),),
            size=len(data),
        )
        for data in frames
    )
    return StoredPixels(stored, transfer_syntax, "ORIGINAL", warnings)


def _offset_warnings(dataset: Dataset, transfer_syntax: str) -> tuple[DataWarning, ...]:
    try:
        if transfer_syntax in NATIVE or codecs.has_sound_offsets(dataset):
            return ()
    except DATA_ERRORS:  # there are no fragments, which has its own warning
        return ()
    return (
        DataWarning(
            Reason.INVALID_OFFSET_TABLE,
            "The file was imported but contains an invalid offset table, may see issues when "
            "retrieving certain frames.",
        ),
    )


def _frame_number_warnings(dataset: Dataset, frames: int) -> tuple[DataWarning, ...]:
    if frames == _integer(dataset, "NumberOfFrames", 1):
        return ()
    return (
        DataWarning(
            Reason.FRAME_NUMBER_MISMATCH,
            f"NumberOfFrames does not match the {frames} frames of the pixel data.",
        ),
    )


def _integer(dataset: Dataset, keyword: str, default: int) -> int:
    try:
        return int(dataset.get(keyword) or default)
    except DATA_ERRORS:
        return default
