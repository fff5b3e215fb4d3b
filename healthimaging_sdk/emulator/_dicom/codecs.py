"""Frames from and to codestreams: the only door to imagecodecs, and to pydicom's decoders."""

import math
import struct
from collections.abc import Iterator
from io import BytesIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, parse_basic_offsets, parse_fragments
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from healthimaging_sdk.emulator._dicom.transfer_syntaxes import (
    HTJ2K,
    JPEG_12_BIT,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_LOSSLESS,
    JPEG_LS,
    NATIVE,
    RLE_LOSSLESS,
)

Pixels = NDArray[np.generic]
"""Rows x columns, or rows x columns x samples; little-endian and contiguous."""

# OpenJPH fills its tables at the first use, and two threads at once fill them wrongly
# (https://github.com/aous72/OpenJPH/pull/243); an import is done by one thread.
imagecodecs.htj2k_decode(imagecodecs.htj2k_encode(np.zeros((1, 1), "u1"), reversible=True))

# Progressive readers stop at a resolution that fits a thumbnail; DICOM asks the same of ...4.202.
_BASE_RESOLUTION = 64


def decoded_frames(dataset: Dataset, transfer_syntax: str) -> Iterator[Pixels]:
    """Each frame as stored: no colour conversion, samples by pixel, unused bits cleared.

    Raises any of `DATA_ERRORS` for data that are damaged or not understood.
    """
    if transfer_syntax in NATIVE or transfer_syntax == RLE_LOSSLESS:
        decoder = get_decoder(UID(transfer_syntax))
        plugin = "pydicom" if transfer_syntax == RLE_LOSSLESS else ""
        for frame, _ in decoder.iter_array(dataset, raw=True, decoding_plugin=plugin):
            little_endian = frame.dtype.newbyteorder("<")
            yield np.ascontiguousarray(frame.astype(little_endian, copy=False))
        return
    for stream in encoded_frames(dataset):
        pixels = _decode(stream, transfer_syntax, dataset.SamplesPerPixel)
        yield _as_described(pixels, dataset, transfer_syntax)


def encoded_frames(dataset: Dataset, *, as_one: bool = False) -> Iterator[bytes]:
    """The frames of encapsulated pixel data: as many as there are, as `DATA_ERRORS` allow."""
    extended_offsets = (
        (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
        if "ExtendedOffsetTable" in dataset
        else None
    )
    return generate_frames(
        dataset.PixelData,
        number_of_frames=1 if as_one else int(dataset.get("NumberOfFrames") or 1),
        extended_offsets=extended_offsets,
    )


def has_sound_offsets(dataset: Dataset) -> bool:
    """Whether the offset table of encapsulated pixel data, if any, tells where frames begin."""
    data = BytesIO(dataset.PixelData)
    offsets = parse_basic_offsets(data)
    first = data.tell()
    if "ExtendedOffsetTable" in dataset:
        offsets = [offset for (offset,) in struct.iter_unpack("<Q", dataset.ExtendedOffsetTable)]
    _, fragments = parse_fragments(data)
    is_rising = offsets == sorted(set(offsets)) and offsets[:1] in ([], [0])
    return is_rising and {first + each for each in offsets} <= set(fragments)


def encode(pixels: Pixels, transfer_syntax: str, *, is_rgb: bool) -> bytes:
    """A reversible codestream: HTJ2K in RPCL order with a tile part per resolution and TLM."""
    if transfer_syntax == JPEG_2000_LOSSLESS:
        stream = imagecodecs.jpeg2k_encode(
            pixels, level=0, codecformat="J2K", reversible=True, mct=is_rgb
        )
    else:
        stream = imagecodecs.htj2k_encode(
            pixels,
            rgb=is_rgb,
            planar=False,
            resolutions=_decompositions(pixels),
            reversible=True,
            tlm=True,
            tilepart=imagecodecs.HTJ2K.TILEPART.RESOLUTIONS,
        )
    return bytes(stream)


def resolutions(stream: bytes, pixels: Pixels, transfer_syntax: str) -> Iterator[Pixels]:
    """What the stream of these pixels decodes to, from the base to the full resolution."""
    if transfer_syntax == JPEG_2000_LOSSLESS:
        yield imagecodecs.jpeg2k_decode(stream)
        return
    for skipped in range(_decompositions(pixels), -1, -1):
        yield imagecodecs.htj2k_decode(stream, planar=False, skipres=skipped)


def _decompositions(pixels: Pixels) -> int:
    return max(1, math.ceil(math.log2(max(pixels.shape[:2]) / _BASE_RESOLUTION)))


def _decode(stream: bytes, transfer_syntax: str, samples: int) -> Pixels:
    # Not with pydicom's decoders: it has none of its own, and reads some damaged headers forever.
    if transfer_syntax == JPEG_12_BIT:
        # Equal colour spaces on both sides: no conversion.
        colours = "GRAYSCALE" if samples == 1 else "RGB"
        return imagecodecs.jpeg8_decode(stream, colorspace=colours, outcolorspace=colours)
    if transfer_syntax in JPEG_LOSSLESS:
        return imagecodecs.jpegsof3_decode(stream)
    if transfer_syntax in JPEG_LS:
        return imagecodecs.jpegls_decode(stream)
    if transfer_syntax in JPEG_2000:
        return imagecodecs.jpeg2k_decode(stream, planar=False)
    return imagecodecs.htj2k_decode(stream, planar=False)


def _as_described(pixels: Pixels, dataset: Dataset, transfer_syntax: str) -> Pixels:
    """In samples of the width and sign that the data set says, whatever the codestream's."""
    samples = (dataset.SamplesPerPixel,) if dataset.SamplesPerPixel > 1 else ()
    width, rest = divmod(dataset.BitsAllocated, 8)
    if pixels.shape != (dataset.Rows, dataset.Columns, *samples):
        raise ValueError("the codestream is not of the size that the data set says")
    if rest or pixels.dtype.itemsize > width:
        raise ValueError("the codestream has more bits than the data set says")
    kind = "i" if dataset.PixelRepresentation else "u"
    described = pixels.astype(f"<{kind}{width}")
    unused = dataset.BitsAllocated - dataset.BitsStored
    # JPEG 2000 and JPEG-LS say how many bits they have; only their sign can be another.
    knows_its_bits = transfer_syntax in JPEG_2000 | HTJ2K | JPEG_LS
    if unused > 0 and not (knows_its_bits and pixels.dtype.kind == kind):
        described = np.right_shift(np.left_shift(described, unused), unused)
    return described


def decode_stored(stream: bytes, content_type: str, skipped: int = 0) -> Pixels | None:
    """A frame as GetImageFrame serves it; None for what is no still image that we can decode.

    `skipped` resolutions are left out, from the full one downwards, where the format can do that.
    """
    match content_type:
        case "image/jph":
            return imagecodecs.htj2k_decode(stream, planar=False, skipres=skipped)
        case "image/jp2" | "image/j2c":
            return imagecodecs.jpeg2k_decode(stream, planar=False)
        case "image/jpeg":
            return imagecodecs.jpeg8_decode(stream)
        case _:
            return None


def png(pixels: Pixels) -> bytes:
    """Of 8-bit samples: one, or red, green and blue."""
    return bytes(imagecodecs.png_encode(pixels))
