"""What our cards, models, enums and errors say otherwise than botocore's model of the service."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import attrs
from attrs import AttrsInstance
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from service_model import ENUMS, MODELS, answered, asked

from healthimaging_sdk import errors
from healthimaging_sdk._constraints import (
    Blob,
    Boolean,
    Choice,
    Constraint,
    Integer,
    ListOf,
    MapOf,
    Structure,
    Text,
    Timestamp,
)
from healthimaging_sdk._naming import wire_name
from healthimaging_sdk._operation import Operation, Repetition
from healthimaging_sdk._protocol import MODELLED_ERRORS
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk._shapes import TaggedUnion, new_client_token
from healthimaging_sdk.operations import BY_NAME

# ── Where we differ on purpose ────────────────────────────────────────────────

OPTIONAL_FOR_US = {"ListDatastoresResponse.datastore_summaries": "a missing page is an empty one"}
REPETITION_WITHOUT_A_TRAIT = {
    "SearchImageSets": Repetition.READ,  # a search changes nothing, though the model is silent
    "UpdateImageSetMetadata": Repetition.GUARDED,
    "CopyImageSet": Repetition.GUARDED,
}
PATTERNS = {
    r"\p{ASCII}{0,8192}": "[\x00-\x7f]{0,8192}",
    # See the comment beside it: the model's own takes exponential time.
    "[a-zA-Z0-9!-~]+([a-zA-Z0-9!-~ ]*[a-zA-Z0-9!-~]+)*": "[!-~]([ -~]*[!-~])?",
}
# What rule R-21 adds to what the model calls sensitive.
SENSITIVE_FOR_US = {
    "DatastoreName",
    "DICOMAttribute",
    "ImageSetMetadataBlob",
    "JobName",
    "Message",
    "MetadataFilePath",
    "NextToken",
    "PayloadBlob",
    "S3Uri",
    "TagMap",
}


# ── The checks ────────────────────────────────────────────────────────────────


def differences(model: Mapping[str, Any], paginators: Mapping[str, Any]) -> list[str]:
    """What the models, cards, enums and errors say otherwise than the service's model does."""
    service = ServiceModel(model)
    shapes = {name: service.shape_for(name) for name in service.shape_names}
    structures = [shape for shape in shapes.values() if isinstance(shape, StructureShape)]
    exceptions = [shape for shape in structures if shape.metadata.get("exception")]
    enums = [shape for shape in shapes.values() if shape.metadata.get("enum")]
    models = [shape for shape in structures if shape not in exceptions]
    operations = {name: service.operation_model(name) for name in service.operation_names}
    known = [operation for name, operation in operations.items() if name in BY_NAME]
    checks: list[Iterator[str]] = [
        _names("operation", list(operations), BY_NAME),
        _names("structure", [shape.name for shape in models], MODELS),
        _names("enum", [shape.name for shape in enums], ENUMS),
        _names("error", [shape.name for shape in exceptions], MODELLED_ERRORS),
        *(_card(operation, model["operations"][operation.name]) for operation in known),
        *(_pages(BY_NAME[operation.name], paginators) for operation in known),
        *(_constraints_of_request(operation) for operation in known),
        *(_structure(shape) for shape in models if shape.name in MODELS),
        *(_sensitivity(shape) for shape in models if shape.name in MODELS),
        *(_enum(shape) for shape in enums if shape.name in ENUMS),
        *(_error(shape) for shape in exceptions if shape.name in MODELLED_ERRORS),
    ]
    return [difference for check in checks for difference in check]


def _unequal(what: str, ours: object, theirs: object) -> Iterator[str]:
    """Of two collections, only what one gained and lost."""
    if ours == theirs:
        return
    one, other = _items(ours), _items(theirs)
    if one is None or other is None:
        yield f"{what}: ours {ours}, the service's {theirs}"
        return
    yield from (f"{what}: the service adds {item}" for item in sorted(other - one))
    yield from (f"{what}: the service no longer has {item}" for item in sorted(one - other))


def _items(thing: Any) -> set[str] | None:
    if isinstance(thing, dict):
        pairs = cast("dict[str, object]", thing).items()
        return {f"{key}={value}" for key, value in pairs}
    if isinstance(thing, set):
        return {str(item) for item in cast("set[object]", thing)}
    return None


def _names(kind: str, theirs: list[str], ours: Mapping[str, object]) -> Iterator[str]:
    yield from (f"{kind} {name} is missing" for name in theirs if name not in ours)
    yield from (f"{kind} {name} is ours alone" for name in ours if name not in theirs)


def _card(operation: OperationModel, traits: Mapping[str, Any]) -> Iterator[str]:
    card, name = BY_NAME[operation.name], operation.name
    request, response = asked(operation), answered(operation)
    uri = card.path.format_map(
        {label: f"{{{_wire(card.request, label)}}}" for label in card.labels}
    )
    prefix = traits.get("endpoint", {}).get("hostPrefix", "")
    yield from _unequal(f"{name} method", card.method, operation.http["method"])
    yield from _unequal(f"{name} URI", uri, operation.http["requestUri"])
    yield from _unequal(f"{name} host prefix", card.host_prefix, prefix)
    yield from _unequal(f"{name} request", card.request.__name__, request.name)
    yield from _unequal(f"{name} response", card.response.__name__, response.name)
    ours = {error.__name__ for error in card.errors}
    yield from _unequal(f"{name} errors", ours, {shape.name for shape in operation.error_shapes})
    yield from _unequal(f"{name} repetition", card.repetition, _repetition(operation, traits))
    theirs = _located(request)
    yield from _unequal(
        f"{name} labels",
        {name: name for name in card.labels},
        {name: xform_name(key) for name, key in theirs.pop("uri", {}).items()},
    )
    yield from _unequal(f"{name} query", dict(card.query), theirs.pop("querystring", {}))
    yield from _unequal(f"{name} payload", card.payload, _payload(request))
    yield from _unequal(f"{name} members elsewhere in the request", {}, theirs)
    theirs = _located(response)
    yield from _unequal(f"{name} headers", dict(card.headers), theirs.pop("header", {}))
    yield from _unequal(f"{name} blob", card.blob, _payload(response))
    yield from _unequal(f"{name} members elsewhere in the answer", {}, theirs)


def _wire(model: type[AttrsInstance], name: str) -> str:
    return wire_name(attrs.fields_dict(model)[name])


def _located(shape: StructureShape) -> dict[str, dict[str, str]]:
    """Location -> attribute -> name at that location."""
    located: dict[str, dict[str, str]] = {}
    for name, member in shape.members.items():
        where = member.serialization.get("location")
        if where:
            names = located.setdefault(where, {})
            names[xform_name(name)] = member.serialization.get("name", name)
    return located


def _payload(shape: StructureShape) -> str | None:
    payload = shape.serialization.get("payload")
    return xform_name(payload) if payload else None


def _repetition(operation: OperationModel, traits: Mapping[str, Any]) -> Repetition | None:
    if traits.get("readonly"):
        return Repetition.READ
    if traits.get("idempotent"):
        return Repetition.TOKEN if operation.idempotent_members else Repetition.IDEMPOTENT
    return REPETITION_WITHOUT_A_TRAIT.get(operation.name)


def _pages(card: Operation[Any, Any], paginators: Mapping[str, Any]) -> Iterator[str]:
    keys = paginators["pagination"].get(card.name)
    if keys is None:
        yield from _unequal(f"{card.name} items", card.items, None)
        return
    ours = {
        "input_token": _wire(card.request, "next_token"),
        "output_token": _wire(card.response, "next_token"),
        "limit_key": _wire(card.request, "max_results"),
        "result_key": _wire(card.response, card.items) if card.items else None,
    }
    yield from _unequal(f"{card.name} pagination", ours, {key: keys[key] for key in ours})


def _structure(shape: StructureShape) -> Iterator[str]:
    model = MODELS[shape.name]
    ours = {wire_name(attribute): attribute for attribute in attrs.fields(model)}
    yield from _names(f"member of {shape.name}", list(shape.members), ours)
    yield from _unequal(
        f"{shape.name} union", issubclass(model, TaggedUnion), shape.is_tagged_union
    )
    for name, member in shape.members.items():
        if name in ours:
            yield from _member(shape, name, member, ours[name])


def _member(
    shape: StructureShape, name: str, member: Shape, ours: "attrs.Attribute[object]"
) -> Iterator[str]:
    where = f"{shape.name}.{ours.name}"
    required = name in shape.required_members
    token = bool(member.metadata.get("idempotencyToken"))
    type_ = _type(member)
    yield from _unequal(f"{where} name", ours.name, xform_name(name))
    if where in OPTIONAL_FOR_US or token:
        factory = new_client_token if token else type_
        yield from _unequal(f"{where} default", ours.default, attrs.Factory(cast("Any", factory)))
    else:
        default = attrs.NOTHING if required else None
        yield from _unequal(f"{where} default", ours.default, default)
        type_ = type_ if required else type_ | None
    yield from _unequal(f"{where} type", ours.type, type_)


def _type(shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return MODELS.get(shape.name) or _unknown(shape.name)
    if isinstance(shape, ListShape):
        return list[_type(shape.member)]  # type: ignore[misc]  # a type made at run time
    if isinstance(shape, MapShape):
        return dict[_type(shape.key), _type(shape.value)]  # type: ignore[misc]  # likewise
    if shape.metadata.get("enum"):
        return ENUMS.get(shape.name) or _unknown(shape.name)
    types: dict[str, type] = {
        "blob": bytes,
        "boolean": bool,
        "integer": int,
        "string": str,
        "timestamp": datetime,
    }
    return types.get(shape.type_name) or _unknown(shape.type_name)


def _unknown(name: str) -> Any:
    """In the place of a type that the service has and we do not."""
    return type(name, (), {})


def _constraints_of_request(operation: OperationModel) -> Iterator[str]:
    """Each member that can be in a request has exactly the constraint of its shape."""
    unseen, seen = [asked(operation)], set[str]()
    while unseen:
        shape = unseen.pop()
        if shape.name in seen or shape.name not in MODELS:
            continue
        seen.add(shape.name)
        ours = {wire_name(attribute): attribute for attribute in attrs.fields(MODELS[shape.name])}
        for name, member in shape.members.items():
            if name in ours:
                where = f"{shape.name}.{ours[name].name} constraint"
                yield from _unequal(where, repr(ours[name].validator), repr(_constraint(member)))
            inner = member.member if isinstance(member, ListShape) else member
            unseen += [inner] if isinstance(inner, StructureShape) else []


def _constraint(shape: Shape) -> Constraint:
    limits = {key: shape.metadata.get(key) for key in ("min", "max")}
    match shape:
        case StructureShape():
            constraint: Constraint = Structure(MODELS.get(shape.name) or _unknown(shape.name))
        case ListShape():
            constraint = ListOf(_constraint(shape.member), **limits)
        case MapShape():
            constraint = MapOf(_constraint(shape.key), _constraint(shape.value))
        case Shape(type_name="string") if shape.metadata.get("enum"):
            constraint = Choice(ENUMS.get(shape.name) or _unknown(shape.name))
        case Shape(type_name="string"):
            pattern = shape.metadata.get("pattern")
            constraint = Text(PATTERNS.get(str(pattern), pattern), **limits)
        case Shape(type_name="integer"):
            constraint = Integer(**cast("dict[str, int]", limits))
        case Shape(type_name="blob"):
            constraint = Blob(**limits)
        case Shape(type_name="boolean"):
            constraint = Boolean()
        case _:
            constraint = Timestamp()
    return constraint


def _sensitivity(shape: StructureShape) -> Iterator[str]:
    for attribute in attrs.fields(MODELS[shape.name]):
        member = shape.members.get(wire_name(attribute))
        if member is None or attribute.repr is redacted:
            continue
        inner = member.member if isinstance(member, ListShape) else member
        if any(_is_sensitive(each) for each in (shape, member, inner)):
            yield f"{shape.name}.{attribute.name} is not redacted"


def _is_sensitive(shape: Shape) -> bool:
    return bool(shape.metadata.get("sensitive")) or shape.name in SENSITIVE_FOR_US


def _enum(shape: Shape) -> Iterator[str]:
    theirs = {_constant(value): value for value in shape.metadata["enum"]}
    ours = {member.name: member.value for member in ENUMS[shape.name]}
    yield from _unequal(f"{shape.name} members", ours, theirs)


def _constant(value: str) -> str:
    return value if value.upper() == value else xform_name(value).upper()


def _error(shape: StructureShape) -> Iterator[str]:
    error = MODELLED_ERRORS[shape.name]
    yield from _unequal(
        f"{shape.name} status", error.http_status, shape.metadata["error"]["httpStatusCode"]
    )
    yield from _unequal(f"{shape.name} members", ["message"], list(shape.members))
    yield from _unequal(f"{shape.name} class", getattr(errors, shape.name, None), error)
