"""Models to HTTP messages and back, for a card that it has never seen. No I/O in here.

The client writes requests and reads answers; the emulator reads requests and writes answers.
REST-JSON as botocore speaks it: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, cast
from urllib.parse import quote

import attrs
from attrs import AttrsInstance, define

from healthimaging_sdk import errors
from healthimaging_sdk._conversion import (
    Misfit,
    from_query,
    structure_request,
    structure_response,
    to_wire_value,
)
from healthimaging_sdk._json import NotJSON, loads
from healthimaging_sdk._naming import wire_name
from healthimaging_sdk._operation import Operation, Request, Response
from healthimaging_sdk._redaction import blank_out
from healthimaging_sdk.errors import ResponseDecodeError, ServiceError

MODELLED_ERRORS: Mapping[str, type[ServiceError]] = {
    error.__name__: error
    for error in (
        errors.AccessDeniedException,
        errors.BadRequestException,
        errors.ConflictException,
        errors.InternalServerException,
        errors.NotAcceptableException,
        errors.ResourceNotFoundException,
        errors.ServiceQuotaExceededException,
        errors.ThrottlingException,
        errors.ValidationException,
    )
}

UNRESERVED = "-._~"
JSON = "application/json"
REQUEST_ID = "x-amzn-requestid"
_NO_HEADERS: Mapping[str, str] = {}
_JSON_HEADERS: Mapping[str, str] = {"Content-Type": JSON}

# What the service calls an error, without namespace and URI; nothing else may pass for a code.
_ERROR_CODE = r"(?s)(?:[^:#]*#)?\s*([A-Za-z0-9_.-]{1,128})\s*(?::.*)?"


@define(eq=False, repr=False)
class HttpRequest:
    """A request without its host: `target` is the path and query, percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@define(eq=False, repr=False)
class HttpResponse:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


# ── Requests ──────────────────────────────────────────────────────────────────


def write_request(operation: Operation[Request, Response], request: Request) -> HttpRequest:
    labels = {name: _escaped(getattr(request, name)) for name in operation.labels}
    target = operation.path.format_map(labels)
    pairs = [
        f"{key}={_escaped(text)}"
        for name, key in operation.query.items()
        if (value := getattr(request, name)) is not None
        for text in _query_texts(value)
    ]
    if pairs:
        target = f"{target}?{'&'.join(pairs)}"
    if not _has_body(operation):
        return HttpRequest(operation.method, target, _NO_HEADERS, b"")
    return HttpRequest(operation.method, target, _JSON_HEADERS, _write_body(operation, request))


def _escaped(text: str) -> str:
    # Most are ids, with nothing to escape: to see that takes a tenth of the time.
    return text if text.isalnum() and text.isascii() else quote(text, safe=UNRESERVED)


def _query_texts(value: Any) -> Iterable[str]:
    match value:
        case str():
            return (value,)
        case bool():
            return ("true" if value else "false",)
        case [*texts]:
            return texts
        case _:
            return (str(value),)


def _write_body(operation: Operation[Request, Response], request: Request) -> bytes:
    if operation.payload:
        payload: AttrsInstance | None = getattr(request, operation.payload)
        members = {} if payload is None else to_wire_value(payload)
    else:
        elsewhere = _located_elsewhere(operation)
        members = {
            name: value for name, value in to_wire_value(request).items() if name not in elsewhere
        }
    return json.dumps(members).encode()


def read_request(
    operation: Operation[Request, Response],
    labels: Mapping[str, str],
    query: Mapping[str, list[str]],
    body: bytes,
) -> Request:
    """The request behind decoded path labels (by attribute), query texts (by key) and a body.

    Raises `ParamValidationError` or `Misfit` for what the model does not allow.
    """
    fields = attrs.fields_dict(operation.request)
    members: dict[str, object] = {}
    if _has_body(operation):
        content = _read_object(body) if body else {}
        if operation.payload:
            members[wire_name(fields[operation.payload])] = content
        else:
            members.update(content)
    for name, text in labels.items():
        members[wire_name(fields[name])] = text
    for name, key in operation.query.items():
        texts, kind = query.get(key, []), fields[name].type
        if texts or kind == list[str]:  # an empty list leaves no trace in a query
            members[wire_name(fields[name])] = from_query(texts, kind)
    return structure_request(members, operation.request)


def _read_object(body: bytes) -> dict[str, object]:
    try:
        content = loads(body)
    except NotJSON:
        raise Misfit("the body is not JSON") from None
    if not isinstance(content, dict):
        raise Misfit("the body is not a JSON object")
    return cast("dict[str, object]", content)  # JSON has no other keys


@cache
def _located_elsewhere(operation: Operation[Any, Any]) -> frozenset[str]:
    fields = attrs.fields_dict(operation.request)
    return frozenset(wire_name(fields[name]) for name in (*operation.labels, *operation.query))


@cache
def _has_body(operation: Operation[Any, Any]) -> bool:
    located = {*operation.labels, *operation.query}
    return any(name not in located for name in attrs.fields_dict(operation.request))


# ── Answers ───────────────────────────────────────────────────────────────────


def read_response(operation: Operation[Request, Response], answer: HttpResponse) -> Response:
    """The response in a 2xx answer. Raises `ResponseDecodeError` for what does not fit (R-15)."""
    members: dict[str, object] = {}
    for name, header in operation.headers.items():
        members[name] = answer.headers.get(header.lower())
    if operation.blob:
        return operation.response(**members, **{operation.blob: answer.body})
    if answer.headers.get("content-type", "").lower().startswith("text/html"):
        raise ResponseDecodeError("the answer is an HTML page")
    try:
        # Only an operation that answers nothing may answer with nothing.
        answers_nothing = not answer.body and not attrs.fields(operation.response)
        content = {} if answers_nothing else _read_object(answer.body)
        return structure_response(content, operation.response)
    except Misfit as misfit:
        raise ResponseDecodeError(f"{operation.response.__name__}: {misfit}") from None


def write_response(operation: Operation[Request, Response], response: Response) -> HttpResponse:
    headers: dict[str, str] = {}
    for name, header in operation.headers.items():
        value = getattr(response, name)
        if value is not None:
            headers[header.lower()] = value
    if operation.blob:
        return HttpResponse(200, headers, getattr(response, operation.blob))
    body = json.dumps(to_wire_value(response)).encode()
    return HttpResponse(200, {**headers, "content-type": JSON}, body)


# ── Errors ────────────────────────────────────────────────────────────────────


def read_error(operation_name: str, request: object, answer: HttpResponse) -> ServiceError:
    """The error in an answer, whatever its body; never raises while reading one."""
    try:
        content = _read_object(answer.body)
    except Misfit:
        content = {}
    codes = (answer.headers.get("x-amzn-errortype"), *map(content.get, ("code", "Code", "__type")))
    code = next(filter(None, map(_error_code, codes)), str(answer.status))
    message = content.get("message") or content.get("Message")
    text = message if isinstance(message, str) else ""
    error = MODELLED_ERRORS.get(code, ServiceError)(
        text,
        code=code,
        status_code=answer.status,
        request_id=answer.headers.get(REQUEST_ID),
        operation_name=operation_name,
        shown=blank_out(text, request),
    )
    error.retry_after = _retry_after(answer.headers)
    error.server_ahead = _seconds_ahead(answer.headers.get("date"))
    return error


def _error_code(value: object) -> str | None:
    found = re.fullmatch(_ERROR_CODE, value) if isinstance(value, str) else None
    return found[1] if found else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the answer asks to wait (rule R-8), or `None` for what is not a number."""
    seconds: float | None
    try:
        if "x-amz-retry-after" in headers:
            seconds = int(headers["x-amz-retry-after"]) / 1000
        elif headers.get("retry-after", "").isdecimal():
            seconds = float(headers["retry-after"])
        else:
            seconds = _seconds_ahead(headers.get("retry-after"))
    except (ValueError, OverflowError):
        return None
    return seconds if seconds is not None and 0 <= seconds < math.inf else None


def _seconds_ahead(date: str | None) -> float | None:
    """How far an HTTP date is ahead of our wall clock."""
    try:
        moment = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()


def write_error(error: ServiceError) -> HttpResponse:
    body = json.dumps({"message": error.message}).encode()
    headers = {"content-type": JSON, "x-amzn-errortype": error.code}
    return HttpResponse(error.status_code, headers, body)
