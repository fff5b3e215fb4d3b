"""The canned answers of the benchmark's server: files below a folder, at the paths of requests.

A server that only has files cannot look into a request's body. So an image set's id says what
comes back: `image_set_id("frame", 64)` has frames of 64 KiB.
"""

import gzip
import json
import random
from pathlib import Path

DATASTORE_ID = "d" * 32
NOW = 1_764_547_200.25
PAGE = 50
VERSIONS = 1000
FRAMES_KIB = (8, 64, 512)
DOCUMENTS_MB = (1, 20)

_CODES = {"settled": "a", "locked": "b", "frame": "f", "document": "e"}


def image_set_id(kind: str, size: int = 0) -> str:
    return f"{_CODES[kind]}{size:031d}"


def write_answers(folder: Path) -> None:
    """Writes what is missing: a folder is good for many runs."""
    if (folder / "complete").exists():
        return
    image_sets = folder / "datastore" / DATASTORE_ID / "imageSet"
    for kind, state, status in [("settled", "ACTIVE", "COPIED"), ("locked", "LOCKED", "COPYING")]:
        _write(image_sets / image_set_id(kind) / "getImageSet", _image_set(kind, state, status))
    for number, page in enumerate(_pages()):
        token = f"page{number}" if number else ""
        _write(image_sets / image_set_id("settled") / f"listImageSetVersions-{token}", page)
    for kib in FRAMES_KIB:
        frame = random.Random(kib).randbytes(kib * 1024)
        _write(image_sets / image_set_id("frame", kib) / "getImageFrame", frame)
    for megabytes in DOCUMENTS_MB:
        document = gzip.compress(_document(megabytes * 1_000_000), compresslevel=6, mtime=0)
        name = image_set_id("document", megabytes)
        _write(image_sets / name / "getImageSetMetadata", document)
    (folder / "complete").touch()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _image_set(kind: str, state: str, status: str) -> bytes:
    name = image_set_id(kind)
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


def _pages() -> list[bytes]:
    versions = [
        {
            "imageSetId": image_set_id("settled"),
            "versionId": str(number),
            "imageSetState": "ACTIVE",
            "ImageSetWorkflowStatus": "UPDATED",
            "createdAt": NOW,
            "updatedAt": NOW + number,
            "isPrimary": True,
        }
        for number in range(VERSIONS, 0, -1)
    ]
    pages: list[bytes] = []
    for start in range(0, VERSIONS, PAGE):
        page: dict[str, object] = {"imageSetPropertiesList": versions[start : start + PAGE]}
        if start + PAGE < VERSIONS:
            page["nextToken"] = f"page{start // PAGE + 1}"
        pages.append(json.dumps(page).encode())
    return pages


def _document(size: int) -> bytes:
    """A document as the service writes it, of about so many bytes: one CT series."""
    chance = random.Random(size)
    instances: dict[str, object] = {}
    root = "1.3.6.1.4.1.14519.5.2.1"
    written = 0
    while written < size:
        uid = f"{root}.{chance.getrandbits(80)}"
        instances[uid] = instance = _instance(uid, len(instances), chance)
        written += len(json.dumps(instance, separators=(",", ":"))) + len(uid) + 4
    study = {
        "DICOM": {"StudyDate": "20261101", "StudyDescription": "CT THORAX", "StudyID": "1"},
        "Series": {
            f"{root}.2": {"DICOM": {"Modality": "CT", "SeriesNumber": "2"}, "Instances": instances}
        },
    }
    document = {
        "SchemaVersion": "1.1",
        "DatastoreID": DATASTORE_ID,
        "ImageSetID": image_set_id("document"),
        "Patient": {"DICOM": {"PatientName": "MX^MX", "PatientSex": "O", "PatientID": "MX"}},
        "Study": study,
    }
    return json.dumps(document, separators=(",", ":")).encode()


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
