"""What only GetImageFrame answers: 400 for a malformed request, 406 for types that do not fit.

https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetImageFrame.html
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from healthimaging_sdk._json import NotJSON, loads
from healthimaging_sdk._operation import Operation
from healthimaging_sdk._protocol import JSON
from healthimaging_sdk.errors import BadRequestException, NotAcceptableException


def check_request(operation: Operation[Any, Any], headers: Mapping[str, str], body: bytes) -> None:
    """Raises what the operation has among its errors. `headers` have names in lower case."""
    content_type = headers.get("content-type")
    if (
        NotAcceptableException in operation.errors
        and content_type is not None
        and _media_type(content_type) != JSON
    ):
        raise NotAcceptableException("The request content type is not supported.")
    if BadRequestException in operation.errors and not _is_object(body):
        raise BadRequestException("The request is malformed: its body is not a JSON object.")


def check_answer(
    operation: Operation[Any, Any], headers: Mapping[str, str], content_type: str
) -> None:
    """Raises `NotAcceptableException` for an answer of a type that `Accept` does not allow."""
    if NotAcceptableException in operation.errors:
        accepted = headers.get("accept", "*/*").split(",")
        if not any(fnmatchcase(_media_type(content_type), each) for each in _ranges(accepted)):
            raise NotAcceptableException("The accept header is not supported by the image frame.")


def _ranges(accepted: Iterable[str]) -> Iterable[str]:
    for each in accepted:
        media_range, *parameters = (part.strip() for part in each.split(";"))
        weight = dict(part.split("=", 1) for part in parameters if "=" in part).get("q", "1")
        if weight.strip("0.") or not weight:  # a weight of zero means: not this one
            yield media_range.lower()


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(loads(body), dict)
    except NotJSON:
        return False
