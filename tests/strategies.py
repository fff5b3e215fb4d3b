"""Values that the service's model allows, drawn from botocore's shapes."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from contract import PATTERNS
from hypothesis import strategies as st
from service_model import MODEL, answered, asked, from_params

# Where a pattern alone would seldom give a value of the right length, or slowly.
BY_HAND: Mapping[str, st.SearchStrategy[str]] = {
    "AwsAccountId": st.from_regex("[0-9]{12}", fullmatch=True),
    "ImageSetExternalVersionId": st.from_regex("[0-9]{1,20}", fullmatch=True),
    "JobId": st.from_regex("[0-9a-z]{1,32}", fullmatch=True),
    "MetadataFilePath": st.from_regex("[!-~]([ -~]{0,20}[!-~])?", fullmatch=True),
    "NextToken": st.text(st.characters(max_codepoint=127), min_size=1, max_size=60),
}
# A double tells microseconds apart up to 2**33 seconds, in the year 2242.
MOMENTS = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001  # the time zone comes from the next line
    datetime(2240, 1, 1),  # noqa: DTZ001
    timezones=st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone),
)
ARBITRARY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=20,
)


@cache
def params(operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters as boto3 takes them."""
    return _values(asked(MODEL.operation_model(operation)), on_the_wire=False)


@cache
def requests(operation: str) -> st.SearchStrategy[Any]:
    """Requests as ours."""
    shape = asked(MODEL.operation_model(operation))
    return params(operation).map(lambda drawn: from_params(shape, drawn))


@cache
def answers(operation: str) -> st.SearchStrategy[tuple[dict[str, str], Any]]:
    """Headers, and the JSON value or the bytes of the body, as the service sends them."""
    model = MODEL.operation_model(operation)
    shape = answered(model)
    located = {
        member.serialization["name"].lower(): _values(member, on_the_wire=True)
        for member in shape.members.values()
        if member.serialization.get("location") == "header"
    }
    header = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
    headers = st.fixed_dictionaries({}, optional=dict.fromkeys(located, header))
    return st.tuples(headers, _body(model))


def _body(model: OperationModel) -> st.SearchStrategy[Any]:
    return st.binary() if model.has_streaming_output else _values(answered(model), on_the_wire=True)


@cache
def responses(operation: str) -> st.SearchStrategy[Any]:
    """Responses as ours."""
    shape = answered(MODEL.operation_model(operation))
    return _values(shape, on_the_wire=False).map(lambda drawn: from_params(shape, drawn))


def _values(shape: Shape, *, on_the_wire: bool) -> st.SearchStrategy[Any]:
    match shape:
        case StructureShape():
            return _structures(shape, on_the_wire=on_the_wire)
        case ListShape():
            least = shape.metadata.get("min", 0)
            most = min(shape.metadata.get("max", 3), 3)
            item = _values(shape.member, on_the_wire=on_the_wire)
            return st.lists(item, min_size=least, max_size=most)
        case MapShape():
            key, value = (_values(each, on_the_wire=True) for each in (shape.key, shape.value))
            return st.dictionaries(key, value, max_size=3)
        case _:
            return _scalars(shape, on_the_wire=on_the_wire)


def _structures(shape: StructureShape, *, on_the_wire: bool) -> st.SearchStrategy[Any]:
    members = {
        name: _values(member, on_the_wire=on_the_wire) for name, member in shape.members.items()
    }
    if shape.is_tagged_union:
        return st.one_of(
            [st.fixed_dictionaries({name: member}) for name, member in members.items()]
        )
    required = {name: members.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(required, optional=members)


def _scalars(shape: Shape, *, on_the_wire: bool) -> st.SearchStrategy[Any]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    match shape.type_name:
        case "boolean":
            drawn: st.SearchStrategy[Any] = st.booleans()
        case "integer":
            drawn = st.integers(*((-(2**31), 2**31 - 1) if least is None else (least, most)))
        case "timestamp":
            drawn = MOMENTS.map(_epoch_seconds) if on_the_wire else MOMENTS
        case "blob":
            drawn = st.binary(min_size=least or 0, max_size=60)
            drawn = (
                drawn.map(lambda data: base64.b64encode(data).decode()) if on_the_wire else drawn
            )
        case _:
            drawn = _texts(shape, least or 0, min(most or 40, 40))
    return drawn


def _texts(shape: Shape, least: int, most: int) -> st.SearchStrategy[str]:
    if shape.name in BY_HAND:
        return BY_HAND[shape.name]
    if "enum" in shape.metadata:
        return st.sampled_from(shape.metadata["enum"]) | st.from_regex("[A-Z]{3}", fullmatch=True)
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return st.text(min_size=least, max_size=most)
    expression = re.compile(PATTERNS.get(pattern) or pattern, re.ASCII)
    longest = shape.metadata.get("max") or 10_000
    return st.from_regex(expression, fullmatch=True).filter(lambda text: len(text) <= longest)


def _epoch_seconds(moment: datetime) -> float:
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return microseconds / 1_000_000 if microseconds % 1_000_000 else microseconds // 1_000_000
