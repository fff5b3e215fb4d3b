"""Bad input is refused before any traffic, by name and without its value (rule R-20)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import healthimaging_sdk as sdk
from healthimaging_sdk import search as s
from healthimaging_sdk import tags as t
from healthimaging_sdk._constraints import (
    CLIENT_TOKEN,
    IMAGE_SET_VERSION_ID,
    MAX_RESULTS,
    TAGS,
    Blob,
    Boolean,
    Choice,
    Constraint,
    ListOf,
    Structure,
    Text,
    Timestamp,
)
from healthimaging_sdk._operation import Operation
from healthimaging_sdk.errors import ParamValidationError
from healthimaging_sdk.import_jobs import DicomMetadataMapping
from healthimaging_sdk.operations import ALL

ID = "a0" * 16
ARN = f"arn:aws:medical-imaging:us-east-1:012345678901:datastore/{ID}"
VALID: Mapping[str, object] = {
    "datastore_id": ID,
    "image_set_id": ID,
    "source_image_set_id": ID,
    "job_id": ID,
    "resource_arn": ARN,
    "latest_version_id": "1",
    "image_frame_information": sdk.ImageFrameInformation(image_frame_id=ID),
    "update_image_set_metadata_updates": sdk.MetadataUpdates(revert_to_version_id="1"),
    "copy_image_set_information": sdk.CopyImageSetInformation(
        source_image_set=sdk.CopySourceImageSetInformation(latest_version_id="1")
    ),
    "data_access_role_arn": "arn:aws:iam::012345678901:role/importer",
    "input_s3_uri": "s3://bucket/in/",
    "output_s3_uri": "s3://bucket/out/",
    "tags": {"team": "radiology"},
    "tag_keys": ["team"],
}
IDS = [(card, name) for card in ALL for name in card.labels] + [
    (card, name) for card in ALL for name in card.query if name.endswith("version_id")
]


def valid_request(card: Operation[Any, Any]) -> Any:
    required = [
        field.name for field in attrs.fields(card.request) if field.default is attrs.NOTHING
    ]
    return card.request(**{name: VALID[name] for name in required})


@pytest.mark.parametrize(
    "bad", ["..", ".", "/", "%2f", "\r", "\n", "\0", "\N{FULLWIDTH DIGIT ONE}", " "]
)
@pytest.mark.parametrize(("card", "name"), IDS, ids=lambda each: getattr(each, "name", each))
def test_an_id_that_could_leave_its_place_is_refused(
    card: Operation[Any, Any], name: str, bad: str
) -> None:
    good = "0123456789" if name.endswith("version_id") else str(VALID[name])
    for value in (good[: -len(bad)] + bad, bad + good[len(bad) :], good + bad):
        with pytest.raises(ParamValidationError) as refusal:
            attrs.evolve(valid_request(card), **{name: value})
        assert refusal.value.parameter == name
        assert value not in str(refusal.value)


@pytest.mark.parametrize("bad", ["", b"1", 1, ["1"], object()])
@pytest.mark.parametrize(("card", "name"), IDS, ids=lambda each: getattr(each, "name", each))
def test_an_id_is_a_text_with_something_in_it(
    card: Operation[Any, Any], name: str, bad: object
) -> None:
    with pytest.raises(ParamValidationError, match=f"^{name}: "):
        attrs.evolve(valid_request(card), **{name: bad})


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.name)
def test_what_is_required_cannot_be_none(card: Operation[Any, Any]) -> None:
    request = valid_request(card)
    for field in attrs.fields(card.request):
        if field.default is None:
            attrs.evolve(request, **{field.name: None})
        else:
            with pytest.raises(ParamValidationError, match=field.name):
                attrs.evolve(request, **{field.name: None})


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)
SUNRISE_OF_TIME = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
OVERRIDES = sdk.Overrides(forced=True)


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (IMAGE_SET_VERSION_ID, ["1", "0012"], {"x": "must match", 1: "must be a str, not int"}),
        (
            CLIENT_TOKEN,
            ["a", "a" * 64],
            {"": "at least 1", "a" * 65: "at most 64 characters, has 65"},
        ),
        (Text(), ["", "x"], {None: "must be a str, not NoneType"}),
        (
            MAX_RESULTS,
            [1, 50],
            {0: "must be 1 to 50", 51: "1 to 50", True: "not bool", "1": "not str"},
        ),
        (Blob(1, 2), [b"a"], {b"": "at least 1 bytes", b"abc": "at most 2 bytes", "a": "not str"}),
        (Boolean(), [True, False], {1: "must be a bool, not int", "true": "not str"}),
        (Timestamp(), [NOON], {NAIVE: "time zone", 1.0: "not float", SUNRISE_OF_TIME: "1 to 9999"}),
        (Choice(s.Operator), ["EQUAL", s.Operator.BETWEEN, "NEW"], {3: "must be Operator"}),
        (Structure(sdk.Overrides), [OVERRIDES], {"x": "must be Overrides, not str"}),
        (
            ListOf(Boolean(), 1, 2),
            [[True], (True, False)],
            {
                (): "at least 1 items",
                (True,) * 3: "at most 2 items",
                (True, 1): "item 1 must be",
                "x": "list",
            },
        ),
    ],
)
def test_a_constraint_says_what_is_wrong(
    constraint: Constraint, good: list[object], bad: Mapping[object, str]
) -> None:
    assert [constraint.problem(value) for value in good] == [None] * len(good)
    for value, words in bad.items():
        assert words in str(constraint.problem(value))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"aws:x": "canary"}, "a key must match"),
        ({"": "canary"}, "a key needs at least 1"),
        ({1: "canary"}, "a key must be a str"),
        ({"canary": 1}, "a value must be a str"),
        ({"canary": "x" * 257}, "a value may have at most 256"),
        (["canary"], "must be a mapping"),
    ],
)
def test_tags_are_checked(tags: Any, words: str) -> None:
    assert TAGS.problem({"a": "", "b:c": "x" * 256}) is None
    with pytest.raises(ParamValidationError, match=words) as refusal:
        t.TagResourceRequest(resource_arn=ARN, tags=tags)
    assert "canary" not in str(refusal.value)


SERVICES_OWN = re.compile("[a-zA-Z0-9!-~]+([a-zA-Z0-9!-~ ]*[a-zA-Z0-9!-~]+)*")


def file_path(text: str) -> DicomMetadataMapping:
    return DicomMetadataMapping(study_instance_uid="1.2", metadata_file_path=text)


@given(st.text(st.sampled_from("aZ09!~ \n\x7fé"), min_size=1, max_size=9))
def test_our_pattern_for_a_file_path_says_what_the_services_own_says(text: str) -> None:
    if SERVICES_OWN.fullmatch(text):
        file_path(text)
    else:
        with pytest.raises(ParamValidationError):
            file_path(text)


def test_no_text_makes_a_pattern_slow() -> None:
    """The service's own pattern for a file path would take longer than the world has lasted."""
    with pytest.raises(ParamValidationError, match="metadata_file_path"):
        file_path("a" * 1000 + "\n")


UNIONS: list[tuple[Any, dict[str, Any]]] = [
    (s.SearchByAttributeValue, {}),
    (s.SearchByAttributeValue, {"dicom_patient_id": "canary", "is_primary": True}),
    (sdk.MetadataUpdates, {}),
    (sdk.MetadataUpdates, {"revert_to_version_id": "1", "dicom_updates": sdk.DICOMUpdates()}),
]


@pytest.mark.parametrize(("union", "members"), UNIONS)
def test_a_union_has_exactly_one_member(union: Any, members: dict[str, Any]) -> None:
    with pytest.raises(ParamValidationError, match=f"^{union.__name__}: exactly one of") as refusal:
        union(**members)
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    "document",
    [{"a": {"b": "é"}}, MappingProxyType({"a": {"b": "é"}}), '{"a":{"b":"é"}}'],
    ids=["dict", "mapping", "str"],
)
def test_a_document_is_a_mapping_or_a_text(document: Any) -> None:
    updates = sdk.DICOMUpdates(updatable_attributes=document, removable_attributes=document)
    copies = sdk.MetadataCopies(copiable_attributes=document)
    assert (
        updates.updatable_attributes == updates.removable_attributes == '{"a":{"b":"é"}}'.encode()
    )
    assert copies.copiable_attributes == '{"a":{"b":"é"}}'


def test_updates_take_bytes_as_they_are() -> None:
    assert sdk.DICOMUpdates(updatable_attributes=b"\xff").updatable_attributes == b"\xff"


ENDLESS: dict[str, object] = {}
ENDLESS["canary"] = ENDLESS


@pytest.mark.parametrize(
    "document",
    [
        5,
        ["canary"],
        None,
        {"canary": object()},
        {"canary": {1, 2}},
        {"canary": float("nan")},
        {"canary": b"canary"},
        ENDLESS,
        "",
        "x" * 260_001,
    ],
)
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(ParamValidationError, match=r"^copiable_attributes: ") as refusal:
        sdk.MetadataCopies(copiable_attributes=document)
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    "document", [5, "\ud800", {"a": "\ud800"}, {"a": object()}, b"", b"x" * 30_001]
)
@pytest.mark.parametrize("name", ["removable_attributes", "updatable_attributes"])
def test_a_bad_document_of_an_update_is_named(name: str, document: Any) -> None:
    with pytest.raises(ParamValidationError, match=f"^{name}: "):
        sdk.DICOMUpdates(**{name: document})
