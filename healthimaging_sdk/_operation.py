"""What a card can say: the description of an operation that client and emulator both read.

A card is data. It has no callables and no conditions; odd behaviour lives in the client's
method, where it can be read.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from typing import Generic, Literal, TypeVar

import attrs
from attrs import AttrsInstance, field, frozen

from healthimaging_sdk.errors import (
    AccessDeniedException,
    InternalServerException,
    ServiceError,
    ThrottlingException,
    ValidationException,
)

Request = TypeVar("Request", bound=AttrsInstance)
Response = TypeVar("Response", bound=AttrsInstance)

USUAL_ERRORS: tuple[type[ServiceError], ...] = (
    AccessDeniedException,
    InternalServerException,
    ThrottlingException,
    ValidationException,
)

RUNTIME: Literal["runtime-"] = "runtime-"
"""The prefix of the data plane's host."""


class Repetition(Enum):
    """What a second sending of the same request would do (rule R-2.1)."""

    READ = "harmless"
    TOKEN = "answered as before, because of the client token"  # noqa: S105
    IDEMPOTENT = "the same end as after the first"
    GUARDED = "refused, because the version has moved on"
    UNGUARDED = "applied a second time"


@frozen
class Rate:
    """A published throttle: requests per second, and how many at once after a rest.

    https://docs.aws.amazon.com/healthimaging/latest/devguide/endpoints-quotas.html
    """

    per_second: float
    burst: int


@frozen(eq=False, repr=False)
class Target:
    """An image set that a write locks: attributes, dotted, of its id and its expected version."""

    image_set_id: str
    version_id: str | None = None


@frozen(kw_only=True, eq=False)
class Operation(Generic[Request, Response]):
    """A request, its response, and where each member stands on the wire.

    Members that neither `path`, `query` nor `payload` mention are members of the JSON body;
    response members that neither `headers` nor `blob` mention likewise.
    """

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    """The path, with the names of request attributes in braces."""

    request: type[Request]
    response: type[Response]
    errors: tuple[type[ServiceError], ...]
    repetition: Repetition
    rate: Rate
    host_prefix: Literal["", "runtime-"] = ""
    query: Mapping[str, str] = field(factory=dict[str, str])
    """Request attributes in the query string, with their keys there."""

    payload: str | None = None
    """The request attribute that is the whole body."""

    headers: Mapping[str, str] = field(factory=dict[str, str])
    """Response attributes that come as headers."""

    blob: str | None = None
    """The response attribute that is the whole body, as bytes."""

    gzipped: bool = False
    """Whether the blob comes compressed."""

    items: str | None = None
    """The response attribute that holds a page's items, if the operation is paginated."""

    targets: tuple[Target, ...] = ()
    """The image sets that this write locks."""

    guarded_by: str | None = None
    """The dotted attribute without which a guarded write is an unguarded one."""

    unguarded_by: str | None = None
    """The attribute that, when true, makes a guarded write an unguarded one."""

    def __attrs_post_init__(self) -> None:
        asked = attrs.fields_dict(self.request)
        answered = attrs.fields_dict(self.response)
        mentioned = [*self.labels, *self.query, *filter(None, [self.payload])]
        given = [*self.headers, *filter(None, [self.blob, self.items])]
        strangers = [name for name in mentioned if name not in asked]
        strangers += [name for name in given if name not in answered]
        if strangers:
            raise TypeError(f"{self.name}: no such attribute: {', '.join(strangers)}")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The request attributes in the path, in order."""
        return tuple(part.split("}")[0] for part in self.path.split("{")[1:])
