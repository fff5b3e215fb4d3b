"""Which attributes belong to the patient, the study and the series; all others are an instance's.

https://docs.aws.amazon.com/healthimaging/latest/devguide/metadata-normalization.html
"""

from collections.abc import Iterator
from enum import Enum
from functools import cache

from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag, tag_for_keyword


class Level(Enum):
    PATIENT = "Patient"
    STUDY = "Study"
    SERIES = "Series"
    INSTANCE = "Instance"


# As the service lists them: a group, then its elements.
_PATIENT = """
0008 1120
0010 0010 0020 0021 0022 0024 0026 0027 0030 0032 0033 0034 0035 0040 0200 0212 0213 0216 0218
0010 0219 0221 1001 1002 1100 2160 2201 2202 2292 2293 2294 2297 2298 2299 4000
0012 0010 0020 0021 0030 0031 0040 0042 0062 0063 0064 0081 0082
"""
_STUDY = """
0008 0020 0030 0050 0051 0090 0096 009C 009D 1030 1032 1048 1049 1060 1062 1080 1084 1110
0010 1010 1020 1021 1022 1023 1024 1030 2000 2110 2180 21A0 21B0 21C0 21D0 2203
0012 0050 0051 0052 0053 0083
0020 000D 0010
0032 1033 1034 1066 1067
0038 0010 0014 0060 0062 0064 0500
0040 1012
"""
_SERIES = """
0008 0021 0031 0060 0070 0080 0081 1010 103E 103F 1040 1041 1050 1052 1070 1072 1090 1111 1250
0010 2210
0012 0060 0071 0072
0018 0015 1000 1002 1008 100A 100B 1020 1030 1050 1200 1201 5100
0020 000E 0011 0052 0060 1040
0028 0108 0109 0120
0040 0275
300A 0700
"""

NEVER_UPDATABLE = frozenset(
    {
        "SchemaVersion",
        "DatastoreID",
        "ImageSetID",
        "PixelData",
        "Checksum",
        "Width",
        "Height",
        "MinPixelValue",
        "MaxPixelValue",
        "FrameSizeInBytes",
    }
)
"""What UpdateImageSetMetadata refuses even when it is forced.

https://docs.aws.amazon.com/healthimaging/latest/devguide/dicom-metadata-constraints.html
"""


def level_of(attribute: str) -> Level:
    """The level of a keyword; private attributes (eight hexadecimal digits) are an instance's."""
    return _LEVELS.get(attribute, Level.INSTANCE)


def is_standard(attribute: str) -> bool:
    """Whether the keyword is one of DICOM PS3.6."""
    return tag_for_keyword(attribute) is not None


@cache
def vr_of(keyword: str) -> str | None:
    """The value representation, such as `"PN"` or `"US or SS"`; None for what is not standard."""
    tag = tag_for_keyword(keyword)
    return None if tag is None else dictionary_VR(tag)


@cache
def vm_is_multiple(keyword: str) -> bool:
    """Whether the attribute may have several values, and so is a list in the metadata document."""
    tag = tag_for_keyword(keyword)
    return tag is not None and dictionary_VM(tag) != "1"


def is_sequence(keyword: str) -> bool:
    return vr_of(keyword) == "SQ"


def _keywords(table: str) -> Iterator[str]:
    for line in table.split("\n"):
        group, *elements = line.split() or [""]
        for element in elements:
            yield keyword_for_tag(int(group + element, 16))


_LEVELS = {
    keyword: level
    for level, table in (
        (Level.PATIENT, _PATIENT),
        (Level.STUDY, _STUDY),
        (Level.SERIES, _SERIES),
    )
    for keyword in _keywords(table)
}
