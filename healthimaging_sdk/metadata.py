"""The metadata document of an image set, as GetImageSetMetadata returns it.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-image-sets.html

Keys inside `DICOM` are the keywords of DICOM PS3.6 (`StudyID`, not the API's `DICOMStudyId`),
or eight hexadecimal digits for private elements.
"""

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict, cast

from healthimaging_sdk._json import JSONText, NotJSON, loads, split
from healthimaging_sdk.errors import ResponseDecodeError

DICOMValue = str | int | float | list["DICOMValue"] | dict[str, "DICOMValue"] | None
Attributes = dict[str, DICOMValue]


class ResolutionChecksum(TypedDict):
    """Width and height in pixels, and the CRC32 of the decoded bytes at that resolution."""

    Width: int
    Height: int
    Checksum: int


class ImageFrame(TypedDict):
    ID: str
    PixelDataChecksumFromBaseToFullResolution: list[ResolutionChecksum]
    MinPixelValue: int | None
    MaxPixelValue: int | None
    FrameSizeInBytes: int


class Instance(TypedDict):
    DICOM: Attributes
    DICOMVRs: NotRequired[dict[str, str]]
    StoredTransferSyntaxUID: NotRequired[str | None]
    ChecksumType: NotRequired[str]
    ImageFrames: NotRequired[list[ImageFrame]]


class Series(TypedDict):
    DICOM: Attributes
    Instances: Mapping[str, Instance]


class Study(TypedDict):
    DICOM: Attributes
    Series: dict[str, Series]


class Patient(TypedDict):
    DICOM: Attributes


class MetadataDocument(TypedDict):
    SchemaVersion: str
    DatastoreID: str
    ImageSetID: str
    Patient: Patient
    Study: Study


# Where the instances are in a document; `None` stands for every key, as there are many series.
_WAY_TO_INSTANCES = ("Study", "Series", None, "Instances")


class _UnparsedInstances(Mapping[str, Instance]):
    """Instances by SOP instance UID, each parsed when it is asked for, and every time anew."""

    def __init__(self, texts: Mapping[str, JSONText]) -> None:
        self._texts = texts

    def __getitem__(self, sop_instance_uid: str) -> Instance:
        return cast("Instance", _parse(self._texts[sop_instance_uid]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def parse_document(blob: bytes, *, lazy: bool = False) -> MetadataDocument:
    document = _parse_to_instances(blob, _WAY_TO_INSTANCES) if lazy else _parse(blob)
    if not isinstance(document, dict):
        raise ResponseDecodeError("the metadata document is not a JSON object")
    return cast("MetadataDocument", document)  # the service's structure is not checked further


def _parse(text: JSONText) -> object:
    try:
        return loads(text)
    except NotJSON as error:
        raise ResponseDecodeError(f"the metadata document is not JSON ({error})") from None


def _parse_to_instances(text: JSONText, way: tuple[str | None, ...]) -> object:
    members = split(text)
    if members is None:
        return _parse(text)
    if not way:
        return _UnparsedInstances(members)
    name, *rest = way
    return {
        key: _parse_to_instances(member, tuple(rest)) if name in (None, key) else _parse(member)
        for key, member in members.items()
    }
