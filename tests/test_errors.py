"""One tree of errors: complete, picklable, and silent about what is sensitive."""

import json
import pickle
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthimaging_sdk import errors as e
from healthimaging_sdk._protocol import HttpResponse, read_error
from healthimaging_sdk.search import (
    Operator,
    SearchByAttributeValue,
    SearchCriteria,
    SearchFilter,
    SearchImageSetsRequest,
)

CONFLICT = e.ConflictException("m", request_id="r", operation_name="CopyImageSet", shown="s")
LOST = e.TransportError("connection reset", e.Outcome.UNKNOWN)
ONE_OF_EACH: dict[type[e.HealthImagingError], e.HealthImagingError] = {
    type(error): error
    for error in [
        e.HealthImagingError("text"),
        e.ParamValidationError("image_set_id", "must match x"),
        e.ClientClosed("closed", e.Outcome.NOT_SENT),
        e.CredentialError("none found"),
        LOST,
        e.StreamStalled("stalled", e.Outcome.UNKNOWN, retryable=False),
        e.DeadlineExceeded("late", e.Outcome.UNKNOWN),
        e.ResponseDecodeError("$.x: not a string"),
        e.BodyTruncated("cut off"),
        e.BodyCorrupt("CRC"),
        e.ServiceError("m", code="Odd", status_code=418),
        CONFLICT,
        *(
            error("m", request_id="r")
            for error in e.ServiceError.__subclasses__()
            if error is not type(CONFLICT)
        ),
        e.StaleVersionError(CONFLICT, "a" * 32, "1", "2"),
        e.WriteOutcomeUnknown("CopyImageSet", {"image set": "x"}, (LOST,), likely_applied=True),
        e.PaginationError("a circle"),
        e.WaiterError("no", None),
        e.WaiterFailed("failed", None, "reason"),
        e.WaiterTimeout("late", None),
    ]
}


def all_errors(
    base: type[e.HealthImagingError] = e.HealthImagingError,
) -> set[type[e.HealthImagingError]]:
    return {base}.union(*(all_errors(each) for each in base.__subclasses__()))


def own(error: type[e.HealthImagingError]) -> bool:
    return error.__module__ == e.__name__


@pytest.mark.skipif(e.__doc__ is None, reason="python -OO has no docstrings")
def test_the_tree_in_the_docstring_is_true() -> None:
    drawn: dict[str, str] = {}
    parents: dict[int, str] = {}
    for line in (e.__doc__ or "").splitlines():
        tree = re.match(r"    ([│├└─ ]*)(?=[A-Z])", line)
        if tree is None:
            continue
        depth = len(tree[1]) // 4
        for name in re.split(r"\s{2,}", line[tree.end() :]):
            if re.fullmatch(r"[A-Z]\w+", name):
                drawn[name] = parents.get(depth - 1, "Exception")
                parents[depth] = name
    assert drawn == {
        error.__name__: error.__bases__[0].__name__ for error in all_errors() if own(error)
    }


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (e.ParamValidationError, ValueError),
        (e.DeadlineExceeded, TimeoutError),
        (e.WaiterTimeout, TimeoutError),
        (e.HealthImagingError, Exception),
    ],
)
def test_some_errors_are_builtin_ones_too(error: type, builtin: type) -> None:
    assert issubclass(error, builtin)


def test_there_is_one_of_each() -> None:
    assert set(ONE_OF_EACH) == {error for error in all_errors() if own(error)}


@pytest.mark.parametrize("error", ONE_OF_EACH.values(), ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: e.HealthImagingError) -> None:
    error.attempts, error.prior_outcome_unknown, error.retry_stopped_by = 3, True, "quota"
    error.add_note("seen")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)
    state = {**vars(error)}
    failures = state.pop("failures", ())
    assert list(map(str, vars(again).get("failures", ()))) == list(map(str, failures))
    assert state.items() <= vars(again).items()


# ── What the service sends ────────────────────────────────────────────────────


def answered(status: int = 400, body: object = b"", **headers: str) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {k.replace("_", "-"): v for k, v in headers.items()}, content)


def read(answer: HttpResponse, request: object = None) -> e.ServiceError:
    return read_error("GetImageSet", request, answer)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (answered(x_amzn_errortype="ConflictException"), "ConflictException"),
        (
            answered(x_amzn_errortype="ConflictException:http://internal.amazon.com/#x"),
            "ConflictException",
        ),
        (
            answered(x_amzn_errortype="com.amazonaws.ahi#ConflictException:http://x"),
            "ConflictException",
        ),
        (answered(x_amzn_errortype="A", body={"code": "B", "__type": "C"}), "A"),
        (answered(body={"code": "B", "Code": "X", "__type": "C"}), "B"),
        (answered(body={"Code": "B", "__type": "C"}), "B"),
        (answered(body={"__type": "com.amazonaws.ahi#ThrottlingException"}), "ThrottlingException"),
        (answered(x_amzn_errortype="", body={"code": "B"}), "B"),
        (answered(x_amzn_errortype="<html>", body={"code": 5}), "400"),
        (answered(body={"code": {"PatientName": "DOE"}}), "400"),
        (answered(body={"code": "x" * 129}), "400"),
        (answered(body={"code": None}), "400"),
        (answered(503, b"<html>busy</html>"), "503"),
        (answered(429), "429"),
        (answered(400, b"\xff"), "400"),
        (answered(400, ["ConflictException"]), "400"),
        (answered(400, b"[" * 100_000), "400"),
        (answered(x_amzn_errortype="NotYetKnown"), "NotYetKnown"),
    ],
)
def test_the_code_is_cut_out_of_what_came(answer: HttpResponse, code: str) -> None:
    error = read(answer)
    assert error.code == code
    assert type(error) is getattr(e, code, e.ServiceError)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "a"}, "a"),
        ({"Message": "b"}, "b"),
        ({"message": 5}, ""),
        ({}, ""),
        (b"<p>", ""),
    ],
)
def test_the_message_is_kept_as_it_came(body: object, message: str) -> None:
    assert read(answered(body=body)).message == message


def test_a_service_error_holds_the_facts() -> None:
    error = read(
        answered(
            409, {"message": "locked"}, x_amzn_errortype="ConflictException", x_amzn_requestid="r-1"
        )
    )
    assert (error.status_code, error.request_id, error.operation_name) == (
        409,
        "r-1",
        "GetImageSet",
    )
    assert error.outcome is e.Outcome.REJECTED
    assert str(error) == "ConflictException from GetImageSet: locked (HTTP 409, request r-1)"
    assert str(read(answered(500))) == "500 from GetImageSet (HTTP 500, request without id)"


def test_the_request_s_patient_is_not_shown_but_can_be_read() -> None:
    by_patient = SearchByAttributeValue(dicom_patient_id="DOE-17")
    filters = [SearchFilter(values=[by_patient], operator=Operator.EQUAL)]
    request = SearchImageSetsRequest(
        datastore_id="a" * 32, search_criteria=SearchCriteria(filters=filters)
    )
    error = read(answered(body={"message": "Nobody is called doe-17"}), request)
    assert error.message == "Nobody is called doe-17"
    assert "doe" not in f"{error} {error!r}"
    assert "Nobody is called ***" in str(error)


JUNK: Any = st.text(st.characters(codec="latin-1")) | st.sampled_from(
    [
        "0",
        "3",
        "1e9",
        "-1",
        "\N{FULLWIDTH DIGIT NINE}",
        "9" * 5000,
        "nan",
        "Mon, 99 Foo 2024",
        "Wed, 21 Oct 2195 07:28:00 -0000",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["x-amzn-errortype", "x-amzn-requestid", "retry-after", "x-amz-retry-after", "date"]
    ),
    JUNK,
)
BODIES = st.binary() | st.dictionaries(
    st.sampled_from(["code", "Code", "__type", "message", "Message"]),
    st.none() | st.integers() | st.text() | st.lists(st.text()),
).map(lambda body: json.dumps(body).encode())


@given(st.integers(100, 599), HEADERS, BODIES)
def test_reading_an_error_never_fails(status: int, headers: dict[str, str], body: bytes) -> None:
    error = read(HttpResponse(status, headers, body))
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", error.code)
    assert error.retry_after is None or error.retry_after >= 0
    assert str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({"x-amz-retry-after": "0", "retry-after": "9"}, 0.0),
        ({"retry-after": "3"}, 3.0),
        ({"x-amz-retry-after": "-1"}, None),
        ({"x-amz-retry-after": "soon"}, None),
        ({"x-amz-retry-after": "9" * 5000}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "9" * 400}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert read(HttpResponse(429, headers, b"")).retry_after == seconds


def test_the_time_to_wait_may_be_a_date() -> None:
    error = read(HttpResponse(429, {"retry-after": "Wed, 21 Oct 2195 07:28:00 GMT"}, b""))
    assert error.retry_after is not None
    assert error.retry_after > 0
