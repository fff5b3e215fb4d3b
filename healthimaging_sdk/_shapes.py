"""What models are made of: open enums, tagged unions, client tokens, documents."""

import json
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import attrs
from attrs import frozen

from healthimaging_sdk.errors import ParamValidationError

# `Mapping[str, object]` would refuse a `dict[str, int]` nested in a TypedDict; this does not.
Document = str | bytes | Mapping[str, object]
"""A JSON document: its text, or the mapping that is sent as JSON."""


class OpenEnum(StrEnum):
    """An enum of the service that may grow: an unknown value becomes a member of its own name.

    End every `match` on one with `case _`.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


def new_client_token() -> str:
    """An idempotency token: made with the request, so that every attempt carries the same one."""
    return str(uuid.uuid4())


@frozen
class TaggedUnion:
    """A structure of which exactly one member is given."""

    def __attrs_post_init__(self) -> None:
        names = list(attrs.fields_dict(type(self)))
        given = sum(getattr(self, name) is not None for name in names)
        if given != 1:
            raise ParamValidationError(
                type(self).__name__, f"exactly one of {', '.join(names)} is needed, {given} given"
            )


def document_text(parameter: str, value: Document) -> str:
    """The text of a document, for a member that the service's model calls a string."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise ParamValidationError(
            parameter, f"must be a str or a mapping, not {type(value).__name__}"
        )
    try:
        return json.dumps(dict(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        # json's message can quote the value.
        raise ParamValidationError(
            parameter, f"cannot be written as JSON ({type(error).__name__})"
        ) from None


def document_bytes(parameter: str, value: Document | None) -> bytes | None:
    """The bytes of a document, for a member that the service's model calls a blob."""
    if value is None or isinstance(value, bytes):
        return value
    try:
        return document_text(parameter, value).encode()
    except UnicodeEncodeError:
        raise ParamValidationError(parameter, "is not Unicode text") from None
