"""Data stores: where image sets live. Creating and deleting one takes minutes."""

from datetime import datetime

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    CLIENT_TOKEN,
    DATASTORE_ID,
    MAX_RESULTS,
    NEXT_TOKEN,
    TAGS,
    Choice,
    Text,
)
from healthimaging_sdk._operation import USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import OpenEnum, new_client_token
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)


class DatastoreStatus(OpenEnum):
    CREATING = "CREATING"
    CREATE_FAILED = "CREATE_FAILED"
    ACTIVE = "ACTIVE"
    DELETING = "DELETING"
    DELETED = "DELETED"


class LosslessStorageFormat(OpenEnum):
    """How lossless pixels are stored; fixed when the data store is created."""

    HTJ2K = "HTJ2K"
    JPEG_2000_LOSSLESS = "JPEG_2000_LOSSLESS"


# ── CreateDatastore ───────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_CreateDatastore.html


@frozen(kw_only=True)
class CreateDatastoreRequest:
    client_token: str = field(factory=new_client_token, validator=CLIENT_TOKEN)
    datastore_name: str | None = field(
        default=None,
        repr=redacted,
        validator=Text("[A-Za-z0-9._/#-]+", min=1, max=256),
    )
    tags: dict[str, str] | None = field(default=None, repr=redacted, validator=TAGS)
    kms_key_arn: str | None = field(
        default=None,
        validator=Text(
            r"arn:aws[a-zA-Z-]{0,16}:kms:[a-z]{2}(-[a-z]{1,16}){1,3}-\d{1}:\d{12}:"
            r"((key/[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12})"
            r"|(alias/[a-zA-Z0-9:/_-]{1,256}))",
            min=1,
            max=512,
        ),
    )
    lambda_authorizer_arn: str | None = field(
        default=None,
        validator=Text(
            r"arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}"
            r":function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?"
        ),
    )
    lossless_storage_format: LosslessStorageFormat | None = field(
        default=None, validator=Choice(LosslessStorageFormat)
    )


@frozen(kw_only=True)
class CreateDatastoreResponse:
    datastore_id: str
    datastore_status: DatastoreStatus


CREATE_DATASTORE = Operation(
    name="CreateDatastore",
    method="POST",
    path="/datastore",
    request=CreateDatastoreRequest,
    response=CreateDatastoreResponse,
    errors=(
        *USUAL_ERRORS,
        ConflictException,
        ResourceNotFoundException,
        ServiceQuotaExceededException,
    ),
    repetition=Repetition.TOKEN,
    rate=Rate(0.085, 1),
)


# ── GetDatastore ──────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetDatastore.html


@frozen(kw_only=True)
class GetDatastoreRequest:
    datastore_id: str = field(validator=DATASTORE_ID)


@frozen(kw_only=True)
class DatastoreProperties:
    datastore_id: str
    datastore_name: str = field(repr=redacted)
    datastore_status: DatastoreStatus
    kms_key_arn: str | None = None
    lambda_authorizer_arn: str | None = None
    lossless_storage_format: LosslessStorageFormat | None = None
    datastore_arn: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@frozen(kw_only=True)
class GetDatastoreResponse:
    datastore_properties: DatastoreProperties


GET_DATASTORE = Operation(
    name="GetDatastore",
    method="GET",
    path="/datastore/{datastore_id}",
    request=GetDatastoreRequest,
    response=GetDatastoreResponse,
    errors=(*USUAL_ERRORS, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(10, 20),
)


# ── ListDatastores ────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_ListDatastores.html


@frozen(kw_only=True)
class ListDatastoresRequest:
    datastore_status: DatastoreStatus | None = field(
        default=None, validator=Choice(DatastoreStatus)
    )
    next_token: str | None = field(default=None, repr=redacted, validator=NEXT_TOKEN)
    max_results: int | None = field(default=None, validator=MAX_RESULTS)


@frozen(kw_only=True)
class DatastoreSummary:
    datastore_id: str
    datastore_name: str = field(repr=redacted)
    datastore_status: DatastoreStatus
    datastore_arn: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@frozen(kw_only=True)
class ListDatastoresResponse:
    # The only list of a page that the model does not require: a missing one is an empty one.
    datastore_summaries: list[DatastoreSummary] = field(factory=list[DatastoreSummary])
    next_token: str | None = field(default=None, repr=redacted)


LIST_DATASTORES = Operation(
    name="ListDatastores",
    method="GET",
    path="/datastore",
    request=ListDatastoresRequest,
    response=ListDatastoresResponse,
    errors=USUAL_ERRORS,
    repetition=Repetition.READ,
    rate=Rate(5, 10),
    query={
        "datastore_status": "datastoreStatus",
        "next_token": "nextToken",
        "max_results": "maxResults",
    },
    items="datastore_summaries",
)


# ── DeleteDatastore ───────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_DeleteDatastore.html


@frozen(kw_only=True)
class DeleteDatastoreRequest:
    datastore_id: str = field(validator=DATASTORE_ID)


@frozen(kw_only=True)
class DeleteDatastoreResponse:
    datastore_id: str
    datastore_status: DatastoreStatus


DELETE_DATASTORE = Operation(
    name="DeleteDatastore",
    method="DELETE",
    path="/datastore/{datastore_id}",
    request=DeleteDatastoreRequest,
    response=DeleteDatastoreResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.IDEMPOTENT,
    rate=Rate(0.085, 1),
)

OPERATIONS = (CREATE_DATASTORE, GET_DATASTORE, LIST_DATASTORES, DELETE_DATASTORE)
