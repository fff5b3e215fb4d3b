"""The canned answers of the benchmark's server: files below a folder, at the paths of requests.

A server that only has files cannot look into a request's body. So an image set's id says what
comes back: `image_set_id("frame", 64)` has frames of 64 KiB.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

DATASTORE_ID = "d" * 32
NOW = 1_764_547_200.25
PAGE = 50

_CODES = {"settled": "a", "locked": "b", "versions": "c", "frame": "f", "document": "e"}


def image_set_id(kind: str, size: int) -> str:
    return f"{_CODES[kind]}{size:031d}"


def write_answers(folder: Path, wanted: Iterable[tuple[str, int]]) -> None:
    """Writes what is missing: a folder is good for many runs."""
    image_sets = folder / "datastore" / DATASTORE_ID / "imageSet"
    for kind, size in wanted:
        place = image_sets / image_set_id(kind, size)
        if not place.exists():
            unfinished = place.with_suffix(".unfinished")
            unfinished.mkdir(parents=True, exist_ok=True)
            for name, content in _ANSWERS[kind](size).items():
                (unfinished / name).write_bytes(content)
            unfinished.rename(place)


def _settled(_: int) -> dict[str, bytes]:
    return {"getImageSet": _image_set("settled", "ACTIVE", "COPIED")}


def _locked(_: int) -> dict[str, bytes]:
    return {"getImageSet": _image_set("locked", "LOCKED", "COPYING")}


def _frame(kib: int) -> dict[str, bytes]:
    return {"getImageFrame": random.Random(kib).randbytes(kib * 1024)}


def _metadata(megabytes: int) -> dict[str, bytes]:
    document = _document(megabytes * 1_000_000)
    return {"getImageSetMetadata": gzip.compress(document, compresslevel=6, mtime=0)}


def _image_set(kind: str, state: str, status: str) -> bytes:
    name = image_set_id(kind, 0)
    arn = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{DATASTORE_ID}/imageset/{name}"
    return json.dumps(
        {
            "datastoreId": DATASTORE_ID,
            "imageSetId": name,
            "versionId": "7",
            "imageSetState": state,
            "imageSetWorkflowStatus": status,
            "createdAt": NOW,
            "updatedAt": NOW + 3600,
            "imageSetArn": arn,
            "isPrimary": True,
            "lastAccessedAt": NOW + 7200,
            "storageTier": "FREQUENT_ACCESS",
        }
    ).encode()


def _versions(count: int) -> dict[str, bytes]:
    """The newest first. The names are those that the server makes from a page's token."""
    pages: dict[str, bytes] = {}
    token = ""
    for start in range(0, count, PAGE):
        versions = [
            {
                "imageSetId": image_set_id("versions", count),
                "versionId": str(number),
                "imageSetState": "ACTIVE",
                "ImageSetWorkflowStatus": "UPDATED",
                "createdAt": NOW,
                "updatedAt": NOW + number,
                "isPrimary": True,
            }
            for number in range(count - start, max(0, count - start - PAGE), -1)
        ]
        page: dict[str, object] = {"imageSetPropertiesList": versions}
        name = f"listImageSetVersions-{token}"
        if start + PAGE < count:
            page["nextToken"] = token = f"page{start // PAGE + 1}"
        pages[name] = json.dumps(page).encode()
    return pages


def _document(size: int) -> bytes:
    """A document as the service writes it, of about so many bytes: one CT series."""
    chance = random.Random(size)
    root = "1.3.6.1.4.1.14519.5.2.1"
    instances: list[str] = []
    written = 0
    while written < size:
        uid = f"{root}.{chance.getrandbits(80)}"
        instances.append(f'"{uid}":{_compact(_instance(uid, len(instances), chance))}')
        written += len(instances[-1]) + 1
    series = {"DICOM": {"Modality": "CT", "SeriesNumber": "2"}, "Instances": {}}
    document = {
        "SchemaVersion": "1.1",
        "DatastoreID": DATASTORE_ID,
        "ImageSetID": image_set_id("document", size // 1_000_000),
        "Patient": {"DICOM": {"PatientName": "MX^MX", "PatientSex": "O", "PatientID": "MX"}},
        "Study": {
            "DICOM": {"StudyDate": "20261101", "StudyDescription": "CT THORAX", "StudyID": "1"},
            "Series": {f"{root}.2": series},
        },
    }
    before, after = _compact(document).split('"Instances":{}')
    return f'{before}"Instances":{{{",".join(instances)}}}{after}'.encode()


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _instance(uid: str, number: int, chance: random.Random) -> dict[str, object]:
    places = [chance.uniform(-400, 400) for _ in range(3)]
    moment = f"{chance.randrange(100_000, 180_000)}"
    own: dict[str, object] = {
        "MediaStorageSOPInstanceUID": uid,
        "SOPInstanceUID": uid,
        "AcquisitionTime": moment,
        "ContentTime": moment,
        "ExposureTime": str(chance.randrange(1000, 2000)),
        "XRayTubeCurrent": f"{chance.randrange(100, 500)} ",
        "InstanceNumber": str(number),
        "ImagePositionPatient": [f"{place:.6f}" for place in places],
        "SliceLocation": f"{places[-1]:.6f}",
        "SmallestImagePixelValue": -chance.randrange(1000, 2000),
        "LargestImagePixelValue": chance.randrange(1000, 4000),
        "00091027": chance.getrandbits(30),
        "000910E7": chance.getrandbits(30),
    }
    checksums = [
        {"Width": side, "Height": side, "Checksum": chance.getrandbits(32)}
        for side in (64, 128, 256, 512)
    ]
    return {
        "DICOM": _CT_SLICE | own,
        "DICOMVRs": {key: vr for key, (vr, _) in _PRIVATE.items()},
        "StoredTransferSyntaxUID": "1.2.840.10008.1.2.4.202",
        "ImageFrames": [
            {
                "ID": f"{chance.getrandbits(124):032x}",
                "PixelDataChecksumFromBaseToFullResolution": checksums,
                "MinPixelValue": own["SmallestImagePixelValue"],
                "MaxPixelValue": own["LargestImagePixelValue"],
                "FrameSizeInBytes": 512 * 512 * 2,
            }
        ],
    }


_PRIVATE: dict[str, tuple[str, object]] = {
    "00090010": ("LO", "GEMS_IDEN_01"),
    "00091001": ("LO", "GE_GENESIS_FF"),
    "00091002": ("SH", "CT01"),
    "00091004": ("SH", "HiSpeed CT/i"),
    "00091027": ("SL", None),
    "00091030": ("SH", None),
    "00091031": ("SH", None),
    "000910E6": ("SH", "05"),
    "000910E7": ("UL", None),
}

# What pydicom's CT_small.dcm has at this level, but for most of its private elements. Numbers
# that DICOM writes as text come as text.
_CT_SLICE: dict[str, object] = {
    "FileMetaInformationGroupLength": 192,
    "FileMetaInformationVersion": "AAE=",
    "MediaStorageSOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "TransferSyntaxUID": "1.2.840.10008.1.2.1",
    "ImplementationClassUID": "1.3.6.1.4.1.5962.2",
    "ImplementationVersionName": "DCTOOL100",
    "SourceApplicationEntityTitle": "CLUNIE1",
    "SpecificCharacterSet": ["ISO_IR 100"],
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "InstanceCreationDate": "20040119",
    "InstanceCreationTime": "072731",
    "InstanceCreatorUID": "1.3.6.1.4.1.5962.3",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "AcquisitionDate": "19970430",
    "ContentDate": "19970430",
    "TimezoneOffsetFromUTC": "-0500",
    **{key: value for key, (_, value) in _PRIVATE.items()},
    "ContrastBolusAgent": "ISOVUE300/100",
    "ScanOptions": ["HELICAL MODE"],
    "SliceThickness": "5.000000",
    "KVP": "120 ",
    "SpacingBetweenSlices": "5.000000",
    "DataCollectionDiameter": "480.000000",
    "ContrastBolusRoute": "IV",
    "ReconstructionDiameter": "338.671600",
    "DistanceSourceToDetector": "1099.3100585938 ",
    "DistanceSourceToPatient": "630.000000",
    "GantryDetectorTilt": "0.000000",
    "TableHeight": "133.699997",
    "Exposure": "170 ",
    "FilterType": "LARGE BOWTIE FIL",
    "FocalSpots": ["0.700000"],
    "ConvolutionKernel": ["STANDARD"],
    "AcquisitionNumber": "2 ",
    "ImageOrientationPatient": [
        "1.000000",
        "0.000000",
        "0.000000",
        "0.000000",
        "1.000000",
        "0.000000 ",
    ],
    "ImageComments": "Uncompressed",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 512,
    "Columns": 512,
    "PixelSpacing": ["0.661468", "0.661468 "],
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 1,
    "WindowCenter": ["40.00000", "-600.00000"],
    "WindowWidth": ["400.00000 ", "1200.00000"],
    "RescaleIntercept": "-1024 ",
    "RescaleSlope": "1 ",
    "PixelData": None,
}

_ANSWERS: dict[str, Callable[[int], dict[str, bytes]]] = {
    "settled": _settled,
    "locked": _locked,
    "versions": _versions,
    "frame": _frame,
    "document": _metadata,
}
