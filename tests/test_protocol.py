"""What goes on the wire, and what is made of whatever comes back (rule R-15)."""

import json
import traceback
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ARBITRARY_JSON

import healthimaging_sdk as sdk
from healthimaging_sdk import datastores as d
from healthimaging_sdk import import_jobs as j
from healthimaging_sdk import search as s
from healthimaging_sdk import tags as t
from healthimaging_sdk._conversion import Misfit
from healthimaging_sdk._operation import Operation, Rate, Repetition
from healthimaging_sdk._protocol import (
    HttpResponse,
    read_request,
    read_response,
    write_error,
    write_request,
    write_response,
)
from healthimaging_sdk.errors import ConflictException, ParamValidationError, ResponseDecodeError
from healthimaging_sdk.operations import ALL

ID = "a" * 32
ARN = f"arn:aws:medical-imaging:us-east-1:012345678901:datastore/{ID}"
ENCODED_ARN = f"/tags/arn%3Aaws%3Amedical-imaging%3Aus-east-1%3A012345678901%3Adatastore%2F{ID}"
IMAGE_SET = {"datastoreId": ID, "imageSetId": ID, "versionId": "1", "imageSetState": "ACTIVE"}


# ── Requests ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("card", "request_", "target"),
    [
        (
            t.LIST_TAGS_FOR_RESOURCE,
            t.ListTagsForResourceRequest(resource_arn=ARN),
            ENCODED_ARN,
        ),
        (
            t.UNTAG_RESOURCE,
            t.UntagResourceRequest(resource_arn=ARN, tag_keys=["a:b", "c/d"]),
            f"{ENCODED_ARN}?tagKeys=a%3Ab&tagKeys=c%2Fd",
        ),
        (
            d.LIST_DATASTORES,
            d.ListDatastoresRequest(
                datastore_status=d.DatastoreStatus.ACTIVE, next_token="a b+/=~&\n", max_results=5
            ),
            "/datastore?datastoreStatus=ACTIVE&nextToken=a%20b%2B%2F%3D~%26%0A&maxResults=5",
        ),
        (
            sdk.COPY_IMAGE_SET,
            sdk.CopyImageSetRequest(
                datastore_id=ID,
                source_image_set_id=ID,
                copy_image_set_information=sdk.CopyImageSetInformation(
                    source_image_set=sdk.CopySourceImageSetInformation(latest_version_id="1")
                ),
                force=True,
                promote_to_primary=False,
            ),
            f"/datastore/{ID}/imageSet/{ID}/copyImageSet?force=true&promoteToPrimary=false",
        ),
    ],
)
def test_names_and_values_are_percent_encoded(
    card: Operation[Any, Any], request_: Any, target: str
) -> None:
    assert write_request(card, request_).target == target


def test_a_tuple_is_as_good_as_a_list() -> None:
    value = s.SearchByAttributeValue(dicom_patient_id="x")
    as_tuple: Any = (s.SearchFilter(values=[value], operator=s.Operator.EQUAL),)
    keys: Any = ("a", "b")
    searched = s.SearchImageSetsRequest(
        datastore_id=ID, search_criteria=s.SearchCriteria(filters=as_tuple)
    )
    untagged = t.UntagResourceRequest(resource_arn=ARN, tag_keys=keys)
    assert json.loads(write_request(s.SEARCH_IMAGE_SETS, searched).body) == {
        "filters": [{"values": [{"DICOMPatientId": "x"}], "operator": "EQUAL"}]
    }
    assert write_request(t.UNTAG_RESOURCE, untagged).target.endswith("?tagKeys=a&tagKeys=b")


def test_every_attempt_carries_the_same_client_token() -> None:
    request = d.CreateDatastoreRequest(datastore_name="x")
    first, second = (write_request(d.CREATE_DATASTORE, request) for _ in range(2))
    assert first.body == second.body
    assert request.client_token != d.CreateDatastoreRequest(datastore_name="x").client_token


@pytest.mark.parametrize(
    ("card", "labels", "query", "body"),
    [
        pytest.param(d.GET_DATASTORE, {"datastore_id": "../x"}, {}, b"", id="id"),
        pytest.param(d.GET_DATASTORE, {}, {}, b"", id="no id"),
        pytest.param(d.LIST_DATASTORES, {}, {"maxResults": ["51"]}, b"", id="maximum"),
        pytest.param(d.LIST_DATASTORES, {}, {"maxResults": ["--5"]}, b"", id="no number"),
        pytest.param(d.LIST_DATASTORES, {}, {"maxResults": ["9" * 5000]}, b"", id="long number"),
        pytest.param(d.LIST_DATASTORES, {}, {"maxResults": ["１"]}, b"", id="full-width"),  # noqa: RUF001
        pytest.param(d.CREATE_DATASTORE, {}, {}, b"[]", id="no object"),
        pytest.param(d.CREATE_DATASTORE, {}, {}, b"{", id="no JSON"),
        pytest.param(d.CREATE_DATASTORE, {}, {}, b'{"tags": {"a": 1}}', id="no text"),
        pytest.param(
            s.SEARCH_IMAGE_SETS,
            {"datastore_id": ID},
            {},
            b'{"filters": [{"values": [{"new": 1}], "operator": "EQUAL"}]}',
            id="empty union",
        ),
        pytest.param(
            sdk.UPDATE_IMAGE_SET_METADATA,
            {"datastore_id": ID, "image_set_id": ID},
            {"latestVersion": ["1"], "force": ["yes"]},
            b'{"revertToVersionId": "1"}',
            id="no boolean",
        ),
    ],
)
def test_a_request_that_does_not_fit_is_refused(
    card: Operation[Any, Any], labels: dict[str, str], query: dict[str, list[str]], body: bytes
) -> None:
    with pytest.raises((Misfit, ParamValidationError)):
        read_request(card, labels, query, body)


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.name)
@given(
    text=st.text(max_size=9),
    body=st.binary(max_size=9) | ARBITRARY_JSON.map(json.dumps).map(str.encode),
)
def test_reading_a_request_raises_nothing_else(
    card: Operation[Any, Any], text: str, body: bytes
) -> None:
    labels = dict.fromkeys(card.labels, text)
    query = {key: [text] for key in card.query.values()}
    with suppress(Misfit, ParamValidationError):
        read_request(card, labels, query, body)


# ── Answers ───────────────────────────────────────────────────────────────────


def answer(content: object, **headers: str) -> HttpResponse:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return HttpResponse(200, {k.replace("_", "-"): v for k, v in headers.items()}, body)


@pytest.mark.parametrize(
    ("got", "path"),
    [
        pytest.param(answer(b""), "not JSON", id="nothing"),
        pytest.param(answer({}), "$.datastore_id", id="nothing required"),
        pytest.param(answer(json.dumps(IMAGE_SET).encode()[:-1]), "not JSON", id="cut off"),
        pytest.param(answer([IMAGE_SET]), "not a JSON object", id="a list"),
        pytest.param(answer(b"null"), "not a JSON object", id="null"),
        pytest.param(answer(b"<html>canary</html>"), "not JSON", id="HTML"),
        pytest.param(
            answer(IMAGE_SET, content_type="Text/HTML; charset=x"), "HTML", id="HTML type"
        ),
        pytest.param(answer(b'{"datastoreId": NaN}'), "not JSON", id="NaN"),
        pytest.param(answer(b'{"isPrimary": "canary\xff"}'), "not JSON", id="not UTF-8"),
        pytest.param(answer(b'{"a":' * 100_000), "not JSON", id="deep"),
        pytest.param(answer({**IMAGE_SET, "versionId": None}), "$.version_id", id="null required"),
        pytest.param(answer({**IMAGE_SET, "versionId": 7070707}), "$.version_id", id="number"),
        pytest.param(
            answer({**IMAGE_SET, "imageSetState": 7070707}), "$.image_set_state", id="enum"
        ),
        pytest.param(answer({**IMAGE_SET, "isPrimary": "canary"}), "$.is_primary", id="boolean"),
        pytest.param(answer({**IMAGE_SET, "isPrimary": 1}), "$.is_primary", id="one for true"),
        pytest.param(answer({**IMAGE_SET, "createdAt": "canary"}), "$.created_at", id="timestamp"),
        pytest.param(answer({**IMAGE_SET, "overrides": "canary"}), "$.overrides", id="structure"),
        pytest.param(
            answer({**IMAGE_SET, "overrides": {"forced": "canary"}}),
            "$.overrides.forced",
            id="inner",
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error_with_a_path(got: HttpResponse, path: str) -> None:
    with pytest.raises(ResponseDecodeError) as refusal:
        read_response(sdk.GET_IMAGE_SET, got)
    shown = "".join(traceback.format_exception(refusal.value))
    assert path in str(refusal.value)
    assert "canary" not in shown
    assert "7070707" not in shown


def test_a_page_is_a_list() -> None:
    with pytest.raises(ResponseDecodeError, match=r"not a list @ \$\.image_set_properties_list$"):
        read_response(sdk.LIST_IMAGE_SET_VERSIONS, answer({"imageSetPropertiesList": IMAGE_SET}))


def test_an_item_that_does_not_fit_is_counted() -> None:
    page = {"imageSetPropertiesList": [{**IMAGE_SET}, {**IMAGE_SET, "isPrimary": "canary"}]}
    with pytest.raises(
        ResponseDecodeError, match=r"\$\.image_set_properties_list\[1\]\.is_primary$"
    ):
        read_response(sdk.LIST_IMAGE_SET_VERSIONS, answer(page))


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.name)
def test_only_an_operation_that_answers_nothing_may_answer_with_nothing(
    card: Operation[Any, Any],
) -> None:
    if card.name in {"TagResource", "UntagResource"} or card.blob:
        read_response(card, answer(b""))
    else:
        with pytest.raises(ResponseDecodeError):
            read_response(card, answer(b""))


def test_a_known_text_becomes_the_member_of_its_enum() -> None:
    known = {**IMAGE_SET, "storageTier": "ARCHIVE_INSTANT_ACCESS"}
    response = read_response(sdk.GET_IMAGE_SET, answer(known))
    assert response.image_set_state is sdk.ImageSetState.ACTIVE
    assert response.storage_tier is sdk.StorageTier.ARCHIVE_INSTANT_ACCESS


def test_what_a_newer_service_says_is_no_error() -> None:
    newer = {**IMAGE_SET, "imageSetState": "FROZEN", "weather": {"wind": [1]}, "message": None}
    response = read_response(sdk.GET_IMAGE_SET, answer(newer))
    assert response.image_set_state == "FROZEN"
    assert isinstance(response.image_set_state, sdk.ImageSetState)
    assert response.message is None


def test_the_last_of_two_equal_members_wins() -> None:
    twice = json.dumps(IMAGE_SET)[:-1] + ', "versionId": "2"}'
    assert read_response(sdk.GET_IMAGE_SET, answer(twice.encode())).version_id == "2"


JOB = {
    "jobId": "j",
    "jobName": "n",
    "jobStatus": "COMPLETED",
    "datastoreId": ID,
    "dataAccessRoleArn": "r",
    "inputS3Uri": "s3://in/",
    "outputS3Uri": "s3://out/",
}


@pytest.mark.parametrize(
    "tagged",
    [{"newKind": {"x": 1}}, {"newKind": 1, "dicomJsonMetadataImportConfiguration": None}, {}],
)
def test_an_unknown_member_of_a_union_leaves_all_known_ones_empty(tagged: object) -> None:
    got = answer({"jobProperties": {**JOB, "importConfiguration": tagged}})
    configuration = read_response(j.GET_DICOM_IMPORT_JOB, got).job_properties.import_configuration
    assert configuration is not None
    assert configuration.dicom_json_metadata_import_configuration is None
    assert "dicom_json_metadata_import_configuration=None" in repr(configuration)


@pytest.mark.parametrize(
    ("page", "items"),
    [
        ({}, []),
        ({"datastoreSummaries": None}, []),
        ({"datastoreSummaries": [None], "nextToken": None}, []),
    ],
)
def test_a_page_without_items_is_empty(page: object, items: list[object]) -> None:
    assert read_response(d.LIST_DATASTORES, answer(page)).datastore_summaries == items


def test_nulls_in_lists_and_maps_are_passed_over() -> None:
    page = {"imageSetPropertiesList": [None, IMAGE_SET, None]}
    versions = read_response(sdk.LIST_IMAGE_SET_VERSIONS, answer(page)).image_set_properties_list
    assert [version.version_id for version in versions] == ["1"]
    got = answer({"tags": {"a": "1", "b": None}})
    assert read_response(t.LIST_TAGS_FOR_RESOURCE, got).tags == {"a": "1"}
    assert read_response(t.LIST_TAGS_FOR_RESOURCE, answer({"tags": None})).tags == {}


def test_a_blob_is_handed_over_as_it_came() -> None:
    got = answer(b"\x1f\x8b<html>", content_type="text/html", content_encoding="gzip")
    response = read_response(sdk.GET_IMAGE_SET_METADATA, got)
    assert response.image_set_metadata_blob == b"\x1f\x8b<html>"
    assert (response.content_type, response.content_encoding) == ("text/html", "gzip")


@pytest.mark.parametrize("blob", [b"{", b"[]", b"1", b'{"Patient": "\xff canary"}', b""])
def test_a_blob_that_is_no_document_is_an_error(blob: bytes) -> None:
    with pytest.raises(ResponseDecodeError, match="the metadata document") as refusal:
        sdk.GetImageSetMetadataResponse(image_set_metadata_blob=blob).document()
    assert "canary" not in "".join(traceback.format_exception(refusal.value))


def test_a_document_can_be_read() -> None:
    response = sdk.GetImageSetMetadataResponse(image_set_metadata_blob=b'{"SchemaVersion": "1.1"}')
    assert response.document()["SchemaVersion"] == "1.1"


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.name)
@given(body=st.binary() | ARBITRARY_JSON.map(json.dumps).map(str.encode), html=st.booleans())
def test_reading_an_answer_raises_nothing_else(
    card: Operation[Any, Any], body: bytes, html: bool
) -> None:
    with suppress(ResponseDecodeError):
        read_response(card, answer(body, **({"content_type": "text/html"} if html else {})))


def test_the_emulator_s_messages_are_in_the_service_s_form() -> None:
    error = write_error(ConflictException("locked"))
    assert (error.status, json.loads(error.body)) == (409, {"message": "locked"})
    assert error.headers["x-amzn-errortype"] == "ConflictException"
    written = write_response(
        sdk.GET_IMAGE_SET_METADATA,
        sdk.GetImageSetMetadataResponse(image_set_metadata_blob=b"x", content_encoding="gzip"),
    )
    assert (written.headers, written.body) == ({"content-encoding": "gzip"}, b"x")


# ── Cards ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "mention",
    [
        {"path": "/{x}"},
        {"query": {"x": "x"}},
        {"payload": "x"},
        {"headers": {"x": "X"}},
        {"blob": "x"},
        {"items": "x"},
    ],
    ids=str,
)
def test_a_card_can_only_mention_attributes_that_exist(mention: dict[str, Any]) -> None:
    card: dict[str, Any] = {"path": "/datastore/{datastore_id}", **mention}
    with pytest.raises(TypeError, match=r"^GetDatastore: no such attribute: x$"):
        Operation(
            name="GetDatastore",
            method="GET",
            request=d.GetDatastoreRequest,
            response=d.GetDatastoreResponse,
            errors=(),
            repetition=Repetition.READ,
            rate=Rate(1, 1),
            **card,
        )
