"""The page for people: what is on it, and what can never be."""

import http.client
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import imagecodecs
import numpy as np
import pytest
from account import ROLE, Account, boto3_client
from attrs import define, field
from botocore.exceptions import BotoCoreError
from dicom_files import write_instance
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from healthimaging_sdk.emulator import Emulator, Fault, FaultKind, sample_datasets

EVIL = "<script>alert('x')</script>"


@define
class Seen(HTMLParser):
    """The tags, their attributes and the text of a page."""

    tags: list[str] = field(factory=list[str])
    attributes: list[tuple[str, str | None]] = field(factory=list[tuple[str, str | None]])
    words: list[str] = field(factory=list[str])

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def pictures(self) -> list[str]:
        return [value for name, value in self.attributes if name == "src" and value]


Answer = tuple[int, dict[str, str], bytes]


def get(emulator: Emulator, path: str, **headers: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint_url).netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    connection.close()
    return answer


def look(emulator: Emulator) -> Seen:
    status, headers, body = get(emulator, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    seen = Seen()
    seen.feed(body.decode())
    return seen


@pytest.fixture
def seeded(account: Account) -> Account:
    account.emulator.seed(account.datastore_id, sample_datasets().values())
    return account


def test_an_empty_emulator_has_a_page(emulator: Emulator) -> None:
    assert "There is no data store yet." in look(emulator).text


def test_data_stores_image_sets_and_versions_are_shown(seeded: Account) -> None:
    first = seeded.image_set_ids()[0]
    seeded.update(first, 1, updates={"Study": {"DICOM": {"PatientSex": "O"}}})

    text = look(seeded.emulator).text

    assert seeded.datastore_id in text
    assert "5 image sets" in text
    for image_set_id in seeded.image_set_ids():
        assert image_set_id in text
    for shown in ("Sample^Synthetic", "SAMPLE-1", "Synthetic samples", "2 instances"):
        assert shown in text
    assert "UPDATE_FAILED · INVALID_REQUEST:" in text


def test_jobs_are_shown_with_their_messages(account: Account) -> None:
    write_instance(account.inbox)
    job = account.import_all(jobName="night-import")
    failed = account.client.start_dicom_import_job(
        datastoreId=account.datastore_id,
        dataAccessRoleArn=ROLE,
        inputS3Uri="s3://elsewhere/",
        outputS3Uri="s3://output/",
    )["jobId"]
    account.ended_job(failed)

    text = look(account.emulator).text

    assert "2 import jobs" in text
    for shown in (job["jobId"], "night-import", "COMPLETED", "FAILED", "A bucket does not exist."):
        assert shown in text


def test_the_latest_requests_are_shown(seeded: Account) -> None:
    with pytest.raises(seeded.client.exceptions.ResourceNotFoundException):
        seeded.get("0" * 32)

    text = look(seeded.emulator).text

    assert "CreateDatastore" in text
    assert "ResourceNotFoundException" in text
    assert "404" in text


def test_of_many_image_sets_only_the_latest_are_shown(account: Account) -> None:
    datasets = [sample_datasets()["ct-1.dcm"]] * 60

    def others() -> Iterator[Any]:
        for number, dataset in enumerate(datasets):
            dataset.SeriesInstanceUID = f"1.2.{number}"
            yield dataset

    account.emulator.seed(account.datastore_id, others())

    seen = look(account.emulator)
    assert "60 image sets, of which the latest 50" in seen.text
    assert len(seen.pictures) == 50


def test_names_are_shown_as_text_and_never_as_markup(account: Account) -> None:
    dataset = sample_datasets()["ct-1.dcm"]
    dataset.PatientID = f'{EVIL}"><img src=x onerror=y>'
    dataset.StudyDescription = EVIL
    account.emulator.seed(account.datastore_id, [dataset])

    seen = look(account.emulator)

    assert EVIL in seen.text
    assert "script" not in seen.tags
    assert all(not name.startswith("on") for name, _ in seen.attributes)
    assert len(seen.pictures) == 1


def test_nothing_is_loaded_from_elsewhere_and_no_script_may_run(seeded: Account) -> None:
    _, headers, body = get(seeded.emulator, "/")
    seen = look(seeded.emulator)
    policy = headers["content-security-policy"]

    assert b"http:" not in body
    assert b"https:" not in body
    assert {"script", "iframe", "form", "a"}.isdisjoint(seen.tags)
    assert all(path.startswith("/_emulator/thumbnail/") for path in seen.pictures)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_thumbnails_are_pictures_of_the_frames(seeded: Account) -> None:
    pictures = [get(seeded.emulator, path) for path in look(seeded.emulator).pictures]

    assert len(pictures) == 4  # the report has none
    shapes: list[tuple[int, ...]] = []
    for status, headers, body in pictures:
        pixels = imagecodecs.png_decode(body)
        shapes.append(pixels.shape)
        assert (status, headers["content-type"], pixels.dtype.name) == (200, "image/png", "uint8")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert (pixels.min(), pixels.max()) == (0, 255)
    assert sorted(shapes) == [(64, 64), (64, 64), (64, 64), (64, 64, 3)]


def test_a_large_image_gets_a_small_thumbnail(account: Account) -> None:
    dataset = sample_datasets()["ct-1.dcm"]
    dataset.Rows, dataset.Columns = 1_000, 700
    dataset.PixelData = np.arange(700_000, dtype="<u2").tobytes()
    account.emulator.seed(account.datastore_id, [dataset])

    (path,) = look(account.emulator).pictures
    pixels = imagecodecs.png_decode(get(account.emulator, path)[2])

    assert pixels.shape == (125, 88)


def test_a_frame_that_cannot_be_shown_has_no_thumbnail(account: Account) -> None:
    dataset = sample_datasets()["ct-1.dcm"]
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit, dataset.PixelData = 0, bytes(64 * 64 // 8)
    (image_set_id,) = account.emulator.seed(account.datastore_id, [dataset])
    ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
    ((_, instance),) = series["Instances"].items()
    frame_id = instance["ImageFrames"][0]["ID"]

    path = f"/_emulator/thumbnail/{account.datastore_id}/{image_set_id}/{frame_id}.png"
    assert get(account.emulator, path)[0] == 404
    assert look(account.emulator).pictures == []


def test_a_damaged_frame_is_not_found(account: Account) -> None:
    photo = sample_datasets()["photo.dcm"]
    photo.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    photo.PixelData = encapsulate([b"no JPEG at all"])
    photo["PixelData"].is_undefined_length = True
    account.emulator.seed(account.datastore_id, [photo])

    (path,) = look(account.emulator).pictures
    assert get(account.emulator, path)[0] == 404


@pytest.mark.parametrize(
    ("photometric_interpretation", "first_pixel"),
    [("RGB", (10, 128, 128)), ("YBR_FULL", (10, 10, 10))],
)
def test_a_thumbnail_has_the_colours_that_the_data_set_means(
    account: Account, photometric_interpretation: str, first_pixel: tuple[int, ...]
) -> None:
    photo = sample_datasets()["photo.dcm"]
    photo.PhotometricInterpretation = photometric_interpretation
    photo.PixelData = bytes((10, 128, 128)) * (64 * 64)
    account.emulator.seed(account.datastore_id, [photo])

    (path,) = look(account.emulator).pictures
    pixels = imagecodecs.png_decode(get(account.emulator, path)[2])

    assert tuple(pixels[0, 0]) == first_pixel


def test_a_jpeg_is_shown_in_the_colours_that_it_decodes_to(account: Account) -> None:
    photo = sample_datasets()["photo.dcm"]
    red = np.full((64, 64, 3), (200, 0, 0), dtype=np.uint8)
    photo.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    photo.PhotometricInterpretation = "YBR_FULL_422"
    photo.PixelData = encapsulate([bytes(imagecodecs.jpeg8_encode(red, level=100))])
    photo["PixelData"].is_undefined_length = True
    account.emulator.seed(account.datastore_id, [photo])

    (path,) = look(account.emulator).pictures
    pixels = imagecodecs.png_decode(get(account.emulator, path)[2])

    assert np.abs(pixels[0, 0].astype(int) - (200, 0, 0)).max() < 5


def test_monochrome1_is_shown_inverted(account: Account) -> None:
    dataset = sample_datasets()["ct-1.dcm"]
    dataset.PhotometricInterpretation = "MONOCHROME1"
    account.emulator.seed(account.datastore_id, [dataset])

    (path,) = look(account.emulator).pictures
    pixels = imagecodecs.png_decode(get(account.emulator, path)[2])

    assert (pixels[0, 0], pixels[32, 32]) == (255, 0)


def test_a_new_image_set_whose_copy_failed_is_shown_without_content(seeded: Account) -> None:
    nothing: dict[str, Any] = {"Study": {"Series": {"1.2": {"Instances": {"3": {}}}}}}
    copy = seeded.copy(seeded.image_set_ids()[0], selection=nothing)

    text = look(seeded.emulator).text
    assert copy["imageSetId"] in text
    assert "COPY_FAILED · INVALID_REQUEST:" in text


def test_a_request_without_an_answer_is_shown_with_its_fault(account: Account) -> None:
    account.emulator.faults.add(Fault(operation="ListDatastores", kind=FaultKind.LOST))
    with pytest.raises(BotoCoreError):
        account.client.list_datastores()

    text = look(account.emulator).text
    assert "fault: lost" in text
    assert "none" in text


def test_a_page_can_only_be_read(emulator: Emulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint_url).netloc, timeout=10)
    connection.request("POST", "/", body=b"")
    assert connection.getresponse().status == 404
    connection.close()


def test_a_thumbnail_needs_a_frame_that_is_there(seeded: Account) -> None:
    first = seeded.image_set_ids()[0]
    path = f"/_emulator/thumbnail/{seeded.datastore_id}/{first}/{'0' * 32}.png"
    assert get(seeded.emulator, path)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/_emulator/thumbnail/",
        f"/_emulator/thumbnail/{'0' * 32}/{'0' * 32}/{'0' * 32}.png",
        "/_emulator/thumbnail/../../etc/passwd",
        f"/_emulator/thumbnail/{'0' * 32}/..%2f/{'0' * 32}.png",
    ],
)
def test_a_thumbnail_of_nothing_is_not_found(emulator: Emulator, path: str) -> None:
    assert get(emulator, path)[0] == 404


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}], ids=str
)
@pytest.mark.parametrize("path", ["/", "/_emulator/thumbnail/"])
def test_pages_of_others_see_nothing(
    emulator: Emulator, path: str, headers: dict[str, str]
) -> None:
    assert get(emulator, path, **headers)[0] == 403


def test_looking_at_the_page_leaves_no_trace(seeded: Account) -> None:
    first = seeded.image_set_ids()[0]
    before = seeded.get(first)["lastAccessedAt"]
    asked = len(seeded.emulator.journal.entries())

    for path in ("/", *look(seeded.emulator).pictures):
        get(seeded.emulator, path)

    assert len(seeded.emulator.journal.entries()) == asked
    assert (
        boto3_client(seeded.emulator).get_image_set(
            datastoreId=seeded.datastore_id, imageSetId=first
        )["lastAccessedAt"]
        == before
    )
