"""What the state holds, as JSON and back. Metadata documents and frames are named by digests."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import attrs
from attrs import AttrsInstance, evolve, frozen

from healthimaging_sdk import operations
from healthimaging_sdk._conversion import structure_response, to_wire_value
from healthimaging_sdk.datastores import DatastoreStatus, LosslessStorageFormat
from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._image_set import BeforeLock, ImageSet, Version
from healthimaging_sdk.emulator._state import Datastore, FirstAnswer, Record
from healthimaging_sdk.emulator._storage.folder import Key
from healthimaging_sdk.image_sets import ImageSetState, ImageSetWorkflowStatus
from healthimaging_sdk.import_jobs import DICOMImportJobProperties
from healthimaging_sdk.metadata import Attributes, Instance

KINDS = ("datastore", "image set", "job", "answer")
"""In the order in which they need one another."""


@frozen(kw_only=True)
class KeptDatastore:
    id: str
    arn: str
    name: str
    status: DatastoreStatus
    created_at: datetime
    updated_at: datetime
    lossless_storage_format: LosslessStorageFormat
    kms_key_arn: str | None
    lambda_authorizer_arn: str | None
    tags: dict[str, str]


@frozen(kw_only=True)
class KeptVersion:
    number: int
    workflow_status: ImageSetWorkflowStatus
    content: str | None
    """The digest of its document."""
    state: ImageSetState
    updated_at: datetime | None
    message: str | None
    forced: bool


@frozen(kw_only=True)
class KeptImageSet:
    id: str
    datastore_id: str
    arn: str
    is_primary: bool
    created_at: datetime
    last_accessed_at: datetime
    versions: list[KeptVersion]
    tags: dict[str, str]
    deleted_at: datetime | None
    before_lock: BeforeLock | None


def key_of(record: Record) -> Key:
    match record:
        case Datastore():
            return "datastore", record.id
        case ImageSet():
            return "image set", record.id
        case DICOMImportJobProperties():
            return "job", record.job_id
        case FirstAnswer():
            return "answer", " ".join(record.key)


def snapshot(record: Record) -> Record:
    """What it is now, for a thread to write down while the state goes on."""
    match record:
        case Datastore():
            return evolve(record, tags=dict(record.tags))
        case ImageSet():
            return evolve(
                record,
                versions=[evolve(version) for version in record.versions],
                frames=dict(record.frames),
                tags=dict(record.tags),
            )
        case _:
            return record


def body_of(record: Record, digest_of: Callable[[Content], str]) -> str:
    match record:
        case Datastore():
            value: object = to_wire_value(KeptDatastore(**_values(KeptDatastore, record)))
        case ImageSet():
            values = _values(KeptImageSet, record)
            values["versions"] = [_kept_version(each, digest_of) for each in record.versions]
            value = to_wire_value(KeptImageSet(**values))
        case DICOMImportJobProperties():
            value = to_wire_value(record)
        case FirstAnswer():
            value = {
                "clientToken": record.client_token,
                "operation": type(record.request).__name__.removesuffix("Request"),
                "request": to_wire_value(record.request),
                "answer": to_wire_value(record.answer),
            }
    return json.dumps(value, separators=(",", ":"))


def _kept_version(version: Version, digest_of: Callable[[Content], str]) -> KeptVersion:
    values = _values(KeptVersion, version)
    values["content"] = None if version.content is None else digest_of(version.content)
    return KeptVersion(**values)


def read_record(kind: str, body: str, content_of: Callable[[str], Content]) -> Record:
    """The record of a body. Raises `ValueError` or `LookupError` for what is none."""
    value = _mapping(json.loads(body))
    match kind:
        case "datastore":
            return Datastore(**_values(KeptDatastore, structure_response(value, KeptDatastore)))
        case "image set":
            kept = structure_response(value, KeptImageSet)
            values = _values(KeptImageSet, kept)
            values["versions"] = [_version(each, content_of) for each in kept.versions]
            return ImageSet(**values)
        case "job":
            return structure_response(value, DICOMImportJobProperties)
        case _:
            operation = operations.BY_NAME[str(value["operation"])]
            return FirstAnswer(
                str(value["clientToken"]),
                structure_response(_mapping(value["request"]), operation.request),
                structure_response(_mapping(value["answer"]), operation.response),
            )


def _version(kept: KeptVersion, content_of: Callable[[str], Content]) -> Version:
    values = _values(KeptVersion, kept)
    values["content"] = None if kept.content is None else content_of(kept.content)
    return Version(**values)


def document_of(content: Content) -> bytes:
    """Not the document that clients read: an image set's id is in that, and copies share this."""
    levels = (content.patient, content.study, content.series, content.instances)
    return json.dumps(levels, separators=(",", ":")).encode()


def read_document(document: bytes) -> Content:
    patient, study, series, instances = map(_mapping, json.loads(document))
    return Content(
        cast("Attributes", patient),
        cast("Attributes", study),
        cast("Attributes", series),
        cast("dict[str, Instance]", instances),
    )


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - a damaged file, not a wrong call
    return cast("dict[str, object]", value)


def _values(model: type[AttrsInstance], source: object) -> dict[str, Any]:
    """What the source has under the names of the model's attributes."""
    return {each.name: getattr(source, each.name) for each in attrs.fields(model)}
