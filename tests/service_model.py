"""botocore's model of the service beside our classes for it, and values from one to the other."""

from collections.abc import Mapping
from enum import Enum
from types import ModuleType
from typing import Any, cast

import attrs
from attrs import AttrsInstance
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from healthimaging_sdk import operations
from healthimaging_sdk._naming import wire_name
from healthimaging_sdk._shapes import OpenEnum


def load(kind: str) -> dict[str, Any]:
    """A fresh copy of botocore's JSON: "service-2" or "paginators-1"."""
    raw: dict[str, Any] = Loader().load_service_model("medical-imaging", kind)
    return raw


def _classes_of(family: ModuleType) -> list[type]:
    own = [value for value in vars(family).values() if isinstance(value, type)]
    return [cls for cls in own if cls.__module__ == family.__name__]


CLASSES = [cls for family in operations.FAMILIES for cls in _classes_of(family)]
MODELS: Mapping[str, type[AttrsInstance]] = {cls.__name__: cls for cls in CLASSES if attrs.has(cls)}
ENUMS: Mapping[str, type[OpenEnum]] = {
    cls.__name__: cls for cls in CLASSES if issubclass(cls, OpenEnum)
}
MODEL = ServiceModel(load("service-2"))


def asked(operation: OperationModel) -> StructureShape:
    assert isinstance(operation.input_shape, StructureShape)
    return operation.input_shape


def answered(operation: OperationModel) -> StructureShape:
    assert isinstance(operation.output_shape, StructureShape)
    return operation.output_shape


def from_params(shape: Shape, value: Any) -> Any:
    """botocore's parameters, or what its parsers give, as ours."""
    if value is None:
        return None
    if isinstance(shape, StructureShape):
        members = {
            xform_name(name): from_params(shape.members[name], member)
            for name, member in value.items()
        }
        return MODELS[shape.name](**members)
    if isinstance(shape, ListShape):
        return [from_params(shape.member, item) for item in value]
    return value


def as_params(value: object) -> Any:
    """Ours as botocore's parameters, without what is `None`, in the order in which we write."""
    kind: type[object] = type(value)
    if attrs.has(kind):
        return {
            wire_name(attribute): as_params(getattr(value, attribute.name))
            for attribute in sorted(attrs.fields(kind), key=lambda each: each.default is None)
            if getattr(value, attribute.name) is not None
        }
    if isinstance(value, list):
        return [as_params(item) for item in cast("list[object]", value)]
    return value.value if isinstance(value, Enum) else value
