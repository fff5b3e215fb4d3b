"""Tags on data stores and image sets, up to fifty each."""

from attrs import field, frozen

from healthimaging_sdk._constraints import RESOURCE_ARN, TAG_KEY, TAGS, ListOf
from healthimaging_sdk._operation import USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk.errors import ResourceNotFoundException

# ── TagResource ───────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_TagResource.html


@frozen(kw_only=True)
class TagResourceRequest:
    resource_arn: str = field(validator=RESOURCE_ARN)
    tags: dict[str, str] = field(repr=redacted, validator=TAGS)


@frozen(kw_only=True)
class TagResourceResponse:
    pass


TAG_RESOURCE = Operation(
    name="TagResource",
    method="POST",
    path="/tags/{resource_arn}",
    request=TagResourceRequest,
    response=TagResourceResponse,
    errors=(*USUAL_ERRORS, ResourceNotFoundException),
    repetition=Repetition.IDEMPOTENT,
    rate=Rate(10, 20),
)


# ── UntagResource ─────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_UntagResource.html


@frozen(kw_only=True)
class UntagResourceRequest:
    resource_arn: str = field(validator=RESOURCE_ARN)
    tag_keys: list[str] = field(validator=ListOf(TAG_KEY, min=0, max=200))


@frozen(kw_only=True)
class UntagResourceResponse:
    pass


UNTAG_RESOURCE = Operation(
    name="UntagResource",
    method="DELETE",
    path="/tags/{resource_arn}",
    request=UntagResourceRequest,
    response=UntagResourceResponse,
    errors=(*USUAL_ERRORS, ResourceNotFoundException),
    repetition=Repetition.IDEMPOTENT,
    rate=Rate(10, 20),
    query={"tag_keys": "tagKeys"},
)


# ── ListTagsForResource ───────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_ListTagsForResource.html


@frozen(kw_only=True)
class ListTagsForResourceRequest:
    resource_arn: str = field(validator=RESOURCE_ARN)


@frozen(kw_only=True)
class ListTagsForResourceResponse:
    tags: dict[str, str] = field(repr=redacted)


LIST_TAGS_FOR_RESOURCE = Operation(
    name="ListTagsForResource",
    method="GET",
    path="/tags/{resource_arn}",
    request=ListTagsForResourceRequest,
    response=ListTagsForResourceResponse,
    errors=(*USUAL_ERRORS, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(10, 20),
)

OPERATIONS = (TAG_RESOURCE, UNTAG_RESOURCE, LIST_TAGS_FOR_RESOURCE)
