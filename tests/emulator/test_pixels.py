"""Frames, judged by pydicom's own decoders and by the arrays that they were made of."""

import logging
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import dcmread  # pyright: ignore[reportUnknownVariableType] - a bare PathLike
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from healthimaging_sdk.datastores import LosslessStorageFormat
from healthimaging_sdk.emulator._dicom.instance import DicomInstance, UnreadableFile, read_instance
from healthimaging_sdk.emulator._dicom.pixels import Frame

FILES = Path(pydicom.__file__).parent / "data" / "test_files"

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_12_BIT = "1.2.840.10008.1.2.4.51"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
MPEG_4 = "1.2.840.10008.1.2.4.102"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"

Pixels = NDArray[Any]


def _files_that_can_be_read() -> Iterator[Path]:
    for path in sorted(FILES.rglob("*")):
        if path.is_file():
            try:
                read_instance(path)
            except UnreadableFile:
                continue
            yield path


READABLE = list(_files_that_can_be_read())


def _name(path: Path) -> str:
    return str(path.relative_to(FILES))


def decoded(frame: Frame) -> Pixels:
    if frame.content_type == "image/jp2":
        return imagecodecs.jpeg2k_decode(frame.data)
    assert frame.content_type == "image/jph"
    return imagecodecs.htj2k_decode(frame.data, planar=False)


def _expected_frames(path: Path) -> list[Pixels]:
    """What pydicom decodes, with decoders of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path)
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        logging.disable()
        try:
            return [frame for frame, _ in decoder.iter_array(dataset, raw=True)]
        except (RuntimeError, ValueError) as error:
            # Decoders that are not installed, or do not take the file.
            pytest.skip(f"pydicom does not decode it: {error}")
        finally:
            logging.disable(logging.NOTSET)


@pytest.mark.parametrize("path", READABLE, ids=_name)
@pytest.mark.parametrize("storage_format", LosslessStorageFormat)
def test_transcoded_frames_decode_to_what_pydicom_decodes(
    path: Path, storage_format: LosslessStorageFormat
) -> None:
    instance = read_instance(path, storage_format)
    if instance.pixels.checksum_type != "DECOMPRESSED":
        assert instance.stored_transfer_syntax not in {HTJ2K_RPCL, JPEG_2000_LOSSLESS}
        return
    expected = _expected_frames(path)
    assert len(instance.frames) == len(expected)
    for frame, pixels in zip(instance.frames, expected, strict=True):
        document = frame.document()
        actual = decoded(frame)
        if instance.instance["TransferSyntaxUID"] == JPEG_12_BIT:
            # Lossy decoders may round differently.
            assert np.abs(actual.astype(int) - pixels).max() <= 1
        else:
            assert np.array_equal(actual, pixels)
        little_endian = actual.astype(actual.dtype.newbyteorder("<")).tobytes()
        full = document["PixelDataChecksumFromBaseToFullResolution"][-1]
        assert full == {
            "Width": pixels.shape[1],
            "Height": pixels.shape[0],
            "Checksum": zlib.crc32(little_endian),
        }
        assert (document["MinPixelValue"], document["MaxPixelValue"]) == (
            actual.min(),
            actual.max(),
        )
        assert document["FrameSizeInBytes"] == len(little_endian)


def test_most_files_are_transcoded() -> None:
    """The test above compares nothing for the others."""
    transcoded = [read_instance(each).pixels.checksum_type == "DECOMPRESSED" for each in READABLE]
    assert sum(transcoded) > 60


# ── Pixels of our own ─────────────────────────────────────────────────────────


def make(transfer_syntax: str = EXPLICIT_LITTLE_ENDIAN, **elements: object) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.StudyInstanceUID = "1.2.1"
    dataset.SeriesInstanceUID = "1.2.2"
    dataset.SOPInstanceUID = "1.2.3"
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def image(pixels: Pixels, transfer_syntax: str = EXPLICIT_LITTLE_ENDIAN, **more: object) -> Dataset:
    """A data set of one frame, or of several (frames, rows, columns, samples)."""
    samples = pixels.shape[-1] if pixels.ndim > 2 else 1
    frames = pixels if pixels.ndim == 4 else pixels[np.newaxis]
    is_big_endian = transfer_syntax == EXPLICIT_BIG_ENDIAN
    bits = pixels.dtype.itemsize * 8
    return make(
        transfer_syntax,
        **{
            "Rows": frames.shape[1],
            "Columns": frames.shape[2],
            "SamplesPerPixel": samples,
            "PhotometricInterpretation": "RGB" if samples == 3 else "MONOCHROME2",
            "PlanarConfiguration": 0,
            "NumberOfFrames": str(len(frames)),
            "BitsAllocated": bits,
            "BitsStored": bits,
            "HighBit": bits - 1,
            "PixelRepresentation": int(pixels.dtype.kind == "i"),
            "PixelData": pixels.astype(
                pixels.dtype.newbyteorder(">" if is_big_endian else "<")
            ).tobytes(),
        }
        | more,
    )


def as_file(dataset: Dataset) -> bytes:
    if "PixelData" in dataset:
        compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
        dataset["PixelData"].VR = "OB" if compressed or dataset.BitsAllocated <= 8 else "OW"
        dataset["PixelData"].is_undefined_length = compressed
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def read(
    dataset: Dataset, storage_format: LosslessStorageFormat = LosslessStorageFormat.HTJ2K
) -> DicomInstance:
    return read_instance(as_file(dataset), storage_format)


def noise(dtype: str, *shape: int) -> Pixels:
    limits = np.iinfo(dtype)
    return np.random.default_rng(7).integers(
        limits.min, limits.max, shape, dtype=dtype, endpoint=True
    )


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (70, 130), (3, 5, 3), (2, 9, 8, 3)], ids=str)
@pytest.mark.parametrize("transfer_syntax", [EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN])
def test_every_integer_survives_htj2k(
    dtype: str, shape: tuple[int, ...], transfer_syntax: str
) -> None:
    pixels = noise(dtype, *shape)
    instance = read(image(pixels, transfer_syntax))
    frames = pixels if pixels.ndim == 4 else pixels[np.newaxis]
    assert instance.stored_transfer_syntax == HTJ2K_RPCL
    assert not instance.warnings
    for frame, expected in zip(instance.frames, frames, strict=True):
        actual = decoded(frame)
        assert actual.dtype == expected.dtype
        assert np.array_equal(actual, expected)


def test_what_jpeg_2000_cannot_hold_is_stored_uncompressed_with_a_warning() -> None:
    pixels = noise("u4", 8, 8)
    instance = read(image(pixels), LosslessStorageFormat.JPEG_2000_LOSSLESS)
    (frame,) = instance.frames
    assert instance.stored_transfer_syntax == EXPLICIT_LITTLE_ENDIAN
    assert (frame.data, frame.content_type) == (pixels.tobytes(), "application/octet-stream")
    assert [each.reason.name for each in instance.warnings] == ["TRANSCODING_EXCEPTION"]


@pytest.mark.parametrize(
    ("keyword", "dtype"), [("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")]
)
def test_floats_are_stored_uncompressed_with_a_warning(keyword: str, dtype: str) -> None:
    pixels = np.linspace(-1, 1, 12, dtype=dtype).reshape(3, 4)
    dataset = image(pixels)
    del dataset.PixelData, dataset.PixelRepresentation
    setattr(dataset, keyword, pixels.tobytes())
    instance = read(dataset)
    assert [frame.data for frame in instance.frames] == [pixels.tobytes()]
    assert instance.stored_transfer_syntax == EXPLICIT_LITTLE_ENDIAN
    assert [each.reason.name for each in instance.warnings] == ["TRANSCODING_EXCEPTION"]
    assert instance.instance[keyword] is None


def test_samples_by_plane_are_stored_by_pixel() -> None:
    pixels = noise("u1", 6, 5, 3)
    planes = pixels.transpose(2, 0, 1).tobytes()
    (frame,) = read(image(pixels, PlanarConfiguration=1, PixelData=planes)).frames
    assert np.array_equal(decoded(frame), pixels)


def test_colours_are_not_converted() -> None:
    pixels = noise("u1", 6, 4, 3)
    (frame,) = read(image(pixels, PhotometricInterpretation="YBR_FULL")).frames
    assert np.array_equal(decoded(frame), pixels)


def test_unused_bits_do_not_reach_the_frame() -> None:
    pixels = np.array([[0xF123, 0x0FFF]], dtype="u2")
    (frame,) = read(image(pixels, BitsStored=12, HighBit=11)).frames
    assert decoded(frame).tolist() == [[0x0123, 0x0FFF]]
    assert frame.max_value == 0x0FFF


def test_a_binary_segmentation_keeps_its_bits() -> None:
    instance = read_instance(FILES / "liver_1frame.dcm")
    (frame,) = instance.frames
    assert instance.stored_transfer_syntax == EXPLICIT_LITTLE_ENDIAN
    assert frame.content_type == "application/octet-stream"
    bits = np.unpackbits(np.frombuffer(frame.data, "u1"), bitorder="little").reshape(512, 512)
    assert np.array_equal(bits, dcmread(FILES / "liver_1frame.dcm").pixel_array)
    assert frame.checksums[-1]["Checksum"] == zlib.crc32(frame.data)
    assert (frame.min_value, frame.max_value) == (None, None)


def htj2k(pixels: Pixels) -> bytes:
    return encapsulate([bytes(imagecodecs.htj2k_encode(pixels, reversible=True))])


def test_a_file_of_htj2k_frames_is_imported() -> None:
    pixels = noise("i2", 9, 7)
    instance = read(image(pixels, HTJ2K_RPCL, PixelData=htj2k(pixels)))
    assert instance.stored_transfer_syntax == HTJ2K_RPCL
    assert np.array_equal(decoded(instance.frames[0]), pixels)


@pytest.mark.parametrize(
    "other", [noise("u1", 4, 5), noise("u2", 4, 4)], ids=["another size", "more bits"]
)
def test_a_codestream_that_contradicts_the_data_set_is_kept_with_a_warning(other: Pixels) -> None:
    stream = htj2k(other)
    instance = read(image(noise("u1", 4, 4), HTJ2K_RPCL, PixelData=stream))
    assert [each.reason.name for each in instance.warnings] == ["TRANSCODING_EXCEPTION"]
    (frame,) = instance.frames
    assert np.array_equal(imagecodecs.htj2k_decode(frame.data), other)


# ── Codestreams for progressive readers ───────────────────────────────────────


def _tile_parts(stream: bytes) -> tuple[list[int], list[bytes]]:
    """The markers of the main header, and the tile parts of a codestream."""
    at, markers, parts = 2, list[int](), list[bytes]()
    while (marker := struct.unpack_from(">H", stream, at)[0]) != 0xFFD9:
        (length,) = struct.unpack_from(">H", stream, at + 2)
        if marker == 0xFF90:
            (length,) = struct.unpack_from(">I", stream, at + 6)
            parts.append(stream[at : at + length])
            at += length
        else:
            markers.append(marker)
            at += 2 + length
    return markers, parts


def test_a_frame_can_be_read_resolution_by_resolution() -> None:
    pixels = np.add.outer(np.arange(400, dtype="u2"), np.arange(300, dtype="u2"))
    (frame,) = read(image(pixels)).frames
    sizes = [(each["Width"], each["Height"]) for each in frame.checksums]
    assert sizes == [(38, 50), (75, 100), (150, 200), (300, 400)]

    markers, parts = _tile_parts(frame.data)
    assert 0xFF55 in markers, "TLM"
    assert frame.data[frame.data.index(b"\xff\x52") + 5] == 2, "progression order RPCL"
    assert len(parts) == len(sizes)

    head = frame.data[: frame.data.index(parts[0])]
    for number, checksum in enumerate(frame.checksums):
        beginning = head + b"".join(parts[: number + 1]) + b"\xff\xd9"
        smaller = imagecodecs.htj2k_decode(
            beginning, skipres=len(sizes) - 1 - number, resilient=True
        )
        assert smaller.shape == (checksum["Height"], checksum["Width"])
        assert zlib.crc32(smaller.tobytes()) == checksum["Checksum"]


# ── Frames that stay as they came ─────────────────────────────────────────────


def test_frames_of_a_kept_syntax_stay_as_they_came() -> None:
    instance = read_instance(FILES / "examples_ybr_color.dcm")
    assert instance.stored_transfer_syntax == JPEG_BASELINE
    assert len(instance.frames) == 30
    assert len({frame.id for frame in instance.frames}) == 30
    assert not instance.warnings
    for frame in instance.frames:
        assert frame.content_type == "image/jpeg"
        assert imagecodecs.jpeg8_decode(frame.data).shape == (240, 320, 3)
        assert frame.document() == {
            "ID": frame.id,
            "PixelDataChecksumFromBaseToFullResolution": [
                {"Width": 320, "Height": 240, "Checksum": zlib.crc32(frame.data)}
            ],
            "MinPixelValue": None,
            "MaxPixelValue": None,
            "FrameSizeInBytes": len(frame.data),
        }


def test_a_video_is_one_frame() -> None:
    fragments = encapsulate([b"moov", b"more"], has_bot=False)
    instance = read(image(noise("u1", 4, 4, 3), MPEG_4, NumberOfFrames="25", PixelData=fragments))
    assert [(each.data, each.content_type) for each in instance.frames] == [
        (b"moovmore", "video/mp4")
    ]
    assert not instance.warnings


def test_pixels_of_an_unknown_transfer_syntax_are_kept_with_a_warning() -> None:
    data = as_file(image(noise("u1", 2, 2))).replace(
        EXPLICIT_LITTLE_ENDIAN.encode() + b"\0", b"1.2.840.10008.1.9.9\0"
    )
    instance = read_instance(data)
    assert instance.stored_transfer_syntax == "1.2.840.10008.1.9.9"
    assert instance.warnings[0].reason.name == "UNSUPPORTED_TRANSFER_SYNTAX"
    assert len(instance.frames) == 1


def test_too_short_pixel_data_are_kept_with_a_warning() -> None:
    instance = read(image(noise("u2", 8, 8), PixelData=b"too short!"))
    assert [(each.reason.code, each.reason.type) for each in instance.warnings] == [
        (45312, "TranscodingException")
    ]
    assert [frame.data for frame in instance.frames] == [b"too short!"]
    assert instance.stored_transfer_syntax == EXPLICIT_LITTLE_ENDIAN


def test_pixels_without_a_size_are_kept_with_a_warning() -> None:
    data = as_file(image(noise("u1", 4, 4))).replace(
        b"\x28\x00\x10\x00US\x02\x00\x04\x00", b"\x28\x00\x10\x00US\x03\x00\x04\x00\x00"
    )
    instance = read_instance(data)
    assert {each.reason.name for each in instance.warnings} == {
        "INVALID_VALUE_LENGTH",
        "TRANSCODING_EXCEPTION",
    }
    assert [(each["Width"], each["Height"]) for each in instance.frames[0].checksums] == [(4, 0)]


def test_a_damaged_codestream_is_kept_with_a_warning() -> None:
    fragments = encapsulate([b"no codestream"])
    instance = read(image(noise("u1", 4, 4), JPEG_2000_LOSSLESS, PixelData=fragments))
    assert [each.reason.name for each in instance.warnings] == ["TRANSCODING_EXCEPTION"]
    assert [frame.data.rstrip(b"\0") for frame in instance.frames] == [b"no codestream"]


def test_fragments_that_are_no_frames_are_kept_as_one_with_a_warning() -> None:
    dataset = image(noise("u1", 4, 4), JPEG_BASELINE, NumberOfFrames="3")
    dataset.PixelData = encapsulate([b"a jpeg", b"a jpeg"], has_bot=False)
    instance = read(dataset)
    assert [each.reason.name for each in instance.warnings] == ["FRAMES_EXTRACTION_FAILURE"]
    assert len(instance.frames) == 1


def test_a_wrong_number_of_frames_is_a_warning() -> None:
    dataset = image(noise("u1", 4, 4), JPEG_BASELINE, NumberOfFrames="2")
    dataset.PixelData = encapsulate([b"a jpeg", b"a jpeg", b"a jpeg"])
    instance = read(dataset)
    assert [each.reason.name for each in instance.warnings] == ["FRAME_NUMBER_MISMATCH"]
    assert len(instance.frames) == 3


@pytest.mark.parametrize(("position", "is_sound"), [(12, True), (14, False), (0, False)])
def test_an_offset_table_that_misses_the_frames_is_a_warning(position: int, is_sound: bool) -> None:
    dataset = image(noise("u1", 4, 4), JPEG_BASELINE, NumberOfFrames="2")
    table = struct.pack("<HHLLL", 0xFFFE, 0xE000, 8, 0, position)
    dataset.PixelData = table + encapsulate([b"JPEG", b"jpeg"], has_bot=False)[8:]
    instance = read(dataset)
    told = {each.document()["warning_reason_code"] for each in instance.warnings}
    assert (45330 not in told) is is_sound
    assert told <= {45329, 45330}  # the frames may not be as many, then


def test_an_extended_offset_table_is_looked_at_too() -> None:
    for position, count in ((12, 0), (13, 1)):
        dataset = image(noise("u1", 4, 4), JPEG_BASELINE, NumberOfFrames="2")
        dataset.PixelData = encapsulate([b"JPEG", b"jpeg"], has_bot=False)
        dataset.ExtendedOffsetTable = struct.pack("<QQ", 0, position)
        dataset.ExtendedOffsetTableLengths = struct.pack("<QQ", 4, 4)
        reasons = [each.reason.name for each in read(dataset).warnings]
        assert reasons == ["INVALID_OFFSET_TABLE"] * count


@pytest.mark.parametrize(
    "name",
    [
        "JPEGLSNearLossless_08",
        "JPEGLSNearLossless_16",
        "SC_rgb_jls_lossy_line",
        "SC_rgb_jls_lossy_sample",
    ],
)
def test_near_lossless_frames_are_stored_as_they_decode(name: str) -> None:
    path = FILES / f"{name}.dcm"
    dataset = dcmread(path)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.1", "1.2.2"
    (frame,) = read(dataset).frames
    (expected,) = _expected_frames(path)
    assert np.array_equal(decoded(frame), expected)


def test_a_damaged_box_around_a_codestream_ends() -> None:
    """pydicom would look for the next box for ever."""
    box = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40)
    dataset = image(noise("u1", 4, 4), JPEG_2000_LOSSLESS, PixelData=encapsulate([box]))
    assert [each.reason.name for each in read(dataset).warnings] == ["TRANSCODING_EXCEPTION"]


THREAD_OF_THE_FIRST_USE = """
import threading
import imagecodecs

threads = []
for name in ("htj2k_encode", "htj2k_decode"):
    def spied(*args, original=getattr(imagecodecs, name), **kwargs):
        threads.append(threading.current_thread().name)
        return original(*args, **kwargs)
    setattr(imagecodecs, name, spied)

def work():
    from healthimaging_sdk.emulator._dicom import codecs
    barrier.wait()

barrier = threading.Barrier(2)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers: worker.start()
for worker in workers: worker.join()
print(len(threads), len(set(threads)))
"""


def test_openjph_fills_its_tables_before_two_threads_can_use_it() -> None:
    # Two threads that were first at once made wrong codestreams in one process of 300.
    done = subprocess.run(
        [sys.executable, "-c", THREAD_OF_THE_FIRST_USE], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "1"]
