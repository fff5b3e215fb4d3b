"""Transfer syntaxes: which the service transcodes, which it keeps, and how it serves them.

https://docs.aws.amazon.com/healthimaging/latest/devguide/supported-transfer-syntaxes.html
"""

from healthimaging_sdk.datastores import LosslessStorageFormat

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
JPEG_12_BIT = "1.2.840.10008.1.2.4.51"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
HTJ2K_LOSSLESS_RPCL = "1.2.840.10008.1.2.4.202"

NATIVE = frozenset(
    {
        "1.2.840.10008.1.2",
        EXPLICIT_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
    }
)
JPEG_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
JPEG_LS = frozenset({"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"})
JPEG_2000 = frozenset({JPEG_2000_LOSSLESS, "1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"})
HTJ2K = frozenset({"1.2.840.10008.1.2.4.201", HTJ2K_LOSSLESS_RPCL})

TRANSCODED = NATIVE | {JPEG_12_BIT, RLE_LOSSLESS} | JPEG_LOSSLESS | JPEG_LS | JPEG_2000 | HTJ2K
"""Their frames are stored in the data store's lossless format."""

LOSSLESS_STORAGE = {
    LosslessStorageFormat.HTJ2K: HTJ2K_LOSSLESS_RPCL,
    LosslessStorageFormat.JPEG_2000_LOSSLESS: JPEG_2000_LOSSLESS,
}

_VIDEO = {
    "video/mpeg": ("100", "100.1", "101", "101.1"),
    "video/mp4": tuple(f"{n}{suffix}" for n in range(102, 107) for suffix in ("", ".1")),
    # Sic: this is how GetImageFrame spells it.
    "video/H256": ("107", "108"),
}
_VIDEO_TYPES = {
    f"1.2.840.10008.1.2.4.{syntax}": content_type
    for content_type, syntaxes in _VIDEO.items()
    for syntax in syntaxes
}
VIDEO = frozenset(_VIDEO_TYPES)
"""The whole pixel data is one stream, however many frames it has."""

_KEPT_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.91": "image/j2c",
    "1.2.840.10008.1.2.4.112": "image/jxl",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    **_VIDEO_TYPES,
}
KEPT = frozenset(_KEPT_TYPES)
"""Their frames are stored as they came."""

_CONTENT_TYPES = {
    **_KEPT_TYPES,
    HTJ2K_LOSSLESS_RPCL: "image/jph",
    # Not on GetImageFrame's page; the service's DICOMweb side calls it so.
    JPEG_2000_LOSSLESS: "image/jp2",
}


def content_type_of(transfer_syntax: str) -> str:
    """The content type with which GetImageFrame serves frames stored in this syntax."""
    return _CONTENT_TYPES.get(transfer_syntax, "application/octet-stream")
