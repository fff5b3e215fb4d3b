import pytest

from healthimaging_sdk.emulator._dicom.levels import (
    NEVER_UPDATABLE,
    Level,
    is_sequence,
    is_standard,
    level_of,
    vm_is_multiple,
    vr_of,
)


@pytest.mark.parametrize(
    ("attribute", "level"),
    [
        ("PatientName", Level.PATIENT),
        ("PatientSex", Level.PATIENT),
        ("PatientAge", Level.STUDY),
        ("PatientSize", Level.STUDY),
        ("PatientWeight", Level.STUDY),
        ("AccessionNumber", Level.STUDY),
        ("StudyInstanceUID", Level.STUDY),
        ("Manufacturer", Level.SERIES),
        ("ProtocolName", Level.SERIES),
        ("BodyPartExamined", Level.SERIES),
        ("FrameOfReferenceUID", Level.SERIES),
        ("PatientPosition", Level.SERIES),
        ("SOPInstanceUID", Level.INSTANCE),
        ("Rows", Level.INSTANCE),
        ("TransferSyntaxUID", Level.INSTANCE),
        ("00191001", Level.INSTANCE),
        ("NoSuchKeyword", Level.INSTANCE),
    ],
)
def test_an_attribute_has_the_level_that_the_service_documents(
    attribute: str, level: Level
) -> None:
    assert level_of(attribute) is level


def test_the_dictionary_tells_standard_attributes_from_others() -> None:
    assert is_standard("PatientName")
    assert not is_standard("00191001")
    assert not is_standard("PatientNickname")


def test_the_dictionary_gives_vr_and_vm() -> None:
    assert vr_of("PatientName") == "PN"
    assert vr_of("SmallestImagePixelValue") == "US or SS"
    assert vr_of("00191001") is None
    assert vm_is_multiple("WindowCenter")
    assert vm_is_multiple("ImageType")
    assert not vm_is_multiple("PatientName")
    assert not vm_is_multiple("00191001")
    assert is_sequence("RequestAttributesSequence")
    assert not is_sequence("PatientName")


def test_pixels_and_what_the_service_computes_are_never_updatable() -> None:
    assert {"PixelData", "Checksum", "ImageSetID"} <= NEVER_UPDATABLE
    assert "PatientName" not in NEVER_UPDATABLE
