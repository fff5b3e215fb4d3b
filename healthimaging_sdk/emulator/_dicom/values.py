"""DICOM elements as the metadata document shows them.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-image-sets.html

Values come from the bytes of the file: pydicom's own turn "1 " into 1.
"""

import base64
import math
import struct
from collections.abc import Sequence
from typing import cast

from attrs import define, field
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.hooks import raw_element_vr
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import MAX_VALUE_LEN

from healthimaging_sdk.emulator._dicom.data_warnings import DataWarning, Reason
from healthimaging_sdk.emulator._dicom.levels import is_standard, vm_is_multiple
from healthimaging_sdk.metadata import Attributes, DICOMValue

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

MAX_DEPTH = 50
"""Of sequences in sequences: more than any real file, and well below what JSON readers take."""

# Codes of `struct`.
_NUMBERS = {
    "US": "H",
    "SS": "h",
    "UL": "I",
    "SL": "i",
    "UV": "Q",
    "SV": "q",
    "FL": "f",
    "FD": "d",
    "AT": "HH",
}
# The dictionary leaves these open; None asks PixelRepresentation.
_AMBIGUOUS = {"US or SS": None, "OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}
# Bytes of a word of a binary value, which big-endian files have the other way round.
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "OB": 1, "UN": 1}
# Dates and times with the separators that they had before DICOM 3.
_LONGEST = {**MAX_VALUE_LEN, "AS": 4, "DA": 10, "DT": 26, "PN": 64, "TM": 16}
_IN_THE_CHARACTER_SET = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_MAY_CONTAIN_BACKSLASHES = frozenset({"LT", "ST", "UR", "UT"})
# The service keeps the padding of numbers that are text, and of nothing else.
_PADDING_KEPT = frozenset({"DS", "IS"})

_FILE_META_GROUP, _TRAILING_PADDING_GROUP = 0x0002, 0xFFFC


class TooDeep(ValueError):
    """Sequences in sequences, more than `MAX_DEPTH`."""


@define
class Reader:
    """Reads the elements of one instance, and remembers what it has to say about them."""

    is_signed: bool = False
    """PixelRepresentation, on which the type of some numbers depends."""
    vrs: dict[str, str] = field(factory=dict[str, str])
    """Value representations of what has no keyword: `DICOMVRs`."""
    warnings: list[DataWarning] = field(factory=list[DataWarning])

    def attributes(
        self, dataset: Dataset, encodings: Sequence[str] = ("iso8859",), depth: int = 0
    ) -> Attributes:
        if depth > MAX_DEPTH:
            raise TooDeep
        if "SpecificCharacterSet" in dataset:
            encodings = convert_encodings(dataset.SpecificCharacterSet)
        attributes: Attributes = {}
        for tag in sorted(dataset.keys()):
            if _says_nothing(tag):
                continue
            key = keyword_for_tag(tag)
            if not key or key in attributes:  # private, unknown, or of a repeating group
                key = f"{tag:08X}"
            attributes[key] = self._value(dataset, tag, key, encodings, depth)
        return attributes

    def _value(
        self, dataset: Dataset, tag: BaseTag, key: str, encodings: Sequence[str], depth: int
    ) -> DICOMValue:
        # pydicom's annotation knows of converted elements only.
        element = cast("DataElement | RawDataElement", dataset.get_item(tag))
        vr = self._vr(element, dataset)
        if key == f"{tag:08X}":
            self.vrs.setdefault(key, vr)
        if key in PIXEL_KEYWORDS:
            return None
        if vr == "SQ":
            items = dataset[tag].value
            return [self.attributes(item, encodings, depth + 1) for item in items] or None
        if isinstance(element, DataElement):
            return _converted(element)
        data = element.value or b""
        order = "<" if element.is_little_endian else ">"
        if vr in _WORDS:
            return _base64(data, _WORDS[vr] if order == ">" else 1)
        if vr in _NUMBERS:
            return self._numbers(key, vr, data, order)
        is_foreign = vr in _IN_THE_CHARACTER_SET
        text = _decoded(data, vr, encodings) if is_foreign else data.decode("latin-1")
        self._check_length(key, vr, text)
        return _texts(key, vr, text)

    def _check_length(self, key: str, vr: str, text: str) -> None:
        parts = [text] if vr in _MAY_CONTAIN_BACKSLASHES else text.split("\\")
        if vr == "PN":  # the limit is of each of its groups
            parts = text.replace("=", "\\").split("\\")
        longest = max(len(each.rstrip("\0 ")) for each in parts)
        if longest > _LONGEST.get(vr, longest):
            message = f"A value of {key} is longer than its VR {vr} allows."
            self.warnings.append(DataWarning(Reason.INVALID_VALUE_LENGTH, message))

    def _vr(self, element: DataElement | RawDataElement, dataset: Dataset) -> str:
        if isinstance(element, DataElement):
            return str(element.VR)
        found: dict[str, str] = {}
        raw_element_vr(element, found, ds=dataset)
        vr = str(found["VR"])
        return _AMBIGUOUS.get(vr, vr) or ("SS" if self.is_signed else "US")

    def _numbers(self, key: str, vr: str, data: bytes, order: str) -> DICOMValue:
        code = order + _NUMBERS[vr]
        if len(data) % struct.calcsize(code):
            message = f"The length of {key} does not fit its VR {vr}."
            self.warnings.append(DataWarning(Reason.INVALID_VALUE_LENGTH, message))
            return None
        numbers = list(struct.iter_unpack(code, data))
        if vr == "AT":
            return _one_or_more(key, [f"{group:04X}{element:04X}" for group, element in numbers])
        # JSON has no NaN.
        return _one_or_more(
            key, [each if math.isfinite(each) else str(each) for (each,) in numbers]
        )


def _says_nothing(tag: BaseTag) -> bool:
    is_group_length = tag.element == 0 and tag.group != _FILE_META_GROUP
    return is_group_length or tag.group == _TRAILING_PADDING_GROUP


def _one_or_more(key: str, values: Sequence[DICOMValue]) -> DICOMValue:
    """A list where the dictionary allows several values, however many there are."""
    if len(values) == 1 and not vm_is_multiple(key):
        return values[0]
    return list(values) or None


def _texts(key: str, vr: str, text: str) -> DICOMValue:
    padding = "\0" if vr in _PADDING_KEPT else "\0 "
    if not text.strip("\0 "):
        return None
    can_be_several = vm_is_multiple(key) or not is_standard(key)
    if vr in _MAY_CONTAIN_BACKSLASHES or not can_be_several:
        return text.rstrip(padding)
    return _one_or_more(key, [each.rstrip(padding) or None for each in text.split("\\")])


def _decoded(data: bytes, vr: str, encodings: Sequence[str]) -> str:
    # PS3.5, 6.1.2.5.3: these go back to the first character set.
    delimiters = {0x09, 0x0A, 0x0C, 0x0D} | ({0x5E} if vr == "PN" else {0x5C})
    groups = data.split(b"=") if vr == "PN" else [data]
    text = "=".join(decode_bytes(group, encodings, delimiters) for group in groups)
    # Some encodings that Python knows make halves of surrogate pairs, which no JSON can hold.
    return text.encode(errors="replace").decode()


def _base64(data: bytes, word: int) -> str | None:
    if word > 1:
        data = b"".join(data[at : at + word][::-1] for at in range(0, len(data), word))
    return base64.b64encode(data).decode() or None


def _converted(element: DataElement) -> DICOMValue:
    """An element that pydicom had to understand before we could see its bytes."""
    value = element.value
    if value is None or value == "":
        return None
    if isinstance(value, bytes):
        return _base64(value, 1)
    if isinstance(value, int):
        return value
    values = list(cast("MultiValue[object]", value)) if isinstance(value, MultiValue) else [value]
    return _one_or_more(keyword_for_tag(element.tag), [str(each) or None for each in values])
