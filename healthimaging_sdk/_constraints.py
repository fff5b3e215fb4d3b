"""What the service's model demands of a request's members, checked before any traffic (R-20).

A constraint is an attrs validator that holds the model's numbers. It raises
`ParamValidationError` with the parameter's name and never shows the value.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from typing import Any, cast

import attrs
from attrs import Attribute, AttrsInstance, field, frozen

from healthimaging_sdk.errors import ParamValidationError


class Constraint:
    """Calls `problem` with the value; `None` is left alone where the member is optional."""

    # attrs infers an attribute's type from its validator's `value`: `Any` leaves that to the model.
    def __call__(self, _: Any, attribute: "Attribute[Any]", value: Any) -> None:
        if value is None and attribute.default is None:
            return
        problem = self.problem(value)
        if problem:
            raise ParamValidationError(attribute.name, problem)

    def problem(self, value: object) -> str | None:
        """What is wrong with the value, in words that do not repeat it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        # One for all: attrs would compile one for each, and that at every start.
        members = attrs.asdict(cast("AttrsInstance", self), recurse=False).items()
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in members)})"


def _wrong_type(value: object, wanted: str) -> str:
    return f"must be {wanted}, not {type(value).__name__}"


def _wrong_length(length: int, unit: str, at_least: int | None, at_most: int | None) -> str | None:
    if at_least is not None and length < at_least:
        return f"needs at least {at_least} {unit}, has {length}"
    if at_most is not None and length > at_most:
        return f"may have at most {at_most} {unit}, has {length}"
    return None


@frozen(slots=False, eq=False, repr=False)
class Text(Constraint):
    pattern: str | None = None
    min: int | None = field(default=None, kw_only=True)
    max: int | None = field(default=None, kw_only=True)

    @cached_property
    def _matches(self) -> "re.Pattern[str]":
        # The service's \d and \w mean ASCII: full-width digits must not pass.
        return re.compile(self.pattern or "", re.ASCII)

    def problem(self, value: object) -> str | None:
        if not isinstance(value, str):
            return _wrong_type(value, "a str")
        # The length first, so that no pattern meets a text of any length.
        if problem := _wrong_length(len(value), "characters", self.min, self.max):
            return problem
        if self.pattern is not None and not self._matches.fullmatch(value):
            return f"must match {self.pattern}"
        return None


@frozen(eq=False, repr=False)
class Blob(Constraint):
    min: int | None = None
    max: int | None = None

    def problem(self, value: object) -> str | None:
        if not isinstance(value, bytes):
            return _wrong_type(value, "bytes")
        return _wrong_length(len(value), "bytes", self.min, self.max)


@frozen(eq=False, repr=False)
class Integer(Constraint):
    min: int
    max: int

    def problem(self, value: object) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return _wrong_type(value, "an int")
        return None if self.min <= value <= self.max else f"must be {self.min} to {self.max}"


@frozen(eq=False, repr=False)
class Boolean(Constraint):
    def problem(self, value: object) -> str | None:
        return None if isinstance(value, bool) else _wrong_type(value, "a bool")


@frozen(eq=False, repr=False)
class Timestamp(Constraint):
    def problem(self, value: object) -> str | None:
        if not isinstance(value, datetime):
            return _wrong_type(value, "a datetime")
        if value.utcoffset() is None:
            return "must have a time zone"
        try:
            value.astimezone(UTC)
        except OverflowError:
            return "must lie in the years 1 to 9999 of UTC"
        return None


@frozen(eq=False, repr=False)
class Choice(Constraint):
    """A value of an open enum, or any other string: the service may know more than we do."""

    enum: type[Enum]

    def problem(self, value: object) -> str | None:
        return None if isinstance(value, str) else _wrong_type(value, self.enum.__name__)


@frozen(eq=False, repr=False)
class Structure(Constraint):
    model: type

    def problem(self, value: object) -> str | None:
        if isinstance(value, self.model):
            return None
        return _wrong_type(value, self.model.__name__)


@frozen(eq=False, repr=False)
class ListOf(Constraint):
    item: Constraint
    min: int | None = None
    max: int | None = None

    def problem(self, value: object) -> str | None:
        if not isinstance(value, list | tuple):
            return _wrong_type(value, "a list")
        items = cast("list[object]", value)
        for position, item in enumerate(items):
            if problem := self.item.problem(item):
                return f"item {position} {problem}"
        return _wrong_length(len(items), "items", self.min, self.max)


@frozen(eq=False, repr=False)
class MapOf(Constraint):
    key: Constraint
    value: Constraint

    def problem(self, value: object) -> str | None:
        if not isinstance(value, Mapping):
            return _wrong_type(value, "a mapping")
        for key, item in cast("Mapping[object, object]", value).items():
            if problem := self.key.problem(key):
                return f"a key {problem}"
            if problem := self.value.problem(item):
                return f"a value {problem}"
        return None


# Scalars that several families share, under the names that the service's model gives them.
DATASTORE_ID = IMAGE_SET_ID = IMAGE_FRAME_ID = Text("[0-9a-z]{32}")
IMAGE_SET_VERSION_ID = Text(r"\d+")
UID = Text("[0-9.]+", min=0, max=512)
CLIENT_TOKEN = Text("[A-Za-z0-9._-]+", min=1, max=64)
NEXT_TOKEN = Text("[\x00-\x7f]{0,8192}", min=1, max=8192)
MAX_RESULTS = Integer(1, 50)
BOOLEAN = Boolean()
TIMESTAMP = Timestamp()
RESOURCE_ARN = Text(
    "arn:aws((-us-gov)|(-iso)|(-iso-b)|(-cn))?:medical-imaging:[a-z0-9-]+:[0-9]{12}"
    ":datastore/[0-9a-z]{32}(/imageset/[0-9a-z]{32})?"
)
TAG_KEY = Text("(?!aws:)[a-zA-Z+-=._:/]+", min=1, max=128)
TAGS = MapOf(TAG_KEY, Text(min=0, max=256))
