"""What UpdateImageSetMetadata allows, with and without force, by its documented table."""

from typing import Any

import pytest
from account import Account, refused
from dicom_files import SERIES, STUDY, instance_uid, write_instance
from held_time import HeldTime

INSTANCE = instance_uid(1)
INVALID = "INVALID_REQUEST:  "


def patient(**attributes: Any) -> Any:
    return {"SchemaVersion": 1.1, "Patient": {"DICOM": attributes}}


def study(**attributes: Any) -> Any:
    return {"SchemaVersion": "1.1", "Study": {"DICOM": attributes}}


def series(uid: str = SERIES, **attributes: Any) -> Any:
    return {"Study": {"Series": {uid: {"DICOM": attributes}}}}


def instance(uid: str = INSTANCE, vrs: Any = None, **attributes: Any) -> Any:
    found = {"DICOM": attributes} | ({"DICOMVRs": vrs} if vrs else {})
    return {"Study": {"Series": {SERIES: {"Instances": {uid: found}}}}}


PLAIN_EDITS = [
    pytest.param(patient(PatientName="MX^MX"), id="patient"),
    pytest.param(patient(PatientComments=None), id="empty value"),
    pytest.param(study(StudyDescription="CHEST"), id="study"),
    pytest.param(series(Modality="MR"), id="series"),
    pytest.param(instance(InstanceNumber="9"), id="instance"),
    pytest.param(instance(Rows=5), id="number"),
    pytest.param(series(FrameOfReferenceUID="1.02.3"), id="UID with a leading zero"),
    pytest.param(instance(ImageComments="any, text"), id="long text"),
]
FORCED_EDITS = [
    pytest.param(study(StudyID="8"), id="StudyID"),
    pytest.param(instance(**{"001910F9": "97"}, vrs={"001910F9": "DS"}), id="private"),
    pytest.param(instance(ReferencedImageSequence=[]), id="sequence"),
    pytest.param(instance(ImageType=["A", "B"]), id="several values"),
    pytest.param(patient(PatientBirthDate="x" * 19), id="too long"),
    pytest.param(instance(InstanceNumber=9), id="wrong type"),
    pytest.param(patient(PatientComments=["A", "B"]), id="list for a single value"),
    pytest.param(instance(Rows=70_000), id="out of range"),
    pytest.param(instance(NoSuchKeyword="1"), id="not in the dictionary"),
]
UID_EDITS = [
    pytest.param(study(StudyInstanceUID=f"{STUDY}.9"), id="study UID"),
    pytest.param(series(SeriesInstanceUID=f"{SERIES}.9"), id="series UID"),
    pytest.param(instance(SOPInstanceUID=f"{INSTANCE}.9"), id="instance UID"),
]
NEVER = [
    pytest.param(instance(PixelData="AAAA"), "PixelData cannot be updated.", id="pixels"),
    pytest.param(instance(Width=1), "Width cannot be updated.", id="computed"),
    pytest.param(
        patient(Modality="CT"), "Modality does not belong to the Patient level.", id="level"
    ),
    pytest.param(
        patient(**{"00091001": "x"}), "00091001 does not belong to the Patient level.", id="private"
    ),
    pytest.param(
        instance(PatientName="A"), "PatientName does not belong to the Instance level.", id="deeper"
    ),
    pytest.param(
        series("1.2.3", Modality="CT"), "The series is not in the image set.", id="series"
    ),
    pytest.param(
        instance("1.2.3", InstanceNumber="1"),
        "The instance is not in the image set.",
        id="instance",
    ),
    pytest.param(
        instance(**{"00091001": "x"}),
        "00091001 is new: its value representation is needed in DICOMVRs.",
        id="private without its VR",
    ),
    pytest.param(
        instance(vrs={"00091001": "LO"}),
        "DICOMVRs names an attribute that DICOM does not.",
        id="VR without its value",
    ),
]


@pytest.fixture
def copy_id(account: Account, image_set_id: str) -> str:
    """A non-primary image set."""
    copied: str = account.copy(image_set_id)["imageSetId"]
    return copied


@pytest.mark.parametrize("edit", PLAIN_EDITS)
def test_a_plain_edit_needs_no_force(account: Account, image_set_id: str, edit: Any) -> None:
    assert account.update(image_set_id, updates=edit)["imageSetWorkflowStatus"] == "UPDATED"


@pytest.mark.parametrize("edit", FORCED_EDITS + UID_EDITS)
def test_some_edits_of_a_non_primary_image_set_need_force(
    account: Account, copy_id: str, edit: Any
) -> None:
    without = account.update(copy_id, 1, updates=edit)
    with_force = account.update(copy_id, 2, updates=edit, force=True)

    assert without["imageSetWorkflowStatus"] == "UPDATE_FAILED"
    assert with_force["imageSetWorkflowStatus"] == "UPDATED"
    assert with_force["overrides"] == {"forced": True}


@pytest.mark.parametrize("edit", FORCED_EDITS)
def test_a_primary_image_set_takes_forced_edits_too(
    account: Account, image_set_id: str, edit: Any
) -> None:
    done = account.update(image_set_id, 1, updates=edit, force=True)

    assert done["imageSetWorkflowStatus"] == "UPDATED"


@pytest.mark.parametrize("edit", UID_EDITS)
def test_the_uids_of_a_primary_image_set_never_change(
    account: Account, image_set_id: str, edit: Any
) -> None:
    failed = account.update(image_set_id, 1, updates=edit, force=True)

    assert failed["imageSetWorkflowStatus"] == "UPDATE_FAILED"
    assert "primary image set" in failed["message"]


@pytest.mark.parametrize(("edit", "message"), NEVER)
def test_some_edits_are_never_possible(
    account: Account, copy_id: str, edit: Any, message: str
) -> None:
    failed = account.update(copy_id, 1, updates=edit, force=True)

    assert failed["imageSetWorkflowStatus"] == "UPDATE_FAILED"
    assert failed["message"] == INVALID + message


def test_changed_uids_name_the_series_and_the_instance_from_then_on(
    account: Account, copy_id: str
) -> None:
    new_series, new_instance = f"{SERIES}.9", f"{INSTANCE}.9"
    both = series(SeriesInstanceUID=new_series)
    both["Study"]["Series"][SERIES]["Instances"] = {
        INSTANCE: {"DICOM": {"SOPInstanceUID": new_instance}}
    }
    account.update(copy_id, 1, updates=both, force=True)

    found = account.document(copy_id)["Study"]["Series"]

    assert list(found) == [new_series]
    assert set(found[new_series]["Instances"]) == {new_instance, instance_uid(2)}


def test_two_instances_cannot_share_a_uid(account: Account, copy_id: str) -> None:
    failed = account.update(
        copy_id, 1, updates=instance(SOPInstanceUID=instance_uid(2)), force=True
    )

    assert failed["message"] == f"{INVALID}The image set has an instance of that SOPInstanceUID."


def test_a_uid_needs_the_form_of_one_even_with_force(account: Account, copy_id: str) -> None:
    failed = account.update(copy_id, 1, updates=instance(SOPInstanceUID="a/b"), force=True)

    assert failed["message"] == f"{INVALID}SOPInstanceUID needs a UID."


def test_a_private_element_is_changed_without_its_vr_and_removed(
    account: Account, copy_id: str
) -> None:
    tag = "001910F9"
    account.update(copy_id, 1, updates=instance(**{tag: "97"}, vrs={tag: "DS"}), force=True)
    account.update(copy_id, 2, updates=instance(**{tag: "98"}), force=True)
    found = account.document(copy_id)["Study"]["Series"][SERIES]["Instances"][INSTANCE]
    assert (found["DICOM"][tag], found["DICOMVRs"][tag]) == ("98", "DS")

    account.update(copy_id, 3, removals=instance(**{tag: ""}), force=True)

    found = account.document(copy_id)["Study"]["Series"][SERIES]["Instances"][INSTANCE]
    assert tag not in found["DICOM"]
    assert tag not in found["DICOMVRs"]


def test_an_attribute_is_removed_whatever_value_is_given(
    account: Account, image_set_id: str
) -> None:
    account.update(image_set_id, removals=study(StudyDescription="something else"))

    assert "StudyDescription" not in account.document(image_set_id)["Study"]["DICOM"]


def test_a_uid_is_not_removed(account: Account, copy_id: str) -> None:
    failed = account.update(copy_id, removals=study(StudyInstanceUID=""), force=True)

    assert failed["message"] == f"{INVALID}StudyInstanceUID cannot be removed."


def whole(uid: str = INSTANCE) -> Any:
    return {"Study": {"Series": {SERIES: {"Instances": {uid: {}}}}}}


def test_an_instance_that_is_not_there_is_not_removed(account: Account, image_set_id: str) -> None:
    failed = account.update(image_set_id, removals=whole("1.2.3"), force=True)

    assert failed["message"] == f"{INVALID}The instance is not in the image set."


def test_an_instance_is_removed_with_force_only(account: Account, image_set_id: str) -> None:
    without = account.update(image_set_id, 1, removals=whole())
    with_force = account.update(image_set_id, 2, removals=whole(), force=True)

    assert without["message"] == f"{INVALID}An instance can only be removed with force."
    assert with_force["imageSetWorkflowStatus"] == "UPDATED"
    left = account.document(image_set_id)["Study"]["Series"][SERIES]["Instances"]
    assert list(left) == [instance_uid(2)]


def test_neither_the_last_instance_nor_the_series_is_removed(
    account: Account, image_set_id: str
) -> None:
    account.update(image_set_id, 1, removals=whole(), force=True)
    last = account.update(image_set_id, 2, removals=whole(instance_uid(2)), force=True)
    entire = account.update(image_set_id, 3, removals=series(), force=True)

    assert last["message"].startswith(f"{INVALID}The last instance cannot be removed")
    assert entire["message"] == f"{INVALID}A series cannot be removed."


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not JSON",
        b"[]",
        b'{"Patient": 1}',
        b'{"Patient": {"DICOM": []}}',
        b'{"Patient": {"Name": "x"}}',
        b'{"Image": {}}',
        b'{"SchemaVersion": "2.0"}',
        b'{"Study": {"Series": {"1.2": {"Instance": {}}}}}',
        b'{"Study": {"Series": {"1.2": {"Instances": {"1.2": {"DICOMVRs": {"00091001": 1}}}}}}}',
        b'{"a":' * 2_000,
        b'{"Patient": {"DICOM": {"PatientName": %s}}}' % (b"[" * 200 + b"]" * 200),
    ],
)
def test_a_malformed_document_is_refused_at_once(
    account: Account, image_set_id: str, document: bytes
) -> None:
    status, code, _ = refused(account.start_update, image_set_id, updates=document)

    assert (status, code) == (400, "ValidationException")
    assert account.get(image_set_id)["versionId"] == "1"


def test_an_update_above_ten_kilobytes_is_beyond_the_quota(
    account: Account, image_set_id: str
) -> None:
    long = patient(PatientComments="x" * 5_200)

    status, code, _ = refused(account.start_update, image_set_id, updates=long, removals=long)

    assert (status, code) == (402, "ServiceQuotaExceededException")


def test_an_update_above_the_models_limit_is_malformed(account: Account, image_set_id: str) -> None:
    status, code, _ = refused(
        account.start_update, image_set_id, updates=patient(PatientComments="x" * 30_000)
    )

    assert (status, code) == (400, "ValidationException")


def test_an_update_of_nothing_is_refused(account: Account, image_set_id: str) -> None:
    status, code, _ = refused(account.start_update, image_set_id)

    assert (status, code) == (400, "ValidationException")


def test_a_reversion_is_a_new_version_with_the_old_content(
    account: Account, image_set_id: str
) -> None:
    account.update(image_set_id, 1, updates=patient(PatientName="A"))
    account.update(image_set_id, 2, updates=patient(PatientName="B"))

    reverted = account.update(image_set_id, 3, revert_to="1")

    assert (reverted["versionId"], reverted["imageSetWorkflowStatus"]) == ("4", "UPDATED")
    assert account.document(image_set_id)["Patient"]["DICOM"]["PatientName"] == "Doe^Jane"


@pytest.mark.parametrize("number", ["2", "3", "9"], ids=["failed", "latest", "absent"])
def test_a_reversion_needs_an_earlier_good_version(
    account: Account, image_set_id: str, number: str
) -> None:
    account.update(image_set_id, 1, updates=patient(Modality="CT"))
    account.update(image_set_id, 2, updates=patient(PatientName="B"))

    status, code, _ = refused(account.start_update, image_set_id, 3, revert_to=number)

    assert (status, code) == (400, "ValidationException")


# ── includeStudyImageSets ─────────────────────────────────────────────────────


@pytest.fixture
def study_ids(account: Account) -> tuple[str, str]:
    """Two primary image sets of one study."""
    write_instance(account.inbox, 1)
    write_instance(account.inbox, 1, SeriesInstanceUID=f"{STUDY}.2", SeriesNumber="3")
    account.import_all()
    first, second = sorted(
        account.image_set_ids(), key=lambda each: list(account.document(each)["Study"]["Series"])
    )
    return first, second


def test_an_update_of_the_study_reaches_all_of_its_primary_image_sets(
    account: Account, study_ids: tuple[str, str], held: HeldTime
) -> None:
    first, second = study_ids
    edit = patient(PatientName="MX^MX") | series(Modality="MR")
    held.is_held = True
    account.start_update(first, updates=edit, includeStudyImageSets=True)
    assert account.get(second)["imageSetWorkflowStatus"] == "UPDATING_FOR_STUDY_CONSISTENCY"
    held.let_go()

    for each, modality in ((first, "MR"), (second, "CT")):
        found = account.settled(each)
        assert (found["versionId"], found["imageSetWorkflowStatus"]) == ("2", "UPDATED")
        document = account.document(each)
        assert document["Patient"]["DICOM"]["PatientName"] == "MX^MX"
        ((_, its_series),) = document["Study"]["Series"].items()
        assert its_series["DICOM"]["Modality"] == modality


def test_an_update_of_the_study_that_fails_changes_none_of_it(
    account: Account, study_ids: tuple[str, str]
) -> None:
    first, second = study_ids
    edit = patient(PatientName="MX^MX", Modality="MR")

    account.update(first, 1, updates=edit, includeStudyImageSets=True)

    for each in (first, second):
        found = account.settled(each)
        assert (found["versionId"], found["imageSetWorkflowStatus"]) == ("2", "UPDATE_FAILED")
        assert account.document(each)["Patient"]["DICOM"]["PatientName"] == "Doe^Jane"


def test_an_update_of_the_study_waits_for_no_lock(
    account: Account, study_ids: tuple[str, str], held: HeldTime
) -> None:
    first, second = study_ids
    held.is_held = True
    account.start_update(second, updates=patient(PatientName="A"))

    status, code, _ = refused(
        account.start_update, first, updates=patient(PatientName="B"), includeStudyImageSets=True
    )

    assert (status, code) == (409, "ConflictException")


def test_an_update_of_the_study_is_neither_a_reversion_nor_of_a_copy(
    account: Account, image_set_id: str
) -> None:
    copy_id = account.copy(image_set_id)["imageSetId"]
    account.update(image_set_id, 1, updates=patient(PatientName="A"))

    attempts = [
        refused(account.start_update, image_set_id, 2, revert_to="1", includeStudyImageSets=True),
        refused(account.start_update, copy_id, 1, updates=patient(), includeStudyImageSets=True),
    ]

    assert {(status, code) for status, code, _ in attempts} == {(400, "ValidationException")}
