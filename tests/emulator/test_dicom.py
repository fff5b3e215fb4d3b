"""DICOM files as instances, compared with the files themselves and with pydicom's reading."""

import json
import logging
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread  # pyright: ignore[reportUnknownVariableType] - a bare PathLike
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from healthimaging_sdk.emulator._dicom.instance import (
    MAX_LENGTHS,
    DicomInstance,
    UnreadableFile,
    grouping_key,
    read_instance,
)
from healthimaging_sdk.emulator._dicom.levels import Level, is_standard, level_of
from healthimaging_sdk.metadata import Attributes

DATA = Path(pydicom.__file__).parent / "data"
FILES = DATA / "test_files"


def attributes_of(instance: DicomInstance) -> Attributes:
    return {**instance.patient, **instance.study, **instance.series, **instance.instance}


def data_set(**elements: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.StudyInstanceUID = "1.2.1"
    dataset.SeriesInstanceUID = "1.2.2"
    dataset.SOPInstanceUID = "1.2.3"
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def as_file(dataset: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def as_file_of(dataset: Dataset) -> bytes:
    """Without what pydicom checks about an instance."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    buffer = DicomBytesIO(b"\0" * 128 + b"DICM")
    buffer.seek(0, 2)
    write_file_meta_info(buffer, meta)
    body = BytesIO()
    dataset.save_as(body, implicit_vr=False, little_endian=True)
    return buffer.getvalue() + body.getvalue()


def read(dataset: Dataset) -> DicomInstance:
    return read_instance(as_file(dataset))


# ── Every file of the pydicom wheel ───────────────────────────────────────────


def read_or_reason(path: Path) -> tuple[DicomInstance | None, str | None]:
    try:
        return read_instance(path), None
    except UnreadableFile as refusal:
        return None, refusal.message


NOT_READ = {
    "DICOMDIR": "A DICOMDIR is a directory of files, not an instance",
    "README": "DICOM attributes does not exist",
    "zipMR.gz": "DICOM attributes does not exist",
    "no_meta.dcm": "DICOM attributes does not exist",
    "meta_missing_tsyntax.dcm": "DICOM attribute TransferSyntaxUID does not exist",
    "UN_sequence.dcm": "DICOM attribute StudyInstanceUID does not exist",
}


@pytest.mark.parametrize(
    "path",
    [each for each in sorted(DATA.rglob("*")) if each.is_file() and each.suffix != ".pyc"],
    ids=lambda path: str(path.relative_to(DATA)),
)
def test_a_file_is_read_into_a_document_or_refused_with_a_reason(path: Path) -> None:
    instance, reason = read_or_reason(path)
    assert reason == NOT_READ.get(path.name, reason)
    if instance is None:
        assert reason
        return
    document = {**attributes_of(instance), "instance": instance.document()}
    json.dumps(document, allow_nan=False).encode()
    for level, attributes in (
        (Level.PATIENT, instance.patient),
        (Level.STUDY, instance.study),
        (Level.SERIES, instance.series),
        (Level.INSTANCE, instance.instance),
    ):
        assert {level_of(key) for key in attributes} <= {level}


def test_the_document_of_a_ct_is_as_the_service_writes_it() -> None:
    instance = read_instance(FILES / "CT_small.dcm")
    assert instance.patient["PatientName"] == "CompressedSamples^CT1"
    assert instance.patient["PatientBirthDate"] is None
    assert instance.study["PatientAge"] == "000Y"
    assert instance.study["StudyInstanceUID"] == instance.study_instance_uid
    assert instance.series["SeriesNumber"] == "1 ", "the padding of numbers is kept"
    assert instance.series["SoftwareVersions"] == ["05"], "several are possible"

    document = instance.document()
    assert set(document) == {
        "DICOM",
        "DICOMVRs",
        "StoredTransferSyntaxUID",
        "ChecksumType",
        "ImageFrames",
    }
    dicom = document["DICOM"]
    assert dicom["TransferSyntaxUID"] == "1.2.840.10008.1.2.1", "the original one"
    assert document.get("StoredTransferSyntaxUID") == "1.2.840.10008.1.2.4.202"
    assert document.get("ChecksumType") == "DECOMPRESSED"
    assert dicom["FileMetaInformationVersion"] == "AAE="
    assert dicom["Rows"] == 128
    assert dicom["KVP"] == "120 "
    assert dicom["PixelSpacing"] == ["0.661468", "0.661468 "]
    assert dicom["ImageType"] == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert dicom["PixelData"] is None
    assert dicom["00191003"] == "373.750000"
    assert document.get("DICOMVRs", {})["00191003"] == "DS"
    assert len(document.get("ImageFrames", [])) == 1


@pytest.mark.parametrize("twin", ["MR_small_implicit", "MR_small_bigendian"])
def test_the_encoding_of_a_file_makes_no_difference(twin: str) -> None:
    def body(name: str) -> Attributes:
        attributes = attributes_of(read_instance(FILES / f"{name}.dcm"))
        return {
            key: value
            for key, value in attributes.items()
            if is_standard(key) and Tag(key).group != 2 and key != "ImageComments"
        }

    assert body(twin) == body("MR_small")


@pytest.mark.parametrize(
    "path", sorted((DATA / "charset_files").glob("*.dcm")), ids=lambda path: path.stem
)
def test_names_are_decoded_as_their_character_set_says(path: Path) -> None:
    try:
        instance = read_instance(path)
    except UnreadableFile:
        pytest.skip("it lacks the UIDs of an instance")
    expected = str(dcmread(path).PatientName)
    assert str(instance.patient["PatientName"]).rstrip("=") == expected.rstrip("=")


def test_objects_without_pixels_have_no_frames() -> None:
    for name in ("reportsi.dcm", "rtplan.dcm", "waveform_ecg.dcm"):
        instance = read_instance(FILES / name)
        assert instance.frames == ()
        assert instance.document().get("ImageFrames") == []
        assert "PixelData" not in instance.instance


# ── Values ────────────────────────────────────────────────────────────────────


def test_lists_follow_the_dictionary_and_not_the_count() -> None:
    attributes = attributes_of(
        read(data_set(WindowCenter="40", SliceThickness="2.5", OtherPatientNames=["A^B", "C^D"]))
    )
    assert attributes["WindowCenter"] == ["40"]
    assert attributes["SliceThickness"] == "2.5 "
    assert attributes["OtherPatientNames"] == ["A^B", "C^D"]


def test_what_is_empty_is_null() -> None:
    attributes = attributes_of(
        read(data_set(AccessionNumber="", ImageType=None, ReferencedImageSequence=Sequence()))
    )
    assert attributes["AccessionNumber"] is None
    assert attributes["ImageType"] is None
    assert attributes["ReferencedImageSequence"] is None
    several = attributes_of(read(data_set(ImageType=["A", "", "B"])))
    assert several["ImageType"] == ["A", None, "B"]


def test_numbers_texts_and_binaries_have_their_json_types() -> None:
    dataset = data_set(
        RecommendedDisplayFrameRateInFloat=1.5,
        Rows=7,
        ReferencePixelX0=-3,
        FrameIncrementPointer=[Tag("FrameTime"), Tag("FrameTimeVector")],
        RedPaletteColorLookupTableData=b"\x01\x02",
        StudyComments="a\\b",
        ModifyingSystem="x",
    )
    dataset.add_new("EventTimeOffset", "FD", [0.5])
    attributes = attributes_of(read(dataset))
    assert attributes["RecommendedDisplayFrameRateInFloat"] == 1.5
    assert attributes["Rows"] == 7
    assert attributes["ReferencePixelX0"] == -3
    assert attributes["FrameIncrementPointer"] == ["00181063", "00181065"]
    assert attributes["RedPaletteColorLookupTableData"] == "AQI="
    assert attributes["StudyComments"] == "a\\b", "a backslash in a long text separates nothing"


def test_words_of_big_endian_files_are_turned_round() -> None:
    dataset = data_set(Rows=None)
    dataset.add_new("RedPaletteColorLookupTableData", "OW", b"\x01\x02\x03\x04")
    instance = read_instance(as_file(dataset, ExplicitVRBigEndian))
    assert instance.instance["RedPaletteColorLookupTableData"] == "AgEEAw=="
    assert instance.instance["Rows"] is None


def test_what_json_cannot_hold_becomes_text() -> None:
    dataset = data_set()
    dataset.add_new("EventTimeOffset", "FD", float("nan"))
    assert attributes_of(read(dataset))["EventTimeOffset"] == "nan"


def test_sequences_are_lists_of_objects() -> None:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.9"
    attributes = attributes_of(read(data_set(ReferencedImageSequence=Sequence([item, Dataset()]))))
    assert attributes["ReferencedImageSequence"] == [{"ReferencedSOPInstanceUID": "1.2.9"}, {}]


def test_ambiguous_numbers_follow_the_pixel_representation() -> None:
    for signed, expected in ((0, 65535), (1, -1)):
        dataset = data_set(PixelRepresentation=signed)
        dataset.add_new("SmallestImagePixelValue", "SS", -1)
        if not signed:
            dataset.add_new("SmallestImagePixelValue", "US", 65535)
        instance = read_instance(as_file(dataset, ImplicitVRLittleEndian))
        assert instance.instance["SmallestImagePixelValue"] == expected


def test_private_elements_and_repeating_groups_have_hexadecimal_keys_and_vrs() -> None:
    dataset = data_set()
    block = dataset.private_block(0x0019, "SOMEBODY", create=True)
    block.add_new(0x01, "DS", "1.5")
    block.add_new(0x02, "UN", b"\x00\xff")
    dataset.add_new(0x60000010, "US", 3)
    dataset.add_new(0x60020010, "US", 5)
    instance = read(dataset)
    assert instance.instance["00190010"] == "SOMEBODY"
    assert instance.instance["00191001"] == "1.5 "
    assert instance.instance["00191002"] == "AP8="
    assert instance.instance["OverlayRows"] == 3
    assert instance.instance["60020010"] == 5
    assert instance.vrs == {
        "00190010": "LO",
        "00191001": "DS",
        "00191002": "UN",
        "60020010": "US",
    }


def test_a_number_of_the_wrong_length_is_null_with_a_warning() -> None:
    data = as_file(data_set(Rows=7)).replace(
        b"\x28\x00\x10\x00US\x02\x00\x07\x00", b"\x28\x00\x10\x00US\x03\x00\x07\x00\x00"
    )
    instance = read_instance(data)
    assert instance.instance["Rows"] is None
    assert [each.document()["warning_reason_code"] for each in instance.warnings] == [0xB202]


@pytest.mark.parametrize(
    ("attributes", "count"),
    [
        ({"StudyID": "x" * 17}, 1),
        ({"StudyID": "x" * 16 + " "}, 0),
        ({"PatientName": f"{'x' * 64}={'y' * 64}"}, 0),
        ({"PatientName": f"x={'y' * 65}"}, 1),
        ({"ImageType": ["x" * 16] * 3}, 0),
        ({"ImageType": ["x", "y" * 17, "z" * 17]}, 1),
        ({"StudyDate": "2024.01.02"}, 0),
        ({"StudyDate": "2 January 2024"}, 1),
    ],
)
def test_a_text_longer_than_its_vr_allows_is_a_warning(attributes: Any, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = as_file(data_set(**attributes))
    told = read_instance(data).warnings
    assert [each.document()["warning_reason_code"] for each in told] == [0xB202] * count
    assert "x" not in "".join(each.message for each in told)


def test_a_uid_that_is_none_is_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = as_file(data_set(SOPInstanceUID="1.2..3"))
        leading_zero = as_file(data_set(SOPInstanceUID="1.02.3"))
    reasons = [each.reason.type for each in read_instance(wrong).warnings]
    assert reasons == ["InvalidUidFormat"]
    assert read_instance(leading_zero).warnings == (), "the service takes them"


def test_sequences_deeper_than_any_reader_goes_are_refused() -> None:
    dataset = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.ContentSequence = Sequence([dataset])
        dataset = outer
    with pytest.raises(UnreadableFile, match="TooDeep"):
        read(data_set(ContentSequence=Sequence([dataset])))


def test_instances_are_grouped_by_the_seven_attributes() -> None:
    one = read(data_set(SOPInstanceUID="1.2.3.1", InstanceNumber="1", SeriesNumber="4"))
    two = read(data_set(SOPInstanceUID="1.2.3.2", InstanceNumber="2", SeriesNumber="4"))
    other = read(data_set(SOPInstanceUID="1.2.3.3", SeriesNumber="5"))
    assert grouping_key(one) == grouping_key(two) != grouping_key(other)


def test_whatever_vr_a_file_gives_its_instance_can_be_grouped() -> None:
    dataset = data_set()
    dataset.add_new("PatientID", "SQ", [Dataset()])
    assert hash(grouping_key(read(dataset)))
    dataset.add_new("SOPInstanceUID", "SQ", [Dataset()])
    with pytest.raises(UnreadableFile, match="SOPInstanceUID does not exist"):
        read_instance(as_file_of(dataset))


# ── Refusals ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("uid", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_an_instance_without_its_uids_is_refused(uid: str) -> None:
    dataset = data_set()
    assert read_instance(as_file_of(dataset))
    del dataset[uid]
    with pytest.raises(UnreadableFile, match=f"DICOM attribute {uid} does not exist"):
        read_instance(as_file_of(dataset))


@pytest.mark.parametrize(("keyword", "limit"), sorted(MAX_LENGTHS.items()))
def test_an_element_longer_than_the_service_takes_is_refused(keyword: str, limit: int) -> None:
    character = "1" if keyword.endswith(("UID", "Date", "Time")) else "A"
    dataset = data_set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        setattr(dataset, keyword, character * limit)
        assert read(dataset)
        setattr(dataset, keyword, character * (limit + 1))
        data = as_file(dataset)
    with pytest.raises(UnreadableFile, match=f"{keyword} is longer than {limit} characters"):
        read_instance(data)


@pytest.mark.parametrize("count", ["1000001", "-1"])
def test_a_count_larger_than_the_service_takes_is_refused(count: str) -> None:
    assert read(data_set(NumberOfStudyRelatedSeries="1000000"))
    with pytest.raises(UnreadableFile, match="NumberOfStudyRelatedSeries"):
        read(data_set(NumberOfStudyRelatedSeries=count))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_instance(tmp_path / "gone.dcm")
    assert caught.value.exception_type == "AccessDeniedException"


# ── Any bytes ─────────────────────────────────────────────────────────────────

SMALL_FILES = [
    (FILES / name).read_bytes()
    for name in (
        "MR_small_RLE.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_jp2klossless.dcm",
        "rtplan.dcm",
        "reportsi.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "rtdose_expb.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "nested_priv_SQ.dcm",
    )
]


def _read_or_refuse(data: bytes) -> None:
    try:
        instance = read_instance(data)
    except UnreadableFile:
        return
    json.dumps(
        [attributes_of(instance), instance.document()], allow_nan=False, ensure_ascii=False
    ).encode()


@given(st.binary(max_size=400), st.booleans())
def test_arbitrary_bytes_are_read_or_refused(data: bytes, has_preamble: bool) -> None:
    _read_or_refuse(b"\0" * 128 + b"DICM" + data if has_preamble else data)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    original = bytearray(data.draw(st.sampled_from(SMALL_FILES)))
    # Most of what can go wrong is in the elements, before the pixels.
    places = st.integers(128, min(len(original), 4000) - 1)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(places)
        original[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    if data.draw(st.booleans()):
        del original[data.draw(places) :]
    _read_or_refuse(bytes(original))


def test_a_file_whose_header_has_a_wrong_length_is_refused() -> None:
    """Of pydicom's exceptions, this one is no ValueError."""
    data = as_file(data_set()).replace(b"UL\x04\x00", b"UL\x07\x00", 1)
    with pytest.raises(UnreadableFile, match="not readable as DICOM P10"):
        read_instance(data)


def test_what_a_file_holds_reaches_no_log_and_no_warning(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """pydicom quotes values that it finds invalid."""
    data = as_file(data_set(PatientID="CANARY", StudyDate="20240101", NumberOfFrames="1"))
    damaged = data.replace(b"20240101", b"CANARY!!").replace(b"IS\x02\x001 ", b"IS\x02\x00!C")
    damaged = damaged.replace(b"1.2.1\0", b"CANARY")
    with caplog.at_level(logging.DEBUG):
        assert read_instance(damaged).study["StudyDate"] == "CANARY!!"
        warnings.warn("still heard", UserWarning, stacklevel=1)
        read_instance(FILES / "JPEG2000-embedded-sequence-delimiter.dcm")
    assert "CANARY" not in caplog.text
    assert [str(each.message) for each in recwarn] == ["still heard"]


def test_pydicom_s_log_is_quiet_only_while_the_emulator_reads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    read_instance(FILES / "CT_small.dcm")
    logging.getLogger("pydicom").warning("from the user's own reading")
    assert "from the user's own reading" in caplog.text
