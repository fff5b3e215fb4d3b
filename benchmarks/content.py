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
    numbers = [round(chance.uniform(-400, 400), 4) for _ in range(9)]
    attributes: dict[str, object] = {
        "SOPInstanceUID": uid,
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "InstanceNumber": str(number),
        "ImagePositionPatient": numbers[:3],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "SliceLocation": numbers[3],
        "PixelSpacing": ["0.7421875", "0.7421875"],
        "WindowCenter": ["40.00000", "-600.00000"],
        "WindowWidth": ["400.00000", "1200.00000"],
        "ContentTime": f"{chance.randrange(240000):06d}.{chance.randrange(1000):03d}000",
        "XRayTubeCurrent": str(chance.randrange(100, 500)),
        "00091002": {"vr": "UN", "Value": numbers[4:6]},
    }
    plain = ["Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"]
    plain += ["SamplesPerPixel", "KVP", "Exposure", "SliceThickness", "TableHeight", "GantryTilt"]
    attributes |= {name: chance.randrange(0, 1024) for name in plain}
    frame_id = f"{chance.getrandbits(124):032x}"
    checksums = [
        {"Width": side, "Height": side, "Checksum": chance.getrandbits(32)}
        for side in (128, 256, 512)
    ]
    return {
        "DICOM": attributes,
        "DICOMVRs": {"00091002": "UN", "00091003": "LO"},
        "StoredTransferSyntaxUID": "1.2.840.10008.1.2.4.202",
        "ImageFrames": [
            {
                "ID": frame_id,
                "PixelDataChecksumFromBaseToFullResolution": checksums,
                "MinPixelValue": -2048,
                "MaxPixelValue": chance.randrange(1000, 4000),
                "FrameSizeInBytes": 512 * 512 * 2,
            }
        ],
    }


_ANSWERS: dict[str, Callable[[int], dict[str, bytes]]] = {
    "settled": _settled,
    "locked": _locked,
    "versions": _versions,
    "frame": _frame,
    "document": _metadata,
}
