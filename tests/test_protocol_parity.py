"""Our messages are botocore's, for all operations, and each way undoes the other."""

import io
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import pytest
from botocore.awsrequest import AWSPreparedRequest, HeadersDict, create_request_object
from botocore.awsrequest import prepare_request_dict as give_url
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_model import MODEL, answered, as_params
from strategies import answers, requests, responses

from healthimaging_sdk._operation import Operation
from healthimaging_sdk._protocol import (
    HttpRequest,
    HttpResponse,
    read_request,
    read_response,
    write_request,
    write_response,
)
from healthimaging_sdk.operations import ALL
from healthimaging_sdk.search import SEARCH_IMAGE_SETS, SearchCriteria

ENDPOINT = "https://medical-imaging.us-east-1.amazonaws.com"

each_operation = pytest.mark.parametrize("operation", ALL, ids=lambda card: card.name)
thrifty = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Card = Operation[Any, Any]


def botocore_writes(operation: str, params: dict[str, Any]) -> AWSPreparedRequest:
    serializer = create_serializer("rest-json")
    message = serializer.serialize_to_request(params, MODEL.operation_model(operation))
    message.pop("host_prefix", None)
    give_url(message, ENDPOINT)
    prepared: AWSPreparedRequest = create_request_object(message).prepare()
    return prepared


def botocore_reads(operation: Card, answer: HttpResponse) -> dict[str, Any]:
    headers, body = HeadersDict(answer.headers), answer.body
    response = {
        "status_code": answer.status,
        "headers": headers,
        "body": io.BytesIO(body) if operation.blob else body,
    }
    shape = answered(MODEL.operation_model(operation.name))
    parsed: dict[str, Any] = create_parser("rest-json").parse(response, shape)
    del parsed["ResponseMetadata"]
    return {name: as_bytes(value) for name, value in parsed.items()}


def as_bytes(value: Any) -> Any:
    return value.read() if isinstance(value, io.BytesIO) else value


@each_operation
@thrifty
@given(data=st.data())
def test_a_request_is_written_as_botocore_writes_it(operation: Card, data: st.DataObject) -> None:
    request = data.draw(requests(operation.name))
    ours = write_request(operation, request)
    theirs = botocore_writes(operation.name, as_params(request))
    headers = {name.lower(): value for name, value in theirs.headers.items()}
    assert ours.method == theirs.method
    # botocore leaves a bare "?" where an empty list was.
    assert ENDPOINT + ours.target == theirs.url.removesuffix("?")
    assert ours.body == (theirs.body or b"")
    assert ours.headers.get("Content-Type") == headers.get("content-type")
    # Whoever sends ours says how long it is, as botocore does, except that of a GET.
    expected = None if ours.method == "GET" else str(len(ours.body))
    assert headers.get("content-length") == expected


@each_operation
@thrifty
@given(data=st.data())
def test_an_answer_is_read_as_botocore_reads_it(operation: Card, data: st.DataObject) -> None:
    headers, content = data.draw(answers(operation.name))
    body = content if operation.blob else json.dumps(content).encode()
    answer = HttpResponse(200, headers, body)
    ours = as_params(read_response(operation, answer))
    if operation.name == "ListDatastores" and "datastoreSummaries" not in content:
        assert ours.pop("datastoreSummaries") == []
    assert ours == botocore_reads(operation, answer)


@each_operation
@thrifty
@given(data=st.data())
def test_what_is_written_is_read_again(operation: Card, data: st.DataObject) -> None:
    request = data.draw(requests(operation.name))
    response = data.draw(responses(operation.name))
    expected = request
    if operation is SEARCH_IMAGE_SETS and request.search_criteria is None:
        expected = attrs.evolve(request, search_criteria=SearchCriteria())  # both are {} in a body
    assert received(operation, write_request(operation, request)) == expected
    assert read_response(operation, write_response(operation, response)) == response


def received(operation: Card, sent: HttpRequest) -> Any:
    """What a server makes of a request."""
    url = urlsplit(sent.target)
    path = re.fullmatch(
        re.sub(r"\\{(\w+)\\}", "(?P<\\1>[^/]+)", re.escape(operation.path)), url.path
    )
    assert path is not None
    labels = {name: unquote(text) for name, text in path.groupdict().items()}
    query = parse_qs(url.query, keep_blank_values=True)
    return read_request(operation, labels, query, sent.body)
