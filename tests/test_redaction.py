"""No patient and no secret in any output (rules R-21 and R-22)."""

import json
import logging
import pprint
import traceback
from datetime import UTC, datetime
from typing import Any, get_args, get_origin

import attrs
import pytest
from attrs import AttrsInstance
from hypothesis import given
from hypothesis import strategies as st
from service_model import MODELS

import healthimaging_sdk as sdk
from healthimaging_sdk import import_jobs as j
from healthimaging_sdk import search as s
from healthimaging_sdk._protocol import HttpRequest, HttpResponse
from healthimaging_sdk._redaction import REDACTED, blank_out, redacted
from healthimaging_sdk._shapes import OpenEnum, TaggedUnion
from healthimaging_sdk.tags import TagResourceRequest

ARN = f"arn:aws:medical-imaging:us-east-1:012345678901:datastore/{'a' * 32}"
# Digits, so that it can stand wherever the service allows anything at all.
CANARY = "70707707"
HIDDEN: dict[type, object] = {str: CANARY, int: int(CANARY), bytes: CANARY.encode()}
HARMLESS: dict[type, object] = {
    str: "1",
    int: 1,
    bool: True,
    bytes: b"1",
    datetime: datetime(2024, 1, 1, tzinfo=UTC),
}
NEEDS_A_FORM = {
    "resource_arn": ARN,
    "data_access_role_arn": "arn:aws:iam::012345678901:role/importer",
    "kms_key_arn": "arn:aws:kms:us-east-1:012345678901:alias/key",
    "lambda_authorizer_arn": "arn:aws:lambda:us-east-1:012345678901:function:f",
    "input_owner_account_id": "012345678901",
    "input_s3_uri": f"s3://bucket/{CANARY}",
    "output_s3_uri": f"s3://bucket/{CANARY}",
}


def built(model: type[AttrsInstance]) -> Any:
    """An instance with the canary in each leaf that must not be shown, and in no other."""
    fields = attrs.fields(model)
    if issubclass(model, TaggedUnion):
        fields = fields[:1]
    return model(**{field.name: _member(field) for field in fields})


def every_variant(union: type[TaggedUnion]) -> list[Any]:
    return [union(**{field.name: _member(field)}) for field in attrs.fields(union)]


def _member(field: "attrs.Attribute[Any]") -> Any:
    if field.name in NEEDS_A_FORM:
        return NEEDS_A_FORM[field.name]
    if field.name.endswith("_id") and field.repr is not redacted:
        return "1" if "version" in field.name else "a" * 32
    kind: Any = next((each for each in get_args(field.type) if each is not type(None)), field.type)
    kind = field.type if get_origin(field.type) in (list, dict) else kind
    return _value(kind, hidden=field.repr is redacted)


def _value(kind: Any, *, hidden: bool) -> Any:
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        return [_value(item, hidden=hidden)]
    if get_origin(kind) is dict:
        return {"key": _value(str, hidden=hidden)}
    if attrs.has(kind):
        return built(kind)
    if issubclass(kind, OpenEnum):
        return next(iter(kind))
    return HIDDEN.get(kind, HARMLESS[kind]) if hidden else HARMLESS[kind]


def renderings(value: object, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger().debug("%s %r", value, [value])
    error = RuntimeError(value)
    return "\n".join(
        [
            repr(value),
            str(value),
            format(value),
            f"{value!s:>9} {value!r}",
            f"{ {'k': (value,)} }",
            pprint.pformat([value], width=20),
            *traceback.format_exception(error),
            caplog.text,
        ]
    )


MODELS_WITH_SECRETS = [
    built(model)
    for model in MODELS.values()
    if any(field.repr is redacted for field in attrs.fields(model))
]
VARIANTS = every_variant(s.SearchByAttributeValue) + every_variant(sdk.MetadataUpdates)


@pytest.mark.parametrize(
    "value", [*MODELS_WITH_SECRETS, *VARIANTS], ids=lambda value: type(value).__name__
)
def test_a_model_never_shows_a_patient(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    shown = renderings(value, caplog)
    assert CANARY not in shown
    assert REDACTED in shown or isinstance(value, sdk.MetadataUpdates)


def test_the_canary_is_there_for_who_asks() -> None:
    held = [value for value in MODELS_WITH_SECRETS if CANARY in str(attrs.asdict(value))]
    assert len(held) >= 25


def test_what_is_absent_may_be_shown() -> None:
    assert "dicom_patient_id=None" in repr(s.DICOMTags(dicom_patient_name="x"))


def test_messages_on_the_wire_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    body = CANARY.encode()
    sent = HttpRequest("POST", f"/?nextToken={CANARY}", {"Content-Type": "x"}, body)
    assert CANARY not in renderings(sent, caplog)
    assert CANARY not in renderings(HttpResponse(200, {}, body), caplog)


def search_by(**attribute: Any) -> s.SearchImageSetsRequest:
    value = s.SearchByAttributeValue(**attribute)
    criteria = s.SearchCriteria(filters=[s.SearchFilter(values=[value], operator=s.Operator.EQUAL)])
    return s.SearchImageSetsRequest(datastore_id="a" * 32, search_criteria=criteria)


DOCUMENT: dict[str, object] = {
    "SchemaVersion": 1.1,
    "Patient": {"DICOM": {"PatientName": "DOE^JANE", "PatientSex": "F", "PatientWeight": 70.5}},
    "Study": {
        "Series": {"1.2.840.7": {"Instances": {}}},
        "DICOM": {"00091001": ["secret note", None]},
    },
}


def update(document: Any) -> sdk.UpdateImageSetMetadataRequest:
    return sdk.UpdateImageSetMetadataRequest(
        datastore_id="a" * 32,
        image_set_id="b" * 32,
        latest_version_id="1",
        update_image_set_metadata_updates=sdk.MetadataUpdates(
            dicom_updates=sdk.DICOMUpdates(updatable_attributes=document)
        ),
    )


def copy(document: Any) -> sdk.CopyImageSetInformation:
    return sdk.CopyImageSetInformation(
        source_image_set=sdk.CopySourceImageSetInformation(
            latest_version_id="1", dicom_copies=sdk.MetadataCopies(copiable_attributes=document)
        )
    )


def import_of(series_instance_uid: str) -> j.ImportConfiguration:
    mapping = j.DicomMetadataMapping(
        study_instance_uid="9.9",
        series_instance_uid=series_instance_uid,
        metadata_file_path="series.json",
    )
    mappings = j.DicomJsonMetadataImportConfiguration(dicom_metadata_mappings=[mapping])
    return j.ImportConfiguration(dicom_json_metadata_import_configuration=mappings)


@pytest.mark.parametrize(
    ("request_", "message", "shown"),
    [
        (search_by(dicom_patient_id="P-17"), "no patient p-17.", "no patient ***."),
        (search_by(dicom_patient_id="M"), "Male or M?", "Male or ***?"),
        (search_by(dicom_patient_id=" "), "as it is", "as it is"),
        (search_by(dicom_patient_id="a.c"), "abc a.c", "abc ***"),
        (search_by(dicom_study_instance_uid="1.2.3"), "1.2.34 1.2.3", "***4 ***"),
        (search_by(is_primary=True), "True is true", "True is true"),
        (
            search_by(
                dicom_study_date_and_time=s.DICOMStudyDateAndTime(dicom_study_date="20240101")
            ),
            "20240101 is a date",
            "*** is a date",
        ),
        (
            TagResourceRequest(resource_arn=ARN, tags={"ward": "west wing"}),
            "the value of ward, west wing, is bad",
            "the value of ward, ***, is bad",
        ),
        (
            update(DOCUMENT),
            "PatientName DOE^JANE (Jane Doe), 70.5, f of 1.2.840.7 has a Secret note in 00091001",
            "PatientName *** (*** ***), ***, *** of *** has a *** in ***",
        ),
        (update(json.dumps(DOCUMENT, indent=1)), "PatientName DOE^JANE", "PatientName ***"),
        (update(b"no JSON"), "no JSON is bad", "*** is bad"),
        (update(b"\xff\xfe\x00"), "as it is", "as it is"),
        (copy(DOCUMENT), "series 1.2.840.7", "series ***"),
        (copy("[" * 100_000), "as it is", "as it is"),
        (import_of("1.2.3"), "series 1.2.3 twice", "series *** twice"),
        (None, "as it is", "as it is"),
    ],
)
def test_a_message_is_shown_without_what_the_request_held(
    request_: object, message: str, shown: str
) -> None:
    assert blank_out(message, request_) == shown


def test_a_document_of_any_depth_is_looked_through() -> None:
    deep = '{"a":' * 400 + '"DOE"' + "}" * 400
    assert blank_out("DOE", update(deep)) == "***"


@given(st.text(), st.text("abcXYZ019.^ ", min_size=3), st.text())
def test_no_value_of_a_request_survives(before: str, value: str, after: str) -> None:
    shown = blank_out(before + value + after, search_by(dicom_patient_id=value))
    assert not value.strip() or value not in shown
