"""The metadata document of an image set, as GetImageSetMetadata returns it.

https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-image-sets.html

Keys inside `DICOM` are the keywords of DICOM PS3.6 (`StudyID`, not the API's `DICOMStudyId`),
or eight hexadecimal digits for private elements.
"""

from typing import NotRequired, TypedDict, cast

from healthimaging_sdk._json import NotJSON, loads
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
    Instances: dict[str, Instance]


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


def parse_document(blob: bytes) -> MetadataDocument:
    try:
        document = loads(blob)
    except NotJSON as error:
        raise ResponseDecodeError(f"the metadata document is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise ResponseDecodeError("the metadata document is not a JSON object")
    return cast("MetadataDocument", document)  # the service's structure is not checked further
