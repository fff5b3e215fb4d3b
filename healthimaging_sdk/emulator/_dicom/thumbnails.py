"""Frames made small enough to look at, for the emulator's page."""

import numpy as np
from pydicom.pixels.processing import convert_color_space

from healthimaging_sdk.emulator._dicom import codecs
from healthimaging_sdk.emulator._dicom.codecs import Pixels
from healthimaging_sdk.emulator._dicom.strange_data import DATA_ERRORS, quietly
from healthimaging_sdk.metadata import DICOMValue, ImageFrame

SHOWN_TYPES = frozenset({"image/jph", "image/jp2", "image/j2c", "image/jpeg"})
SIDE = 96
"""Pixels that a thumbnail has at least, on its longer side, where its image has them."""


def thumbnail(
    data: bytes, content_type: str, frame: ImageFrame, photometric_interpretation: DICOMValue
) -> bytes | None:
    """A PNG, or None for what cannot be shown."""
    with quietly():
        try:
            pixels = codecs.decode_stored(data, content_type, _skipped(frame))
            if pixels is None:
                return None
            # A JPEG decoder has made red, green and blue of whatever it was.
            meaning = "RGB" if content_type == "image/jpeg" else photometric_interpretation
            return codecs.png(_as_shown(_shrunk(pixels), str(meaning).strip()))
        except DATA_ERRORS:
            return None


def _skipped(frame: ImageFrame) -> int:
    """How many resolutions are larger than the smallest one that is large enough."""
    sides = [
        max(each["Width"], each["Height"])
        for each in frame["PixelDataChecksumFromBaseToFullResolution"]
    ]
    enough = next((index for index, side in enumerate(sides) if side >= SIDE), len(sides) - 1)
    return len(sides) - 1 - enough


def _shrunk(pixels: Pixels) -> Pixels:
    step = max(1, max(pixels.shape[:2]) // SIDE)
    return pixels[::step, ::step]


def _as_shown(pixels: Pixels, photometric_interpretation: str) -> Pixels:
    if pixels.ndim == 3 and photometric_interpretation in ("YBR_FULL", "YBR_FULL_422"):
        pixels = convert_color_space(pixels, "YBR_FULL", "RGB")
    if pixels.ndim == 3 and pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    return _windowed(pixels, is_inverted=photometric_interpretation == "MONOCHROME1")


def _windowed(pixels: Pixels, *, is_inverted: bool) -> Pixels:
    """In 8 bits, without the few darkest and brightest pixels."""
    samples = pixels.astype(np.float64)
    darkest, brightest = np.percentile(samples, (0.5, 99.5))
    spread = np.clip((samples - darkest) / max(brightest - darkest, 1e-9), 0, 1)
    shown: Pixels = ((1 - spread if is_inverted else spread) * 255).astype(np.uint8)
    return shown
