"""JSON in: strict, and with msgspec where it is installed. Results are the same either way."""

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, TypeAlias

try:
    import msgspec
except ImportError:  # the extra `speedups` is not installed
    msgspec = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from msgspec import Raw

from healthimaging_sdk._collector import collector_held_off

JSONText: TypeAlias = "bytes | Raw"

LARGE = 256 * 1024
"""Bytes from which the garbage collector is worth holding off."""

_MAY_HAVE_SURROGATES = rb"\\u[dD][89a-fA-F]"


class NotJSON(ValueError):
    """The bytes are not JSON; the text of the error never repeats them."""


def loads(data: JSONText) -> object:
    """Parse UTF-8 JSON. `NaN`, `Infinity` and lone surrogates are refused (rule R-15).

    So are integers and depths beyond the interpreter's own limits. The last of two equal keys wins.
    """
    if len(data) < LARGE:
        return _parse(data)
    with collector_held_off():
        return _parse(data)


def split(data: JSONText) -> "dict[str, Raw] | None":
    """The members of a JSON object, each to be parsed later; a tenth of the time of parsing all.

    `None` if this is not the text of an object, or msgspec is not installed.
    """
    if msgspec is not None:
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            return msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    return None


def _parse(data: JSONText) -> object:
    if msgspec is not None:
        try:
            return msgspec.json.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # the standard library has the last word on what is JSON
    try:
        value = json.loads(str(data, "utf-8"), parse_constant=_refuse)
        if re.search(_MAY_HAVE_SURROGATES, data):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        # JSONDecodeError.doc and UnicodeDecodeError.object hold the whole document.
        raise NotJSON(type(error).__name__) from None
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
