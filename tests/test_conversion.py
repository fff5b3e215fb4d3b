"""AWS's JSON values and ours: timestamps, blobs, numbers, open enums."""

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import field, frozen
from botocore.utils import parse_timestamp
from hypothesis import example, given
from hypothesis import strategies as st

import healthimaging_sdk as sdk
from healthimaging_sdk import search as s
from healthimaging_sdk._conversion import (
    Misfit,
    from_query,
    structure_request,
    structure_response,
    to_wire_value,
)

IMAGE_SET = {"imageSetId": "a" * 32}


def created_at(value: object) -> datetime | None:
    summary = structure_response({**IMAGE_SET, "createdAt": value}, s.ImageSetsMetadataSummary)
    return summary.created_at


NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1704196800, NOON),
        (1704196800.25, NOON + timedelta(seconds=0.25)),
        ("1704196800.25", NOON + timedelta(seconds=0.25)),
        (-1.5, datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)),
        ("2024-01-02T12:00:00Z", NOON),
        ("2024-01-02T12:00:00.000001Z", NOON + timedelta(microseconds=1)),
        ("2024-01-02T14:00:00+02:00", NOON),
        ("2024-01-02T12:00:00", NOON),
        (None, None),
    ],
)
def test_a_timestamp_is_a_number_or_a_text_and_becomes_utc(
    value: object, moment: datetime | None
) -> None:
    assert created_at(value) == moment
    assert moment is None or str(created_at(value)) == str(moment)


@pytest.mark.parametrize(
    "value",
    [
        "canary",
        "",
        "nan",
        "inf",
        "1e400",
        1e400,
        -1e300,
        10**400,
        float("nan"),
        True,
        [],
        {},
        "0001-01-01T00:00:00+23:59",
        "2024-13-01T00:00:00Z",
        b"1",
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_timestamp_is_named_but_not_shown(value: object) -> None:
    with pytest.raises(Misfit) as misfit:
        created_at(value)
    assert str(misfit.value) == "not a timestamp @ $.created_at"


@given(
    st.integers(-(10**9), 8 * 10**9)
    | st.floats(-1e9, 8e9)
    | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
)
@example(1.0036909999999999)
def test_a_timestamp_is_read_as_botocore_reads_it(value: Any) -> None:
    assert created_at(value) == parse_timestamp(value)


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (NOON, 1704196800),
        (NOON.astimezone(timezone(timedelta(hours=-9))), 1704196800),
        (NOON + timedelta(microseconds=1), 1704196800.000001),
        # One rounding, not two: 1 + 3691 / 10**6 is 1.0036909999999999.
        (datetime(1970, 1, 1, 0, 0, 1, 3691, tzinfo=UTC), 1.003691),
    ],
)
def test_a_timestamp_is_written_in_epoch_seconds(moment: datetime, seconds: float) -> None:
    written = to_wire_value(s.SearchByAttributeValue(created_at=moment))
    assert repr(written) == repr({"createdAt": seconds})


def test_a_blob_in_json_is_base64() -> None:
    updates = sdk.DICOMUpdates(updatable_attributes=b"\xff\x00")
    assert to_wire_value(updates) == {"updatableAttributes": "/wA="}
    assert structure_request({"updatableAttributes": "/wA="}, sdk.DICOMUpdates) == updates


@pytest.mark.parametrize("value", ["canary", "/wA", "/w A=", "é", 7070707, ["canary"]])
def test_what_is_not_base64_is_named_but_not_shown(value: object) -> None:
    with pytest.raises(Misfit) as misfit:
        structure_request({"updatableAttributes": value}, sdk.DICOMUpdates)
    assert str(misfit.value) == "not base64 @ $.updatable_attributes"


def test_a_constraint_s_words_reach_who_reads_a_request() -> None:
    with pytest.raises(Misfit, match=r"image_frame_id: must match \[0-9a-z\]\{32\}"):
        structure_request({"imageFrameId": "canary"}, sdk.ImageFrameInformation)


def test_all_misfits_are_told_at_once() -> None:
    with pytest.raises(Misfit) as misfit:
        structure_response({"version": "canary", "isPrimary": 0}, s.ImageSetsMetadataSummary)
    assert str(misfit.value).split("; ") == [
        "required member missing @ $.image_set_id",
        "not an integer @ $.version",
        "not a boolean @ $.is_primary",
    ]


@pytest.mark.parametrize(
    ("texts", "kind", "value"),
    [
        (["x"], str | None, "x"),
        (["x", "y"], str, "y"),
        (["1"], int | None, 1),
        (["-1"], int | None, -1),
        (["1.0"], int | None, "1.0"),
        (["true"], bool | None, True),
        (["false"], bool | None, False),
        (["True"], bool | None, "True"),
        (["x", "y"], list[str], ["x", "y"]),
        (["x"], list[str] | None, ["x"]),
        (["ACTIVE"], sdk.ImageSetState | None, "ACTIVE"),
    ],
)
def test_a_query_text_becomes_what_its_attribute_asks_for(
    texts: list[str], kind: Any, value: object
) -> None:
    assert repr(from_query(texts, kind)) == repr(value)


# ── Open enums ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [sdk.ImageSetState.ACTIVE, sdk.ImageSetState("NEW_VALUE")])
def test_an_open_enum_behaves_like_its_text(state: sdk.ImageSetState) -> None:
    text = state.value
    assert isinstance(state, sdk.ImageSetState)
    assert (state, f"{state}", str(state), state.name) == (text, text, text, text)
    assert hash(state) == hash(text)
    assert {state} == {text}
    assert copy.deepcopy(state) is state
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(state, protocol))
        assert (again, type(again)) == (state, sdk.ImageSetState)


def test_an_unknown_value_is_no_member() -> None:
    assert sdk.ImageSetState("NEW_VALUE") not in list(sdk.ImageSetState)
    assert sdk.ImageSetState("NEW_VALUE") == sdk.ImageSetState("NEW_VALUE")
    with pytest.raises(ValueError, match="5 is not a valid ImageSetState"):
        sdk.ImageSetState(5)  # type: ignore[arg-type]  # an enum of texts has texts


def test_a_member_whose_name_is_not_its_value() -> None:
    assert s.SortField("updatedAt") is s.SortField.UPDATED_AT
    assert pickle.loads(pickle.dumps(s.SortField.UPDATED_AT)) is s.SortField.UPDATED_AT


def test_a_plain_text_stands_for_an_enum() -> None:
    plain: Any = {"sort_order": "DESC", "sort_field": "updatedAt"}
    assert to_wire_value(s.Sort(**plain)) == {"sortOrder": "DESC", "sortField": "updatedAt"}
    assert s.Sort(**plain) == s.Sort(sort_order=s.SortOrder.DESC, sort_field=s.SortField.UPDATED_AT)


@frozen
class Listed:
    """The service's model has no list of enums yet."""

    states: list[sdk.ImageSetState]
    tags: dict[str, str] = field(factory=dict[str, str])


def test_the_enums_of_a_list_are_open_too() -> None:
    listed = structure_response({"states": ["ACTIVE", "NEW_VALUE"]}, Listed)
    assert [type(state) for state in listed.states] == [sdk.ImageSetState] * 2
    assert listed.states == [sdk.ImageSetState.ACTIVE, "NEW_VALUE"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"states": ["ACTIVE", None, 1]}, "not a string"),
        ({"states": [], "tags": ["canary"]}, "not an object"),
    ],
)
def test_what_fits_no_collection_is_named_but_not_shown(
    value: dict[str, object], problem: str
) -> None:
    with pytest.raises(Misfit, match=problem) as misfit:
        structure_response(value, Listed)
    assert "canary" not in str(misfit.value)
