"""Models to JSON values and back: the only door to cattrs.

AWS's JSON has epoch seconds for timestamps and base64 for blobs. Strict where the service's
model is strict (a number is not a string), lenient where the rules say so (R-15): unknown
members are passed over, a null list is empty, a timestamp may be ISO text.
"""

import base64
import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin

import attrs
from attrs import AttrsInstance
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from healthimaging_sdk._naming import wire_name
from healthimaging_sdk._shapes import OpenEnum, TaggedUnion
from healthimaging_sdk.errors import ParamValidationError

Model = TypeVar("Model", bound=AttrsInstance)
Read = Callable[[Any, Any], Any]
Write = Callable[[Any], dict[str, Any]]

_SCALARS: Mapping[type, str] = {str: "a string", int: "an integer", bool: "a boolean"}

# Longer ones fit no member, and reading a very long one is an error of its own.
_INTEGER = "-?[0-9]{1,18}"


class Misfit(ValueError):
    """A value that does not fit the model, in words that do not repeat the value."""


def to_wire_value(model: AttrsInstance) -> dict[str, object]:
    value: dict[str, object] = _answers.unstructure(model)
    return value


def structure_response(value: Mapping[str, object], model: type[Model]) -> Model:
    """An answer as its model. Raises `Misfit` with the path of each member that does not fit."""
    try:
        return _answers.structure(value, model)
    except (Misfit, KeyError, ParamValidationError):
        # The quick converter does not know where it was; the patient one does.
        raise Misfit(_explain(value, model)) from None


def structure_request(value: Mapping[str, object], model: type[Model]) -> Model:
    """A request as its model, for the emulator. Raises `Misfit` likewise."""
    try:
        return _converter(explained=True, lenient_unions=False).structure(value, model)
    except BaseValidationError as error:
        raise Misfit(_explanation(error)) from None


def from_query(texts: list[str], annotation: object) -> object:
    """A query parameter as the JSON value that its attribute's type asks for."""
    kinds = get_args(annotation) or (annotation,)
    if list[str] in (annotation, *kinds):
        return texts
    text = texts[-1]
    if bool in kinds:
        return {"true": True, "false": False}.get(text, text)
    if int in kinds:
        return int(text) if re.fullmatch(_INTEGER, text) else text
    return text


def _explain(value: Mapping[str, object], model: type[Model]) -> str:
    try:
        _converter(explained=True, lenient_unions=True).structure(value, model)
    except BaseValidationError as error:
        return _explanation(error)
    return "the answer does not fit"  # pragma: no cover - both converters agree


def _explanation(error: BaseValidationError) -> str:
    return "; ".join(transform_error(error, format_exception=_in_words))


def _in_words(error: BaseException, _: type | None) -> str:
    match error:
        case KeyError():
            return "required member missing"
        case Misfit() | ParamValidationError():
            return str(error)
        case _:
            return f"cannot be read ({type(error).__name__})"


def _timestamp_reader(*, optional: bool) -> Read:
    from_epoch = datetime.fromtimestamp  # bound once: a sixth of its cost

    def read(value: object, _: object) -> datetime | None:
        try:
            if type(value) is float or type(value) is int:  # and not bool, which is an int too
                return from_epoch(value, UTC)
            if optional and value is None:
                return None
            if isinstance(value, str):
                return _timestamp_text(value)
        except (ValueError, OverflowError, OSError):
            pass
        raise Misfit("not a timestamp")

    return read


def _timestamp_text(value: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except ValueError:
        moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _epoch_seconds(value: datetime) -> float:
    moment = value.astimezone(UTC)
    seconds = calendar.timegm(moment.timetuple())
    if not moment.microsecond:
        return seconds
    # Divided once, as botocore does: a sum of fractions would be rounded twice.
    return (seconds * 1_000_000 + moment.microsecond) / 1_000_000


def _blob(value: object, _: object) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except ValueError:
        pass
    raise Misfit("not base64")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _scalar_reader(kind: type, *, optional: bool) -> Read:
    def read(value: object, _: object) -> object:
        # Not isinstance: a bool is no integer in JSON.
        if type(value) is kind or (optional and value is None):
            return value
        raise Misfit(f"not {_SCALARS[kind]}")

    return read


_text = _scalar_reader(str, optional=False)


def _object(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value)  # JSON has no other keys
    raise Misfit("not an object")


def _open_enum(value: object, enum: type[OpenEnum]) -> object:
    """For the enums of a list: those of a model have readers of their own."""
    return _enum_reader(enum, optional=False)(value, enum)


@cache
def _enum_reader(enum: type[OpenEnum], *, optional: bool) -> Read:
    known: dict[object, OpenEnum | None] = {member.value: member for member in enum}
    if optional:
        known[None] = None

    def read(value: object, _: object) -> OpenEnum | None:
        try:
            return known[value]
        except (KeyError, TypeError):  # an unknown value, or none that can be a key
            if isinstance(value, str):
                return enum(value)
            raise Misfit("not a string") from None

    return read


def _is_union(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, TaggedUnion)


# ── The converters ────────────────────────────────────────────────────────────


def _overrides(model: type[AttrsInstance], *, omit_none: bool) -> dict[str, Any]:
    return {
        attribute.name: override(
            rename=wire_name(attribute),
            omit_if_default=omit_none and attribute.default is None,
            struct_hook=_quick_reader(attribute.type),
        )
        for attribute in attrs.fields(model)
    }


def _quick_reader(kind: Any) -> Read | None:
    """For what pages have by the thousand: one call a value, where cattrs would make two."""
    optional = _is_optional(kind)
    known = _known(kind) if optional else kind
    if known is datetime:
        return _timestamp_reader(optional=optional)
    if known in _SCALARS:
        return _scalar_reader(known, optional=optional)
    if isinstance(known, type) and issubclass(known, OpenEnum):
        return _enum_reader(known, optional=optional)
    return None


def _model_writer(model: type[AttrsInstance], converter: Converter) -> Write:
    return make_dict_unstructure_fn(model, converter, **_overrides(model, omit_none=True))


def _model_reader(model: type[AttrsInstance], converter: Converter) -> Read:
    overrides = _overrides(model, omit_none=False)
    return _object_reader(make_dict_structure_fn(model, converter, **overrides))


def _object_reader(read_members: Read) -> Read:
    def read(value: Any, kind: Any) -> object:
        if not isinstance(value, dict):
            raise Misfit("not an object")
        return read_members(value, kind)

    return read


def _lenient_union_reader(union: type[AttrsInstance], converter: Converter) -> Read:
    read_known_member = _model_reader(union, converter)
    members = [wire_name(attribute) for attribute in attrs.fields(union)]

    def read(value: object, kind: Any) -> object:
        content = _object(value)
        if all(content.get(member) is None for member in members):
            return _union_of_an_unknown_member(union)
        return read_known_member(content, kind)

    return read


def _union_of_an_unknown_member(union: type[AttrsInstance]) -> object:
    """No member is set: the service sent one that this version does not know.

    Past `__init__`, which rightly refuses that of a caller.
    """
    unknown = object.__new__(union)
    for attribute in attrs.fields(union):
        object.__setattr__(unknown, attribute.name, None)
    return unknown


def _list_reader(kind: type[list[Any]], converter: Converter) -> Read:
    read_items = list_structure_factory(kind, converter)

    def read(value: object, kind: Any) -> object:
        if value is None:
            return []
        if not isinstance(value, list):
            raise Misfit("not a list")
        items = cast("list[object]", value)
        if None in items:
            items = [item for item in items if item is not None]
        return read_items(items, kind)

    return read


def _text_map(value: object, _: object) -> dict[str, str]:
    if value is None:
        return {}
    return {key: _text(item, str) for key, item in _object(value).items() if item is not None}


def _optional_reader(kind: Any, converter: Converter) -> Read:
    known = _known(kind)
    # Found once: cattrs itself would look for it at every value.
    read_known = converter.get_structure_hook(known)

    def read(value: object, _: object) -> object:
        return None if value is None else read_known(value, known)

    return read


def _known(optional: Any) -> Any:
    (known,) = (each for each in get_args(optional) if each is not NoneType)
    return known


def _is_optional(kind: object) -> bool:
    return isinstance(kind, UnionType) and NoneType in kind.__args__ and len(kind.__args__) == 2


def _is_list(kind: object) -> bool:
    return get_origin(kind) is list


def _is_text_map(kind: object) -> bool:
    return kind == dict[str, str]


@cache
def _converter(*, explained: bool, lenient_unions: bool) -> Converter:
    converter = Converter(detailed_validation=explained)
    converter.register_structure_hook(datetime, _timestamp_reader(optional=False))
    converter.register_unstructure_hook(datetime, _epoch_seconds)
    converter.register_structure_hook(bytes, _blob)
    converter.register_unstructure_hook(bytes, _base64)
    for scalar in _SCALARS:
        converter.register_structure_hook(scalar, _scalar_reader(scalar, optional=False))
    # By type, since the enums are texts too, and a hook for a base comes before one by function.
    converter.register_structure_hook(OpenEnum, _open_enum)
    converter.register_structure_hook_func(_is_text_map, _text_map)
    converter.register_structure_hook_factory(_is_list, _list_reader)
    converter.register_structure_hook_factory(_is_optional, _optional_reader)
    converter.register_structure_hook_factory(attrs.has, _model_reader)
    converter.register_unstructure_hook_factory(attrs.has, _model_writer)
    if lenient_unions:
        converter.register_structure_hook_factory(_is_union, _lenient_union_reader)
    return converter


_answers = _converter(explained=False, lenient_unions=True)
